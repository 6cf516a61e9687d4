# SPDX-License-Identifier: GPL-3.0-or-later
"""The lips of the head as a linear function of the expression: what losses and reports measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..head.channels import EXPRESSION_NAMES
from ..head.model import HeadModel
from ..protocol.take import FloatArray


@dataclass(frozen=True)
class LipGeometry:
    """Lip vertices at the mean identity, in mm.

    moves: (52, L, 3) displacement of each lip vertex at weight 1. gap: (52,) opening between the
    middles of the inner lips at weight 1. rest_gap_mm: opening of the neutral face.
    """

    moves: torch.Tensor
    gap: torch.Tensor
    rest_gap_mm: float

    @staticmethod
    def of(head: HeadModel) -> LipGeometry:
        """Measure a head. Correctives, which are products of weights, are left out."""
        names = sorted(name for name in head.landmarks if name.startswith("lip"))
        rows = np.unique(np.concatenate([head.landmarks[name] for name in names]))
        moves = np.zeros((len(EXPRESSION_NAMES), len(rows), 3), np.float32)
        face = head.face
        if face.shapes is not None:
            dense = face.shapes.dense(rows)
            for key, delta in zip(face.keys, dense, strict=True):
                if key in EXPRESSION_NAMES:
                    moves[EXPRESSION_NAMES.index(key)] = delta
        rest = float(head.lip_gap_mm())
        slot = {int(row): place for place, row in enumerate(rows)}
        upper, lower = (
            [slot[int(row)] for row in head.landmarks[f"lip_inner_{side}_middle"]]
            for side in ("upper", "lower")
        )
        gap = moves[:, upper, 2].mean(1) - moves[:, lower, 2].mean(1)
        return LipGeometry(torch.from_numpy(moves), torch.from_numpy(gap), rest)

    def opening_mm(self, expression: torch.Tensor) -> torch.Tensor:
        """(...) mm between the inner lips for expressions (..., 52)."""
        return expression @ self.gap + self.rest_gap_mm

    def displacement_mm(self, expression: torch.Tensor) -> torch.Tensor:
        """(..., L, 3) mm by which each lip vertex leaves the neutral face."""
        flat = expression @ self.moves.flatten(1)
        return flat.view(*expression.shape[:-1], *self.moves.shape[1:])

    def lip_vertex_error_mm(self, one: FloatArray, other: FloatArray) -> float:
        """LVE: mean over frames of the largest lip vertex error, for expressions (T, 52)."""
        difference = torch.from_numpy(one - other)
        distance = self.displacement_mm(difference).norm(dim=-1)
        return float(distance.amax(-1).mean())
