# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of faces: how near to the tracked face, in time with it or not, closed where it must be.

Each figure is computed from statistics of windows of three seconds (see `confidence`), so that it
has an interval. Frames in which the face was not tracked do not count, nor do channels that the
tracking cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..dataset.phones import MOUTH_CLASSES, SILENCE
from ..head.channels import EXPRESSION_NAMES
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from .confidence import F64, Estimate, Reduce, estimate, mean, pearson
from .face_geometry import FaceGeometry

WINDOW_FRAMES = 90
CLOSED_MM = 1.0
"""Lips nearer than this count as closed."""

LAG_FRAMES = 8
"""Lags up to this many frames (0.27 s) are looked for."""

_JAW = EXPRESSION_NAMES.index("jawOpen")
_OPEN_VOWELS = ("aa", "ae", "ao", "aw", "ay")
_LEAST_VOWEL_S = 0.09
_SILENCE_EDGE_S = 0.12
"""The mouth may still close after the last sound and open before the first."""

Statistics = dict[str, F64]


@dataclass(frozen=True)
class Face:
    """A face to judge: expression (T, 52) and the opening of its inner lips (T,) in mm."""

    expression: FloatArray
    gap_mm: FloatArray

    @staticmethod
    def of(expression: FloatArray, geometry: FaceGeometry) -> Face:
        """The face of an expression, its lips measured on the head."""
        return Face(expression, geometry.lip_gap_mm(expression))


@dataclass(frozen=True)
class TrackedFace:
    """The real face: `face` with gap_mm as measured on the landmarks (NaN where unseen), ok (T,),
    known (52,) and its phones (P,) with start and end in seconds (all empty where unknown)."""

    face: Face
    ok: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]
    phone: Sequence[str] = ()
    start_s: Sequence[float] = ()
    end_s: Sequence[float] = ()
    silent: npt.NDArray[np.bool_] | None = None
    """(T,) where nobody speaks, for recordings whose phones are not known."""


def window_edges(frames: int, window: int = WINDOW_FRAMES) -> npt.NDArray[np.int64]:
    """First frame of each window; a rest shorter than half a window belongs to the one before."""
    count = max(1, round(frames / window))
    return np.arange(count, dtype=np.int64) * window


def window_sums(values: F64, ok: npt.NDArray[np.bool_]) -> F64:
    """(W, K + 1) sums over windows of (T, K) values where `ok` (T,), and how many there were."""
    kept = np.where(ok[:, None], values, 0.0)
    table = np.concatenate([kept, ok[:, None].astype(np.float64)], axis=1)
    return np.asarray(np.add.reduceat(table, window_edges(len(table)), axis=0))


def face_statistics(
    made: Face, real: TrackedFace, geometry: FaceGeometry, theirs: FloatArray | None = None
) -> Statistics:
    """Statistics (W, K) of one clip for every figure that can be told on it.

    theirs: `displacement_mm` of the real face, where it is at hand.
    """
    shown = np.where(real.known, made.expression, real.face.expression)
    ours = geometry.displacement_mm(shown.astype(np.float32))
    if theirs is None:
        theirs = geometry.displacement_mm(real.face.expression)
    result = _distances(ours, theirs, real.ok, geometry)
    result["fdd_mm2"] = _upper_dynamics(ours, theirs, real.ok, geometry)
    seen = real.ok & np.isfinite(real.face.gap_mm)
    gap, wanted = made.gap_mm, np.nan_to_num(real.face.gap_mm)
    result["mod_mm"] = window_sums(np.abs(gap - wanted)[:, None].astype(np.float64), seen)
    result |= _correlations("lip", gap, wanted, seen)
    if real.known[_JAW]:
        result |= _correlations(
            "jaw", made.expression[:, _JAW], real.face.expression[:, _JAW], real.ok
        )
    result["lip_lag_ms"] = lag_statistics(gap, wanted, seen)
    return result | mouth_statistics(made.gap_mm, real)


def _distances(
    ours: FloatArray, theirs: FloatArray, ok: npt.NDArray[np.bool_], geometry: FaceGeometry
) -> Statistics:
    apart = ours - theirs
    squared = np.einsum("tvc,tvc->tv", apart, apart)
    worst = squared[:, geometry.lips].max(1)
    # Each about its own mean over the clip: how the lips move, not how this mouth rests.
    middle = apart[ok].mean(0) if ok.any() else apart[:1].mean(0)
    about = np.square(apart[:, geometry.lips] - middle[geometry.lips]).sum(-1).max(1)
    step = np.diff(apart[:, geometry.lips], axis=0, prepend=apart[:1, geometry.lips])
    speed = np.linalg.norm(step, axis=-1).mean(1) * MODEL_RATE_HZ
    both = ok & np.concatenate([[False], ok[:-1]])
    return {
        "lve_mm": window_sums(np.sqrt(worst)[:, None].astype(np.float64), ok),
        "lve_mm2": window_sums(worst[:, None].astype(np.float64), ok),
        "lve_moving_mm": window_sums(np.sqrt(about)[:, None].astype(np.float64), ok),
        "mve_mm": window_sums(np.sqrt(squared).mean(1)[:, None].astype(np.float64), ok),
        "lvd_mm_s": window_sums(speed[:, None].astype(np.float64), both),
    }


def _upper_dynamics(
    ours: FloatArray, theirs: FloatArray, ok: npt.NDArray[np.bool_], geometry: FaceGeometry
) -> F64:
    """(W, 4 V + 1): sums and sums of squares of both faces' squared distance from neutral."""
    real, made = (
        np.square(face[:, geometry.upper]).sum(-1).astype(np.float64) for face in (theirs, ours)
    )
    return window_sums(np.concatenate([real, real**2, made, made**2], axis=1), ok)


def _upper_difference(sums: F64) -> F64:
    count = (sums.shape[-1] - 1) // 4
    parts = sums[..., :-1].reshape(*sums.shape[:-1], 4, count) / sums[..., -1:, None]
    deviation = [
        np.sqrt(np.maximum(parts[..., i + 1, :] - parts[..., i, :] ** 2, 0)) for i in (0, 2)
    ]
    return np.asarray((deviation[0] - deviation[1]).mean(-1))


def standardised(values: FloatArray, ok: npt.NDArray[np.bool_]) -> F64:
    """(T,) with mean 0 and deviation 1 over the frames in `ok`; zeros where nothing moves."""
    some = values[ok].astype(np.float64)
    if len(some) < 2 or some.std() < 1e-6:
        return np.zeros(len(values))
    return np.asarray((values - some.mean()) / some.std())


def _correlations(
    name: str, made: FloatArray, real: FloatArray, ok: npt.NDArray[np.bool_]
) -> Statistics:
    """Products of one clip's curves, each clip counting by its length; beside the control, in
    which the made curve is rolled by half the clip. And the spread, made / real."""
    x, y = standardised(made, ok), standardised(real, ok)
    rolled = np.roll(x, len(x) // 2)
    centred = [np.where(ok, v - v[ok].mean(), 0.0) if ok.any() else 0 * v for v in (made, real)]
    return {
        f"{name}_r": window_sums(_products(x, y), ok)[:, :3],
        f"{name}_r_rolled": window_sums(_products(rolled, y), ok)[:, :3],
        f"{name}_spread_ratio": window_sums(
            np.square(np.stack(centred, axis=1), dtype=np.float64), ok
        )[:, :2],
    }


def _products(x: F64, y: F64) -> F64:
    return np.stack([x * y, x * x, y * y], axis=1)


def _spread_ratio(sums: F64) -> F64:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(sums[..., 0] / sums[..., 1]))


def lag_statistics(made: FloatArray, real: FloatArray, ok: npt.NDArray[np.bool_]) -> F64:
    """(W, 2 · lags): products of the real curve with the made one that many frames later, and how
    many frames they come from."""
    x, y = standardised(made, ok), standardised(real, ok)
    columns: list[F64] = []
    for lag in range(-LAG_FRAMES, LAG_FRAMES + 1):
        later, there = np.roll(x, -lag), np.roll(ok, -lag)
        edge = np.arange(len(x)) + lag
        both = ok & there & (edge >= 0) & (edge < len(x))
        columns.append(window_sums((later * y)[:, None], both))
    table = np.stack(columns, axis=-1)  # (W, 2, lags)
    return table.reshape(len(table), -1)


def _best_lag_ms(sums: F64) -> F64:
    """Where the correlation peaks, between frames by a parabola; positive: the lips are late."""
    table = sums.reshape(*sums.shape[:-1], 2, 2 * LAG_FRAMES + 1)
    score = table[..., 0, :] / np.maximum(table[..., 1, :], 1.0)
    peak = np.clip(score.argmax(-1), 1, 2 * LAG_FRAMES - 1)[..., None]
    before, at, after = (np.take_along_axis(score, peak + step, -1)[..., 0] for step in (-1, 0, 1))
    bend = before - 2.0 * at + after
    offset = np.where(bend < -1e-9, 0.5 * (before - after) / np.minimum(bend, -1e-9), 0.0)
    lag = peak[..., 0] - LAG_FRAMES + np.clip(offset, -1.0, 1.0)
    return np.asarray(np.where(np.ptp(score, axis=-1) > 1e-9, lag * 1000.0 / MODEL_RATE_HZ, np.nan))


def mouth_statistics(gap_mm: FloatArray, real: TrackedFace) -> Statistics:
    """Closures on p b m, false ones on open vowels, and the opening in silence.

    A phone counts as closed where the lips come within CLOSED_MM at one of its frames (of an open
    vowel: of its middle third).
    """
    windows = window_edges(len(gap_mm))
    closed, opened = np.zeros((len(windows), 2)), np.zeros((len(windows), 2))
    for phone, start, end in zip(real.phone, real.start_s, real.end_s, strict=True):
        if phone in MOUTH_CLASSES["closed"]:
            _count(closed, gap_mm, start, end)
        elif phone in _OPEN_VOWELS and end - start >= _LEAST_VOWEL_S:
            third = (end - start) / 3.0
            _count(opened, gap_mm, start + third, end - third)
    result: Statistics = {}
    if closed[:, 1].any():
        result["closure_rate"] = closed
    if opened[:, 1].any():
        result["false_closure_rate"] = opened
    silent = silent_frames(real, len(gap_mm))
    if silent.any():
        opening = gap_mm.astype(np.float64)
        result["silence_gap_mm"] = window_sums(opening[:, None], silent)
        result["silence_shut_share"] = window_sums(
            (opening < 2.0 * CLOSED_MM)[:, None].astype(np.float64), silent
        )
    return result


def _count(table: F64, gap_mm: FloatArray, start_s: float, end_s: float) -> None:
    first = int(np.ceil(start_s * MODEL_RATE_HZ - 0.5))
    last = max(first + 1, int(np.floor(end_s * MODEL_RATE_HZ + 0.5)) + 1)
    if first < 0 or last > len(gap_mm):
        return
    row = min(first // WINDOW_FRAMES, len(table) - 1)
    table[row] += (float(gap_mm[first:last].min() < CLOSED_MM), 1.0)


def silent_frames(real: TrackedFace, frames: int) -> npt.NDArray[np.bool_]:
    """(T,) within a pause, its first and last 0.12 s left out."""
    inside = np.zeros(frames, dtype=bool)
    if len(real.phone) == 0:
        return inside if real.silent is None else real.silent
    for phone, start, end in zip(real.phone, real.start_s, real.end_s, strict=True):
        if phone == SILENCE:
            first, last = (start + _SILENCE_EDGE_S, end - _SILENCE_EDGE_S)
            inside[int(np.ceil(first * MODEL_RATE_HZ)) : max(0, int(last * MODEL_RATE_HZ))] = True
    return inside


FIGURES: Mapping[str, Reduce] = {
    "lip_r": pearson,
    "lip_r_rolled": pearson,
    "lip_r_course_removed": pearson,
    "lip_r_course_control": pearson,
    "lip_lag_ms": _best_lag_ms,
    "lip_spread_ratio": _spread_ratio,
    "jaw_r": pearson,
    "jaw_r_rolled": pearson,
    "jaw_spread_ratio": _spread_ratio,
    "lve_mm": mean,
    "lve_mm2": mean,
    "lve_moving_mm": mean,
    "mve_mm": mean,
    "lvd_mm_s": mean,
    "mod_mm": mean,
    "fdd_mm2": _upper_difference,
    "closure_rate": mean,
    "false_closure_rate": mean,
    "silence_gap_mm": mean,
    "silence_shut_share": mean,
}
"""Every figure of faces, and how it follows from its statistics."""


def face_figures(clips: Sequence[Statistics], seed: int = 0) -> dict[str, Estimate]:
    """The figures of one speaker's clips together."""
    figures: dict[str, Estimate] = {}
    for name, reduce in FIGURES.items():
        tables = [clip[name] for clip in clips if name in clip]
        if tables:
            figures[name] = estimate(np.concatenate(tables), reduce, seed)
    return figures


SENTENCE_LEAST = 10
"""So many clips of one length make a sentence corpus."""


def course_statistics(made: Sequence[Face], real: Sequence[TrackedFace]) -> list[Statistics]:
    """Lip statistics of like sentences with the average time course of all of them removed.

    Sentences that are built alike open the mouth alike: a correlation then says little, and its
    rolled control is far from 0. Here each curve is compared with the average over sentences taken
    off (of the real and of the made curves alike); the control is another sentence. Empty where
    the clips are no sentence corpus.
    """
    lengths = [len(face.gap_mm) for face in made]
    if len(made) < SENTENCE_LEAST or max(lengths) - min(lengths) > 2:
        return []
    frames = min(lengths)
    ok = np.array([r.ok[:frames] & np.isfinite(r.face.gap_mm[:frames]) for r in real])
    wanted = _without_course(np.array([r.face.gap_mm[:frames] for r in real], np.float64), ok)
    ours = _without_course(np.array([m.gap_mm[:frames] for m in made], np.float64), ok)
    result = []
    for index in range(len(made)):
        curves = {"removed": ours[index], "control": ours[(index + 1) % len(ours)]}
        y = standardised(wanted[index].astype(np.float32), ok[index])
        result.append(
            {
                f"lip_r_course_{kind}": window_sums(
                    _products(standardised(curve.astype(np.float32), ok[index]), y), ok[index]
                )[:, :3]
                for kind, curve in curves.items()
            }
        )
    return result


def _without_course(curves: F64, ok: npt.NDArray[np.bool_]) -> F64:
    """(N, T) less their mean over the clips in which the face was seen at that frame."""
    count = np.maximum(ok.sum(0), 1)
    course = np.where(ok, curves, 0.0).sum(0) / count
    return np.asarray(np.where(ok, curves - course, 0.0))
