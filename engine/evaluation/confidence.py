# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures with the interval that so little material leaves open.

A figure is a function of sums over windows of a few seconds. The windows are drawn again with
replacement (a block bootstrap: frames within a window depend on each other, windows hardly do), the
figure is computed from each draw, and the middle 90 % of the results are its interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Reduce = Callable[[F64], F64]
"""Figures (..., ) of summed statistics (..., K)."""

DRAWS = 400
LEVEL = 0.9
"""Share of the draws that the interval holds."""

_DIGITS = 4


@dataclass(frozen=True)
class Estimate:
    """A figure, its interval, how many windows stand behind it, and the draws themselves (B,)."""

    value: float
    windows: int
    draws: F64

    @property
    def interval(self) -> tuple[float, float]:
        """Where the middle 90 % of the draws lie; NaN with fewer than two windows."""
        finite = self.draws[np.isfinite(self.draws)]
        if self.windows < 2 or len(finite) == 0:
            return math.nan, math.nan
        tail = 50.0 * (1.0 - LEVEL)
        low, high = np.percentile(finite, (tail, 100.0 - tail))
        return float(low), float(high)

    def to_json(self) -> dict[str, Any]:
        """`value`, `interval` and `windows`; null where there is none."""
        return {
            "value": rounded(self.value),
            "interval": [rounded(side) for side in self.interval],
            "windows": self.windows,
        }


def rounded(value: float) -> float | None:
    """Four digits after the point; None where the number is not finite, which JSON cannot say."""
    return round(float(value), _DIGITS) if math.isfinite(value) else None


def estimate(statistics: F64, reduce: Reduce, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """The figure of windows' statistics (W, K): `reduce` of their sum, drawn again by windows."""
    count = len(statistics)
    if count == 0:
        return Estimate(math.nan, 0, np.full(draws, np.nan))
    value = float(reduce(statistics.sum(axis=0)))
    return Estimate(value, count, reduce(draw_weights(count, seed, draws) @ statistics))


def draw_weights(count: int, seed: int, draws: int = DRAWS) -> F64:
    """(B, W) how often each of W windows is drawn."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1.0 / count), size=draws).astype(np.float64)


def combine(one: Estimate, other: Estimate, how: Callable[[F64, F64], F64]) -> Estimate:
    """A figure of two others from separate windows, such as the ratio of made to real."""
    value = float(how(np.float64(one.value), np.float64(other.value)))  # type: ignore[arg-type]
    return Estimate(value, min(one.windows, other.windows), how(one.draws, other.draws))


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """Mean over speakers, each of the same weight; those without the figure are left out."""
    some = [item for item in estimates if math.isfinite(item.value)]
    if not some:
        return Estimate(math.nan, 0, np.full(DRAWS, np.nan))
    draws = np.array([item.draws for item in some])
    finite = np.isfinite(draws)
    count = finite.sum(axis=0)
    total = np.where(finite, draws, 0.0).sum(axis=0)
    drawn = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    value = float(np.mean([item.value for item in some]))
    return Estimate(value, sum(item.windows for item in some), drawn)


def mean_of_each(speakers: Sequence[Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """`mean_of` for every figure that one of the speakers has."""
    names = dict.fromkeys(name for figures in speakers for name in figures)
    return {name: mean_of([f[name] for f in speakers if name in f]) for name in names}


# What figures are made of. Each takes summed statistics (..., K).


def mean(sums: F64) -> F64:
    """K = 2: sum and count."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def pearson(sums: F64) -> F64:
    """K = 3: sums of xy, xx, yy of centred values; 0 where one of them does not move."""
    spread = np.sqrt(np.maximum(sums[..., 1] * sums[..., 2], 0.0))
    return np.asarray(np.where(spread > 1e-9, sums[..., 0] / np.maximum(spread, 1e-9), 0.0))
