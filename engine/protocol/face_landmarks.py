# SPDX-License-Identifier: GPL-3.0-or-later
"""The points that a person marks on a character's face, in the order of marking."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FACE_LANDMARKS: Mapping[str, str] = MappingProxyType(
    {
        "nose_tip": "Tip of the nose",
        "nose_root": "Bridge of the nose, between the eyes",
        "nose_wing_left": "Left wing of the nose, its widest place",
        "nose_wing_right": "Right wing of the nose, its widest place",
        "mouth_corner_left": "Left corner of the mouth",
        "mouth_corner_right": "Right corner of the mouth",
        "lip_upper": "Upper edge of the upper lip, in the middle",
        "lip_seam": "Where the lips meet, in the middle",
        "lip_lower": "Lower edge of the lower lip, in the middle",
        "chin": "Tip of the chin",
        "eye_outer_left": "Outer corner of the left eye",
        "eye_inner_left": "Inner corner of the left eye",
        "lid_upper_left": "Edge of the left upper lid, in the middle",
        "lid_lower_left": "Edge of the left lower lid, in the middle",
        "eye_outer_right": "Outer corner of the right eye",
        "eye_inner_right": "Inner corner of the right eye",
        "lid_upper_right": "Edge of the right upper lid, in the middle",
        "lid_lower_right": "Edge of the right lower lid, in the middle",
        "brow_inner_left": "Inner end of the left brow",
        "brow_outer_left": "Outer end of the left brow",
        "brow_inner_right": "Inner end of the right brow",
        "brow_outer_right": "Outer end of the right brow",
    }
)
"""Name -> how a person knows it. Left and right are the character's own."""

ESSENTIAL_LANDMARKS = (
    "nose_tip",
    "mouth_corner_left",
    "mouth_corner_right",
    "lip_upper",
    "lip_lower",
    "chin",
    "eye_outer_left",
    "eye_inner_left",
    "eye_outer_right",
    "eye_inner_right",
)
"""Without these nothing can be fitted."""


def mirrored(name: str) -> str:
    """The landmark of the other side; a landmark of the middle is its own."""
    for side, other in (("_left", "_right"), ("_right", "_left")):
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name
