# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds and frames. Blender's frame rate is fps / fps_base, and 29.97 is really 30 / 1.001."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_TINY_FRAMES = 1e-6
"""Rounding slack, so that 2 s at 24 fps are 48 frames and not 49."""

_NTSC_BASE = 1.001
_NTSC_SLACK_HZ = 0.005
"""People write 23.98 and 29.97 for 24 / 1.001 and 30 / 1.001."""


@dataclass(frozen=True)
class FrameClock:
    """A scene's frame rate and the frame on which a performance starts.

    Convention: sample i of a performance lies on the integer frame start_frame + i and at
    i · fps_base / fps seconds. Nothing is accumulated, so nothing drifts.
    """

    fps: int
    fps_base: float = 1.0
    start_frame: int = 1

    def __post_init__(self) -> None:
        if self.fps <= 0 or not math.isfinite(self.fps_base) or self.fps_base <= 0:
            raise ValueError(f"no frame rate: {self.fps} / {self.fps_base}")

    @property
    def rate_hz(self) -> float:
        """Frames per second."""
        return self.fps / self.fps_base

    def seconds_at(self, frame: float) -> float:
        """Seconds from the start of the performance to a frame."""
        return (frame - self.start_frame) * self.fps_base / self.fps

    def frame_at(self, seconds: float) -> int:
        """The integer frame that lies nearest to a moment of the performance."""
        return self.start_frame + math.floor(seconds * self.fps / self.fps_base + 0.5)

    def frame_count(self, duration_s: float) -> int:
        """Frames that cover a duration, at least one; the last may reach past its end."""
        return max(1, math.ceil(duration_s * self.fps / self.fps_base - _TINY_FRAMES))

    def last_frame(self, frame_count: int) -> int:
        """The frame of the last of `frame_count` samples."""
        return self.start_frame + frame_count - 1

    def frames(self, frame_count: int) -> npt.NDArray[np.float32]:
        """(T,) the integer frames of `frame_count` samples, as F-curves store them."""
        return np.arange(self.start_frame, self.start_frame + frame_count, dtype=np.float64).astype(
            np.float32
        )


def broadcast_rate(rate_hz: float) -> tuple[int, float]:
    """fps and fps_base for a frame rate; 23.976, 29.97 and 59.94 are taken as N / 1.001.

    Raises ValueError where it is no frame rate.
    """
    if not math.isfinite(rate_hz) or rate_hz <= 0.5:
        raise ValueError(f"no frame rate: {rate_hz}")
    whole = max(1, round(rate_hz))
    if abs(rate_hz - whole / _NTSC_BASE) < _NTSC_SLACK_HZ:
        return whole, _NTSC_BASE
    return whole, whole / rate_hz


def rate_label(rate_hz: float) -> str:
    """A frame rate as people write it: 25, 29.97, 23.976."""
    return f"{rate_hz:.3f}".rstrip("0").rstrip(".")
