# SPDX-License-Identifier: GPL-3.0-or-later
"""Facial capture that is already rig weights: Live Link Face takes and FACEGOOD's rig.

Both become weights of our 52 channels by name. What a rig cannot tell stays 0 and not `known`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from ..protocol.errors import DatasetError
from ..protocol.files import UNREADABLE_NPZ
from ..protocol.take import POSE_CHANNELS, FloatArray
from .captured_motion import BoolArray, CapturedMotion

LIVE_LINK_HEAD = {"pitch": ("HeadPitch", 1.0), "yaw": ("HeadYaw", -1.0), "roll": ("HeadRoll", -1.0)}
"""Head columns in radians and their sign in face space.

The signs are those of the eyes' columns, whose looks are known: LeftEyePitch grows with
EyeLookDownLeft, LeftEyeYaw shrinks with EyeLookOutLeft; a mirrored axis turns yaw and roll round.
"""

FACEGOOD_MOUTH: dict[str, dict[str, float]] = {
    "jawOpen": {"mouth_stretch_c": 1.0},
    "mouthFunnel": {
        "mouth_funnel_dl": 0.25,
        "mouth_funnel_dr": 0.25,
        "mouth_funnel_ul": 0.25,
        "mouth_funnel_ur": 0.25,
        "mouth_oh_c": 0.6,
        "mouth_oo_c": 0.2,
    },
    "mouthPucker": {
        "mouth_pucker_l": 0.5,
        "mouth_pucker_r": 0.5,
        "mouth_oh_c": 0.2,
        "mouth_oo_c": 0.6,
    },
    "mouthSmileLeft": {"mouth_lipCornerPull_l": 1.0},
    "mouthSmileRight": {"mouth_lipCornerPull_r": 1.0},
    "mouthStretchLeft": {"mouth_lipStretch_l": 1.0},
    "mouthStretchRight": {"mouth_lipStretch_r": 1.0},
    "mouthRollLower": {"mouth_suck_dl": 0.5, "mouth_suck_dr": 0.5},
    "mouthRollUpper": {"mouth_suck_ul": 0.5, "mouth_suck_ur": 0.5},
    "mouthShrugUpper": {"mouth_chinRaise_u": 1.0},
    "mouthPressLeft": {"mouth_press_l": 1.0},
    "mouthPressRight": {"mouth_press_r": 1.0},
    "mouthLowerDownLeft": {"mouth_lowerLipDepress_l": 1.0},
    "mouthLowerDownRight": {"mouth_lowerLipDepress_r": 1.0},
    "mouthUpperUpLeft": {"mouth_upperLipRaise_l": 1.0},
    "mouthUpperUpRight": {"mouth_upperLipRaise_r": 1.0},
}
"""Our channel → shares of the rig weights (FACS-like names) that make the same movement.

Only weights that are used in the published recordings. The two vowel shapes `oh` and `oo` are
rounded lips: shared between funnel and pucker.
"""


def is_rig_capture(arrays: set[str]) -> bool:
    """Whether an .npz with these arrays is one of the two kinds read here."""
    is_live_link, is_facegood = {"values", "time"} <= arrays, {"blendshapes", "fps"} <= arrays
    return "names" in arrays and "landmarks" not in arrays and (is_live_link or is_facegood)


def load_rig_capture(path: Path) -> CapturedMotion:
    """Read a take: `values` (T, 61) with `time`, or `blendshapes` (T, 116) with `fps`; `names`.

    Raises DatasetError where the file is damaged or its weights are not known by name.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            names = [str(name) for name in data["names"]]
            if "values" in data:
                return _live_link(data["values"].astype(np.float64), data["time"], names)
            return _facegood(data["blendshapes"].astype(np.float64), float(data["fps"]), names)
    except UNREADABLE_NPZ as error:
        raise DatasetError(
            f"{path.name} is no facial capture that can be read ({error}).",
            "Give a Live Link Face or FACEGOOD take as .npz with the arrays names and values.",
        ) from error


def _live_link(
    values: npt.NDArray[np.float64], time_s: npt.NDArray[np.floating[Any]], names: list[str]
) -> CapturedMotion:
    """ARKit names with a capital letter. A head column that never moves was not recorded."""
    column = {name: values[:, index] for index, name in enumerate(names)}
    expression = np.stack([column[name[0].upper() + name[1:]] for name in EXPRESSION_NAMES], axis=1)
    angles = np.stack([sign * column[name] for name, sign in LIVE_LINK_HEAD.values()], axis=1)
    pose = np.concatenate([angles, np.zeros_like(angles)], axis=1)
    times = np.asarray(time_s, np.float64) - float(time_s[0])
    fps = float(1.0 / np.median(np.diff(times)))
    frames = np.arange(int(np.floor(times[-1] * fps + 1e-3)) + 1) / fps
    # Takes drop frames now and then: the time stamps say where each row belongs.
    even = [
        np.stack([np.interp(frames, times, curve) for curve in rows.T], axis=1)
        for rows in (pose, expression)
    ]
    has_pose = bool(angles.std(axis=0).max() > 1e-4)
    return _motion(fps, even[0], even[1], has_pose, np.ones(len(EXPRESSION_NAMES), bool))


def _facegood(values: npt.NDArray[np.float64], fps: float, names: list[str]) -> CapturedMotion:
    column = {name: index for index, name in enumerate(names)}
    table = np.zeros((len(names), len(EXPRESSION_NAMES)))
    for target, shares in FACEGOOD_MOUTH.items():
        for name, share in shares.items():
            table[column[name], EXPRESSION_NAMES.index(target)] = share
    pose = np.zeros((len(values), len(POSE_CHANNELS)))
    known = np.array([name in FACEGOOD_MOUTH for name in EXPRESSION_NAMES])
    return _motion(fps, pose, values @ table, False, known)


def _motion(
    fps: float,
    pose: npt.NDArray[np.float64],
    expression: npt.NDArray[np.float64],
    has_pose: bool,
    known: BoolArray,
) -> CapturedMotion:
    frames = len(pose)
    unmeasured: FloatArray = np.full(frames, np.nan, np.float32)
    return CapturedMotion(
        fps=fps,
        pose=pose.astype(np.float32),
        expression=np.clip(expression, 0.0, 1.0).astype(np.float32),
        identity=np.zeros(IDENTITY_SIZE, np.float32),
        pose_ok=np.full(frames, has_pose),
        face_ok=np.ones(frames, bool),
        known=known,
        lip_gap_mm=unmeasured,
        error_px=unmeasured,
        face_px=unmeasured,
        frozen=np.zeros(frames, bool),
    )
