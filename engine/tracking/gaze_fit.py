# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the eyes look, from the irises."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

from ..head.channels import EXPRESSION_NAMES
from ..head.parts import Eye
from .anchor_points import IRIS_LEFT, IRIS_RIGHT
from .anchored_head import AnchoredHead
from .camera import Camera
from .landmark_track import LandmarkTrack
from .pose_fit import RigidPose

Array = npt.NDArray[np.float64]

_IRISES = {"eye.L": IRIS_LEFT, "eye.R": IRIS_RIGHT}
_IRIS_DEPTH = 0.85
"""Distance of the iris from the centre of rotation, as a share of the eyeball's radius."""
_ANATOMY_LIMIT = np.radians(14.0)
"""A constant gaze up to this far from the camera is put down to the eyes' true places."""


def fit_gaze(
    track: LandmarkTrack, face: AnchoredHead, identity: Array, camera: Camera, pose: RigidPose
) -> Array:
    """(T, 52) weights of the eyeLook channels, the others zero; zero without iris points.

    Both eyes share their direction but for their own constant, which makes the usual gaze of the
    clip point at the camera.
    """
    weights = np.zeros((len(track.ok), len(EXPRESSION_NAMES)))
    place = {int(number): column for column, number in enumerate(track.index)}
    eyes = [eye for eye in face.head.eyes if _IRISES[eye.name][0] in place]
    if not eyes:
        return weights
    found = []
    for eye in eyes:
        columns = [place[number] for number in _IRISES[eye.name] if number in place]
        rays = camera.rays(track.points[:, columns]).mean(1)
        angles = _directions(rays, face.head.eye_pivot(eye.name, identity), eye, pose)
        found.append(_centred(angles, track.ok, pose))
    direction = np.mean(found, axis=0)
    direction = median_filter(direction, size=(3, 1), mode="nearest")
    for eye in face.head.eyes:
        for name, pitch, yaw in eye.gaze:
            value = direction[:, 0] / pitch if pitch else direction[:, 1] / yaw
            weights[:, EXPRESSION_NAMES.index(name)] = np.clip(value, 0.0, 1.0)
    return weights


def _directions(rays: Array, pivot: npt.NDArray[np.float32], eye: Eye, pose: RigidPose) -> Array:
    """(T, 2) pitch and yaw of an eye in the head whose iris is seen along rays (T, 2)."""
    reach = _IRIS_DEPTH * eye.radius_mm
    centre = pose.rotation @ pivot.astype(np.float64) + pose.place
    ray = np.stack([rays[:, 0], np.ones(len(rays)), rays[:, 1]], axis=1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    along = (ray * centre).sum(1)
    aside = (centre**2).sum(1) - along**2
    hit = along - np.sqrt(np.maximum(reach**2 - aside, 0.0))
    toward = np.einsum("tji,tj->ti", pose.rotation, ray * hit[:, None] - centre)
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    return np.stack([np.arctan2(-toward[:, 2], -toward[:, 1]), np.arcsin(toward[:, 0])], axis=1)


def _centred(angles: Array, ok: npt.NDArray[np.bool_], pose: RigidPose) -> Array:
    """Angles less the constant by which they miss the camera most of the time."""
    toward = np.einsum("tji,tj->ti", pose.rotation, -pose.place)
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    camera = np.stack([np.arctan2(-toward[:, 2], -toward[:, 1]), np.arcsin(toward[:, 0])], axis=1)
    miss = np.median((angles - camera)[ok], axis=0)
    centred: Array = angles - np.clip(miss, -_ANATOMY_LIMIT, _ANATOMY_LIMIT)
    return centred
