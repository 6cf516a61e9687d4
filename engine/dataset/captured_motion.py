# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera or a rig recorded of one person, at its own frame rate, and its way to 30 fps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from ..audio.decode import SAMPLE_RATE_HZ
from ..head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from ..protocol.errors import DatasetError
from ..protocol.take import MODEL_RATE_HZ, POSE_CHANNELS, FloatArray

BoolArray = npt.NDArray[np.bool_]

_MINUTE = 1e-6


@dataclass(frozen=True)
class CapturedMotion:
    """T frames; frame i is at i / fps seconds of the recording that starts at start_s.

    pose: (T, 6) rad and mm in face space. expression: (T, 52) in [0, 1]. identity: (50,). pose_ok,
    face_ok: (T,) whether they were seen. known: (52,) the channels that the capture can tell.
    lip_gap_mm: (T,), NaN where not measured. error_px: (T,) distance of fitted to tracked
    landmarks, face_px: (T,) size of the face; both in pixels, NaN without landmarks. frozen: (T,)
    where the picture stood still.
    """

    fps: float
    pose: FloatArray
    expression: FloatArray
    identity: FloatArray
    pose_ok: BoolArray
    face_ok: BoolArray
    known: BoolArray
    lip_gap_mm: FloatArray
    error_px: FloatArray
    face_px: FloatArray
    frozen: BoolArray
    start_s: float = 0.0

    def __post_init__(self) -> None:
        frames = len(self.pose)
        shapes = [self.pose.shape, self.expression.shape, self.identity.shape, self.known.shape]
        channels = len(EXPRESSION_NAMES)
        expected = [(frames, len(POSE_CHANNELS)), (frames, channels), (IDENTITY_SIZE,), (channels,)]
        tracks = (
            *(self.pose_ok, self.face_ok, self.lip_gap_mm),
            *(self.error_px, self.face_px, self.frozen),
        )
        if shapes != expected or any(track.shape != (frames,) for track in tracks) or not frames:
            raise DatasetError(f"The captured motion is inconsistent: {shapes}.")

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.pose)

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last frame."""
        return (self.frame_count - 1) / self.fps

    def cut(self, start: int, stop: int) -> CapturedMotion:
        """Frames start to stop, exclusive."""
        part = slice(start, stop)
        return CapturedMotion(
            fps=self.fps,
            pose=self.pose[part],
            expression=self.expression[part],
            identity=self.identity,
            pose_ok=self.pose_ok[part],
            face_ok=self.face_ok[part],
            known=self.known,
            lip_gap_mm=self.lip_gap_mm[part],
            error_px=self.error_px[part],
            face_px=self.face_px[part],
            frozen=self.frozen[part],
            start_s=self.start_s + start / self.fps,
        )

    def at_model_rate(self) -> CapturedMotion:
        """The same motion at 30 fps from the same start; positions are about their own median.

        Frames that were not seen are bridged. A frame counts as seen where both neighbours were.
        """
        count = frames_at_model_rate(self.frame_count, self.fps)
        pose = self.pose.astype(np.float64)
        pose[:, :3] = np.unwrap(pose[:, :3], axis=0)
        pose = resample_curves(pose, self.fps, count, self.pose_ok)
        seen = self.pose_ok if self.pose_ok.any() else np.ones_like(self.pose_ok)
        pose[:, 3:] -= np.median(self.pose[seen, 3:], axis=0)
        expression = resample_curves(self.expression, self.fps, count, self.face_ok)
        return CapturedMotion(
            fps=MODEL_RATE_HZ,
            pose=pose.astype(np.float32),
            expression=np.clip(expression, 0.0, 1.0).astype(np.float32),
            identity=self.identity,
            pose_ok=resample_flags(self.pose_ok, self.fps, count),
            face_ok=resample_flags(self.face_ok, self.fps, count),
            known=self.known,
            lip_gap_mm=resample_measured(self.lip_gap_mm, self.fps, count),
            error_px=resample_measured(self.error_px, self.fps, count),
            face_px=resample_measured(self.face_px, self.fps, count),
            frozen=resample_flags(self.frozen, self.fps, count),
            start_s=self.start_s,
        )


def frames_at_model_rate(frames: int, fps: float) -> int:
    """How many frames at 30 fps lie between the first and the last of `frames` frames at fps."""
    return max(1, int(np.floor((frames - 1) / fps * MODEL_RATE_HZ + _MINUTE)) + 1)


def sample_count(frames: int) -> int:
    """The samples at 16 kHz that belong to so many frames at 30 fps.

    So many that `ceil` of their length in frames is again `frames`, as for the speech features.
    """
    return int(frames * SAMPLE_RATE_HZ // round(MODEL_RATE_HZ))


def resample_curves(
    values: npt.NDArray[Any], fps: float, count: int, seen: BoolArray
) -> npt.NDArray[np.float64]:
    """(T, C) at fps to (count, C) at 30 fps, by cubic splines, frame i at i / 30 seconds.

    Frames not seen are bridged by straight lines first; NaN everywhere where none was seen. Rates
    above 30 fps are smoothed before, so that nothing folds back.
    """
    if not seen.any():
        return np.full((count, values.shape[1]), np.nan if np.isnan(values).any() else 0.0)
    filled = bridge(values.astype(np.float64), seen)
    if abs(fps - MODEL_RATE_HZ) < _MINUTE:
        return filled[:count]
    if fps > 1.2 * MODEL_RATE_HZ:
        filled = gaussian_filter1d(filled, 0.4 * fps / MODEL_RATE_HZ, axis=0, mode="nearest")
    at = np.minimum(np.arange(count) * (fps / MODEL_RATE_HZ), len(filled) - 1.0)
    if len(filled) < 4:
        columns = [np.interp(at, np.arange(len(filled)), column) for column in filled.T]
        return np.stack(columns, axis=1)
    curve: npt.NDArray[np.float64] = CubicSpline(np.arange(len(filled)), filled)(at)
    return curve


def resample_flags(flags: BoolArray, fps: float, count: int) -> BoolArray:
    """(T,) at fps to (count,) at 30 fps: true where both frames around are."""
    at = np.minimum(np.arange(count) * (fps / MODEL_RATE_HZ), len(flags) - 1.0)
    before = np.floor(at + _MINUTE).astype(int)
    after = np.minimum(np.ceil(at - _MINUTE).astype(int), len(flags) - 1)
    both: BoolArray = flags[before] & flags[after]
    return both


def resample_measured(values: FloatArray, fps: float, count: int) -> FloatArray:
    """(T,) with NaN where nothing was measured to (count,) likewise."""
    there = np.isfinite(values)
    curve = resample_curves(values[:, None], fps, count, there)[:, 0]
    return np.where(resample_flags(there, fps, count), curve, np.nan).astype(np.float32)


def bridge(values: npt.NDArray[np.float64], seen: BoolArray) -> npt.NDArray[np.float64]:
    """(T, C) with the frames not seen set on straight lines between their seen neighbours."""
    if seen.all():
        return values
    known = np.flatnonzero(seen)
    columns = [np.interp(np.arange(len(values)), known, column[known]) for column in values.T]
    return np.stack(columns, axis=1)
