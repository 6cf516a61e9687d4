# SPDX-License-Identifier: GPL-3.0-or-later
"""The Take: the one product of the engine, and all that Blender needs to key a head.

Convention (face space, the only one in this project): right-handed, +X the character's left,
-Y forward, +Z up, origin at the head's pivot; millimetres, radians; frame i is at i / fps seconds.
Rotation R = R_yaw · R_pitch · R_roll acts on column vectors; pitch turns about +X (positive: nose
down), yaw about +Z (positive: towards the character's own left), roll about -Y, the forward axis
(positive: the crown tips to the character's right).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import TakeError

FloatArray = npt.NDArray[np.float32]

MODEL_RATE_HZ = 30.0
"""Frame rate at which both networks work."""

POSE_CHANNELS = ("pitch", "yaw", "roll", "x", "y", "z")
"""Columns of a pose: three angles in radians, then a translation in mm, all in face space."""


@dataclass(frozen=True)
class Take:
    """A performance of T frames.

    fps: frames per second. pose: (T, 6), columns POSE_CHANNELS. expression: (T, C) weights in
    [0, 1], columns expression_names. identity: (K,) shape coefficients in standard deviations.
    meta: provenance (audio and weights hashes, seed, settings), JSON types only.
    Raises TakeError where shapes disagree or a number is not finite.
    """

    fps: float
    pose: FloatArray
    expression: FloatArray
    expression_names: tuple[str, ...]
    identity: FloatArray
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frames = len(self.pose)
        expected = (frames, len(self.expression_names))
        if self.pose.shape != (frames, len(POSE_CHANNELS)) or self.expression.shape != expected:
            raise TakeError(
                f"The take is inconsistent: pose {self.pose.shape}, expression "
                f"{self.expression.shape}, {len(self.expression_names)} names."
            )
        if frames == 0 or not np.isfinite(self.fps) or self.fps <= 0:
            raise TakeError("The take has no frames or no frame rate.")
        for name in ("pose", "expression", "identity"):
            if not np.isfinite(getattr(self, name)).all():
                raise TakeError(f"The take's {name} holds numbers that are not finite.")

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.pose)

    @property
    def duration_s(self) -> float:
        """Seconds that the frames cover."""
        return self.frame_count / self.fps

    @property
    def times_s(self) -> npt.NDArray[np.float64]:
        """(T,) seconds of each frame."""
        return np.arange(self.frame_count) / self.fps

    def pose_channel(self, name: str) -> FloatArray:
        """(T,) one pose channel by name."""
        return self.pose[:, POSE_CHANNELS.index(name)]

    def expression_channel(self, name: str) -> FloatArray:
        """(T,) one expression weight by name."""
        return self.expression[:, self.expression_names.index(name)]

    def beginning(self, duration_s: float) -> Take:
        """The frames that cover a duration, at least one; the whole take where it is no longer."""
        count = max(1, int(np.ceil(duration_s * self.fps - 1e-6)))
        if count >= self.frame_count:
            return self
        return replace(self, pose=self.pose[:count], expression=self.expression[:count])

    def resampled(self, fps: float) -> Take:
        """The same performance at another frame rate, without drift: frame i at i / fps seconds."""
        if abs(fps - self.fps) < 1e-9:
            return self
        count = max(1, int(np.ceil(self.duration_s * fps - 1e-6)))
        at = np.arange(count) / fps * self.fps
        return replace(
            self,
            fps=float(fps),
            pose=interpolate_frames(self.pose, at),
            expression=np.clip(interpolate_frames(self.expression, at), 0.0, 1.0),
        )


def interpolate_frames(values: FloatArray, at: npt.NDArray[np.float64]) -> FloatArray:
    """Catmull-Rom interpolation of (T, C) values at fractional frames `at` (N,), ends held."""
    last = len(values) - 1
    at = np.clip(at, 0.0, last)
    start = np.minimum(np.floor(at).astype(np.int64), max(last - 1, 0))
    u = (at - start).astype(np.float32)[:, None]
    before, after, beyond = (np.clip(start + step, 0, last) for step in (-1, 1, 2))
    p0, p1, p2, p3 = values[before], values[start], values[after], values[beyond]
    curve = p1 + 0.5 * u * (
        p2 - p0 + u * (2 * p0 - 5 * p1 + 4 * p2 - p3 + u * (3 * (p1 - p2) + p3 - p0))
    )
    return np.ascontiguousarray(curve, dtype=np.float32)
