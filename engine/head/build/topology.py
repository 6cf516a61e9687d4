# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygon meshes as linear maps: loops, normals, subdivision, cuts, mirror images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from .wheel import Indices, Points

Faces = list[list[int]]


def neighbours(faces: Faces) -> dict[int, set[int]]:
    """Vertices that share an edge with each vertex."""
    found: dict[int, set[int]] = {}
    for face in faces:
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            found.setdefault(a, set()).add(b)
            found.setdefault(b, set()).add(a)
    return found


def faces_around(faces: Faces) -> dict[int, set[int]]:
    """Numbers of the faces that meet at each vertex."""
    around: dict[int, set[int]] = {}
    for number, face in enumerate(faces):
        for vertex in face:
            around.setdefault(vertex, set()).add(number)
    return around


def edge_loop(
    near: dict[int, set[int]], around: dict[int, set[int]], start: int, towards: int
) -> list[int]:
    """The closed loop of edges through quads that leaves `start` towards its neighbour.

    near, around: `neighbours` and `faces_around` of the mesh.
    """
    loop = [start, towards]
    while True:
        before, here = loop[-2:]
        beside = around[before] & around[here]
        ahead = [v for v in near[here] if v != before and not around[v] & beside]
        if len(ahead) != 1:
            raise ValueError(f"The loop from {start} ends at vertex {here}.")
        if ahead[0] == start:
            return loop
        loop.append(ahead[0])


def steps_from(
    near: dict[int, set[int]], seeds: Iterable[int], count: int, walls: Iterable[int] = ()
) -> npt.NDArray[np.float64]:
    """(count,) least number of edges from the seeds, infinite where walls cut a vertex off."""
    steps = np.full(count, np.inf)
    front = list(seeds)
    steps[front] = 0.0
    blocked = set(walls)
    reached = 0.0
    while front:
        reached += 1.0
        ahead = {v for here in front for v in near.get(here, ()) if np.isinf(steps[v])} - blocked
        front = sorted(ahead)
        steps[front] = reached
    return steps


def vertex_normals(points: Points, faces: Faces) -> Points:
    """(V, 3) unit normals, zero where no face uses a vertex."""
    normals = np.zeros_like(points)
    for size in {len(face) for face in faces}:
        polygons = np.array([face for face in faces if len(face) == size])
        corners = points[polygons]
        across = corners[:, [2, 3 % size]] - corners[:, [0, 1]]
        direction = np.cross(across[:, 0], across[:, 1])
        for corner in range(size):
            np.add.at(normals, polygons[:, corner], direction)
    return normalised(normals)


def normalised(vectors: Points) -> Points:
    """Unit vectors along the last axis; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Points = vectors / np.maximum(length, 1e-9)
    return unit


def smooth_step(values: Any, low: Any, high: Any) -> npt.NDArray[np.float64]:
    """0 below low, 1 above high, 3t² - 2t³ between."""
    t = np.clip((np.asarray(values, np.float64) - low) / (high - low), 0.0, 1.0)
    eased: npt.NDArray[np.float64] = t * t * (3.0 - 2.0 * t)
    return eased


def submesh(faces: Faces) -> tuple[Indices, Faces]:
    """The vertices that faces use, ascending, and the faces renumbered to them."""
    used = sorted({vertex for face in faces for vertex in face})
    number = {vertex: i for i, vertex in enumerate(used)}
    return np.array(used), [[number[vertex] for vertex in face] for face in faces]


def triangles(faces: Faces) -> Indices:
    """(T, 3) fan triangulation."""
    fans = [(f[0], f[i], f[i + 1]) for f in faces for i in range(1, len(f) - 1)]
    return np.array(fans)


def rows_matrix(rows: Sequence[dict[int, float]], columns: int) -> Any:
    """Sparse (len(rows), columns) matrix from one dict of column -> weight per row."""
    indptr = np.cumsum([0, *(len(row) for row in rows)])
    indices = [column for row in rows for column in row]
    data = [weight for row in rows for weight in row.values()]
    return csr_matrix((data, indices, indptr), shape=(len(rows), columns))


def selection(vertices: Indices, columns: int) -> Any:
    """Sparse matrix that picks vertices."""
    return rows_matrix([{int(v): 1.0} for v in vertices], columns)


def subdivide(faces: Faces, count: int) -> tuple[Any, Faces]:
    """One Catmull-Clark step: a sparse (V', count) matrix and the new quads.

    Boundary edges follow the cubic B-spline, as in Blender's subdivision modifier.
    """
    rows: list[dict[int, float]] = [{} for _ in range(count)]
    edge_faces: dict[tuple[int, int], list[int]] = {}
    vertex_faces: dict[int, list[int]] = {}
    for number, face in enumerate(faces):
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            edge_faces.setdefault((min(a, b), max(a, b)), []).append(number)
            vertex_faces.setdefault(a, []).append(number)
    centres = [dict.fromkeys(face, 1.0 / len(face)) for face in faces]
    edges = {edge: count + len(faces) + i for i, edge in enumerate(edge_faces)}
    edge_rows = []
    vertex_edges: dict[int, list[tuple[int, int]]] = {}
    for edge, beside in edge_faces.items():
        middle = dict.fromkeys(edge, 0.5)
        smooth = [(middle, 0.5), *((centres[f], 0.25) for f in beside)]
        edge_rows.append(_mix(smooth) if len(beside) == 2 else middle)
        for vertex in edge:
            vertex_edges.setdefault(vertex, []).append(edge)
    for vertex in range(count):
        rows[vertex] = _vertex_rule(vertex, vertex_edges, vertex_faces, edge_faces, centres)
    quads = [
        [v, edges[_key(v, face[(i + 1) % len(face)])], count + number, edges[_key(v, face[i - 1])]]
        for number, face in enumerate(faces)
        for i, v in enumerate(face)
    ]
    return rows_matrix(rows + centres + edge_rows, count), quads


def _key(a: int, b: int) -> tuple[int, int]:
    return min(a, b), max(a, b)


def _mix(terms: Iterable[tuple[dict[int, float], float]]) -> dict[int, float]:
    total: dict[int, float] = {}
    for row, share in terms:
        for column, weight in row.items():
            total[column] = total.get(column, 0.0) + weight * share
    return total


def _vertex_rule(
    vertex: int,
    vertex_edges: dict[int, list[tuple[int, int]]],
    vertex_faces: dict[int, list[int]],
    edge_faces: dict[tuple[int, int], list[int]],
    centres: list[dict[int, float]],
) -> dict[int, float]:
    own = {vertex: 1.0}
    edges = vertex_edges.get(vertex, [])
    border = [edge for edge in edges if len(edge_faces[edge]) == 1]
    if not edges:
        return own
    if border:
        ends = [dict.fromkeys(edge, 0.5) for edge in border[:2]]
        return _mix([(own, 0.5), *((end, 0.5 / len(ends)) for end in ends)])
    n = len(edges)
    around = vertex_faces[vertex]
    return _mix(
        [
            (own, (n - 3.0) / n),
            *((centres[f], 1.0 / (n * len(around))) for f in around),
            *((dict.fromkeys(edge, 0.5), 2.0 / (n * n)) for edge in edges),
        ]
    )


def cut(points: Points, faces: Faces, place: Points, normal: Points) -> tuple[Any, Faces]:
    """Remove what lies beyond a plane: a sparse (V', V) matrix and the remaining polygons."""
    side = (points - place) @ normal
    rows: list[dict[int, float]] = []
    known: dict[tuple[int, int], int] = {}

    def number(key: tuple[int, int], row: dict[int, float]) -> int:
        if key not in known:
            known[key] = len(rows)
            rows.append(row)
        return known[key]

    kept: Faces = []
    for face in faces:
        polygon = []
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            if side[a] <= 0:
                polygon.append(number((a, a), {a: 1.0}))
            if (side[a] <= 0) != (side[b] <= 0):
                share = float(side[a] / (side[a] - side[b]))
                polygon.append(number(_key(a, b), {a: 1.0 - share, b: share}))
        if len(polygon) > 2:
            kept.append(polygon)
    return rows_matrix(rows, len(points)), kept


def mirror_map(points: Points) -> Indices:
    """(N,) the vertex at each vertex's mirror image about x = 0."""
    _, nearest = cKDTree(points).query(points * [-1.0, 1.0, 1.0])
    return np.asarray(nearest)
