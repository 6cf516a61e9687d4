# SPDX-License-Identifier: GPL-3.0-or-later
"""The character network: log-mel in, 29 raw logits at 50 Hz out. Convolutions only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ..audio.mel import MEL_BANDS

SYMBOLS = (*" abcdefghijklmnopqrstuvwxyz'", "<blank>")
"""The 29 outputs in the order of DeepSpeech: space, a to z, apostrophe, CTC blank last."""

FEATURE_RATE_HZ = 50.0


@dataclass(frozen=True)
class CharacterNetworkConfig:
    """Sizes. dilations: one residual block each, at 25 Hz; kernel: their width in 40 ms frames."""

    width: int = 160
    edge_width: int = 96
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 1, 2, 1, 2, 1, 1, 2, 1, 1)
    dropout: float = 0.1

    @property
    def reach_frames(self) -> int:
        """Output frames (20 ms) on either side that one output frame depends on, rounded up."""
        return 2 * (sum(d * (self.kernel // 2) for d in self.dilations) + 2) + 4


class ResidualBlock(nn.Module):
    """x + dropout(ReLU(BN(conv(x)))) at 25 Hz."""

    def __init__(self, config: CharacterNetworkConfig, dilation: int) -> None:
        super().__init__()
        width, kernel = config.width, config.kernel
        self.conv = nn.Conv1d(
            width, width, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=False
        )
        self.norm: nn.Module = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, W, N / 2) to the same shape."""
        y: torch.Tensor = x + self.dropout(torch.relu(self.norm(self.conv(x))))
        return y


class CharacterNetwork(nn.Module):
    """mel (B, MEL_BANDS, 2N) at 100 Hz to raw logits (B, N, 29) at 50 Hz; N is even.

    Two halvings to 25 Hz, residual blocks there (which is where the cost lies), one doubling back
    to 50 Hz with a skip. Output frame j is centred on (j + 0.5) / 50 s. The mel is expected at the
    level that `level_gain` gives; its mean and spread in training are part of the weights.
    """

    mel_mean: torch.Tensor
    mel_std: torch.Tensor

    def __init__(self, config: CharacterNetworkConfig) -> None:
        super().__init__()
        self.config = config
        width, edge = config.width, config.edge_width
        self.register_buffer("mel_mean", torch.full((MEL_BANDS, 1), -6.0))
        self.register_buffer("mel_std", torch.full((MEL_BANDS, 1), 4.0))
        # Kernel 4, stride 2, padding 1: input frames 2j-1 … 2j+2, centred like output frame j.
        self.listen = _conv(nn.Conv1d(MEL_BANDS, edge, 3, padding=1, bias=False))
        self.halve = _conv(nn.Conv1d(edge, width, 4, stride=2, padding=1, bias=False))
        self.quarter = _conv(nn.Conv1d(width, width, 4, stride=2, padding=1, bias=False))
        self.blocks = nn.Sequential(*(ResidualBlock(config, d) for d in config.dilations))
        self.upsample = nn.ConvTranspose1d(width, edge, 4, stride=2, padding=1)
        self.skip = nn.Conv1d(width, edge, 1)
        self.merge = _conv(nn.Conv1d(edge, edge, 3, padding=1, bias=False))
        self.letters = nn.Conv1d(edge, len(SYMBOLS), 1)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Logits (B, N, 29) of a mel spectrum (B, MEL_BANDS, 2N)."""
        x = self.listen((mel - self.mel_mean) / self.mel_std)
        fine = self.halve(x)  # (B, W, N)
        coarse = self.blocks(self.quarter(fine))  # (B, W, N / 2)
        y = torch.relu(self.upsample(coarse) + self.skip(fine))
        logits: torch.Tensor = self.letters(self.merge(y))
        return logits.transpose(1, 2)


def _conv(conv: nn.Conv1d) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm1d(conv.out_channels), nn.ReLU())
