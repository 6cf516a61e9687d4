# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations of many frames at once, as unit quaternions (T, 4) in the order w, x, y, z.

They act on column vectors, as all rotations here; `multiply(a, b)` turns by b first, then by a.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

IDENTITY: Array = np.array([1.0, 0.0, 0.0, 0.0])
_SMALLEST = 1e-12


def multiply(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """The product, for quaternions (..., 4) that broadcast."""
    w, x, y, z = np.moveaxis(np.asarray(first, np.float64), -1, 0)
    a, b, c, d = np.moveaxis(np.asarray(second, np.float64), -1, 0)
    return np.stack(
        [
            w * a - x * b - y * c - z * d,
            w * b + x * a + y * d - z * c,
            w * c - x * d + y * a + z * b,
            w * d + x * c - y * b + z * a,
        ],
        axis=-1,
    )


def inverse(rotation: npt.ArrayLike) -> Array:
    """The opposite rotation."""
    return np.asarray(rotation, np.float64) * [1.0, -1.0, -1.0, -1.0]


def between(axes: npt.ArrayLike, rotation: npt.ArrayLike) -> Array:
    """A rotation that is told in one space, told in the space whose axes are `axes` (4,) there."""
    return multiply(multiply(inverse(axes), rotation), axes)


def power(rotation: npt.ArrayLike, share: float) -> Array:
    """A share of each turn, about the same axis, the shorter way round."""
    values = np.asarray(rotation, np.float64)
    values = np.where(values[..., :1] < 0.0, -values, values)
    sine = np.linalg.norm(values[..., 1:], axis=-1, keepdims=True)
    half = np.arctan2(sine, values[..., :1])
    axis = values[..., 1:] / np.maximum(sine, _SMALLEST)
    return np.concatenate([np.cos(share * half), np.sin(share * half) * axis], axis=-1)


def from_angles(angles: npt.ArrayLike) -> Array:
    """Face-space rotations from (T, 3) pitch, yaw, roll in radians; see `axes.rotation_matrix`."""
    pitch, yaw, roll = np.moveaxis(np.asarray(angles, np.float64), -1, 0) / 2.0
    zero = np.zeros_like(pitch)
    about_left = np.stack([np.cos(pitch), np.sin(pitch), zero, zero], axis=-1)
    about_up = np.stack([np.cos(yaw), zero, zero, np.sin(yaw)], axis=-1)
    about_forward = np.stack([np.cos(roll), zero, -np.sin(roll), zero], axis=-1)
    return multiply(multiply(about_up, about_left), about_forward)


def from_matrix(matrix: npt.ArrayLike) -> Array:
    """The quaternion (4,) of one rotation matrix (3, 3)."""
    m = np.asarray(matrix, np.float64)
    # Of the four ways to read it off, the one with the largest component is exact.
    squares = np.array(
        [
            1.0 + m[0, 0] + m[1, 1] + m[2, 2],
            1.0 + m[0, 0] - m[1, 1] - m[2, 2],
            1.0 - m[0, 0] + m[1, 1] - m[2, 2],
            1.0 - m[0, 0] - m[1, 1] + m[2, 2],
        ]
    )
    products = np.array(
        [
            [squares[0], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], squares[1], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
            [m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], squares[2], m[1, 2] + m[2, 1]],
            [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], squares[3]],
        ]
    )
    row = products[int(squares.argmax())]
    return np.asarray(row / np.linalg.norm(row))


def to_matrix(rotation: npt.ArrayLike) -> Array:
    """Rotation matrices (..., 3, 3)."""
    w, x, y, z = np.moveaxis(np.asarray(rotation, np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
