# SPDX-License-Identifier: GPL-3.0-or-later
"""Teeth and gums: crowns lofted along elliptic dental arcs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .anatomy import Anatomy
from .pieces import Piece
from .topology import Faces, normalised
from .wheel import Points

Array = npt.NDArray[np.float64]

_ENAMEL = np.array([0.80, 0.74, 0.62])
_GUM = np.array([0.42, 0.12, 0.11])
_AROUND = 8

# Profile of a crown from the biting edge (0) to the gum (1): height, width and depth factors.
_RINGS = np.array([0.0, 0.06, 0.40, 0.80, 1.10])
_WIDTHS = (0.74, 0.92, 1.0, 0.90, 0.70)
_DEPTHS = (0.25, 0.45, 0.65, 0.95, 1.0)

# Profile of the gums: height in crowns, distance in mm in front of the arc.
_GUM_PROFILE = ((0.80, 0.4), (0.88, 1.6), (1.25, 2.2), (1.75, 1.0), (1.75, None), (0.9, None))


@dataclass(frozen=True)
class Arc:
    """One row of teeth.

    widths, heights: of the teeth from the middle to the side, mm. half_width: of the ellipse, mm.
    front_y, back_y: its foremost point and its centre, from_edge_z: biting edge, in mm relative to
    the middle of the lip seam. up: direction from the biting edge to the gum. depth: of a tooth.
    """

    helper: str
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    half_width: float
    front_y: float
    back_y: float
    edge_z: float
    up: int
    depth: float


UPPER = Arc(
    helper="helper-upper-teeth",
    widths=(8.4, 6.6, 7.4, 6.9, 6.8, 9.5),
    heights=(10.4, 9.4, 10.2, 8.8, 8.0, 7.4),
    half_width=28.5,
    front_y=4.0,
    back_y=50.0,
    edge_z=-3.5,
    up=1,
    depth=5.5,
)
LOWER = Arc(
    helper="helper-lower-teeth",
    widths=(5.5, 6.0, 6.8, 6.9, 7.0, 9.5),
    heights=(8.4, 8.4, 9.0, 8.0, 7.2, 6.6),
    half_width=27.0,
    front_y=7.6,
    back_y=51.0,
    edge_z=-2.5,
    up=-1,
    depth=5.0,
)


def teeth_piece(anatomy: Anatomy, arc: Arc) -> Piece:
    """A row of teeth with its gum; it follows the base teeth affinely, so the jaw carries it."""
    seam = anatomy.points[anatomy.seam]
    place = np.array([0.0, seam[np.argmin(np.abs(seam[:, 0]))][1], 0.0])
    place[2] = anatomy.points[[anatomy.seam[0], anatomy.front_seam[0]], 2].mean()
    curve = _curve(arc)
    chunks = [part for m in (1, -1) for part in (*_crowns(arc, curve, m), _gum(arc, curve, m))]
    points = np.concatenate([chunk[0] for chunk in chunks]) + place
    starts = np.cumsum([0, *(len(chunk[0]) for chunk in chunks)])
    faces = [
        [v + int(start) for v in face]
        for chunk, start in zip(chunks, starts, strict=False)
        for face in chunk[1]
    ]
    base = anatomy.mesh.group_vertices[arc.helper]
    frame = np.c_[anatomy.points[base], np.ones(len(base))]
    affine = np.c_[points, np.ones(len(points))] @ np.linalg.pinv(frame, rcond=1e-6)

    def follow(delta: Points) -> Points:
        moved: Points = affine @ delta[base]
        return moved

    count = len(points)
    return Piece(
        points=points,
        faces=faces,
        follow=follow,
        slots=("tooth", "gum"),
        face_slots=[chunk[3] for chunk in chunks for _ in chunk[1]],
        skin=np.zeros((count, 3)),
        hair=np.zeros(count),
        iris=np.zeros(count),
        fixed=np.concatenate([chunk[2] for chunk in chunks]),
    )


Chunk = tuple[Points, Faces, Points, int]
Curve = tuple[Array, Array, Array, Array]


def _curve(arc: Arc) -> Curve:
    """Arc length, x, y and ellipse parameter along one half of the arc."""
    t = np.linspace(0.0, np.pi / 2.0, 2000)
    x = arc.half_width * np.sin(t)
    y = arc.back_y + (arc.front_y - arc.back_y) * np.cos(t)
    length = np.r_[0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y)))]
    return length, x, y, t


def _at(arc: Arc, curve: Curve, length: float) -> tuple[Points, Points, Points]:
    """Place on the arc, tangent away from the middle, and normal out of the mouth, (3,) each."""
    lengths, x, y, t = curve
    angle = float(np.interp(length, lengths, t))
    place = np.array([np.interp(length, lengths, x), np.interp(length, lengths, y), 0.0])
    reach = arc.back_y - arc.front_y
    tangent = normalised(np.array([arc.half_width * np.cos(angle), reach * np.sin(angle), 0.0]))
    return place, tangent, np.array([tangent[1], -tangent[0], 0.0])


def _crowns(arc: Arc, curve: Curve, mirror: int) -> list[Chunk]:
    chunks = []
    start = 0.08
    angles = 2.0 * np.pi * (np.arange(_AROUND) + 0.5) / _AROUND
    ca, sa = np.cos(angles), np.sin(angles)
    squarish = 0.72  # a superellipse: flat front, rounded corners
    for width, height in zip(arc.widths, arc.heights, strict=True):
        place, tangent, outward = _at(arc, curve, start + width / 2.0)
        start += width
        rings = []
        for v, kw, kd in zip(_RINGS, _WIDTHS, _DEPTHS, strict=True):
            along = np.sign(ca) * np.abs(ca) ** squarish * width / 2.0 * kw * 0.965
            out = np.sign(sa) * np.abs(sa) ** squarish * arc.depth / 2.0 * kd
            out += -arc.depth / 2.0 + 0.6 * np.sin(np.pi * min(v, 1.0))
            ring = place + along[:, None] * tangent + out[:, None] * outward
            ring[:, 2] = arc.edge_z + arc.up * v * height
            rings.append(ring * [mirror, 1.0, 1.0])
        shade = np.repeat(1.0 - 0.22 * _RINGS, _AROUND)
        colours = shade[:, None] * _ENAMEL
        faces = _tube_faces(len(_RINGS), mirror * arc.up)
        chunks.append((np.concatenate(rings), faces, colours, 0))
    return chunks


def _tube_faces(rings: int, turn: int) -> Faces:
    faces = []
    for ring in range(rings - 1):
        for k in range(_AROUND):
            a, b = ring * _AROUND + k, ring * _AROUND + (k + 1) % _AROUND
            faces.append([a, b, b + _AROUND, a + _AROUND][::turn])
    return [*faces, list(range(_AROUND))[::-turn]]


def _gum(arc: Arc, curve: Curve, mirror: int) -> Chunk:
    """A strip with a scalloped free edge between the crowns."""
    borders = np.cumsum([0.0, *arc.widths])
    height = float(np.mean(arc.heights[:4]))
    per_tooth = 3
    stations = np.concatenate(
        [np.linspace(a, b, per_tooth, endpoint=False) for a, b in pairwise(borders)]
        + [borders[-1:]]
    )
    points = []
    for length in stations:
        tooth = min(int(np.searchsorted(borders, length, "right")) - 1, len(arc.widths) - 1)
        phase = (length - borders[tooth]) / arc.widths[tooth]
        place, _, outward = _at(arc, curve, float(length))
        for row, (v, out) in enumerate(_GUM_PROFILE):
            level = v + (0.13 * np.sin(np.pi * phase) - 0.06 if row < 2 else 0.0)
            front = -arc.depth - 2.5 if out is None else out
            point = place + front * outward
            point[2] = arc.edge_z + arc.up * level * height
            points.append(point * [mirror, 1.0, 1.0])
    rows = len(_GUM_PROFILE)
    faces = []
    for i in range(len(stations) - 1):
        for k in range(rows):
            a, b = i * rows + k, i * rows + (k + 1) % rows
            faces.append([a, a + rows, b + rows, b][:: mirror * arc.up])
    return np.array(points), faces, np.tile(_GUM, (len(points), 1)), 1
