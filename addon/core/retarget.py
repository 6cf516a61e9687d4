# SPDX-License-Identifier: GPL-3.0-or-later
"""From a take to animation curves, by name: which value goes on which property of a rig."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...engine.head.channels import EXPRESSION_NAMES
from ...engine.protocol.errors import RigError
from ...engine.protocol.take import Take
from .amount_groups import GROUPS, amount_of_unit, amount_of_weights
from .axes import bone_channels
from .head_bones import Channels
from .key_mapping import KeyMapping


@dataclass(frozen=True)
class Curve:
    """One animated property, a value per frame.

    data_path and index address the property as Blender does; values: (T,) float32. group: one of
    amount_groups.GROUPS, where an amount is to scale it.
    """

    data_path: str
    index: int
    group: str
    values: npt.NDArray[np.float32]


def head_curves(take: Take, bone: str) -> tuple[Curve, ...]:
    """Six curves on the armature object: the head bone's rotation (rad) and location (m)."""
    location, rotation = bone_channels(take.pose)
    path = f'pose.bones["{escaped(bone)}"]'
    return tuple(
        Curve(f"{path}.{prop}", axis, GROUPS[amount], values[:, axis].astype(np.float32))
        for prop, amount, values in (
            ("rotation_euler", "head_rotation", rotation),
            ("location", "head_location", location),
        )
        for axis in range(3)
    )


def face_curves(take: Take, shape_keys: Iterable[str]) -> tuple[Curve, ...]:
    """One curve on the Key data-block for each expression that the mesh has a shape key for.

    Raises RigError where not one name agrees.
    """
    present = set(shape_keys)
    names = [name for name in take.expression_names if name in present]
    if not names:
        raise RigError(
            "The mesh has none of the expression shape keys.",
            "Create a head, or name the shape keys as ARKit does (jawOpen, mouthPucker, ...).",
        )
    return tuple(
        Curve(
            f'key_blocks["{escaped(name)}"].value',
            0,
            GROUPS[amount_of_unit(name) or "mouth"],
            np.ascontiguousarray(take.expression_channel(name)),
        )
        for name in names
    )


def mapped_curves(take: Take, mapping: KeyMapping) -> tuple[Curve, ...]:
    """One curve on the Key data-block for each shape key of a mapping."""
    units = np.zeros((take.frame_count, len(EXPRESSION_NAMES)))
    for column, name in enumerate(EXPRESSION_NAMES):
        if name in take.expression_names:
            units[:, column] = take.expression_channel(name)
    values = mapping.targets(units).astype(np.float32)
    strengths = np.abs(mapping.weights.T) + np.abs(mapping.shows)  # (M, 52)
    return tuple(
        Curve(
            f'key_blocks["{escaped(name)}"].value',
            0,
            GROUPS[amount_of_weights(strengths[index])],
            values[:, index].copy(),
        )
        for index, name in enumerate(mapping.names)
    )


def channel_curves(channels: Channels, amount: str) -> tuple[Curve, ...]:
    """Curves on the armature object for one property of one bone; amount: see amount_groups."""
    path = f'pose.bones["{escaped(channels.bone)}"].{channels.prop}'
    return property_curves(path, channels.values, amount)


def property_curves(path: str, values: npt.NDArray[np.float64], amount: str) -> tuple[Curve, ...]:
    """Curves for the C elements of one property with values (T, C)."""
    return tuple(
        Curve(path, index, GROUPS[amount], values[:, index].astype(np.float32))
        for index in range(values.shape[1])
    )


def escaped(name: str) -> str:
    """A name as it stands between the quotes of a data path."""
    return name.replace("\\", "\\\\").replace('"', '\\"')
