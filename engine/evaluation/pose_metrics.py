# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of head motion: how much, how fast, how smooth, on the beat, whose.

Poses are (T, 6) in rad and mm at 30 fps. Figures per axis are in the order pitch, yaw, roll.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ..protocol.take import MODEL_RATE_HZ
from ..space import angular_speed

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

BANDS_HZ = ((0.0, 0.5), (0.5, 2.0), (2.0, 15.0))
_SIGMA_S = 0.12
"""Width of beat alignment: 3 frames at 25 fps."""

_MOTION_GAP_S, _AUDIO_GAP_S = 0.4, 0.2


@dataclass(frozen=True)
class MotionFigures:
    """Pooled over clips: deviation (3,) and mean |step| per frame (3,) in degrees, shares of the
    angles' energy below 0.5, to 2 and above 2 Hz, mean |jerk| in degrees per frame³."""

    deviation: F64
    step: F64
    bands: F64
    jerk: float


def motion_figures(poses: Sequence[F32]) -> MotionFigures:
    """Figures of several clips together; each clip is centred by itself."""
    angles = [np.degrees(p[:, :3].astype(np.float64)) for p in poses]
    centred = [a - a.mean(axis=0) for a in angles]
    return MotionFigures(
        deviation=np.concatenate(centred).std(axis=0),
        step=np.concatenate([np.abs(np.diff(a, axis=0)) for a in angles]).mean(axis=0),
        bands=np.mean([_band_shares(a) for a in centred], axis=0),
        jerk=float(np.concatenate([np.abs(np.diff(a, 3, axis=0)) for a in angles]).mean()),
    )


def _band_shares(centred: F64) -> F64:
    power = np.abs(np.fft.rfft(centred * np.hanning(len(centred))[:, None], axis=0)) ** 2
    rate = np.fft.rfftfreq(len(centred), 1.0 / MODEL_RATE_HZ)
    power[0] = 0.0
    shares = [power[(rate > low) & (rate <= high)].sum() for low, high in BANDS_HZ]
    whole: F64 = np.array(shares) / max(power.sum(), 1e-12)
    return whole


def seam_jump(pose: F32, seams: Sequence[int]) -> float:
    """Mean angular step into the frames `seams` by the median step of the clip."""
    speed = angular_speed(pose)
    return float(speed[np.array(seams) - 1].mean() / max(float(np.median(speed)), 1e-9))


def motion_beats_s(pose: F32) -> F64:
    """Seconds of the peaks of angular speed above its 75th percentile, 0.4 s apart or more."""
    speed = angular_speed(pose)
    peaks, _ = find_peaks(
        speed, height=np.percentile(speed, 75), distance=int(_MOTION_GAP_S * MODEL_RATE_HZ)
    )
    beats: F64 = (peaks + 0.5) / MODEL_RATE_HZ
    return beats


def audio_beats_s(prosody: F32) -> F64:
    """Seconds of pitch accents and of loudness peaks, from prosody (T, 4), 0.2 s apart or more."""
    pitch, loud = prosody[:, 0], gaussian_filter1d(prosody[:, 2].astype(np.float64), 1.0)
    accents, _ = find_peaks(gaussian_filter1d(pitch.astype(np.float64), 1.0), prominence=0.5)
    loudness, _ = find_peaks(loud, height=np.percentile(loud, 70))
    kept: list[float] = []
    for beat in np.sort(np.concatenate([accents, loudness])) / MODEL_RATE_HZ:
        if not kept or beat - kept[-1] >= _AUDIO_GAP_S:
            kept.append(float(beat))
    return np.array(kept)


def beat_alignment(motion_s: F64, audio_s: F64) -> float:
    """Mean closeness in (0, 1] of each motion beat to the nearest audio beat."""
    if len(motion_s) == 0 or len(audio_s) == 0:
        return float("nan")
    gap = np.abs(motion_s[:, None] - audio_s[None]).min(axis=1)
    return float(np.exp(-(gap**2) / (2.0 * _SIGMA_S**2)).mean())


def alignment_gain(poses: Sequence[F32], prosody: Sequence[F32]) -> tuple[float, float]:
    """Beat alignment to the own audio, and to the others' (mean over rolled pairs), pooled.

    Each pair is cut to its shorter length; only the difference says anything.
    """
    own = [beat_alignment(motion_beats_s(p), audio_beats_s(a)) for p, a in _pairs(poses, prosody)]
    others = [
        beat_alignment(motion_beats_s(p), audio_beats_s(a))
        for shift in range(1, min(6, len(poses)))
        for p, a in _pairs(poses, [*prosody[shift:], *prosody[:shift]])
    ]
    return float(np.nanmean(own)), float(np.nanmean(others))


def _pairs(poses: Sequence[F32], prosody: Sequence[F32]) -> list[tuple[F32, F32]]:
    pairs = zip(poses, prosody, strict=True)
    return [(p[: min(len(p), len(a))], a[: min(len(p), len(a))]) for p, a in pairs]


class PersonalityClassifier:
    """Tells people apart by manner: windows low-passed at 2.5 Hz and centred; nearest class.

    Features are the logarithms of deviation and step per axis, slow and quick, and how axes go
    together; distances use the pooled within-class covariance (linear discriminant analysis).
    """

    WINDOW_FRAMES = 180

    def __init__(
        self, poses: Mapping[str, Sequence[F32]], window_frames: int = WINDOW_FRAMES
    ) -> None:
        """poses: motions of each person, some of them window_frames long or longer."""
        self.names = tuple(poses)
        self.window_frames = window_frames
        features = [self._features(poses[name]) for name in self.names]
        self._means = np.array([f.mean(axis=0) for f in features])
        shares = np.array([len(f) for f in features]) / sum(len(f) for f in features)
        spreads = [np.cov(f.T) if len(f) > 1 else np.zeros((f.shape[1],) * 2) for f in features]
        within = np.einsum("p,pfg->fg", shares, np.array(spreads))
        self._inverse = np.linalg.inv(within + 1e-3 * np.eye(len(within)))

    def accuracy(self, poses: Mapping[str, Sequence[F32]]) -> float:
        """Share of windows that are given to the right person, averaged over people."""
        hits = [np.mean(self.classify(poses[n]) == self.names.index(n)) for n in poses]
        return float(np.mean(hits))

    def classify(self, poses: Sequence[F32]) -> npt.NDArray[np.int64]:
        """(N,) index into `names` of each window."""
        features = self._features(poses)
        if len(features) == 0:
            return np.zeros(0, dtype=np.int64)
        away = features[:, None] - self._means[None]
        distance = np.einsum("ncf,fg,ncg->nc", away, self._inverse, away)
        nearest: npt.NDArray[np.int64] = distance.argmin(axis=1)
        return nearest

    def _features(self, poses: Sequence[F32]) -> F64:
        rows = []
        size = self.window_frames
        for pose in poses:
            smooth = gaussian_filter1d(np.degrees(pose[:, :3].astype(np.float64)), 1.6, axis=0)
            for first in range(0, len(pose) - size + 1, size // 2):
                window = smooth[first : first + size]
                window = window - window.mean(axis=0)
                step = np.diff(window, axis=0)
                together = np.corrcoef(window.T + 1e-6 * np.arange(3)[:, None])
                rows.append(
                    np.concatenate(
                        [
                            np.log(window.std(axis=0) + 0.02),
                            np.log(np.abs(step).mean(axis=0) + 0.002),
                            np.log(np.abs(step).max(axis=0) + 0.01),
                            np.nan_to_num(together[[0, 0, 1], [1, 2, 2]]),
                        ]
                    )
                )
        return np.array(rows)
