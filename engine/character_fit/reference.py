# SPDX-License-Identifier: GPL-3.0-or-later
"""Our head as the source of motion: where its landmarks are, and what each unit moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from ..head.channels import EXPRESSION_NAMES
from ..head.model import FACE, HeadModel, load_head
from ..head.parts import Eye
from ..protocol.face_landmarks import FACE_LANDMARKS
from ..tracking.anchors import load_anchors
from .picture import seen_vertices
from .surface import Indices, Points, Surface

FACE_MESH_POINTS: Mapping[str, tuple[int, ...]] = {
    "nose_tip": (4,),
    "nose_root": (168,),
    "nose_wing_left": (278,),
    "nose_wing_right": (48,),
    "mouth_corner_left": (291,),
    "mouth_corner_right": (61,),
    "lip_upper": (0,),
    "lip_seam": (13,),
    "lip_lower": (17,),
    "chin": (200,),
    "eye_outer_left": (263,),
    "eye_inner_left": (362,),
    "lid_upper_left": (386,),
    "lid_lower_left": (374,),
    "eye_outer_right": (33,),
    "eye_inner_right": (133,),
    "lid_upper_right": (159,),
    "lid_lower_right": (145,),
    "brow_inner_left": (336, 285),
    "brow_outer_left": (300, 276),
    "brow_inner_right": (107, 55),
    "brow_outer_right": (70, 46),
}
"""Landmark -> the points of MediaPipe's face mesh whose middle it is."""

_REGISTERED = ("upper_face", "lower_face")
_EVERY = 3


@dataclass(frozen=True)
class ReferenceHead:
    """Our head, neutral, mm, face space.

    surface: V points; the triangles of the skin that is seen, and of the tongue. deltas: (52, V, 3)
    by unit. landmarks: (L, 3) in the order of FACE_LANDMARKS. registered: vertices of the front of
    the face that are drawn onto another face. eyes: left and right.
    """

    surface: Surface
    is_tongue: npt.NDArray[np.bool_]
    deltas: Points
    landmarks: Points
    registered: Indices
    eyes: tuple[Eye, ...]


@cache
def reference_head() -> ReferenceHead:
    """Our head. Raises HeadError where its files are missing."""
    head = load_head()
    points = head.face.neutral.astype(np.float64)
    placed = load_anchors(head).on_vertices(points)
    landmarks = [placed[list(FACE_MESH_POINTS[name])].mean(axis=0) for name in FACE_LANDMARKS]
    front = np.unique(np.concatenate([head.landmarks[name] for name in _REGISTERED]))
    skin, tongue = _seen_skin(head, points), _triangles(head, FACE, "tongue")
    return ReferenceHead(
        surface=Surface(points, np.concatenate([skin, tongue])),
        is_tongue=np.arange(len(skin) + len(tongue)) >= len(skin),
        deltas=_unit_deltas(head),
        landmarks=np.stack(landmarks),
        registered=front[::_EVERY].astype(np.int64),
        eyes=head.eyes,
    )


def _seen_skin(head: HeadModel, points: Points) -> Indices:
    """(F, 3) triangles of the skin that is seen when the eyes are in their place.

    Lashes and brows are left out: a face may have none, or have them as pictures.
    """
    skin = _triangles(head, FACE, "skin")
    eyes, start = [], len(points)
    everything = [points]
    for eye in head.eyes:
        eyes.append(_triangles(head, eye.name) + start)
        everything.append(head.parts[eye.name].neutral.astype(np.float64))
        start += len(everything[-1])
    whole = Surface(np.concatenate(everything), np.concatenate([skin, *eyes]))
    seen = seen_vertices(whole)
    kept: Indices = skin[seen[skin].all(axis=1)]
    return kept


def _triangles(head: HeadModel, part: str, slot: str | None = None) -> Indices:
    """(F, 3) triangles of a part, of one material only where it is named."""
    mesh = head.parts[part]
    fans = [
        (polygon[0], polygon[k], polygon[k + 1])
        for polygon, number in zip(mesh.faces(), mesh.face_slots, strict=True)
        if slot is None or mesh.slots[number] == slot
        for k in range(1, len(polygon) - 1)
    ]
    return np.array(fans, np.int64)


def _unit_deltas(head: HeadModel) -> Points:
    assert head.face.shapes is not None
    dense = head.face.shapes.dense().astype(np.float64)
    rows = [head.face.keys.index(name) for name in EXPRESSION_NAMES]
    units: Points = dense[rows]
    return units
