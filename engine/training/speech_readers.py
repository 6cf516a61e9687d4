# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the 29 logits in training, and dropped afterwards: phones and mouths."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..dataset.phones import MOUTH_CLASSES, PHONES, SILENCE
from ..speech.network import SYMBOLS
from .speech_batches import Batch
from .speech_mouths import MOUTH_TARGETS

_READER_FRAMES = 9
_CLOSED_LIPS_WEIGHT = 2.5
_LIP_ON_TEETH_WEIGHT = 1.5
_SILENCE_WEIGHT = 0.5
_SOFT_ERROR = 1.5


class LogitReaders(nn.Module):
    """A linear map to phones, frame by frame, and a small convolution to the mouth.

    Neither sees anything but the logits, so what they need must be in the logits.
    """

    frame_weights: torch.Tensor

    def __init__(self, mouth_width: int) -> None:
        super().__init__()
        self.phones = nn.Linear(len(SYMBOLS), len(PHONES))
        self.mouth = nn.Sequential(
            nn.Conv1d(len(SYMBOLS), mouth_width, _READER_FRAMES, padding=_READER_FRAMES // 2),
            nn.ReLU(),
            nn.Conv1d(mouth_width, len(MOUTH_TARGETS), 1),
        )
        self.register_buffer("frame_weights", torch.tensor([_weight(p) for p in PHONES]))

    def losses(
        self, logits: torch.Tensor, batch: Batch, smoothing: float
    ) -> dict[str, torch.Tensor]:
        """letters, phones, mouth of logits (B + M, N, 29); 0 for mouth where M is 0."""
        spoken = logits[: len(batch.letters)].flatten(0, 1)
        classes = batch.phones.flatten()
        weights = self.frame_weights[classes]
        share = weights / weights.sum()
        letters = F.cross_entropy(
            spoken, batch.letters.flatten(), label_smoothing=smoothing, reduction="none"
        )
        phones = F.cross_entropy(self.phones(spoken), classes, reduction="none")
        return {
            "letters": (letters * share).sum(),
            "phones": (phones * share).sum(),
            "mouth": self._mouth_loss(logits[len(batch.letters) :], batch),
        }

    def _mouth_loss(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        if not len(logits):
            return logits.new_zeros(())
        found = self.mouth(logits.transpose(1, 2)).transpose(1, 2)  # (M, N, C)
        error = F.huber_loss(found, batch.mouth, reduction="none", delta=_SOFT_ERROR)
        # The opening of the lips was measured, the other channels are fitted: it counts double.
        importance = torch.ones(len(MOUTH_TARGETS), device=error.device)
        importance[0] = 2.0
        counted = batch.known * importance
        return (error * counted).sum() / counted.sum().clamp(min=1.0)


def _weight(phone: str) -> float:
    """How much a frame of this phone counts: closed lips are short, and must not be missed."""
    if phone in MOUTH_CLASSES["closed"]:
        return _CLOSED_LIPS_WEIGHT
    if phone in ("f", "v"):
        return _LIP_ON_TEETH_WEIGHT
    return _SILENCE_WEIGHT if phone == SILENCE else 1.0
