# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a take's channels each amount scales. Each amount is a group of F-curves."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ...engine.head.channels import EXPRESSION_NAMES

HEAD_AMOUNTS = ("head_rotation", "head_location")
FACE_AMOUNTS = ("mouth", "brows", "eyelids", "gaze")
AMOUNTS = (*HEAD_AMOUNTS, *FACE_AMOUNTS)

GROUPS: Mapping[str, str] = MappingProxyType(
    {amount: amount.replace("_", " ").capitalize() for amount in AMOUNTS}
)
"""Name of the group that the F-curves of an amount are in: "Head rotation", "Mouth", ..."""

_AMOUNTS_BY_GROUP = {group: amount for amount, group in GROUPS.items()}

_OWN_HEAD_BONE = 'pose.bones["head"]'
"""In takes without groups only the head of ours is keyed; other bones are somebody's."""

_FACE_PREFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "mouth": ("jaw", "mouth", "cheek", "tongue", "nose"),
        "brows": ("brow",),
        "eyelids": ("eyeBlink", "eyeSquint", "eyeWide"),
        "gaze": ("eyeLook",),
    }
)


def amount_of(data_path: str, group: str = "") -> str | None:
    """The amount that scales the channel at this path, one of AMOUNTS; None where none does.

    group: that of its F-curve. It decides; where it is none of GROUPS, the names do.
    """
    if group in _AMOUNTS_BY_GROUP:
        return _AMOUNTS_BY_GROUP[group]
    if data_path.startswith(_OWN_HEAD_BONE):
        if data_path.endswith(".rotation_euler"):
            return "head_rotation"
        return "head_location" if data_path.endswith(".location") else None
    if not data_path.startswith('key_blocks["'):
        return None
    return amount_of_unit(data_path.split('"')[1])


def amount_of_unit(name: str) -> str | None:
    """The amount of an expression unit, or of a key that is named as one."""
    for amount, prefixes in _FACE_PREFIXES.items():
        if name.startswith(prefixes):
            return amount
    return None


def amount_of_weights(weights: npt.ArrayLike) -> str:
    """The amount of a key that follows the units with these weights (52,): where it has most."""
    strengths = dict.fromkeys(FACE_AMOUNTS, 0.0)
    for name, weight in zip(EXPRESSION_NAMES, np.abs(np.asarray(weights)), strict=True):
        strengths[amount_of_unit(name) or FACE_AMOUNTS[0]] += float(weight)
    return max(strengths, key=lambda amount: strengths[amount])
