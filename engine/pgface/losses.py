# SPDX-License-Identifier: GPL-3.0-or-later
"""What PGFace is trained for.

The weights of the expression, its change and the identity are those of the sibling code; the terms
on the lips, closures and silence are ours and are measured in mm on the head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .lips import LipGeometry

_SHUT_MM = 0.3
"""Lips of a closure are to be at least as near as this, whatever a tracker says."""


@dataclass(frozen=True)
class FaceLossWeights:
    """Weight of each term; see `FaceLoss`."""

    expression: float = 20.0
    change: float = 200.0
    identity: float = 1.0
    lip: float = 0.04
    opening: float = 0.02
    speed: float = 0.05
    timing: float = 0.2
    closure: float = 0.1
    silence: float = 0.06


@dataclass(frozen=True)
class FaceBatch:
    """Targets of N pairs of consecutive frames.

    expression: (N, 2, 52). identity: (N, 2, 50). closed, silent: (N, 2) 1 where a /p b m/ has its
    lips together, and where nobody speaks. gap_mm: (N, 2) opening of the lips as it was seen, NaN
    where it follows from the expression. known: (N, 2, 52) channels that are told; identity_known:
    (N, 2).
    """

    expression: torch.Tensor
    identity: torch.Tensor
    closed: torch.Tensor
    silent: torch.Tensor
    gap_mm: torch.Tensor
    known: torch.Tensor
    identity_known: torch.Tensor


class FaceLoss:
    """The sum of all terms, and each by itself for the log."""

    def __init__(self, lips: LipGeometry, weights: FaceLossWeights | None = None) -> None:
        self.lips = lips
        self.weights = weights or FaceLossWeights()
        # |e @ spread|² is the mean square of the lip vertices' movement for a change of weights e.
        flat = lips.moves.flatten(1)
        values, vectors = torch.linalg.eigh(flat @ flat.T / lips.moves.shape[1])
        self.spread = vectors * values.clamp_min(0.0).sqrt()

    def __call__(
        self, identity: torch.Tensor, expression: torch.Tensor, target: FaceBatch
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """identity (N, 2, 50) and expression (N, 2, 52) as the network gives them, not limited.

        Returns the total and its unweighted terms: expression, change and identity are mean
        squares of weights; lip, opening, speed (change of the opening), closure and silence mean
        squares of mm; timing is 1 less the correlation of the opening over the batch. What is not
        known costs nothing.
        """
        error = torch.where(target.known, expression - target.expression, 0.0)
        opening = self.lips.opening_mm(expression)
        told = self.lips.opening_mm(target.expression)
        wanted = torch.where(torch.isnan(target.gap_mm), told, target.gap_mm)
        wanted = torch.where(target.closed > 0, wanted.clamp_max(_SHUT_MM), wanted)
        movement = (expression[:, 1] - expression[:, 0]) @ self.spread
        off = opening - wanted
        identity_error = (identity - target.identity).square().mean(-1)
        terms = {
            "expression": error.square().mean(),
            "change": (error[:, 1] - error[:, 0]).square().mean(),
            "identity": _mean_where(identity_error, target.identity_known),
            "lip": (error @ self.spread).square().sum(-1).mean(),
            "opening": off.square().mean(),
            "speed": (off[:, 1] - off[:, 0]).square().mean(),
            "timing": 1.0 - _correlation(opening, wanted),
            "closure": _mean_where(off.clamp_min(0.0).square(), target.closed),
            "silence": _mean_where(
                movement.square().sum(-1), target.silent[:, 0] * target.silent[:, 1]
            ),
        }
        total = torch.stack([getattr(self.weights, name) * term for name, term in terms.items()])
        return total.sum(), terms


def _mean_where(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of values over the masked entries; 0 where there are none."""
    return (values * mask).sum() / mask.sum().clamp_min(1.0)


def _correlation(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Pearson r over all entries."""
    a, b = one - one.mean(), other - other.mean()
    return (a * b).mean() / (a.square().mean() * b.square().mean() + 1e-6).sqrt()
