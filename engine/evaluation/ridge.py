# SPDX-License-Identifier: GPL-3.0-or-later
"""Ridge regression from log-mel context: what a linear map hears. The least to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..audio.mel import MEL_BANDS
from ..protocol.take import FloatArray
from .material import MEL_STEPS

F64 = npt.NDArray[np.float64]

CONTEXT = (-8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6)
"""Frames around each frame that are heard."""

_STRENGTHS = (1e-3, 1e-2, 1e-1)
"""Penalties to choose from, by the last fifth of the lessons, as shares of the mean variance."""


@dataclass(frozen=True)
class Lesson:
    """T frames to learn from. mel: (T, MEL_SIZE). target: (T, C). ok: (T,) which to use. weight:
    how much each frame counts, so that whoever speaks longest does not rule."""

    mel: FloatArray
    target: FloatArray
    ok: npt.NDArray[np.bool_]
    weight: float = 1.0


@dataclass(frozen=True)
class Ridge:
    """A fitted map. centre, scale: (K,) of the inputs. matrix: (K, C). offset: (C,)."""

    centre: F64
    scale: F64
    matrix: F64
    offset: F64

    def predict(self, mel: FloatArray) -> FloatArray:
        """(T, C) for a log-mel (T, MEL_SIZE)."""
        inputs = (context(mel) - self.centre) / self.scale
        result: FloatArray = (inputs @ self.matrix + self.offset).astype(np.float32)
        return result


def context(mel: FloatArray) -> F64:
    """(T, 12 · MEL_BANDS) the spectrum of the frames around each frame, ends held."""
    frames = mel.reshape(len(mel), MEL_STEPS, MEL_BANDS).mean(1)
    at = np.clip(np.arange(len(mel))[:, None] + CONTEXT, 0, len(mel) - 1)
    around: F64 = frames[at].reshape(len(mel), -1).astype(np.float64)
    return around


def fit_ridge(lessons: Sequence[Lesson]) -> Ridge:
    """Fit on lessons (at least one); the penalty is chosen on the last fifth of each."""
    early, late = _Moments.of(lessons, 0.0, 0.8), _Moments.of(lessons, 0.8, 1.0)
    errors = [late.error(early.solve(strength)) for strength in _STRENGTHS]
    return early.plus(late).solve(_STRENGTHS[int(np.argmin(errors))])


@dataclass(frozen=True)
class _Moments:
    """Weighted sums of the products of inputs, targets and 1: (K + C + 1, K + C + 1)."""

    table: F64
    inputs: int

    @staticmethod
    def of(lessons: Sequence[Lesson], start: float, end: float) -> _Moments:
        total: F64 | None = None
        width = 0
        for lesson in lessons:
            part = slice(int(start * len(lesson.mel)), int(end * len(lesson.mel)))
            heard = context(lesson.mel)[part]
            width = heard.shape[1]
            rows = np.concatenate([heard, lesson.target[part], np.ones((len(heard), 1))], axis=1)
            kept = rows[lesson.ok[part]]
            product = lesson.weight * (kept.T @ kept)
            total = product if total is None else total + product
        assert total is not None  # fit_ridge is given at least one lesson
        return _Moments(total, width)

    def plus(self, other: _Moments) -> _Moments:
        return _Moments(self.table + other.table, self.inputs)

    def solve(self, strength: float) -> Ridge:
        k = self.inputs
        count = max(float(self.table[-1, -1]), 1e-9)
        average = self.table[-1, :-1] / count
        covariance = self.table[:-1, :-1] / count - np.outer(average, average)
        scale = np.sqrt(np.maximum(np.diag(covariance)[:k], 1e-6))
        inner = covariance[:k, :k] / np.outer(scale, scale)
        cross = covariance[:k, k:] / scale[:, None]
        matrix = np.linalg.solve(inner + strength * np.eye(k), cross)
        return Ridge(average[:k], scale, matrix, average[k:])

    def error(self, ridge: Ridge) -> float:
        """Mean squared error of a fitted map here, each target in units of its variance."""
        k = self.inputs
        full = np.concatenate([ridge.matrix / ridge.scale[:, None], -np.eye(len(ridge.offset))])
        shift = ridge.offset - (ridge.centre / ridge.scale) @ ridge.matrix
        full = np.concatenate([full, shift[None]])
        count = max(float(self.table[-1, -1]), 1e-9)
        squared = np.einsum("ac,ab,bc->c", full, self.table, full) / count
        spread = np.diag(self.table)[k:-1] / count - (self.table[-1, k:-1] / count) ** 2
        return float((squared / np.maximum(spread, 1e-9))[spread > 1e-9].mean())
