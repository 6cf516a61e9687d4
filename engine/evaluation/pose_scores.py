# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of head motion over minutes, with intervals over windows.

Within a few seconds anybody may nod or hold still: a figure of one clip says nothing (a real clip
of the same person scores 0.1 to 6 times the variance of another). Windows of all clips are
therefore pooled, and the made motion is cut into windows as long as the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ..head.channels import EXPRESSION_NAMES
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from .confidence import F64, Estimate, Reduce, combine, draw_weights, estimate
from .pose_metrics import BANDS_HZ, audio_beats_s, beat_alignment, motion_beats_s

AXES = ("pitch", "yaw", "roll")
BANDS = ("below_0.5_hz", "0.5_to_2_hz", "above_2_hz")

LONGEST, SHORTEST = 240, 60
"""Frames of a window: eight seconds where the clip is as long, two at least."""

MANNER_FRAMES = 120
"""Frames of the windows that manners are told by: four seconds."""

_MANNER_HOP = 15
_MANNER_STEP = 4
_LOW_PASS_FRAMES = 1.9
"""Deviation of the smoothing, -3 dB at 2.1 Hz: faster motion is the tracker's."""

_COMPONENTS = 8
_BLINK_LEVEL, _BLINK_APART = 0.35, 6


def cut_windows(
    poses: Sequence[FloatArray], masks: Sequence[npt.NDArray[np.bool_]] | None = None
) -> list[FloatArray]:
    """Windows of SHORTEST to LONGEST frames of (T, 6) poses, within what was tracked."""
    windows = []
    for index, pose in enumerate(poses):
        ok = np.ones(len(pose), dtype=bool) if masks is None else masks[index]
        edges = np.flatnonzero(np.diff(np.concatenate([[0], ok.astype(np.int8), [0]])))
        for start, end in edges.reshape(-1, 2):
            for first in range(start, end, LONGEST):
                window = pose[first : min(first + LONGEST, end)]
                if len(window) >= SHORTEST:
                    windows.append(window)
    return windows


def cut_alike(streams: Sequence[FloatArray], lengths: Sequence[int]) -> list[FloatArray]:
    """Windows of long motions whose lengths go round through `lengths`."""
    windows: list[FloatArray] = []
    if not lengths:
        return windows
    wanted: Iterator[int] = cycle(lengths)
    length = next(wanted)
    for stream in streams:
        first = 0
        while first + length <= len(stream):
            windows.append(stream[first : first + length])
            first += length
            length = next(wanted)
        if first == 0 and len(stream) >= SHORTEST:
            windows.append(stream)  # shorter than any wanted: better than nothing
    return windows


_SQUARES, _STEPS, _JERKS, _BANDS = slice(0, 4), slice(4, 8), slice(8, 10), slice(10, 13)


def motion_statistics(windows: Sequence[FloatArray]) -> F64:
    """(W, 13): squares of the centred angles per axis and frames; steps per axis and frames;
    jerk and frames; energy by band. Degrees."""
    rows = []
    for window in windows:
        angles = np.degrees(window[:, :3].astype(np.float64))
        centred = angles - angles.mean(axis=0)
        steps, jerk = np.abs(np.diff(angles, axis=0)), np.abs(np.diff(angles, 3, axis=0))
        rows.append(
            np.concatenate(
                [
                    (centred**2).sum(0),
                    [len(angles)],
                    steps.sum(0),
                    [len(steps)],
                    [jerk.mean(1).sum(), len(jerk)],
                    _band_energy(centred),
                ]
            )
        )
    return np.array(rows).reshape(-1, 13)


def _band_energy(centred: F64) -> F64:
    power = np.abs(np.fft.rfft(centred * np.hanning(len(centred))[:, None], axis=0)) ** 2
    rate = np.fft.rfftfreq(len(centred), 1.0 / MODEL_RATE_HZ)
    bands = [power[(rate > low) & (rate <= high)].sum() for low, high in BANDS_HZ]
    return np.array(bands)


def motion_figures_of(made: F64, real: F64, seed: int = 0) -> dict[str, Estimate]:
    """Figures of made against real statistics (W, 13) of `motion_statistics`."""
    figures: dict[str, Estimate] = {}
    apart: list[Estimate] = []
    for index, axis in enumerate(AXES):
        variance = [_per_frame(rows[:, _SQUARES], index, seed + k) for k, rows in _both(made, real)]
        step = [_per_frame(rows[:, _STEPS], index, seed + k) for k, rows in _both(made, real)]
        figures[f"variance_ratio_{axis}"] = combine(variance[0], variance[1], _ratio)
        figures[f"step_ratio_{axis}"] = combine(step[0], step[1], _ratio)
        figures[f"step_deg_{axis}"] = step[0]
        deviation = Estimate(
            float(np.sqrt(variance[0].value)), len(made), np.sqrt(variance[0].draws)
        )
        figures[f"deviation_deg_{axis}"] = deviation
        apart.append(combine(variance[0], variance[1], _deviations_apart))
    figures["hdd_deg"] = Estimate(
        float(np.mean([part.value for part in apart])),
        apart[0].windows,
        np.mean([part.draws for part in apart], axis=0),
    )
    jerk = [_per_frame(rows[:, _JERKS], 0, seed + k) for k, rows in _both(made, real)]
    figures["jerk_ratio"] = combine(jerk[0], jerk[1], _ratio)
    for index, band in enumerate(BANDS):
        ours, theirs = (
            estimate(rows[:, _BANDS], _share(index), seed + k) for k, rows in _both(made, real)
        )
        figures[f"share_{band}"] = ours
        figures[f"share_difference_{band}"] = combine(ours, theirs, lambda a, b: a - b)
    return figures


def _both(made: F64, real: F64) -> tuple[tuple[int, F64], tuple[int, F64]]:
    """Made and real statistics, each with a number that keeps their draws apart."""
    return (0, made), (1, real)


def _per_frame(rows: F64, index: int, seed: int) -> Estimate:
    """A column over the last one, which counts frames."""

    def reduce(sums: F64) -> F64:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[..., index] / sums[..., -1])

    return estimate(rows, reduce, seed)


def _deviations_apart(made: F64, real: F64) -> F64:
    """Of two variances."""
    return np.asarray(np.abs(np.sqrt(made) - np.sqrt(real)))


def _ratio(made: F64, real: F64) -> F64:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(made / real)


def _share(index: int) -> Reduce:
    def reduce(sums: F64) -> F64:
        return np.asarray(sums[..., index] / np.maximum(sums.sum(-1), 1e-12))

    return reduce


# Manner: whose motion is it


def manner_windows(poses: Sequence[FloatArray]) -> F64:
    """(N, F) windows of four seconds, low-passed and centred: angles and their changes.

    Angles in degrees and velocities in degrees per 4 frames, at 7.5 Hz.
    """
    rows = []
    for pose in poses:
        smooth = gaussian_filter1d(
            np.degrees(pose[:, :3].astype(np.float64)), _LOW_PASS_FRAMES, axis=0
        )
        for first in range(0, len(pose) - MANNER_FRAMES + 1, _MANNER_HOP):
            window = smooth[first : first + MANNER_FRAMES : _MANNER_STEP]
            centred = window - window.mean(axis=0)
            rows.append(np.concatenate([centred.ravel(), np.diff(window, axis=0).ravel()]))
    width = 6 * (MANNER_FRAMES // _MANNER_STEP) - 3
    return np.array(rows, dtype=np.float64).reshape(-1, width)


class FrechetSpace:
    """The components of real motion in which distances between people's motions are taken."""

    def __init__(self, real: Sequence[F64], components: int = _COMPONENTS) -> None:
        # Everybody counts alike, whoever was filmed longest. Angles and changes of each axis are
        # in units of their own spread, or the largest would be all that counts.
        scaled = np.concatenate([windows / np.sqrt(max(1, len(windows))) for windows in real])
        angles = 3 * (MANNER_FRAMES // _MANNER_STEP)
        self._unit = np.empty(scaled.shape[1])
        for part in (slice(0, angles), slice(angles, None)):
            spread = np.sqrt(np.square(scaled[:, part]).reshape(-1, 3).mean(0) * len(scaled))
            self._unit[part] = np.tile(
                np.maximum(spread / np.sqrt(len(real)), 1e-6), self._unit[part].size // 3
            )
        _, _, rows = np.linalg.svd(scaled / self._unit, full_matrices=False)
        self.rows = rows[:components]

    def project(self, windows: F64) -> F64:
        """(N, components) of (N, F) windows."""
        return np.asarray((windows / self._unit) @ self.rows.T)


def frechet_distance(one: F64, other: F64) -> float:
    """Between the Gaussians of (N, K) and (M, K): ‖μ−μ̂‖² + Tr(Σ+Σ̂−2(ΣΣ̂)^½)."""
    apart = one.mean(0) - other.mean(0)
    first, second = np.cov(one.T), np.cov(other.T)
    first, second = np.atleast_2d(first), np.atleast_2d(second)
    # The eigenvalues of ΣΣ̂ are those of a symmetric matrix: real and not negative.
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ second @ root)
    cross = np.sqrt(np.maximum(inner, 0.0)).sum()
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2.0 * cross)


def frechet_estimate(one: F64, other: F64, size: int, seed: int = 0, draws: int = 60) -> Estimate:
    """Distance between equally many (`size`) windows of both, drawn again and again.

    The distance of small samples is too large by an amount that depends on their size: with equal
    sizes, distances to different people can be compared.
    """
    if min(len(one), len(other)) < 3:
        return Estimate(float("nan"), 0, np.full(draws, np.nan))
    rng = np.random.default_rng(seed)
    found = np.array(
        [
            frechet_distance(*(part[rng.integers(0, len(part), size)] for part in (one, other)))
            for _ in range(draws)
        ]
    )
    # as many draws as other figures have, so that they can be combined
    repeated = found[np.arange(len(draw_weights(1, 0))) % draws]
    return Estimate(float(found.mean()), min(len(one), len(other)), repeated)


# Beats, eyes, seams


def beat_statistics(poses: Sequence[FloatArray], prosody: Sequence[FloatArray]) -> tuple[F64, F64]:
    """(N, 2) beat alignment of each clip with its own sound, and with itself rolled by half;
    each with the number of motion beats as its weight."""
    own: list[tuple[float, float]] = []
    rolled: list[tuple[float, float]] = []
    for pose, sound in zip(poses, prosody, strict=True):
        frames = min(len(pose), len(sound))
        beats = motion_beats_s(pose[:frames])
        for shift, rows in ((0, own), (frames // 2, rolled)):
            score = beat_alignment(beats, audio_beats_s(np.roll(sound[:frames], shift, axis=0)))
            rows.append((score * len(beats), len(beats)) if np.isfinite(score) else (0.0, 0.0))
    return np.array(own).reshape(-1, 2), np.array(rolled).reshape(-1, 2)


def blinks_per_minute(expression: FloatArray) -> float:
    """Closures of the lids: peaks of the mean of both blink weights."""
    lids = [EXPRESSION_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    closed = expression[:, lids].mean(axis=1).astype(np.float64)
    base = float(np.percentile(closed, 20))
    peaks, _ = find_peaks(
        np.concatenate([[base], closed, [base]]),
        height=base + _BLINK_LEVEL,
        prominence=_BLINK_LEVEL / 2,
        distance=_BLINK_APART,
    )
    return float(len(peaks) / (len(expression) / MODEL_RATE_HZ / 60.0))


def spread_deg(poses: Sequence[FloatArray]) -> float:
    """Mean |difference| of the angles in degrees between performances of one recording."""
    pairs = [(a, b) for i, a in enumerate(poses) for b in poses[i + 1 :]]
    if not pairs:
        return float("nan")
    return float(np.mean([np.degrees(np.abs(a[:, :3] - b[:, :3])).mean() for a, b in pairs]))
