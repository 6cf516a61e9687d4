# SPDX-License-Identifier: GPL-3.0-or-later
"""What PGFace is trained for.

The weights of the expression, its change and the identity are those of the sibling code; the terms
on the lips, closures and silence are ours and are measured in mm on the head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .lips import LipGeometry


@dataclass(frozen=True)
class FaceLossWeights:
    """Weight of each term; see `FaceLoss`."""

    expression: float = 20.0
    change: float = 200.0
    identity: float = 1.0
    lip: float = 0.02
    opening: float = 0.02
    closure: float = 0.06
    silence: float = 0.06


@dataclass(frozen=True)
class FaceBatch:
    """Targets of N pairs of consecutive frames.

    expression: (N, 2, 52). identity: (N, 2, 50). closed, silent: (N, 2) 1 where a /p b m/ has its
    lips together, and where nobody speaks.
    """

    expression: torch.Tensor
    identity: torch.Tensor
    closed: torch.Tensor
    silent: torch.Tensor


class FaceLoss:
    """The sum of all terms, and each by itself for the log."""

    def __init__(self, lips: LipGeometry, weights: FaceLossWeights | None = None) -> None:
        self.lips = lips
        self.weights = weights or FaceLossWeights()

    def __call__(
        self, identity: torch.Tensor, expression: torch.Tensor, target: FaceBatch
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """identity (N, 2, 50) and expression (N, 2, 52) as the network gives them, not limited.

        Returns the total and its unweighted terms: expression, change and identity are mean
        squares of weights; lip, opening, closure and silence mean squares of mm.
        """
        error = expression - target.expression
        opening = self.lips.opening_mm(expression)
        wanted = self.lips.opening_mm(target.expression)
        movement = self.lips.displacement_mm(expression[:, 1] - expression[:, 0])
        terms = {
            "expression": error.square().mean(),
            "change": (error[:, 1] - error[:, 0]).square().mean(),
            "identity": (identity - target.identity).square().mean(),
            "lip": self.lips.displacement_mm(error).square().sum(-1).mean(),
            "opening": (opening - wanted).square().mean(),
            "closure": _mean_where((opening - wanted).clamp_min(0.0).square(), target.closed),
            "silence": _mean_where(
                movement.square().sum(-1).mean(-1), target.silent[:, 0] * target.silent[:, 1]
            ),
        }
        total = torch.stack([getattr(self.weights, name) * term for name, term in terms.items()])
        return total.sum(), terms


def _mean_where(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of values over the masked entries; 0 where there are none."""
    return (values * mask).sum() / mask.sum().clamp_min(1.0)
