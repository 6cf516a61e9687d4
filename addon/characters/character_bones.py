# SPDX-License-Identifier: GPL-3.0-or-later
"""The bones of a character that take a performance: their facts, their curves, what hinders them.

Which bones they are is written in `Object.rhetor_character` of the armature object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...engine.protocol.errors import RigError
from ...engine.protocol.take import Take
from ..core.bone_names import ancestors
from ..core.head_bones import (
    GAZE_UNITS,
    JAW_UNITS,
    Channels,
    Joint,
    Neck,
    eye_channels,
    facing_of,
    head_channels,
    jaw_channels,
)
from ..core.quaternions import IDENTITY
from ..core.retarget import Curve, channel_curves
from .character_settings import AXES, BONES, KEYS

_COPIES_ROTATION = {"COPY_ROTATION", "COPY_TRANSFORMS"}


def bone_curves(armature: Any, take: Take) -> tuple[Curve, ...]:
    """A take on the bones that the settings name: head and neck, eyes, jaw.

    Raises RigError where a bone is gone or the two directions of the face are one line.
    """
    settings = armature.rhetor_character
    facing = facing_of_settings(armature)
    curves: list[Curve] = []
    if settings.head_bone:
        head = _joint(armature, settings.head_bone)
        found = head_channels(take, facing, head, _neck(armature), settings.pose_scale)
        curves += _head_curves(found)
    if settings.eyes != KEYS:
        for side, name in (("Left", settings.eye_left_bone), ("Right", settings.eye_right_bone)):
            if name:
                turned = eye_channels(take, facing, _joint(armature, name), side)
                curves += channel_curves(turned, "gaze")
    if settings.jaw == BONES and settings.jaw_bone:
        jaw = _joint(armature, settings.jaw_bone)
        curves += channel_curves(jaw_channels(take, facing, jaw, settings.jaw_angle), "mouth")
    return tuple(curves)


def bones_that_move(armature: Any) -> tuple[str, ...]:
    """The names of the bones that a take turns."""
    settings = armature.rhetor_character
    names = [settings.neck_bone, settings.head_bone] if settings.head_bone else []
    if settings.eyes != KEYS:
        names += [settings.eye_left_bone, settings.eye_right_bone]
    if settings.jaw == BONES:
        names.append(settings.jaw_bone)
    return tuple(dict.fromkeys(filter(None, names)))


def units_of_bones(armature: Any) -> tuple[str, ...]:
    """The expression units that bones show, so that shape keys need not."""
    settings = armature.rhetor_character
    units: tuple[str, ...] = ()
    if settings.eyes == BONES and (settings.eye_left_bone or settings.eye_right_bone):
        units += GAZE_UNITS
    if settings.jaw == BONES and settings.jaw_bone:
        units += JAW_UNITS
    return units


def facing_of_settings(root: Any) -> np.ndarray:
    """The face's axes in the root's, as a quaternion (4,)."""
    settings = root.rhetor_character
    forward, up = AXES[settings.forward], AXES[settings.up]
    if abs(np.dot(forward, up)) > 0.0:
        raise RigError(
            f"Forward and Up of {root.name} are the same line.",
            "Choose under Character where the face looks and where the crown points.",
        )
    return facing_of(forward, up)


def hindrances(armature: Any) -> Iterator[tuple[str, str]]:
    """(what, advice) of settings of the bones that a person would stumble over."""
    settings = armature.rhetor_character
    joints = [armature.pose.bones.get(name) for name in bones_that_move(armature)]
    for bone in filter(None, joints):
        if any(bone.lock_rotation) or (bone.lock_rotations_4d and bone.lock_rotation_w):
            yield (
                f"The rotation of the bone {bone.name} is locked.",
                "Keys turn it all the same; unlock it to change it by hand.",
            )
    chain = [armature.pose.bones.get(n) for n in (settings.neck_bone, settings.head_bone) if n]
    if chain and not any(bone is not None and _can_move(bone) for bone in chain):
        yield (
            "The head turns but does not move to and fro: its bones are connected or locked.",
            "Disconnect the head bone in Edit Mode if it should.",
        )


def read_offsets(armature: Any) -> str:
    """The poses that the bones have now, as the settings store them."""
    offsets = {}
    for name in bones_that_move(armature):
        bone = armature.pose.bones.get(name)
        if bone is not None:
            values = [*bone.matrix_basis.to_quaternion(), *bone.location]
            if not np.allclose(values, [*IDENTITY, 0.0, 0.0, 0.0], atol=1e-6):
                offsets[name] = [round(float(value), 7) for value in values]
    return json.dumps(offsets) if offsets else ""


def _head_curves(found: list[Channels]) -> Iterator[Curve]:
    for channels in found:
        amount = "head_location" if channels.prop == "location" else "head_rotation"
        yield from channel_curves(channels, amount)


def _neck(armature: Any) -> Neck | None:
    settings = armature.rhetor_character
    if not settings.neck_bone:
        return None
    joint = _joint(armature, settings.neck_bone)
    return Neck(joint, settings.neck_share, _carries(armature))


def _joint(armature: Any, name: str) -> Joint:
    bone = armature.pose.bones.get(name)
    if bone is None:
        raise RigError(
            f"{armature.name} has no bone named {name}.",
            "Choose its bones again under Character, or press Set Up Character.",
        )
    rest = _rest(bone)
    axes = _location_axes(bone) if _can_move(bone) else None
    stored = json.loads(armature.rhetor_character.offsets or "{}").get(name)
    if stored is None:
        return Joint(name, rest, bone.rotation_mode, axes)
    offset = np.array(stored)
    return Joint(name, rest, bone.rotation_mode, axes, offset[:4], offset[4:])


def _rest(bone: Any) -> np.ndarray:
    return np.array(bone.bone.matrix_local.to_quaternion())


def _location_axes(bone: Any) -> np.ndarray:
    """The axes of its location channel: its own, or its parent's where it does not use its own."""
    if bone.bone.use_local_location:
        return _rest(bone)
    return IDENTITY if bone.parent is None else _rest(bone.parent)


def _can_move(bone: Any) -> bool:
    connected = bone.bone.use_connect and bone.parent is not None
    return not connected and not all(bone.lock_location)


def _carries(armature: Any) -> float:
    """How much of the neck's turn the head takes over.

    Rigs such as Rigify's let the head keep its direction, by a bone between the two that copies
    the rotation of something else.
    """
    settings = armature.rhetor_character
    bones = armature.pose.bones
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in bones}
    line = [settings.head_bone, *ancestors(parents, settings.head_bone)]
    if settings.neck_bone not in line:
        return 0.0
    share = 1.0
    for name in line[: line.index(settings.neck_bone)]:
        if not bones[name].bone.use_inherit_rotation:
            return 0.0
        for constraint in bones[name].constraints if name != settings.head_bone else ():
            if constraint.type in _COPIES_ROTATION and not constraint.mute:
                share *= 1.0 - constraint.influence
    return share
