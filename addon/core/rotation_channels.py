# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations as the channels of Blender's rotation modes, without jumps from frame to frame."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .quaternions import to_matrix

Array = npt.NDArray[np.float64]

EULER_MODES = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
_CHANNELS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
_SMALLEST_SINE = 1e-9
_NEAR_GIMBAL_LOCK_RAD = 1.4


def rotation_channels(rotation: Array, mode: str) -> tuple[str, Array]:
    """The property of a rotation mode, and its values (T, C) for rotations (T, 4).

    mode: QUATERNION, AXIS_ANGLE or one of EULER_MODES; the order XYZ turns about X first.
    """
    if mode == "QUATERNION":
        return _CHANNELS[mode], continuous_signs(rotation)
    if mode == "AXIS_ANGLE":
        return _CHANNELS[mode], _axis_angles(continuous_signs(rotation))
    return "rotation_euler", _euler_angles(rotation, mode)


def continuous_signs(rotation: Array) -> Array:
    """The same rotations (T, 4), each with the sign that is nearest to the frame before."""
    first = -1.0 if rotation[0, 0] < 0.0 else 1.0
    return np.asarray(rotation * first * _signs(rotation)[:, None])


def _signs(vectors: Array) -> Array:
    """(T,) signs by which each of the vectors (T, K) comes nearest to the one before it."""
    flips = np.einsum("tk,tk->t", vectors[1:], vectors[:-1]) < 0.0
    return np.asarray(np.cumprod(np.concatenate([[1.0], np.where(flips, -1.0, 1.0)])))


def _axis_angles(rotation: Array) -> Array:
    """(T, 4) angle, then axis; where nothing turns, the axis of the nearest frame that does."""
    sines = np.linalg.norm(rotation[:, 1:], axis=1)
    turns = sines > _SMALLEST_SINE
    if not turns.any():
        return np.tile([0.0, 0.0, 1.0, 0.0], (len(rotation), 1))
    known = np.maximum.accumulate(np.where(turns, np.arange(len(rotation)), turns.argmax()))
    axes = rotation[known, 1:] / sines[known, None]
    signs = _signs(axes)
    angles = np.unwrap(2.0 * signs * np.arctan2(sines, rotation[:, 0]))
    return np.hstack([angles[:, None], signs[:, None] * axes])


def _euler_angles(rotation: Array, mode: str) -> Array:
    """(T, 3) angles about X, Y, Z; of the two solutions the one nearer to the frame before."""
    first, second, third = ("XYZ".index(letter) for letter in mode)
    odd = -1.0 if (second - first) % 3 == 2 else 1.0
    matrices = to_matrix(rotation)
    middle = np.arcsin(np.clip(-odd * matrices[:, third, first], -1.0, 1.0))
    start = np.arctan2(odd * matrices[:, third, second], matrices[:, third, third])
    end = np.arctan2(odd * matrices[:, second, first], matrices[:, first, first])
    found = np.stack([start, middle, end], axis=1)
    far_from_gimbal_lock = float(np.abs(middle).max()) < _NEAR_GIMBAL_LOCK_RAD
    values = np.empty(found.shape)
    values[:, [first, second, third]] = (
        np.unwrap(found, axis=0) if far_from_gimbal_lock else _nearest_solutions(found)
    )
    return values


def _nearest_solutions(found: Array) -> Array:
    """(T, 3) for each frame that one of the two solutions which is nearer to the frame before."""
    values = []
    before: tuple[float, ...] = (0.0, 0.0, 0.0)
    for a, b, c in found.tolist():
        solutions = ((a, b, c), (a + math.pi, math.pi - b, c + math.pi))
        turned = [
            tuple(_nearest_turn(angle, old) for angle, old in zip(angles, before, strict=True))
            for angles in solutions
        ]
        before = min(turned, key=lambda angles: _distance(angles, before))
        values.append(before)
    return np.array(values)


def _nearest_turn(angle: float, before: float) -> float:
    """The same angle, whole turns away, that is nearest to another one."""
    return angle + 2.0 * math.pi * round((before - angle) / (2.0 * math.pi))


def _distance(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
