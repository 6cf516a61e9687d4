# SPDX-License-Identifier: GPL-3.0-or-later
"""From phones with times to the 52 expression units: coarticulated mouth, brows on accents.

Each group of articulators (jaw, rounding, lips, tongue) is a weighted mean of the phones' targets.
A phone's weight at time t is its dominance integrated over the phone's own duration, falling off
exponentially before it (anticipation) and after it (carry-over). Short phones therefore undershoot
and firm ones prevail. Closures and the lip bite follow envelopes of their own that always reach
their goal and hold it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..head.channels import EXPRESSION_NAMES
from ..protocol.errors import DatasetError
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from .facial_style import FacialStyle, mean_style
from .visemes import CLOSURES, GLIDE_SPLIT, GLIDES, OPEN_VOWELS, VISEMES, VOWELS, Viseme

Float64Array = npt.NDArray[np.float64]

_GROUPS: dict[str, tuple[str, ...]] = {
    "jaw": ("jaw",),
    "round": ("pucker", "funnel"),
    "lips": ("spread", "low", "up"),
    "tongue": ("tongue",),
}
_ANTICIPATION_S = {"jaw": 0.035, "round": 0.070, "lips": 0.040, "tongue": 0.025}
_CARRY_OVER_S = {"jaw": 0.035, "round": 0.042, "lips": 0.035, "tongue": 0.025}
_LEAD_S = {"jaw": 0.030, "round": 0.020, "lips": 0.015, "tongue": 0.0}
"""The jaw starts about one frame before the sound, as animators expect it."""
_CLOSURE_HOLD_S = 2.05 / MODEL_RATE_HZ
"""No closure is shorter, so that at least two frames fall into it."""
_CLOSURE_RAMP_S = 0.050
_BITE_HOLD_S = 1.05 / MODEL_RATE_HZ
_BITE_RAMP_S = 0.055
GAP_MM = {
    "jawOpen": 34.65,
    "mouthFunnel": 13.55,
    "mouthPucker": -0.9,
    "mouthLeft": -1.25,
    "mouthRight": -1.25,
    "mouthSmile": 1.4,
    "mouthStretch": 0.5,
    "mouthRollLower": -1.7,
    "mouthRollUpper": -1.0,
    "mouthShrugLower": -4.95,
    "mouthPress": -1.2,
    "mouthLowerDown": 5.7,
    "mouthUpperUp": 7.85,
}
"""Lip opening in mm that units bring about at weight 1 on the default head, both sides together."""
_SEAL_MM = 0.3
"""How far closed lips press into each other."""
_STRESS_GAIN = {0: 0.74, 1: 1.04, 2: 0.92}
_REDUCED_S = 0.085
"""Vowels shorter than this are reduced: they aim lower, beyond what blending takes away."""
_OPEN_VOWEL_S = 0.09
_INHALE_PAUSE_S = 0.30
_INHALE_AT_S = 0.13
_INHALE_WIDTH_S = 0.055


@dataclass(frozen=True)
class PhoneTrack:
    """P phones in time order. start_s, end_s: (P,) seconds. phone: lower-case ARPAbet or `sil`.

    stress: (P,) 0, 1, 2, or -1 where not a vowel. loudness: (P,) level relative to the clip's
    median phone (1 = as loud as that), or None. prominence: (P,) rank in [0, 1] of a vowel's
    accent within the clip; None leaves the brows alone.
    """

    start_s: npt.NDArray[np.floating[Any]]
    end_s: npt.NDArray[np.floating[Any]]
    phone: tuple[str, ...]
    stress: npt.NDArray[np.integer[Any]]
    loudness: npt.NDArray[np.floating[Any]] | None = None
    prominence: npt.NDArray[np.floating[Any]] | None = None

    def __post_init__(self) -> None:
        unknown = sorted({p for p in self.phone if p not in VISEMES and p not in GLIDES})
        if unknown:
            raise DatasetError(f"Unknown phones: {', '.join(unknown)}.", "Use ARPAbet, lower case.")
        lengths = {len(self.start_s), len(self.end_s), len(self.phone), len(self.stress)}
        if len(lengths) != 1:
            raise DatasetError("The phone track's columns differ in length.")


def articulate(
    track: PhoneTrack,
    frame_count: int,
    style: FacialStyle | None = None,
    rate_hz: float = MODEL_RATE_HZ,
) -> FloatArray:
    """(T, 52) expression weights in [0, 1]; frame i at i / rate_hz seconds.

    style: the personality, by default the mean of all.
    """
    return articulate_styles(track, frame_count, (style or mean_style(),), rate_hz)[0]


def articulate_styles(
    track: PhoneTrack,
    frame_count: int,
    styles: Sequence[FacialStyle],
    rate_hz: float = MODEL_RATE_HZ,
    gap_mm: Mapping[str, float] = GAP_MM,
) -> list[FloatArray]:
    """The same as `articulate` for several personalities; what they share is computed once.

    gap_mm: lip opening that each unit of GAP_MM brings about on the head that is to speak.
    """
    times = np.arange(frame_count) / rate_hz
    targets = _targets(track)
    moves = {}
    for group, articulators in _GROUPS.items():
        for name, values in zip(articulators, _blend(times, targets, group), strict=True):
            moves[name] = values
    moves["inhale"] = _inhale(times, track)
    moves["close"] = _held(times, track, "close", _CLOSURE_HOLD_S, _CLOSURE_RAMP_S)
    moves["bite"] = _held(times, track, "bite", _BITE_HOLD_S, _BITE_RAMP_S)
    return [_express(times, track, moves, style, gap_mm) for style in styles]


def _express(
    times: Float64Array,
    track: PhoneTrack,
    moves: dict[str, Float64Array],
    style: FacialStyle,
    gap_mm: Mapping[str, float],
) -> FloatArray:
    units = _mouth_units(moves, style, gap_mm)
    units.update(_upper_face_units(_accents(times, track, style), style))
    weights = np.zeros((len(times), len(EXPRESSION_NAMES)))
    for name, curve in units.items():
        weights[:, EXPRESSION_NAMES.index(name)] = curve
    return np.clip(weights, 0.0, 1.0).astype(np.float32)


@dataclass(frozen=True)
class _Targets:
    start_s: Float64Array  # (Q,)
    end_s: Float64Array  # (Q,)
    visemes: tuple[Viseme, ...]
    opening: Float64Array  # (Q,) gain of stress, loudness and duration on jaw and lips


def _targets(track: PhoneTrack) -> _Targets:
    """One row per target: diphthongs become two; vowels carry their opening gain."""
    rows: list[tuple[float, float, Viseme, float]] = []
    for index, phone in enumerate(track.phone):
        start, end = float(track.start_s[index]), float(track.end_s[index])
        gain = _opening(track, index) if phone in VOWELS else 1.0
        if phone in GLIDES:
            first, second = GLIDES[phone]
            middle = start + GLIDE_SPLIT * (end - start)
            rows.append((start, middle, VISEMES[first], gain))
            rows.append((middle, end, VISEMES[second], gain))
        else:
            rows.append((start, end, VISEMES[phone], gain))
    columns = np.array([(a, b, g) for a, b, _, g in rows], dtype=np.float64).reshape(-1, 3)
    return _Targets(columns[:, 0], columns[:, 1], tuple(row[2] for row in rows), columns[:, 2])


def _opening(track: PhoneTrack, index: int) -> float:
    gain = _STRESS_GAIN.get(int(track.stress[index]), 1.0)
    if track.loudness is not None:
        gain *= float(np.clip(max(float(track.loudness[index]), 1e-6) ** 0.35, 0.75, 1.25))
    duration = float(track.end_s[index] - track.start_s[index])
    return gain * float(np.clip(duration / _REDUCED_S, 0.85, 1.0))


def _blend(times: Float64Array, targets: _Targets, group: str) -> list[Float64Array]:
    """(T,) curve of each articulator in a group; 0 where there are no phones."""
    names = _GROUPS[group]
    if not targets.visemes:
        return [np.zeros_like(times) for _ in names]
    firm_key = "jaw_firm" if group in ("jaw", "tongue") else f"{group}_firm"
    firm = np.array([getattr(v, firm_key) for v in targets.visemes])
    weight = firm * _presence(
        times + _LEAD_S[group], targets, _ANTICIPATION_S[group], _CARRY_OVER_S[group]
    )
    weight /= weight.sum(1, keepdims=True)
    gain = targets.opening if group in ("jaw", "lips") else np.ones_like(targets.opening)
    return [weight @ (np.array([getattr(v, n) for v in targets.visemes]) * gain) for n in names]


def _presence(
    times: Float64Array, targets: _Targets, before_s: float, after_s: float
) -> Float64Array:
    """(T, Q) integral over each target's interval of an exponential fall-off from it.

    Beyond the first and the last phone the outermost one goes on.
    """
    start, end = targets.start_s.copy(), targets.end_s.copy()
    start[0], end[-1] = min(start[0], times[0]) - 1.0, max(end[-1], times[-1]) + 1.0
    to_start = times[:, None] - start  # > 0: the target has begun
    to_end = times[:, None] - end  # > 0: the target is over
    future = before_s * (
        np.exp(np.minimum(to_start, 0.0) / before_s) - np.exp(np.minimum(to_end, 0.0) / before_s)
    )
    past = after_s * (
        np.exp(-np.maximum(to_end, 0.0) / after_s) - np.exp(-np.maximum(to_start, 0.0) / after_s)
    )
    presence: Float64Array = future + past + 1e-12
    return presence


def _held(
    times: Float64Array, track: PhoneTrack, what: str, hold_s: float, ramp_s: float
) -> Float64Array:
    """(T,) envelope that is 1 during phones with the target `what`, at least for `hold_s`."""
    envelope = np.zeros_like(times)
    for start, end, phone in zip(track.start_s, track.end_s, track.phone, strict=True):
        if phone in GLIDES or getattr(VISEMES[phone], what) == 0.0:
            continue
        half = max(hold_s, 0.8 * float(end - start)) / 2.0
        beyond = np.abs(times - (float(start) + float(end)) / 2.0) - half
        ramp = 0.5 + 0.5 * np.cos(np.pi * np.clip(beyond / ramp_s, 0.0, 1.0))
        envelope = np.maximum(envelope, ramp)
    return envelope


def _inhale(times: Float64Array, track: PhoneTrack) -> Float64Array:
    """(T,) bumps, 0 to 1, just before phrases that follow a pause."""
    bumps = np.zeros_like(times)
    for index in range(1, len(track.phone)):
        pause = track.phone[index - 1] == "sil" and track.phone[index] != "sil"
        length = float(track.end_s[index - 1] - track.start_s[index - 1])
        if pause and length >= _INHALE_PAUSE_S:
            distance = times - (float(track.start_s[index]) - _INHALE_AT_S)
            bumps = np.maximum(bumps, np.exp(-0.5 * (distance / _INHALE_WIDTH_S) ** 2))
    return bumps


def _mouth_units(
    moves: dict[str, Float64Array], style: FacialStyle, gap_mm: Mapping[str, float]
) -> dict[str, Float64Array | float]:
    """The mouth's units by name, (T,) each."""
    closed, bite = moves["close"], moves["bite"]
    free = (1.0 - closed) * (1.0 - 0.6 * bite)
    # Lips that meet, or meet the teeth, hold the jaw back: it drops at the release.
    jaw = moves["jaw"] * style.jaw + moves["inhale"] * style.inhale
    jaw = jaw * (1.0 - 0.45 * closed) * (1.0 - 0.55 * bite)
    pucker = moves["pucker"] * style.rounding * (1.0 - 0.5 * bite)
    funnel = moves["funnel"] * style.rounding * (1.0 - 0.8 * bite)
    spread = moves["spread"] * style.spreading
    low = moves["low"] * style.lips * free
    up = moves["up"] * style.lips * (1.0 - closed)
    units: dict[str, Float64Array | float] = {
        "jawOpen": jaw,
        "mouthPucker": pucker,
        "mouthFunnel": funnel * (1.0 - closed),
        "mouthRollLower": 0.10 * closed + 0.50 * bite,
        "mouthRollUpper": 0.12 * closed,
        "mouthShrugLower": 0.06 * closed + 0.10 * bite,
        "tongueOut": moves["tongue"] * free,
        "mouthLeft": np.full_like(jaw, max(0.0, 0.10 * style.asymmetry)),
        "mouthRight": np.full_like(jaw, max(0.0, -0.10 * style.asymmetry)),
    }
    smile = style.smile * (1.0 - 0.5 * np.clip(pucker + funnel, 0.0, 1.0)) + 0.30 * spread
    paired = {
        "mouthPress": 0.18 * closed,
        "mouthStretch": 0.42 * spread * (1.0 - 0.5 * closed),
        "mouthSmile": smile,
        "mouthDimple": 0.08 * spread + 0.04 * closed,
        "mouthLowerDown": low,
        "mouthUpperUp": up + 0.16 * bite,
        "cheekSquint": style.squint + 0.5 * style.smile + 0.10 * spread,
        "noseSneer": 0.10 * up,
    }
    # mouthClose undoes the lip opening of an equal jawOpen; what the other units open or close on
    # our head is made up for, so that the lips meet and do not sink into each other.
    opening = sum(gap_mm.get(name, 0.0) * values for name, values in (units | paired).items())
    units["mouthClose"] = np.maximum(closed * (opening + _SEAL_MM) / gap_mm["jawOpen"], 0.0)
    for name, values in paired.items():
        units[f"{name}Left"] = values * (1.0 + style.asymmetry)
        units[f"{name}Right"] = values * (1.0 - style.asymmetry)
    return units


def _accents(times: Float64Array, track: PhoneTrack, style: FacialStyle) -> Float64Array:
    """(T,) height 0 to 1 of the brow raise: up within 130 ms, held, down within 400 ms."""
    raised = np.zeros_like(times)
    if track.prominence is None:
        return raised
    for index, phone in enumerate(track.phone):
        strength = float(track.prominence[index]) if phone in VOWELS else 0.0
        height = np.clip((strength - style.accent_threshold) / (1 - style.accent_threshold), 0, 1)
        if height <= 0.0:
            continue
        onset, release = float(track.start_s[index]) - 0.05, float(track.end_s[index]) + 0.05
        rise = _smoothstep((times - onset + 0.08) / 0.13)
        raised = np.maximum(raised, height * rise * (1.0 - _smoothstep((times - release) / 0.40)))
    return raised


def _upper_face_units(raised: Float64Array, style: FacialStyle) -> dict[str, Float64Array | float]:
    lift = style.brows * raised
    down = style.brow_down * (1.0 - 0.7 * raised)
    return {
        "browInnerUp": lift + 0.4 * style.brow_down * raised,
        "browOuterUpLeft": 0.75 * lift * (1.0 + style.asymmetry),
        "browOuterUpRight": 0.75 * lift * (1.0 - style.asymmetry),
        "browDownLeft": down,
        "browDownRight": down,
        "eyeWideLeft": 0.35 * lift,
        "eyeWideRight": 0.35 * lift,
        "eyeSquintLeft": style.squint * (1.0 - raised),
        "eyeSquintRight": style.squint * (1.0 - raised),
    }


def _smoothstep(x: Float64Array) -> Float64Array:
    t = np.clip(x, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def open_frames(track: PhoneTrack, frame_count: int, rate_hz: float) -> npt.NDArray[np.bool_]:
    """(T,) the middle third of open vowels that last: there the mouth must be open."""
    mask = np.zeros(frame_count, dtype=bool)
    for start, end, phone in zip(track.start_s, track.end_s, track.phone, strict=True):
        length = float(end - start)
        if phone in OPEN_VOWELS and length >= _OPEN_VOWEL_S:
            first = int(np.ceil((float(start) + length / 3) * rate_hz))
            mask[max(first, 0) : int(np.floor((float(end) - length / 3) * rate_hz)) + 1] = True
    return mask


def closure_frames(track: PhoneTrack, frame_count: int, rate_hz: float) -> npt.NDArray[np.bool_]:
    """(T,) frames in which a /p b m/ has its lips together."""
    mask = np.zeros(frame_count, dtype=bool)
    for start, end, phone in zip(track.start_s, track.end_s, track.phone, strict=True):
        if phone in CLOSURES:
            middle = (float(start) + float(end)) / 2.0 * rate_hz
            half = max(_CLOSURE_HOLD_S, 0.8 * float(end - start)) / 2.0 * rate_hz
            first = max(0, int(np.ceil(middle - half)))
            mask[first : int(np.floor(middle + half)) + 1] = True
    return mask
