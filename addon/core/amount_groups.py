# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a take's channels each amount scales, by the ends of their names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HEAD_AMOUNTS = ("head_rotation", "head_location")
FACE_AMOUNTS = ("mouth", "brows", "eyelids", "gaze")
AMOUNTS = (*HEAD_AMOUNTS, *FACE_AMOUNTS)

_FACE_PREFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "mouth": ("jaw", "mouth", "cheek", "tongue", "nose"),
        "brows": ("brow",),
        "eyelids": ("eyeBlink", "eyeSquint", "eyeWide"),
        "gaze": ("eyeLook",),
    }
)


def amount_of(data_path: str) -> str | None:
    """The amount that scales the channel at this path, one of AMOUNTS; None where none does."""
    if data_path.startswith("pose.bones["):
        if data_path.endswith(".rotation_euler"):
            return "head_rotation"
        return "head_location" if data_path.endswith(".location") else None
    if not data_path.startswith('key_blocks["'):
        return None
    name = data_path.split('"')[1]
    for amount, prefixes in _FACE_PREFIXES.items():
        if name.startswith(prefixes):
            return amount
    return None
