# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounded, sparse least squares: which keys, and how much of each, make a motion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .surface import Points

Mask = npt.NDArray[np.bool_]

_SWEEPS = 400
_SETTLED = 1e-7


def sparse_weights(
    keys: Points, units: Points, may_use: Mask, largest: float, sparseness: float = 0.0
) -> Points:
    """(U, M) weights in [0, largest] with which keys (R, M) make motions (R, U) best.

    may_use: (U, M). Minimises half the square of what is left over plus a price of the weights,
    by coordinate descent over all motions at once. sparseness: a key enters where its likeness to
    what is left over, a cosine, is larger.
    """
    gram = keys.T @ keys
    match = units.T @ keys
    own = np.diag(gram)
    energy = (units**2).sum(axis=0)
    price = sparseness * np.sqrt(energy[:, None] * own[None])
    weights = np.zeros_like(match)
    for _ in range(_SWEEPS):
        change = 0.0
        for m in np.flatnonzero(own > 0.0):
            pull = match[:, m] - weights @ gram[:, m] + weights[:, m] * own[m] - price[:, m]
            found = np.where(may_use[:, m], np.clip(pull / own[m], 0.0, largest), 0.0)
            change = max(change, float(np.abs(found - weights[:, m]).max(initial=0.0)))
            weights[:, m] = found
        if change < _SETTLED:
            break
    return weights
