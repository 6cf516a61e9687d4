# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the lips are open, measured on the landmarks themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..protocol.take import FloatArray
from .camera import Camera
from .landmark_track import LandmarkTrack
from .pose_fit import RigidPose

_PAIRS = ((82, 87), (13, 14), (312, 317))
"""Upper and lower inner lip about the middle of the mouth."""


def lip_gap_mm(
    track: LandmarkTrack, camera: Camera, pose: RigidPose, mouth: npt.NDArray[np.float64]
) -> FloatArray:
    """(T,) opening of the inner lips in mm, the head's turn and distance removed.

    mouth: (3,) mm, where on the head the lips meet. NaN where the face was not seen, or where the
    track lacks the points. Raises nothing.
    """
    place = {int(number): column for column, number in enumerate(track.index)}
    pairs = [(place[a], place[b]) for a, b in _PAIRS if a in place and b in place]
    if not pairs:
        return np.full(len(track.ok), np.nan, np.float32)
    rays = camera.rays(track.points)
    centre = pose.rotation @ mouth + pose.place
    upper = rays[:, [a for a, _ in pairs]].mean(1)
    lower = rays[:, [b for _, b in pairs]].mean(1)
    opening = (upper - lower) * centre[:, 1:2]
    up = pose.rotation[:, :, 2]  # the head's upward axis, as it looks in the image
    seen = up[:, [0, 2]] - centre[:, [0, 2]] / centre[:, 1:2] * up[:, 1:2]
    gap = (opening * seen).sum(1) / (seen**2).sum(1)
    return np.where(track.ok, gap, np.nan).astype(np.float32)
