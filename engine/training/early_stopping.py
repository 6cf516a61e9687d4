# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop a training once its held-out figure gets no better, and keep the best weights."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from ..protocol.errors import ConfigError
from . import distributed


class EarlyStopping:
    """Watches one held-out figure; part of a checkpoint, so that a resumed run decides the same.

    patience: evaluations without a new best before `should_stop`; 0: never stop, only keep the
    best. higher_is_better: which way the figure improves. smallest: improvement that counts.
    """

    def __init__(
        self, patience: int, higher_is_better: bool = False, smallest: float = 0.0
    ) -> None:
        if patience < 0 or smallest < 0:
            raise ConfigError("Patience and smallest improvement are not below 0.")
        self.patience = patience
        self.smallest = smallest
        self._sign = -1.0 if higher_is_better else 1.0
        self.best = math.nan
        self.best_step = -1
        self.since_best = 0
        self.best_weights: dict[str, torch.Tensor] = {}

    def update(self, figure: float, step: int, network: nn.Module) -> bool:
        """Tell a new held-out figure of `network`; whether it is the best so far.

        A figure that is not a number never is. With several processes the first one's counts.
        """
        figure = distributed.agree(figure)
        gain = self._sign * (self.best - figure)
        first = math.isnan(self.best) and not math.isnan(figure)
        is_best = first or gain > self.smallest
        if is_best:
            self.best, self.best_step, self.since_best = figure, step, 0
            weights = network.state_dict()
            self.best_weights = {k: v.detach().cpu().clone() for k, v in weights.items()}
        else:
            self.since_best += 1
        return is_best

    @property
    def should_stop(self) -> bool:
        """Whether patience is at its end."""
        return 0 < self.patience <= self.since_best

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs."""
        return {
            "best": self.best,
            "best_step": self.best_step,
            "since_best": self.since_best,
            "best_weights": self.best_weights,
        }

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """Restore what `state_dict` gave."""
        self.best = float(state_dict["best"])
        self.best_step = int(state_dict["best_step"])
        self.since_best = int(state_dict["since_best"])
        self.best_weights = dict(state_dict["best_weights"])
