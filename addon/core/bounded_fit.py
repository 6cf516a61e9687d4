# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounded least squares for many frames at once, by coordinate descent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_SWEEPS = 100
_TOLERANCE = 1e-4
_SPARSE = 0.01
_SMOOTH = 0.02


def fit_bounded(basis: Array, wanted: Array, most: Array) -> Array:
    """Weights (T, M) between 0 and `most` (M,) whose mix of `basis` (M, F) is nearest to `wanted`.

    Minimises |wanted - w basis|² / 2 + _SPARSE · Σ w + _SMOOTH · |w|² / 2 for each of T frames.
    The last term makes the problem strictly convex: the solution is unique and moves smoothly with
    `wanted` (T, F). One weight after the other is set to its best value for all frames, until none
    moves any more. Rows of `basis` that are zero get no weight.
    """
    gram = basis @ basis.T  # (M, M)
    curvature = np.diag(gram) + _SMOOTH
    aim = basis @ wanted.T - _SPARSE  # (M, T): a row for each weight lies together in memory
    weights = np.zeros_like(aim)
    for _ in range(_SWEEPS):
        largest = 0.0
        for key, before in enumerate(weights):
            slope = aim[key] - gram[key] @ weights - _SMOOTH * before
            best = np.clip(before + slope / curvature[key], 0.0, most[key])
            largest = max(largest, float(np.abs(best - before).max(initial=0.0)))
            weights[key] = best
        if largest < _TOLERANCE:
            break
    return weights.T
