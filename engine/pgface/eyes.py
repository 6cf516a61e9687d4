# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks and gaze, drawn at random: speech says little about them.

Blinks come at log-normal intervals, preferably where a phrase ends or the gaze jumps. The gaze
rests on the listener or a little beside, jumps in saccades, and holds its target against the turns
of the head (vestibulo-ocular reflex). The same seed and recording give the same eyes, and what
happens at a time depends on no more than the second that follows it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..protocol.take import POSE_CHANNELS, FloatArray

EYE_CURVES = tuple(
    f"{unit}{side}"
    for side in ("Left", "Right")
    for unit in ("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp")
)
"""The curves that `blink_and_gaze` makes."""

_Float64 = npt.NDArray[np.float64]

_BLINK_MEDIAN_S, _BLINK_SPREAD = 2.9, 0.55  # log-normal: 17 to 18 blinks a minute
_BLINK_REST_S = 0.7
_ATTRACTION_S, _ATTRACTION = 0.6, 0.65
_DOUBLE_BLINK = 0.06
_CLOSE_S, _OPEN_S = 0.075, 0.165
_FIXATION_MEDIAN_S, _FIXATION_SPREAD, _FIXATION_MIN_S = 1.1, 0.6, 0.25
_ON_LISTENER = 0.68
_LARGE_SACCADE_DEG = 5.0
_SACCADE_S = 0.045
_REFLEX_GAIN = 0.85
_REACH_DEG = {"side": 22.0, "up": 14.0, "down": 16.0}
"""Farthest turn of the eye from straight ahead."""
FULL_GAZE_DEG = {"side": 26.0, "up": 18.0, "down": 20.0}
"""Turn of the eye at a weight of 1."""
_LID_FOLLOWS = 0.10


def blink_and_gaze(
    frame_count: int, rate_hz: float, seed: int, prosody: FloatArray, pose: FloatArray
) -> dict[str, FloatArray]:
    """Weights in [0, 1] by name (EYE_CURVES), each (T,).

    prosody: (T, 4) as of `audio.prosody`; pose: (T, 6) rad, mm; both at rate_hz.
    """
    blink_rng, gaze_rng = (np.random.default_rng([seed, stream]) for stream in (1, 2))
    length_s = frame_count / rate_hz
    jumps_s, targets_deg = _fixations(length_s, gaze_rng)
    sizes = np.abs(np.diff(targets_deg, axis=0)).max(1)
    attractors = np.concatenate(
        [_phrase_ends_s(prosody[:, 1], rate_hz), jumps_s[1:][sizes > _LARGE_SACCADE_DEG]]
    )
    times = np.arange(frame_count) / rate_hz
    blinks = _blink_curves(times, rate_hz, _blink_times_s(length_s, attractors, blink_rng), seed)
    curves = _gaze_curves(_gaze_deg(times, jumps_s, targets_deg), pose)
    for side, blink in zip(("Left", "Right"), blinks, strict=True):
        lid = _LID_FOLLOWS * curves[f"eyeLookDown{side}"]
        curves[f"eyeBlink{side}"] = np.maximum(blink, lid)
    return {name: np.clip(curves[name], 0.0, 1.0).astype(np.float32) for name in EYE_CURVES}


def _phrase_ends_s(voicing: FloatArray, rate_hz: float) -> _Float64:
    """Seconds at which the voice stops for at least 0.2 s."""
    voiced = np.asarray(voicing) > 0.5
    quiet = max(1, round(0.2 * rate_hz))
    ahead = np.concatenate([voiced[1:], np.zeros(quiet, dtype=bool)])
    next_voiced = np.lib.stride_tricks.sliding_window_view(ahead, quiet).any(1)
    ends: _Float64 = (np.flatnonzero(voiced & ~next_voiced[: len(voiced)]) + 1) / rate_hz
    return ends


def _blink_times_s(
    length_s: float, attractors_s: _Float64, rng: np.random.Generator
) -> list[float]:
    """Onsets of blinks, drawn towards the attractors."""
    times: list[float] = []
    at = 0.0
    while True:
        interval, pull, double = (
            rng.lognormal(np.log(_BLINK_MEDIAN_S), _BLINK_SPREAD),
            *rng.random(2),
        )
        at += float(interval)
        if at >= length_s:
            return times
        near = attractors_s[np.abs(attractors_s - at) < _ATTRACTION_S]
        if len(near) and pull < _ATTRACTION:
            at = float(near[np.argmin(np.abs(near - at))])
        if times and at - times[-1] < _BLINK_REST_S:
            at = times[-1] + _BLINK_REST_S
        times.append(at)
        if double < _DOUBLE_BLINK:
            at += 0.36
            times.append(at)


def _blink_curves(
    times: _Float64, rate_hz: float, onsets_s: list[float], seed: int
) -> tuple[_Float64, _Float64]:
    """Both lids: closing fast, shut for at least one frame, opening slower."""
    left, right = np.zeros_like(times), np.zeros_like(times)
    shut_s = 1.1 / rate_hz
    for number, onset in enumerate(onsets_s):
        rng = np.random.default_rng([seed, 3, number])
        pace, depth, lag = rng.uniform(0.85, 1.2), rng.uniform(0.9, 1.0), rng.uniform(-0.6, 0.6)
        for curve, delay in ((left, max(lag, 0.0)), (right, max(-lag, 0.0))):
            since = times - onset - delay / rate_hz
            down = _smooth(since / (_CLOSE_S * pace))
            up = _smooth((since - _CLOSE_S * pace - shut_s) / (_OPEN_S * pace))
            np.maximum(curve, depth * (down - up), out=curve)
    return left, right


def _fixations(length_s: float, rng: np.random.Generator) -> tuple[_Float64, _Float64]:
    """Times (N,) of gaze jumps, the first at 0, and targets (N, 2) in degrees: yaw, pitch."""
    times, targets = [0.0], [(0.0, 0.0)]
    while True:
        stay = rng.lognormal(np.log(_FIXATION_MEDIAN_S), _FIXATION_SPREAD)
        where, small, side, height = rng.random(), rng.normal(size=2), *rng.random(2)
        at = times[-1] + max(float(stay), _FIXATION_MIN_S)
        if at >= length_s:
            return np.array(times), np.array(targets)
        if where < _ON_LISTENER:
            target = (0.9 * small[0], 0.6 * small[1])  # eyes, mouth, eyes of the listener
        else:
            away = 4.0 + 8.0 * side
            target = (away * np.sign(small[0]), -4.0 + 9.0 * height)
        times.append(at)
        targets.append((float(target[0]), float(target[1])))


def _gaze_deg(times: _Float64, jumps_s: _Float64, targets_deg: _Float64) -> _Float64:
    """(T, 2) direction of the gaze; a saccade takes about one and a half frames."""
    at = np.searchsorted(jumps_s, times, side="right") - 1
    before = targets_deg[np.maximum(at - 1, 0)]
    share = _smooth((times - jumps_s[at]) / _SACCADE_S)[:, None]
    gaze: _Float64 = before + share * (targets_deg[at] - before)
    return gaze


def _gaze_curves(gaze_deg: _Float64, pose: FloatArray) -> dict[str, _Float64]:
    """Look weights of both eyes for a gaze that holds its target while the head turns."""
    head = {name: np.degrees(pose[:, POSE_CHANNELS.index(name)]) for name in ("yaw", "pitch")}
    yaw = gaze_deg[:, 0] - _REFLEX_GAIN * head["yaw"]  # positive: to the character's left
    pitch = gaze_deg[:, 1] - _REFLEX_GAIN * head["pitch"]  # positive: down
    left, right = _weight(yaw, "side"), _weight(-yaw, "side")
    up, down = _weight(-pitch, "up"), _weight(pitch, "down")
    return {
        "eyeLookOutLeft": left,
        "eyeLookInLeft": right,
        "eyeLookOutRight": right,
        "eyeLookInRight": left,
        "eyeLookUpLeft": up,
        "eyeLookUpRight": up,
        "eyeLookDownLeft": down,
        "eyeLookDownRight": down,
    }


def _weight(angle_deg: _Float64, way: str) -> _Float64:
    """Weight for the positive part of an angle; eases towards the reach of the eye."""
    reach = _REACH_DEG[way]
    turned: _Float64 = reach * np.tanh(np.maximum(angle_deg, 0.0) / reach)
    return turned / FULL_GAZE_DEG[way]


def _smooth(x: _Float64) -> _Float64:
    t = np.clip(x, 0.0, 1.0)
    smooth: _Float64 = t * t * (3.0 - 2.0 * t)
    return smooth
