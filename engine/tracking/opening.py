# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances between opposite landmarks (lips, lids) in mm, the head's turn and distance removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .pose_fit import RigidPose

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


def pair_rows(numbers: npt.NDArray[Any], pairs: Iterable[tuple[int, int]]) -> Rows:
    """(p, 2) places in `numbers` of those pairs of landmarks that are both there."""
    place = {int(number): row for row, number in enumerate(numbers)}
    found = [(place[a], place[b]) for a, b in pairs if a in place and b in place]
    return np.array(found, np.int64).reshape(-1, 2)


def openings_mm(
    rays: Array, pairs: Rows, pose: RigidPose, middle: Sequence[float] | Array
) -> Array:
    """(T, p) how far the first point of each pair is above the second, along the head's up axis.

    rays: (T, n, 2). middle: (3,) mm, where on the head the points lie: it gives the distance.
    """
    centre = pose.rotation @ np.asarray(middle, np.float64) + pose.place
    apart = (rays[:, pairs[:, 0]] - rays[:, pairs[:, 1]]) * centre[:, None, 1:2]
    up = pose.rotation[:, :, 2]
    seen = up[:, [0, 2]] - centre[:, [0, 2]] / centre[:, 1:2] * up[:, 1:2]
    opening: Array = (apart * seen[:, None]).sum(2) / (seen**2).sum(1)[:, None]
    return opening
