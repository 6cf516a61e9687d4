# SPDX-License-Identifier: GPL-3.0-or-later
"""What grows: lashes, brows and a short haircut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .anatomy import SIDES, Anatomy, brow_coordinates, hairline_height
from .pieces import Piece, follower, plain
from .strands import Roots, curves, repeat_rows, ribbons, scatter, tangential
from .topology import Faces, normalised, rows_matrix, smooth_step
from .wheel import Points

Array = npt.NDArray[np.float64]

_LASH = (0.010, 0.007, 0.006)
_LASH_CLEARANCE_MM = 0.9
_BROW_HAIRS = 215  # per side
_CROWN = np.array([6.0, 128.0, 96.0])  # whorl of the hair, mm from the middle between the eyes
_SKULL_RADIUS_MM = 95.0


@dataclass(frozen=True)
class LashRow:
    """Lashes of one lid: MakeHuman's strip, hairs per quad, length in strip widths, rise in mm."""

    strip: str
    per_quad: int
    length: float
    rise_mm: float
    half_width: float


LASH_ROWS = (
    LashRow(strip="eyelashes-2", per_quad=9, length=3.6, rise_mm=4.2, half_width=0.075),
    LashRow(strip="eyelashes-1", per_quad=5, length=1.7, rise_mm=-1.0, half_width=0.045),
)


def lash_piece(anatomy: Anatomy, random: np.random.Generator) -> Piece:
    """Lashes of all lids. Each hair is extrapolated from a quad of the base mesh's lash strips,
    so that it follows lids and identity."""
    rows: list[dict[int, float]] = []
    rises: list[list[float]] = []
    for side in SIDES:
        for row in LASH_ROWS:
            for quad in _root_quads(anatomy, side, row.strip):
                for place in (np.arange(row.per_quad) + 0.5) / row.per_quad:
                    start = place + random.uniform(-0.05, 0.05)
                    end = start + random.uniform(-0.3, 0.3)
                    tip = row.length * random.uniform(0.7, 1.1)
                    for x, y in (
                        (start - row.half_width, 0.0),
                        (start + row.half_width, 0.0),
                        (end, tip),
                    ):
                        shares = ((1 - x) * (1 - y), x * (1 - y), x * y, (1 - x) * y)
                        rows.append(dict(zip(quad, shares, strict=True)))
                        rises.append([0.0, 0.0, row.rise_mm if y else 0.0])
    matrix = rows_matrix(rows, len(anatomy.points))
    points = matrix @ anatomy.points
    points += _off_the_ball(anatomy, points) + np.array(rises)
    faces: Faces = np.arange(len(points)).reshape(-1, 3).tolist()
    return plain(points, faces, follower(matrix), slot="lash", colour=_LASH)


def _off_the_ball(anatomy: Anatomy, points: Points) -> Points:
    """(V, 3) shift of lash hairs (three vertices each) that lifts their roots onto the lids."""
    roots = points.reshape(-1, 3, 3)[:, :2].mean(1)
    shift = np.zeros_like(roots)
    for ball in anatomy.eyes.values():
        offset = roots - ball.centre
        distance = np.linalg.norm(offset, axis=1)
        lift = np.maximum(ball.radius + _LASH_CLEARANCE_MM - distance, 0.0)
        near = distance < 2.0 * ball.radius
        shift += (near * lift / distance)[:, None] * offset
    return np.repeat(shift, 3, axis=0)


def _root_quads(anatomy: Anatomy, side: str, strip: str) -> list[list[int]]:
    """Quads of a lash strip next to the lid, root edge first, counter-clockwise kept."""
    ball = anatomy.eyes[side]
    quads = []
    for face in anatomy.mesh.group_faces(f"helper-{side}-{strip}"):
        if len(face) != 4:
            continue
        distance = np.linalg.norm(anatomy.points[face] - ball.centre, axis=1)
        if distance.min() > 1.036 * ball.radius:
            continue  # the second row of the strip
        first = min(range(4), key=lambda k: distance[k] + distance[(k + 1) % 4])
        quads.append([face[(first + k) % 4] for k in range(4)])
    return quads


def brow_piece(anatomy: Anatomy, surface: tuple[Any, Faces], random: np.random.Generator) -> Piece:
    """Fine short hairs on the brows, rooted in the subdivided skin."""
    matrix, faces = surface
    points = matrix @ anatomy.points
    along, above = brow_coordinates(points - anatomy.eye_middle)
    thick = 3.1 * (1.05 - 0.62 * np.clip(along, 0.0, 1.0) ** 1.5)
    density = np.exp(-((above / thick) ** 4)) * (0.25 + 0.75 * smooth_step(along, -0.02, 0.25))
    density *= (along > -0.06) * (1.0 - smooth_step(along, 0.90, 1.06))
    density *= (points - anatomy.eye_middle)[:, 1] < 24.5
    roots = scatter(points, matrix, faces, density=density, count=2 * _BROW_HAIRS, random=random)
    t, s = brow_coordinates(roots.places - anatomy.eye_middle)
    outward = np.sign(roots.places[:, 0])
    rise = np.clip(0.75 - 1.5 * t, -0.45, 0.75) - 0.10 * s * np.clip(t + 0.2, 0.0, 1.0)
    wanted = np.stack([outward * (0.55 + 0.7 * t), 0.25 + 0.6 * t, rise], 1)
    wanted += random.normal(0.0, 0.12, wanted.shape)
    directions = tangential(wanted, roots.normals)
    length = random.uniform(3.2, 6.2, len(t)) * (1.0 - 0.25 * smooth_step(t, 0.6, 1.0))
    width = random.uniform(0.20, 0.34, len(t))
    raised = Roots(roots.places + 0.12 * roots.normals, roots.normals, roots.matrix)
    blades, triangles = ribbons(
        raised, directions, length, width, random.uniform(0.10, 0.20, len(t))
    )
    return plain(
        blades,
        triangles,
        follower(repeat_rows(roots.matrix, 3)),
        slot="brow",
        colour=(0.0, 0.0, 0.0),
        hair=np.repeat(random.uniform(0.7, 1.5, len(t)), 3),
    )


@dataclass(frozen=True)
class Haircut:
    """How a version of the hair is made. count: ribbons. width_mm: of each. knots: per ribbon."""

    count: int
    width_mm: float
    knots: int


RENDER_HAIR = Haircut(count=10000, width_mm=0.9, knots=4)
PREVIEW_HAIR = Haircut(count=1300, width_mm=3.4, knots=3)


@dataclass(frozen=True)
class Hair:
    """A haircut: the mesh, its roots (one per ribbon) and vertices per ribbon."""

    piece: Piece
    roots: Roots
    vertices_per_ribbon: int


def grow_hair(
    anatomy: Anatomy, surface: tuple[Any, Faces], cut: Haircut, random: np.random.Generator
) -> Hair:
    """Short hair that radiates from the crown and is combed forward and to the side."""
    matrix, faces = surface
    points = matrix @ anatomy.points
    scalp = np.clip(matrix @ anatomy.scalp, 0.0, 1.0)
    density = smooth_step(scalp, 0.10, 0.75) * (matrix @ anatomy.ear_flap < 0.2)
    level = points[:, 2] - anatomy.eye_middle[2]
    density *= (scalp > 0.45) | (level > 15.0)  # no stray hairs about the ears
    roots = scatter(points, matrix, faces, density=density, count=cut.count, random=random)
    place = roots.places - anatomy.eye_middle
    comb = tangential(_comb(place) + random.normal(0.0, 0.16, place.shape), roots.normals)
    length, lift = _length_and_lift(place)
    length *= random.uniform(0.75, 1.15, cut.count)
    lift *= random.uniform(0.55, 1.25, cut.count)
    s = np.linspace(0.0, 1.0, cut.knots)[None, :, None]
    reach = s * length[:, None, None]
    off = lift[:, None, None] * np.sin(0.5 * np.pi * np.minimum(1.6 * s, 1.0)) - 0.8
    bend = reach**2 / (2.0 * _SKULL_RADIUS_MM)
    sag = np.array([0.0, 0.0, -1.0]) * (0.10 * reach**2 / 20.0)
    normal = roots.normals[:, None]
    paths = roots.places[:, None] + comb[:, None] * reach + normal * (off - bend) + sag
    taper = np.concatenate([np.full(cut.knots - 1, 1.0), [0.0]]) * 0.5 * cut.width_mm
    side = normalised(np.cross(roots.normals, comb))[:, None] * taper[None, :, None]
    ribbon, polygons = curves(paths, side)
    per = 2 * cut.knots - 1
    shade = np.repeat(random.uniform(0.65, 1.6, cut.count), per)
    shade *= np.tile(np.r_[np.linspace(0.7, 1.0, cut.knots).repeat(2)[:-1]], cut.count)
    piece = plain(
        ribbon,
        polygons,
        follower(repeat_rows(roots.matrix, per)),
        slot="hair",
        colour=(0.0, 0.0, 0.0),
        hair=shade,
    )
    return Hair(piece, roots, per)


def _comb(place: Points) -> Array:
    """(S, 3) direction of growth for places relative to the middle between the eyes."""
    away = normalised(place - _CROWN)
    front = smooth_step(-place[:, 1], -60.0, 10.0) * smooth_step(place[:, 2], 40.0, 75.0)
    swirl = normalised(np.cross(away, np.array([0.0, 0.0, 1.0]))) * 0.25
    sweep = np.array([0.75, 0.0, 0.15]) * front[:, None]
    combed: Array = away + swirl + sweep + np.array([0.0, 0.0, -0.15])
    return combed


def _length_and_lift(place: Points) -> tuple[Array, Array]:
    """(S,) mm of length and of height above the skin."""
    top = smooth_step(place[:, 2], 45.0, 95.0)
    front = smooth_step(-place[:, 1], -70.0, 10.0) * top
    inside = smooth_step(hairline_height(place), 0.0, 22.0)
    length = (8.0 + 22.0 * top) * (0.45 + 0.55 * inside)
    lift = (2.5 + 8.0 * top + 4.0 * front) * (0.35 + 0.65 * inside)
    return length, lift
