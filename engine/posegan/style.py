# SPDX-License-Identifier: GPL-3.0-or-later
"""Personal style: a vector per known person, or one read off a clip of somebody's head motion."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

NEUTRAL = "neutral"
STYLE_NAMES = (NEUTRAL, "calm", "lively", "formal", "thoughtful")
"""Rows of the learned table. Neutral is what a voice gets of which nothing else is known."""

MIN_CLIP_FRAMES = 64
"""Shortest reference clip, 2.1 s: less says nothing about how somebody moves."""


class StyleBank(nn.Module):
    """A learned table of styles, and an encoder that reads a style from a pose clip."""

    def __init__(self, names: Sequence[str], size: int):
        super().__init__()
        self.table = nn.Embedding(len(names), size)
        nn.init.normal_(self.table.weight, std=0.5)
        self.encoder = StyleEncoder(size)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """(B,) table rows to (B, size) styles."""
        style: torch.Tensor = self.table(index)
        return style


class StyleEncoder(nn.Module):
    """Reads the manner of a motion, not its place: it sees centred poses and their steps."""

    def __init__(self, size: int, width: int = 32):
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (12, width, width):
            layers += [nn.Conv1d(inputs, width, 5, 2, 2), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.read = nn.Linear(2 * width, size)

    def forward(self, pose: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        """Scaled poses (B, T, 6) and steps (B, T, 6) to styles (B, size)."""
        centred = pose - pose.mean(dim=1, keepdim=True)
        x = self.layers(torch.cat([centred, step], dim=2).transpose(1, 2))
        style: torch.Tensor = self.read(torch.cat([x.mean(dim=2), x.std(dim=2)], dim=1))
        return style
