# SPDX-License-Identifier: GPL-3.0-or-later
"""Brows, lashes and hair as tapered ribbons rooted in the skin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .topology import Faces, normalised, rows_matrix, triangles
from .wheel import Points

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Roots:
    """Where S ribbons start.

    places, normals: (S, 3). matrix: sparse (S, N) map from the base mesh to the roots.
    """

    places: Points
    normals: Points
    matrix: Any


def scatter(
    points: Points,
    matrix: Any,
    faces: Faces,
    *,
    density: Array,
    count: int,
    random: np.random.Generator,
) -> Roots:
    """Roots on a surface of points (V, 3), drawn with a density (V,) per area.

    matrix: sparse (V, N) from the base mesh to the surface. Stratified over the triangles, so that
    the roots cover evenly.
    """
    corners = triangles(faces)
    a, b, c = (points[corners[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    share = 0.5 * np.linalg.norm(cross, axis=1) * density[corners].mean(1)
    edges = np.cumsum(share) / share.sum()
    ticks = (np.arange(count) + random.random(count)) / count
    chosen = np.minimum(np.searchsorted(edges, ticks), len(corners) - 1)
    random.shuffle(chosen)
    u, v = np.sqrt(random.random(count)), random.random(count)
    weights = np.stack([1.0 - u, u * (1.0 - v), u * v], 1)
    rows = [
        dict(zip(corners[t].tolist(), w.tolist(), strict=True))
        for t, w in zip(chosen, weights, strict=True)
    ]
    onto = rows_matrix(rows, len(points))
    return Roots(onto @ points, normalised(cross[chosen]), onto @ matrix)


def ribbons(
    roots: Roots, directions: Array, length: Array, width: Array, lift: Array
) -> tuple[Points, Faces]:
    """Three-vertex blades: (3 S, 3) points and triangles, for (S, 3) directions and (S,) sizes."""
    side = normalised(np.cross(roots.normals, directions)) * width[:, None] / 2.0
    tip = roots.places + directions * length[:, None] + roots.normals * (length * lift)[:, None]
    points = np.stack([roots.places - side, roots.places + side, tip], 1).reshape(-1, 3)
    return points, np.arange(len(points)).reshape(-1, 3).tolist()


def curves(paths: Points, sides: Points) -> tuple[Points, Faces]:
    """Ribbons along paths (S, K, 3) with half widths sides (S, K, 3), pointed at the end.

    Each has 2 K - 1 vertices, from root to tip.
    """
    count, knots, _ = paths.shape
    left, right = paths - sides, paths + sides
    pairs = np.stack([left[:, :-1], right[:, :-1]], 2).reshape(count, -1, 3)
    points = np.concatenate([pairs, paths[:, -1:]], 1)
    per = points.shape[1]
    quads = [[2 * k, 2 * k + 1, 2 * k + 3, 2 * k + 2] for k in range(knots - 2)]
    pattern = [*quads, [per - 3, per - 2, per - 1]]
    faces = [[v + s * per for v in face] for s in range(count) for face in pattern]
    return points.reshape(-1, 3), faces


def repeat_rows(matrix: Any, times: int) -> Any:
    """Each row of a sparse matrix `times` times."""
    return matrix[np.repeat(np.arange(matrix.shape[0]), times)]


def tangential(directions: Array, normals: Array) -> Array:
    """Directions made perpendicular to normals, unit length."""
    along = (directions * normals).sum(1, keepdims=True)
    flat: Array = normalised(directions - along * normals)
    return flat
