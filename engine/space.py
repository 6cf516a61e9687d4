# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations of face space, and the way from a tracker's camera space into it.

Convention: `rhetor.engine.protocol.take` (X the character's left, -Y forward, +Z up; mm, rad;
R = R_yaw · R_pitch · R_roll on column vectors; pitch about +X, yaw about +Z, roll about -Y).
Quaternions are (w, x, y, z), unit length. Every function works on the trailing axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

CAMERA_TO_FACE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""OpenGL camera axes (X right in the image, Y up, Z towards the viewer) to face space axes.

The character looks into the camera, so the image's right is the character's left (+X), and the
viewer is in front of the face (-Y).
"""

_AXES = {"pitch": (0, 1.0), "yaw": (2, 1.0), "roll": (1, -1.0)}
"""Turning axis and sign of each angle in face space."""


def euler_to_quaternion(angles: Array) -> Array:
    """(..., 3) pitch, yaw, roll in radians to (..., 4) unit quaternions."""
    pitch, yaw, roll = np.moveaxis(np.asarray(angles, dtype=np.float64), -1, 0)
    product = multiply_quaternions(_about("yaw", yaw), _about("pitch", pitch))
    return multiply_quaternions(product, _about("roll", roll))


def euler_to_matrix(angles: Array) -> Array:
    """(..., 3) pitch, yaw, roll in radians to (..., 3, 3) rotation matrices."""
    return quaternion_to_matrix(euler_to_quaternion(angles))


def matrix_to_euler(rotation: Array) -> Array:
    """(..., 3, 3) rotation matrices to (..., 3) pitch in [-π/2, π/2], yaw and roll in (-π, π].

    At pitch ±π/2 (looking straight up or down) yaw and roll are one turn; it is given to yaw.
    """
    r = np.asarray(rotation, dtype=np.float64)
    sine = np.clip(r[..., 2, 1], -1.0, 1.0)
    locked = np.abs(sine) > 1.0 - 1e-10
    yaw = np.arctan2(
        np.where(locked, r[..., 1, 0], -r[..., 0, 1]), np.where(locked, r[..., 0, 0], r[..., 1, 1])
    )
    roll = np.where(locked, 0.0, np.arctan2(r[..., 2, 0], r[..., 2, 2]))
    pitch = np.arctan2(sine, np.hypot(r[..., 2, 0], r[..., 2, 2]))
    return np.stack([pitch, yaw, roll], axis=-1)


def quaternion_to_matrix(quaternion: Array) -> Array:
    """(..., 4) unit quaternions to (..., 3, 3) rotation matrices."""
    w, x, y, z = np.moveaxis(np.asarray(quaternion, dtype=np.float64), -1, 0)
    entries = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in entries], axis=-2)


def quaternion_to_euler(quaternion: Array) -> Array:
    """(..., 4) unit quaternions to (..., 3) pitch, yaw, roll in radians."""
    return matrix_to_euler(quaternion_to_matrix(quaternion))


def multiply_quaternions(left: Array, right: Array) -> Array:
    """(..., 4) product: the rotation `right` followed by `left`."""
    w1, x1, y1, z1 = np.moveaxis(np.asarray(left, dtype=np.float64), -1, 0)
    w2, x2, y2, z2 = np.moveaxis(np.asarray(right, dtype=np.float64), -1, 0)
    return np.stack(
        [
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
            w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
        ],
        axis=-1,
    )


def slerp_quaternions(start: Array, end: Array, share: Array) -> Array:
    """Shortest way between (..., 4) unit quaternions; share (...,) is 0 at start, 1 at end."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    u = np.asarray(share, dtype=np.float64)[..., None]
    cosine = np.sum(a * b, axis=-1, keepdims=True)
    b = np.where(cosine < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    near = angle < 1e-4  # sin(angle) loses its digits; the chord is exact enough there
    sine = np.where(near, 1.0, np.sin(angle))
    first = np.where(near, 1.0 - u, np.sin((1.0 - u) * angle) / sine)
    second = np.where(near, u, np.sin(u * angle) / sine)
    mixed: Array = first * a + second * b
    mixed /= np.linalg.norm(mixed, axis=-1, keepdims=True)
    return mixed


def blend_poses(start: Array, end: Array, share: Array) -> npt.NDArray[np.float32]:
    """Mix (T, 6) poses: rotations by slerp, translations in a straight line.

    share (T,): 0 gives `start`, 1 gives `end`; both ends come back unchanged.
    """
    u = np.asarray(share, dtype=np.float64)
    rotation = quaternion_to_euler(
        slerp_quaternions(euler_to_quaternion(start[..., :3]), euler_to_quaternion(end[..., :3]), u)
    )
    move = (1.0 - u)[..., None] * start[..., 3:] + u[..., None] * end[..., 3:]
    mixed = np.concatenate([rotation, move], axis=-1)
    mixed = np.where((u <= 0)[..., None], start, np.where((u >= 1)[..., None], end, mixed))
    return mixed.astype(np.float32)


def angular_speed(pose: Array) -> npt.NDArray[np.float64]:
    """(T - 1,) angle in radians between the rotations of successive frames of a (T, 6) pose."""
    q = euler_to_quaternion(pose[:, :3])
    cosine = np.abs(np.sum(q[:-1] * q[1:], axis=-1))
    sine = np.linalg.norm(multiply_quaternions(q[1:], q[:-1] * (1, -1, -1, -1))[:, 1:], axis=-1)
    speed: npt.NDArray[np.float64] = 2.0 * np.arctan2(sine, cosine)
    return speed


def camera_to_pose(matrix: Array, mm_per_unit: float = 1.0) -> npt.NDArray[np.float64]:
    """(T, 4, 4) rigid head transforms in OpenGL camera space to (T, 6) poses in face space.

    The head's own axes in the tracker are X its left, Y up, Z forward (as in MediaPipe's canonical
    face); mm_per_unit turns the tracker's unit into mm. Translations are relative to the median,
    because a camera's distance is no part of a performance.
    """
    rotation = CAMERA_TO_FACE @ matrix[:, :3, :3] @ CAMERA_TO_FACE.T
    place = matrix[:, :3, 3] @ CAMERA_TO_FACE.T * mm_per_unit
    return np.concatenate([matrix_to_euler(rotation), place - np.median(place, axis=0)], axis=1)


def _about(name: str, angle: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    axis, sign = _AXES[name]
    quaternion = np.zeros((*angle.shape, 4))
    quaternion[..., 0] = np.cos(angle / 2)
    quaternion[..., 1 + axis] = sign * np.sin(angle / 2)
    return quaternion
