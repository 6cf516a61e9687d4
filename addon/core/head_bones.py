# SPDX-License-Identifier: GPL-3.0-or-later
"""From face space to the channels of any character's bones: head, neck, eyes, jaw.

Convention: a bone's channels act in its own rest axes, on top of what its parent does. A rotation R
that is told in the armature's axes is, for a bone whose rest axes are A, the channel A⁻¹ R A. So
the roll and direction of a bone do not matter, and a head on a body that moves is carried by it.
`facing` has the face axes (+X the character's left, -Y forward, +Z up) in the armature's axes.
A pose that the bone had before, its `offset`, is kept below the rotation: R · offset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...engine.protocol.take import Take
from ...engine.protocol.take_files import FULL_GAZE_DEG
from .axes import MM_PER_UNIT
from .quaternions import IDENTITY, between, from_angles, from_matrix, inverse, multiply, power
from .rotation_channels import rotation_channels

Array = npt.NDArray[np.float64]

GAZE_RAD: Mapping[str, float] = {
    way: float(np.radians(angle)) for way, angle in FULL_GAZE_DEG.items()
}
"""How far an eye turns at 1 of each of its units."""

JAW_SIDE_RAD = np.radians(6.0)
"""How far the jaw turns to a side at 1 of jawLeft or jawRight."""

JAW_UNITS = ("jawOpen", "jawLeft", "jawRight")
GAZE_UNITS = tuple(f"eyeLook{way}{side}" for side in ("Left", "Right") for way in GAZE_RAD)


@dataclass(frozen=True)
class Joint:
    """A bone that is keyed.

    rest: (4,) its rest axes in the armature's. mode: its rotation mode. location_axes: (4,) the
    axes of its location channel in the armature's, None where it cannot be moved. offset: (4,) the
    rotation, offset_location: (3,) the location that it had before, in its own channels.
    """

    name: str
    rest: Array
    mode: str
    location_axes: Array | None = None
    offset: Array = field(default_factory=lambda: IDENTITY)
    offset_location: Array = field(default_factory=lambda: np.zeros(3))


@dataclass(frozen=True)
class Neck:
    """A bone below the head. share: of each turn. carries: how much of its turn the head takes
    over, 1 for a plain child, 0 where the head keeps its own direction."""

    joint: Joint
    share: float
    carries: float = 1.0


@dataclass(frozen=True)
class Channels:
    """Values (T, C) for one property of one bone: rotation_* (rad) or location (units)."""

    bone: str
    prop: str
    values: Array


def head_channels(
    take: Take, facing: Array, head: Joint, neck: Neck | None, scale: float
) -> list[Channels]:
    """Head pose as channels of the head bone and, where there is one, of the neck bone.

    facing: (4,). scale: armature units per metre of our own head. The rotations add up to the
    take's exactly; the location goes on the lowest of the two bones that can be moved.
    """
    turn = _told_in_armature(from_angles(take.pose[:, :3]), facing)
    if neck is None:
        channels = [_rotation(head, turn)]
        joints: tuple[Joint, ...] = (head,)
    else:
        low = power(turn, neck.share)
        # What the neck's earlier pose does lies between its turn and the head's.
        held = between(inverse(neck.joint.rest), neck.joint.offset)
        rest_of_it = between(power(held, neck.carries), multiply(power(low, -neck.carries), turn))
        channels = [_rotation(neck.joint, low), _rotation(head, rest_of_it)]
        joints = (neck.joint, head)
    for joint in joints:
        if joint.location_axes is not None:
            move = _vectors(facing, take.pose[:, 3:6] / MM_PER_UNIT * scale)
            own = _vectors(inverse(joint.location_axes), move)
            return [*channels, Channels(joint.name, "location", own + joint.offset_location)]
    return channels


def eye_channels(take: Take, facing: Array, eye: Joint, side: str) -> Channels:
    """Gaze as rotation of the eye on one side ("Left" or "Right" of the character)."""
    unit = {way: _units(take, f"eyeLook{way}{side}") * GAZE_RAD[way] for way in GAZE_RAD}
    pitch = unit["Down"] - unit["Up"]
    yaw = unit["Out"] - unit["In"] if side == "Left" else unit["In"] - unit["Out"]
    return _rotation(eye, _turned(pitch, yaw, facing))


def jaw_channels(take: Take, facing: Array, jaw: Joint, open_rad: float) -> Channels:
    """Opening and sideways motion as rotation of the jaw; open_rad: at 1 of jawOpen."""
    pitch = _units(take, "jawOpen") * open_rad
    yaw = (_units(take, "jawLeft") - _units(take, "jawRight")) * JAW_SIDE_RAD
    return _rotation(jaw, _turned(pitch, yaw, facing))


def facing_of(forward: npt.ArrayLike, up: npt.ArrayLike) -> Array:
    """The `facing` (4,) of a character that looks along `forward` with its crown along `up`."""
    ahead, above = np.asarray(forward, np.float64), np.asarray(up, np.float64)
    return from_matrix(np.stack([np.cross(above, ahead), -ahead, above], axis=1))


def _units(take: Take, name: str) -> Array:
    """(T,) one expression weight; zeros where the take has none of that name."""
    if name not in take.expression_names:
        return np.zeros(take.frame_count)
    return np.asarray(take.expression_channel(name), np.float64)


def _turned(pitch: Array, yaw: Array, facing: Array) -> Array:
    angles = np.stack([pitch, yaw, np.zeros_like(pitch)], axis=1)
    return _told_in_armature(from_angles(angles), facing)


def _told_in_armature(rotation: Array, facing: Array) -> Array:
    return between(inverse(facing), rotation)


def _rotation(joint: Joint, turn: Array) -> Channels:
    """A turn (T, 4) in the armature's axes as a bone's own channel."""
    prop, values = rotation_channels(multiply(between(joint.rest, turn), joint.offset), joint.mode)
    return Channels(joint.name, prop, values)


def _vectors(rotation: Array, vectors: Array) -> Array:
    """Vectors (T, 3) turned by one rotation (4,)."""
    pure = np.concatenate([np.zeros((len(vectors), 1)), vectors], axis=1)
    return multiply(multiply(rotation, pure), inverse(rotation))[:, 1:]
