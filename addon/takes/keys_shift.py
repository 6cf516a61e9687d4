# SPDX-License-Identifier: GPL-3.0-or-later
"""Move all that an action does to other frames, in bulk."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import compat

_POINT_PROPERTIES = ("co", "handle_left", "handle_right")


def shift_action(action: Any, frames: int) -> None:
    """Move every key, handle, marker and limited modifier of an action by whole frames."""
    for curve in compat.all_fcurves(action):
        _shift_points(curve.keyframe_points, frames)
        for modifier in curve.modifiers:
            if modifier.use_restricted_range:
                # End first: a range that begins behind its end would be turned round.
                modifier.frame_end += frames
                modifier.frame_start += frames
    for marker in action.pose_markers:
        marker.frame += frames
    if action.use_frame_range:
        action.frame_start, action.frame_end = (
            action.frame_start + frames,
            action.frame_end + frames,
        )
    action.update_tag()


def _shift_points(points: Any, frames: int) -> None:
    coordinates = np.empty((len(points), 2), np.float32)
    for name in _POINT_PROPERTIES:
        points.foreach_get(name, coordinates.ravel())
        coordinates[:, 0] += frames
        points.foreach_set(name, coordinates.ravel())
