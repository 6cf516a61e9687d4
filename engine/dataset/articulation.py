# SPDX-License-Identifier: GPL-3.0-or-later
"""From phones with times to the 52 expression units: coarticulated mouth, brows on accents.

A mouth model moves jaw and lips from phone to phone. Added to it is what no tracking of lips can
tell or guarantee: closures and the lip bite that always reach their goal and hold it, the tongue, a
breath before phrases, and a personality's amounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from ..checkpoint import WEIGHTS_DIR
from ..head.channels import EXPRESSION_NAMES
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from .facial_style import FacialStyle, mean_style
from .mouth_model import MouthModel, load_mouth_model, presence
from .phone_track import PARTS, Float64Array, PhoneTrack, spoken_parts
from .visemes import CLOSURES, GLIDES, OPEN_VOWELS, VISEMES, VOWELS

MOUTH_MODEL_PATH = WEIGHTS_DIR / "mouth_model.safetensors"
_TONGUE_S = 0.025
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
    "mouthFrown": 0.2,
    "mouthDimple": 0.35,
    "mouthStretch": 0.5,
    "mouthRollLower": -1.7,
    "mouthRollUpper": -1.0,
    "mouthShrugLower": -4.95,
    "mouthShrugUpper": 3.8,
    "mouthPress": -1.2,
    "mouthLowerDown": 5.7,
    "mouthUpperUp": 7.85,
}
"""Lip opening in mm that units bring about at weight 1 on the default head, both sides together."""
_SEAL_MM = 0.3
"""How far closed lips press into each other."""
_OPEN_VOWEL_S = 0.09
_INHALE_PAUSE_S = 0.30
_INHALE_AT_S = 0.13
_INHALE_WIDTH_S = 0.055


@cache
def default_mouth_model() -> MouthModel:
    """The model that ships, learned from a real speaker's tracked lips."""
    return load_mouth_model(MOUTH_MODEL_PATH)


def articulate(
    track: PhoneTrack,
    frame_count: int,
    style: FacialStyle | None = None,
    rate_hz: float = MODEL_RATE_HZ,
    *,
    model: MouthModel | None = None,
) -> FloatArray:
    """(T, 52) expression weights in [0, 1]; frame i at i / rate_hz seconds.

    style: the personality, by default the mean of all. model: the mouth, by default the one that
    ships.
    """
    return articulate_styles(track, frame_count, (style or mean_style(),), rate_hz, model=model)[0]


def articulate_styles(
    track: PhoneTrack,
    frame_count: int,
    styles: Sequence[FacialStyle],
    rate_hz: float = MODEL_RATE_HZ,
    *,
    gap_mm: Mapping[str, float] = GAP_MM,
    model: MouthModel | None = None,
) -> list[FloatArray]:
    """The same as `articulate` for several personalities; what they share is computed once.

    gap_mm: lip opening that each unit of GAP_MM brings about on the head that is to speak. model:
    the mouth, by default the one that ships.
    """
    times = np.arange(frame_count) / rate_hz
    moves = (model or default_mouth_model()).move(track, times)
    moves["tongue"] = _tongue(times, track)
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
    units: dict[str, Float64Array | float] = dict(_mouth_units(moves, style, gap_mm))
    units.update(_upper_face_units(_accents(times, track, style), style))
    weights = np.zeros((len(times), len(EXPRESSION_NAMES)))
    for name, curve in units.items():
        weights[:, EXPRESSION_NAMES.index(name)] = curve
    return np.clip(weights, 0.0, 1.0).astype(np.float32)


def _tongue(times: Float64Array, track: PhoneTrack) -> Float64Array:
    """(T,) how far the tip is between the teeth."""
    parts = spoken_parts(track)
    if len(parts.part) == 0:
        return np.zeros_like(times)
    visemes = [VISEMES.get(PARTS[part]) for part in parts.part]  # a diphthong moves no tongue tip
    firm = np.array([viseme.jaw_firm if viseme else 1.0 for viseme in visemes])
    weight = firm * presence(times, parts, _TONGUE_S, _TONGUE_S)
    tongue = np.array([viseme.tongue if viseme else 0.0 for viseme in visemes])
    tip: Float64Array = (weight @ tongue) / weight.sum(1)
    return tip


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
) -> dict[str, Float64Array]:
    """The mouth's units by name, (T,) each."""
    closed, bite = moves["close"], moves["bite"]
    free = (1.0 - closed) * (1.0 - 0.6 * bite)
    learned = {name: np.maximum(values, 0.0) for name, values in moves.items()}
    rounding = style.rounding * (1.0 - 0.5 * bite)
    pucker = learned["mouthPucker"] * rounding
    funnel = learned["mouthFunnel"] * rounding * (1.0 - closed)
    spread = style.spreading * (1.0 - 0.5 * closed)
    up = learned["mouthUpperUp"] * style.lips * (1.0 - closed)
    smile = style.smile * (1.0 - 0.5 * np.clip(pucker + funnel, 0.0, 1.0))
    units = {
        "jawOpen": learned["jawOpen"] * style.jaw + moves["inhale"] * style.inhale,
        "mouthPucker": pucker,
        "mouthFunnel": funnel,
        "mouthRollLower": np.maximum(learned["mouthRollLower"], 0.10 * closed + 0.50 * bite),
        "mouthRollUpper": np.maximum(learned["mouthRollUpper"], 0.12 * closed),
        "mouthShrugLower": np.maximum(learned["mouthShrugLower"], 0.06 * closed + 0.10 * bite),
        "mouthShrugUpper": learned["mouthShrugUpper"],
        "tongueOut": moves["tongue"] * free,
        "mouthLeft": np.full_like(closed, max(0.0, 0.10 * style.asymmetry)),
        "mouthRight": np.full_like(closed, max(0.0, -0.10 * style.asymmetry)),
    }
    paired = {
        "mouthPress": np.maximum(learned["mouthPress"], 0.18 * closed),
        "mouthStretch": learned["mouthStretch"] * spread,
        "mouthSmile": smile + learned["mouthSmile"] * style.spreading,
        "mouthFrown": learned["mouthFrown"],
        "mouthDimple": learned["mouthDimple"] * style.spreading + 0.04 * closed,
        "mouthLowerDown": learned["mouthLowerDown"] * style.lips * free,
        "mouthUpperUp": up + 0.16 * bite,
        "cheekSquint": style.squint + 0.5 * style.smile + 0.3 * learned["mouthSmile"],
        "noseSneer": 0.10 * up,
    }
    opening = sum(gap_mm.get(name, 0.0) * values for name, values in (units | paired).items())
    # mouthClose undoes the lip opening of an equal jawOpen; what the other units open or close on
    # the head is made up for, so that the lips meet and do not sink into each other.
    seal = np.asarray(opening) + _SEAL_MM
    units["mouthClose"] = closed * np.maximum(seal, 0.0) / gap_mm["jawOpen"]
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
