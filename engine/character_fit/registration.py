# SPDX-License-Identifier: GPL-3.0-or-later
"""Bend our head onto another face: by landmarks first, then by its surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RBFInterpolator

from .reference import ReferenceHead
from .surface import Points, Surface, nearest_places

_SMOOTHING = (60.0, 20.0, 8.0, 4.0)
"""Of the bend in each round: stiff first."""
_REACH_MM = (20.0, 14.0, 9.0, 6.0)
_AGREE = 0.5


@dataclass(frozen=True)
class Registration:
    """bent: our surface on the other face. bend: a smooth map of space that does the same to the
    landmarks, for displacements."""

    bent: Surface
    bend: RBFInterpolator

    def displaced(self, points: Points, deltas: Points) -> Points:
        """(n, 3) where displacements (n, 3) of our points (n, 3) lead on the other face."""
        before, after = self.bend(points), self.bend(points + deltas)
        moved: Points = deltas + after - before
        return moved


def register(reference: ReferenceHead, ours: Points, theirs: Points, face: Surface) -> Registration:
    """Our head on a face in our space, where landmarks `ours` (L, 3) lie at `theirs` (L, 3)."""
    bend = RBFInterpolator(ours, theirs - ours, kernel="linear", smoothing=0.0)
    rest = reference.surface.points
    source = rest[reference.registered]
    normals = reference.surface.vertex_normals()[reference.registered]
    face_normals = face.vertex_normals()
    bent = rest + bend(rest)
    fine = bend
    for smoothing, reach_mm in zip(_SMOOTHING, _REACH_MM, strict=True):
        moved = source + fine(source)
        near = nearest_places(moved, face)
        corners = face.triangles[near.triangle]
        facing = np.einsum("pk,pkc->pc", near.barycentric, face_normals[corners])
        kept = (near.distance < reach_mm) & ((facing * normals).sum(axis=1) > _AGREE)
        places = np.concatenate([ours, source[kept]])
        moves = np.concatenate([theirs, near.places[kept]]) - places
        weight = np.r_[np.zeros(len(ours)), np.full(int(kept.sum()), smoothing)]
        fine = RBFInterpolator(places, moves, kernel="linear", smoothing=weight)
        bent = rest + fine(rest)
    return Registration(Surface(bent, reference.surface.triangles), bend)
