# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangle meshes: normals, areas, connected pieces, nearest places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Points = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_NEIGHBOURS = 12
"""Triangles whose centres are nearest; the nearest triangle is nearly always among them."""


@dataclass(frozen=True)
class Surface:
    """points: (V, 3). triangles: (F, 3), counter-clockwise seen from outside."""

    points: Points
    triangles: Indices

    @property
    def corners(self) -> Points:
        """(F, 3, 3)."""
        corners: Points = self.points[self.triangles]
        return corners

    @property
    def area_vectors(self) -> Points:
        """(F, 3) normals as long as the triangles are large."""
        a, b, c = np.moveaxis(self.corners, 1, 0)
        vectors: Points = 0.5 * np.cross(b - a, c - a)
        return vectors

    def vertex_areas(self) -> Points:
        """(V,) a third of the area of the triangles around each vertex."""
        areas = np.linalg.norm(self.area_vectors, axis=1) / 3.0
        corners = np.repeat(areas, 3)
        total = np.bincount(self.triangles.ravel(), corners, minlength=len(self.points))
        return total.astype(np.float64)

    def vertex_normals(self) -> Points:
        """(V, 3) of unit length; 0 where a vertex has no triangle."""
        vectors = np.repeat(self.area_vectors, 3, axis=0)
        at = self.triangles.ravel()
        summed = [np.bincount(at, vectors[:, k], minlength=len(self.points)) for k in range(3)]
        return unit_length(np.stack(summed, axis=1))

    def pieces(self) -> Indices:
        """(V,) number of the connected piece of each vertex."""
        a, b, c = self.triangles.T
        rows, columns = np.concatenate([a, b]), np.concatenate([b, c])
        size = len(self.points)
        graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(size, size))
        labels: Indices = connected_components(graph, directed=False)[1].astype(np.int64)
        return labels


@dataclass(frozen=True)
class Nearest:
    """Nearest places on a surface for p points.

    triangle: (p,). barycentric: (p, 3). places: (p, 3). distance: (p,).
    """

    triangle: Indices
    barycentric: Points
    places: Points
    distance: Points


def nearest_places(points: Points, surface: Surface) -> Nearest:
    """Where a surface is nearest to points (p, 3)."""
    corners = surface.corners
    count = min(_NEIGHBOURS, len(corners))
    _, near = cKDTree(corners.mean(axis=1)).query(points, k=count)
    near = np.asarray(near).reshape(len(points), count)
    weights = _nearest_in_triangle(points[:, None], corners[near])
    places = np.einsum("pkc,pkcx->pkx", weights, corners[near])
    miss = np.linalg.norm(places - points[:, None], axis=2)
    best = miss.argmin(axis=1)
    rows = np.arange(len(points))
    return Nearest(near[rows, best], weights[rows, best], places[rows, best], miss[rows, best])


def unit_length(vectors: Points) -> Points:
    """(..., 3) vectors of length 1; a vector of length 0 stays as it is."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Points = vectors / np.where(length > 0.0, length, 1.0)
    return scaled


def _nearest_in_triangle(points: Points, corners: Points) -> Points:
    """(..., 3) barycentric weights of the place of each triangle (..., 3, 3) nearest to a point."""
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    inside = _in_plane(points, a, b - a, c - a)
    best = np.where((inside >= 0.0).all(axis=-1)[..., None], inside, 0.0)
    miss = np.where((inside >= 0.0).all(axis=-1), -1.0, np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        begin, along = corners[..., i, :], corners[..., j, :] - corners[..., i, :]
        length = (along**2).sum(axis=-1)
        share = ((points - begin) * along).sum(axis=-1) / np.where(length > 0.0, length, 1.0)
        share = np.clip(share, 0.0, 1.0)
        away = ((begin + share[..., None] * along - points) ** 2).sum(axis=-1)
        weights = np.zeros(corners.shape[:-1])
        weights[..., i], weights[..., j] = 1.0 - share, share
        closer = away < miss
        best = np.where(closer[..., None], weights, best)
        miss = np.where(closer, away, miss)
    return best


def _in_plane(points: Points, a: Points, e: Points, f: Points) -> Points:
    """Barycentric weights of a point's foot in the plane of a + s e + t f; may be negative."""
    ee, ff, ef = (e * e).sum(-1), (f * f).sum(-1), (e * f).sum(-1)
    pe, pf = ((points - a) * e).sum(-1), ((points - a) * f).sum(-1)
    size = ee * ff - ef**2
    flat = size <= 1e-12 * ee * ff + 1e-300
    size = np.where(flat, 1.0, size)
    s, t = (ff * pe - ef * pf) / size, (ee * pf - ef * pe) / size
    weights = np.stack([1.0 - s - t, s, t], axis=-1)
    foot: Points = np.where(flat[..., None], -1.0, weights)
    return foot
