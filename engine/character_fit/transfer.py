# SPDX-License-Identifier: GPL-3.0-or-later
"""What each of our units moves on another face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..head.channels import EXPRESSION_NAMES
from .eyes import EyeMarks, find_eyeballs, turned
from .picture import seen_vertices
from .reference import ReferenceHead
from .surface import Indices, Points, Surface, nearest_places

_TRUST_MM = 3.0
"""A vertex so far from our bent head is trusted a third."""
_FACING = 0.2
_LEAST_TRUST = 0.05
_MOST_ROWS = 12_000


@dataclass(frozen=True)
class Motion:
    """Of R vertices of a face: which (R,), how much each counts (R,), by unit (52, R, 3) mm.

    Lids and lips are small: a vertex counts by the root of its area.
    """

    vertices: Indices
    weight: Points
    units: Points


def transfer(
    reference: ReferenceHead,
    bent: Surface,
    face: Surface,
    marks: EyeMarks,
    moves: npt.NDArray[np.bool_],
) -> Motion:
    """Our 52 units on a face in our space.

    bent: our surface on the face. moves: (V,) whether any key moves a vertex; eyeballs that none
    moves have bones of their own.
    """
    near = nearest_places(face.points, bent)
    corners = bent.triangles[near.triangle]
    normals = bent.vertex_normals()
    facing = np.einsum("pk,pkc->pc", near.barycentric, normals[corners])
    agrees = (facing * face.vertex_normals()).sum(axis=1) > _FACING
    agrees &= seen_vertices(face) | reference.is_tongue[near.triangle]
    trust = np.exp(-np.square(near.distance / _TRUST_MM)) * agrees
    balls = find_eyeballs(face, reference.eyes, marks)
    for ball in balls:
        trust[ball.vertices] = 1.0 if moves[ball.vertices].any() else 0.0
    rows = np.flatnonzero(trust > _LEAST_TRUST)
    rows = rows[:: 1 + len(rows) // _MOST_ROWS]
    ours = _scaled_deltas(reference, marks.opening)
    units = np.einsum("pk,upkc->upc", near.barycentric[rows], ours[:, corners[rows]])
    place_of = np.full(len(face.points), -1)
    place_of[rows] = np.arange(len(rows))
    for ball in balls:
        kept = ball.vertices[place_of[ball.vertices] >= 0]
        units[:, place_of[kept]] = turned(ball, face.points[kept])
    return Motion(rows, trust[rows] * np.sqrt(face.vertex_areas()[rows]), units)


def _scaled_deltas(reference: ReferenceHead, eye_opening: float) -> Points:
    """(52, V, 3) our units' displacements; lids go as far as the eyes are open."""
    scale = [eye_opening if name.startswith("eye") else 1.0 for name in EXPRESSION_NAMES]
    scaled: Points = reference.deltas * np.array(scale)[:, None, None]
    return scaled
