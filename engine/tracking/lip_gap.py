# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the lips are open, measured on the landmarks themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .anchor_points import LIP_INNER_LOWER, LIP_INNER_UPPER
from .opening import Rows, openings_mm, pair_rows
from .pose_fit import RigidPose

Array = npt.NDArray[np.float64]

_MIDDLE = ((82, 87), (13, 14), (312, 317))
"""Upper and lower inner lip about the middle of the mouth."""
_INNER = tuple(zip(LIP_INNER_UPPER[1:-1], LIP_INNER_LOWER[1:-1], strict=True))
_CONTACT_SHARE = 0.06
_CLOSED_FRAMES = 0.2
_CONTACT_MM = (-0.5, 1.5)
"""What the landmarks of touching lips can measure. Lips that never come so near are open."""


def lip_pairs(numbers: npt.NDArray[np.int64]) -> Rows:
    """(p, 2) places of the opposite points of the inner lips."""
    return pair_rows(numbers, _INNER)


def lip_gap_mm(rays: Array, numbers: npt.NDArray[np.int64], pose: RigidPose, rest: Array) -> Array:
    """(T,) opening of the middle of the inner lips in mm; NaN where the track lacks the points.

    rays: (T, n, 2) slopes of the landmarks `numbers` (n,). rest: (n, 3) mm, the face at rest.
    """
    pairs = pair_rows(numbers, _MIDDLE)
    if not len(pairs):
        return np.full(len(rays), np.nan)
    gap: Array = openings_mm(rays, pairs, pose, rest[pairs.ravel()].mean(0)).mean(1)
    return gap


def closed_frames(rays: Array, pairs: Rows, pose: RigidPose, rest: Array) -> Rows:
    """The frames in which the lips are nearest to each other: a fifth of all."""
    if not len(pairs):
        return np.arange(len(rays))
    gap = openings_mm(rays, pairs, pose, rest[pairs.ravel()].mean(0)).mean(1)
    return np.argsort(gap, kind="stable")[: max(1, round(_CLOSED_FRAMES * len(gap)))]


def close_lips(rays: Array, pairs: Rows, pose: RigidPose, rest: Array) -> Array:
    """The face at rest (n, 3) with inner lips as far apart as the landmarks of touching lips.

    Raises nothing; frames in which the lips touch must be among `rays` for a good answer.
    """
    if not len(pairs):
        return rest
    gaps = openings_mm(rays, pairs, pose, rest[pairs.ravel()].mean(0))
    nearest = np.argsort(gaps.mean(1))[: max(1, round(_CONTACT_SHARE * len(gaps)))]
    contact = np.clip(gaps[nearest].mean(0), *_CONTACT_MM)
    closed = rest.copy()
    change = contact - (rest[pairs[:, 0], 2] - rest[pairs[:, 1], 2])
    closed[pairs[:, 0], 2] += 0.5 * change
    closed[pairs[:, 1], 2] -= 0.5 * change
    return closed
