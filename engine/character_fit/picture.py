# SPDX-License-Identifier: GPL-3.0-or-later
"""A surface seen from somewhere: which triangle is in front at each pixel, and who sees what.

Convention: a view is a (3, 3) rotation that takes the surface to face space, where the observer
stands in front of the face (-Y) and sees it without perspective. Column u of the picture goes to
the character's left (+X), row v down (-Z).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..head.parts import gaze_rotation
from .surface import Indices, Points, Surface, unit_length

_AMBIENT = 0.35
_BATCH = 250_000
"""Pixels that are tested at once."""
_AWAY = -1
_EDGE = 1e-9
_LOOKS = ((0.0, 0.0), (0.0, 0.9), (0.0, -0.9), (0.6, 0.0), (-0.6, 0.0))
"""Pitch and yaw of the face, in radians."""
_SEEN_PIXEL_MM = 1.5
_SEEN_SLACK_MM = 1.5


@dataclass(frozen=True)
class Picture:
    """triangle: (H, W) int64, -1 where there is nothing. barycentric: (H, W, 3). depth: (H, W),
    smaller is nearer. corner: (2,) face-space x and z of the upper left pixel. pixel: its size."""

    triangle: Indices
    barycentric: Points
    depth: Points
    corner: Points
    pixel: float

    def place(self, surface: Surface, column: float, row: float) -> Points | None:
        """(3,) place of the surface that is seen at a pixel, None where there is nothing."""
        height, width = self.triangle.shape
        v, u = round(row), round(column)
        if not (0 <= v < height and 0 <= u < width) or self.triangle[v, u] == _AWAY:
            return None
        corners = surface.points[surface.triangles[self.triangle[v, u]]]
        place: Points = self.barycentric[v, u] @ corners
        return place

    def shaded(
        self, surface: Surface, view: Points, light_from: tuple[float, float, float]
    ) -> npt.NDArray[np.uint8]:
        """(H, W, 3) RGB of the surface in grey, lit from a direction of face space."""
        turned = Surface(surface.points @ view.T, surface.triangles)
        normals = turned.vertex_normals()[surface.triangles]
        seen = self.triangle != _AWAY
        facing = np.einsum("pk,pkc->pc", self.barycentric[seen], normals[self.triangle[seen]])
        light = np.clip(unit_length(facing) @ unit_length(np.array(light_from)), 0.0, 1.0)
        grey = np.full(self.triangle.shape, 0.2)
        grey[seen] = _AMBIENT + (1.0 - _AMBIENT) * light
        return np.repeat((grey * 230.0).astype(np.uint8)[..., None], 3, axis=2)


def take_picture(
    surface: Surface, view: Points, low: Points, high: Points, pixel: float
) -> Picture:
    """What is in front, between corners low and high (2,) of the view's x and z."""
    turned = surface.points @ view.T
    width, height = np.ceil((high - low) / pixel).astype(int) + 1
    corners = turned[surface.triangles]
    u = (corners[..., 0] - low[0]) / pixel
    v = (high[1] - corners[..., 2]) / pixel
    seen, at, weights = _covered(np.stack([u, v], axis=-1), int(width), int(height))
    depth = np.einsum("pk,pk->p", weights, corners[seen][..., 1])
    order = np.argsort(-depth, kind="stable")  # the nearest is written last
    shape = (int(height), int(width))
    triangle = np.full(shape[0] * shape[1], _AWAY)
    barycentric = np.zeros((shape[0] * shape[1], 3))
    depths = np.full(shape[0] * shape[1], np.inf)
    triangle[at[order]] = seen[order]
    barycentric[at[order]] = weights[order]
    depths[at[order]] = depth[order]
    return Picture(
        triangle.reshape(shape),
        barycentric.reshape(*shape, 3),
        depths.reshape(shape),
        np.array([low[0], high[1]]),
        pixel,
    )


def seen_vertices(surface: Surface) -> npt.NDArray[np.bool_]:
    """(V,) which vertices of a face in our space are seen from the front or half from the side.

    The inside of the mouth and what lies behind the lids are not.
    """
    found = np.zeros(len(surface.points), bool)
    pixel = _SEEN_PIXEL_MM
    for pitch, yaw in _LOOKS:
        view = gaze_rotation(pitch, yaw)
        turned = surface.points @ view.T
        plane = turned[:, [0, 2]]
        picture = take_picture(surface, view, plane.min(axis=0), plane.max(axis=0), pixel)
        u = np.round((plane[:, 0] - picture.corner[0]) / pixel).astype(int)
        v = np.round((picture.corner[1] - plane[:, 1]) / pixel).astype(int)
        found |= turned[:, 1] <= picture.depth[v, u] + _SEEN_SLACK_MM
    return found


def _covered(corners: Points, width: int, height: int) -> tuple[Indices, Indices, Points]:
    """Pixels under triangles (F, 3, 2): triangle (p,), pixel (p,), barycentric weights (p, 3)."""
    low = np.floor(corners.min(axis=1)).astype(int)
    size = (np.ceil(corners.max(axis=1)).astype(int) - low).max(axis=1) + 1
    outside = (corners.max(axis=1) < 0).any(axis=1) | (low >= [width, height]).any(axis=1)
    found: list[tuple[Indices, Indices, Points]] = []
    largest = 1
    todo = np.flatnonzero(~outside & (size <= 2 * max(width, height)))
    while len(todo):
        now, todo = todo[size[todo] <= largest], todo[size[todo] > largest]
        step = max(1, _BATCH // largest**2)
        for begin in range(0, len(now), step):
            some = now[begin : begin + step]
            found.append(_inside(some, corners[some], low[some], largest, (width, height)))
        largest *= 2
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 3))
    triangle, pixel, weights = zip(*found, strict=True)
    return np.concatenate(triangle), np.concatenate(pixel), np.concatenate(weights)


def _inside(
    numbers: Indices, corners: Points, low: Indices, size: int, shape: tuple[int, int]
) -> tuple[Indices, Indices, Points]:
    """The pixels of a square of `size` at `low` (n, 2) that lie inside triangles (n, 3, 2)."""
    step_v, step_u = (axis.ravel() for axis in np.indices((size, size)))
    u, v = low[:, :1] + step_u, low[:, 1:] + step_v
    a, e, f = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    twice = e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0]
    e, f = (edge / np.where(np.abs(twice) > 1e-12, twice, np.inf)[:, None] for edge in (e, f))
    from_u, from_v = u - a[:, :1], v - a[:, 1:]
    s = from_u * f[:, 1:] - from_v * f[:, :1]
    t = from_v * e[:, :1] - from_u * e[:, 1:]
    inside = (s >= -_EDGE) & (t >= -_EDGE) & (s + t <= 1.0 + _EDGE) & (twice != 0.0)[:, None]
    inside &= (u >= 0) & (v >= 0) & (u < shape[0]) & (v < shape[1])
    row, step = np.nonzero(inside)
    s, t = s[row, step], t[row, step]
    pixel = v[row, step] * shape[0] + u[row, step]
    return numbers[row], pixel, np.stack([1.0 - s - t, s, t], axis=-1)
