# SPDX-License-Identifier: GPL-3.0-or-later
"""What PoseGAN is trained against: critics of motion, with and without its speech.

All of them see scaled poses (B, C, T) with their differences as further channels and return one
score map per scale with the activations before it, which feature matching compares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from .generator import POSE_SIZE, PoseGanConfig

SCALES = 3
_CONDITION_SIZE = 32


@dataclass(frozen=True)
class Verdict:
    """One critic's scores (B, 1, T') and its inner activations, first layer first."""

    score: torch.Tensor
    activations: list[torch.Tensor]


class PatchDiscriminator(nn.Module):
    """Preset `paper`: PatchGAN on [pose; Δpose], LeakyReLU 0.2, for the least-squares loss."""

    def __init__(self, width: int = 64):
        super().__init__()
        w = width
        self.layers = nn.ModuleList(
            [
                nn.Sequential(nn.Conv1d(2 * POSE_SIZE, w, 4, 2, 1), nn.LeakyReLU(0.2)),
                _patch_layer(w, 2 * w, stride=2),
                _patch_layer(2 * w, 4 * w, stride=2),
                _patch_layer(4 * w, 4 * w, stride=1),
            ]
        )
        self.score = nn.Conv1d(4 * w, 1, 4, 1, 1)

    def forward(self, motion: torch.Tensor) -> list[Verdict]:
        """Judge (B, 12, T) scaled poses and steps."""
        return [_judge(self.layers, self.score, motion)]


class MotionCritic(nn.Module):
    """Preset `plus`: is this how heads move? Sees [p, Δp, Δ²p] at several time scales."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.critics = nn.ModuleList(_Critic(3 * POSE_SIZE, width) for _ in range(SCALES))

    def forward(self, motion: torch.Tensor) -> list[Verdict]:
        """Judge (B, 18, T) at full, half and quarter rate."""
        verdicts = []
        for critic in self.critics:
            verdicts.append(critic(motion))
            motion = functional.avg_pool1d(motion, 2)
        return verdicts


class SpeechCritic(nn.Module):
    """Preset `plus`: is this how *this person's* head moves to *this speech*?"""

    def __init__(self, config: PoseGanConfig, width: int = 32):
        super().__init__()
        self.person = nn.Embedding(len(config.style_names), _CONDITION_SIZE)
        self.hear = _critic_layer(config.input_size, width)
        self.see = _critic_layer(3 * POSE_SIZE, width)
        self.critic = _Critic(2 * width + _CONDITION_SIZE, width)

    def forward(
        self, motion: torch.Tensor, audio: torch.Tensor, person: torch.Tensor
    ) -> list[Verdict]:
        """Judge (B, 18, T) beside scaled audio (B, F, T) and style rows (B,)."""
        seen, heard = self.see(motion), self.hear(audio)
        who = self.person(person)[:, :, None].expand(-1, -1, seen.shape[2])
        verdict: Verdict = self.critic(torch.cat([seen, heard, who], dim=1))
        return [verdict]


class _Critic(nn.Module):
    def __init__(self, inputs: int, width: int):
        super().__init__()
        sizes = (inputs, width, 2 * width, 2 * width, 2 * width)
        self.layers = nn.ModuleList(_critic_layer(a, b) for a, b in pairwise(sizes))
        self.score = _spectral(nn.Conv1d(sizes[-1], 1, 3, padding=1))

    def forward(self, x: torch.Tensor) -> Verdict:
        return _judge(self.layers, self.score, x)


def motion_channels(
    pose: torch.Tensor, step_std: torch.Tensor, with_acceleration: bool
) -> torch.Tensor:
    """(B, 12 or 18, T) from scaled poses (B, T, 6): poses, steps and, if asked, steps of steps.

    step_std: (6,) deviation of a scaled step; it brings the differences to the poses' size.
    """
    step = torch.diff(pose, dim=1, prepend=pose[:, :1]) / step_std
    parts = [pose, step]
    if with_acceleration:
        parts.append(torch.diff(step, dim=1, prepend=step[:, :1]) * 2.0)
    return torch.cat(parts, dim=2).transpose(1, 2)


def _judge(layers: nn.ModuleList, score: Callable[..., torch.Tensor], x: torch.Tensor) -> Verdict:
    activations = []
    for layer in layers:
        x = layer(x)
        activations.append(x)
    return Verdict(score(x), activations)


def _critic_layer(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(_spectral(nn.Conv1d(inputs, outputs, 5, 2, 2)), nn.LeakyReLU(0.2))


def _patch_layer(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    layer = nn.Conv1d(inputs, outputs, 4, stride, 1)
    return nn.Sequential(layer, nn.BatchNorm1d(outputs), nn.LeakyReLU(0.2))


def _spectral(layer: nn.Conv1d) -> nn.Module:
    module: nn.Module = spectral_norm(layer)
    return module
