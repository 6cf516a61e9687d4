# SPDX-License-Identifier: GPL-3.0-or-later
"""Bend our head onto another face: by landmarks first, then by its surface."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RBFInterpolator

from .reference import ReferenceHead
from .surface import Points, Surface, nearest_places

_SMOOTHING = (60.0, 20.0, 8.0, 4.0)
"""Of the bend in each round: stiff first."""
_REACH_MM = (20.0, 14.0, 9.0, 6.0)
_AGREE = 0.5


def register(reference: ReferenceHead, ours: Points, theirs: Points, face: Surface) -> Surface:
    """Our surface on a face in our space, where landmarks `ours` (L, 3) lie at `theirs` (L, 3)."""
    bend = RBFInterpolator(ours, theirs - ours, kernel="linear")
    rest = reference.surface.points
    source = rest[reference.registered]
    normals = reference.surface.vertex_normals()[reference.registered]
    face_normals = face.vertex_normals()
    for smoothing, reach_mm in zip(_SMOOTHING, _REACH_MM, strict=True):
        moved = source + bend(source)
        near = nearest_places(moved, face)
        corners = face.triangles[near.triangle]
        facing = np.einsum("pk,pkc->pc", near.barycentric, face_normals[corners])
        kept = (near.distance < reach_mm) & ((facing * normals).sum(axis=1) > _AGREE)
        places = np.concatenate([ours, source[kept]])
        moves = np.concatenate([theirs, near.places[kept]]) - places
        weight = np.r_[np.zeros(len(ours)), np.full(int(kept.sum()), smoothing)]
        bend = RBFInterpolator(places, moves, kernel="linear", smoothing=weight)
    return Surface(rest + bend(rest), reference.surface.triangles)
