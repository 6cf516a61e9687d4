# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of the engine: one dataclass for the CLI, the worker and the add-on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .take import MODEL_RATE_HZ, POSE_CHANNELS

PRESETS = ("plus", "paper")
DEVICES = ("auto", "cpu", "cuda", "mps")
MAX_FPS = 240.0
MAX_SEED = 2**32 - 1
_MAX_ANGLE_RAD = math.pi
_MAX_OFFSET_MM = 10_000.0
_MAX_IDENTITY_SD = 10.0
MAX_SILENCE_S = 4 * 3600.0
MAX_AROUND_S = 10.0


@dataclass(frozen=True)
class AnimateRequest:
    """Turn one recording, or a silence, into a take.

    audio: absolute path; "" with silence_s. preset: one of PRESETS. style: an installed style of
    that preset. seed: same seed, same take. fps: frames per second of the take. start_pose:
    POSE_CHANNELS of frame 0, rad and mm; None: the neutral pose. eyes: sample blinks and gaze.
    identity: shape coefficients in standard deviations; None: those of the style's person, or
    heard in the voice. start_s: begin so far into the recording. max_seconds: use no more than so
    much from there. silence_s: listen for so long instead, without a recording. lead_s, trail_s:
    so much silence before and after, for a performance that is to be blended in and out. device:
    one of DEVICES. Raises ConfigError on anything out of range.
    """

    audio: str = ""
    preset: str = "plus"
    style: str = "neutral"
    seed: int = 0
    fps: float = MODEL_RATE_HZ
    start_pose: tuple[float, ...] | None = None
    eyes: bool = True
    identity: tuple[float, ...] | None = None
    start_s: float = 0.0
    max_seconds: float | None = None
    silence_s: float | None = None
    lead_s: float = 0.0
    trail_s: float = 0.0
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.silence_s is None:
            self._check_recording()
        else:
            self._check_silence()
        _choice("preset", self.preset, PRESETS)
        _choice("device", self.device, DEVICES)
        _require(isinstance(self.style, str) and bool(self.style), "The style has no name.")
        _require(
            type(self.seed) is int and 0 <= self.seed <= MAX_SEED,
            f"The seed is a whole number from 0 to {MAX_SEED}, not {self.seed!r}.",
        )
        _require(
            _is_number(self.fps) and 1.0 <= self.fps <= MAX_FPS,
            f"The frame rate is from 1 to {MAX_FPS:g} per second, not {self.fps!r}.",
        )
        _require(isinstance(self.eyes, bool), f"eyes is true or false, not {self.eyes!r}.")
        for around_s in (self.lead_s, self.trail_s):
            _require(
                _is_number(around_s) and 0.0 <= around_s <= MAX_AROUND_S,
                f"The silence around is from 0 to {MAX_AROUND_S:g} seconds, not {around_s!r}.",
            )
        self._check_start_pose()
        _require(
            self.identity is None or _are_within(self.identity, _MAX_IDENTITY_SD),
            f"The identity is a list of numbers within ±{_MAX_IDENTITY_SD:g} standard deviations.",
        )

    @property
    def duration_s(self) -> float | None:
        """Seconds that the take is to cover, silence included; None: as the recording has it."""
        used_s = self.max_seconds if self.silence_s is None else self.silence_s
        return None if used_s is None else self.lead_s + used_s + self.trail_s

    def _check_recording(self) -> None:
        _require(isinstance(self.audio, str) and bool(self.audio), "There is no recording.")
        _require(
            Path(self.audio).is_absolute(),
            f"The path of the recording is not absolute: {self.audio}.",
        )
        _require(
            _is_number(self.start_s) and self.start_s >= 0.0,
            f"The start is a number of seconds from 0 on, not {self.start_s!r}.",
        )
        _require(
            self.max_seconds is None or (_is_number(self.max_seconds) and self.max_seconds > 0),
            f"The length limit is a number of seconds above 0, not {self.max_seconds!r}.",
        )

    def _check_silence(self) -> None:
        _require(
            _is_number(self.silence_s) and 0.0 < float(self.silence_s or 0.0) <= MAX_SILENCE_S,
            f"Listening lasts up to {MAX_SILENCE_S:g} seconds, not {self.silence_s!r}.",
        )
        _require(
            not self.audio and self.start_s == 0.0 and self.max_seconds is None,
            "Listening and a recording exclude each other.",
            "Give silence_s alone, or a recording with start_s and max_seconds.",
        )

    def _check_start_pose(self) -> None:
        pose = self.start_pose
        if pose is None:
            return
        _require(
            isinstance(pose, tuple) and len(pose) == len(POSE_CHANNELS),
            f"The start pose has {len(POSE_CHANNELS)} numbers: {', '.join(POSE_CHANNELS)}.",
        )
        _require(
            _are_within(pose[:3], _MAX_ANGLE_RAD) and _are_within(pose[3:], _MAX_OFFSET_MM),
            "The start pose is out of range.",
            "Its angles are in radians (at most pi), its offsets in millimetres (at most 10 m).",
        )


def animate_request(data: Mapping[str, Any]) -> AnimateRequest:
    """The request in plain JSON data; raises ConfigError on unknown, missing or wrong settings."""
    known = [f.name for f in dataclasses.fields(AnimateRequest)]
    unknown = sorted(set(data) - set(known))
    _require(
        not unknown, f"Unknown setting {', '.join(unknown)}.", f"Known: {', '.join(sorted(known))}."
    )
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return AnimateRequest(**values)


def request_params(request: AnimateRequest) -> dict[str, Any]:
    """The JSON data that `animate_request` reads back."""
    return dataclasses.asdict(request)


def _require(holds: bool, message: str, hint: str = "") -> None:
    if not holds:
        raise ConfigError(message, hint)


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    _require(value in allowed, f"The {name} is one of {', '.join(allowed)}, not {value!r}.")


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _are_within(values: object, limit: float) -> bool:
    return isinstance(values, tuple) and all(_is_number(v) and abs(v) <= limit for v in values)
