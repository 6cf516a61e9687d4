# SPDX-License-Identifier: GPL-3.0-or-later
"""Face space to the head bone's own axes: the one place where the two meet.

Convention: face space is right-handed with +X the character's left, -Y forward, +Z up, in
millimetres and radians (see `engine/protocol/take.py`). A character in Blender looks along -Y,
so face space and the armature's space have the same axes. The head bone's rest axes are
X = the character's left, Y = up, Z = forward. Its rotation order is 'ZXY', which Blender
evaluates as R_y · R_x · R_z on column vectors, so that (pitch, yaw, roll) about (left, up,
forward) are its three Euler angles as they stand. One Blender unit is one metre.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

HEAD_ROTATION_MODE = "ZXY"
"""Rotation order of the head bone."""

MM_PER_UNIT = 1000.0
"""Millimetres in one Blender unit."""

BONE_FROM_FACE: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""(3, 3) rotation that takes face-space vectors to the head bone's rest axes."""


def bone_channels(pose: npt.ArrayLike) -> tuple[Array, Array]:
    """Head poses as the head bone's channels.

    pose: (T, 6) columns pitch, yaw, roll (rad), x, y, z (mm), face space.
    Returns location (T, 3) in Blender units and rotation_euler (T, 3) in radians, both in the
    bone's own axes and for the rotation order HEAD_ROTATION_MODE.
    """
    values = np.atleast_2d(np.asarray(pose, dtype=np.float64))
    return values[:, 3:6] @ BONE_FROM_FACE.T / MM_PER_UNIT, values[:, :3].copy()


def pose_from_bone(location: npt.ArrayLike, rotation_euler: npt.ArrayLike) -> Array:
    """The inverse of `bone_channels`: (T, 3) and (T, 3) to poses (T, 6) in face space."""
    offset = np.atleast_2d(np.asarray(location, dtype=np.float64))
    angles = np.atleast_2d(np.asarray(rotation_euler, dtype=np.float64))
    return np.hstack([angles, offset @ BONE_FROM_FACE * MM_PER_UNIT])


def rotation_matrix(pitch_rad: float, yaw_rad: float, roll_rad: float) -> Array:
    """(3, 3) face-space rotation R_yaw · R_pitch · R_roll, for column vectors.

    Pitch turns about +X (positive: nose down), yaw about +Z (positive: to the character's left),
    roll about -Y (positive: the crown tips to the character's right).
    """
    cos_p, sin_p = np.cos(pitch_rad), np.sin(pitch_rad)
    cos_y, sin_y = np.cos(yaw_rad), np.sin(yaw_rad)
    cos_r, sin_r = np.cos(roll_rad), np.sin(roll_rad)
    pitch = np.array([[1, 0, 0], [0, cos_p, -sin_p], [0, sin_p, cos_p]])
    yaw = np.array([[cos_y, -sin_y, 0], [sin_y, cos_y, 0], [0, 0, 1]])
    roll = np.array([[cos_r, 0, -sin_r], [0, 1, 0], [sin_r, 0, cos_r]])
    return np.asarray(yaw @ pitch @ roll, dtype=np.float64)
