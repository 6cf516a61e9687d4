# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain temporal convolution net on log-mel: what a minute of training reaches without a design.

The baseline that the face networks have to beat. It is trained when it is needed, on the train
parts of the datasets that are judged, and can be kept in a cache (see `baselines`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..protocol.take import FloatArray
from .material import MEL_SIZE
from .ridge import Lesson

_WINDOW, _BATCH = 64, 24
_DROPOUT = 0.2
_GAIN_NATS, _NOISE = 0.7, 0.3
"""Augmentation: loudness of a window, and noise in deviations of the inputs."""


@dataclass(frozen=True)
class PlainNetConfig:
    """width: channels. dilations: of the residual blocks, two convolutions of kernel 5 each.
    steps: of training; seconds: it stops before that many steps when they are over."""

    width: int = 128
    dilations: tuple[int, ...] = (1, 2, 1)
    steps: int = 500
    seconds: float = 75.0
    rate: float = 2e-3
    seed: int = 0


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        pad = 2 * dilation
        self.layers = nn.Sequential(
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=pad, dilation=dilation),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
            nn.Conv1d(width, width, 5, padding=pad, dilation=dilation),
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = values + self.layers(values)
        return result


class PlainNet(nn.Module):
    """(B, MEL_SIZE, T) log-mel to (B, C, T) targets in their own units."""

    in_mean: torch.Tensor
    in_std: torch.Tensor
    out_mean: torch.Tensor
    out_std: torch.Tensor

    def __init__(self, config: PlainNetConfig, targets: int) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(
            nn.Conv1d(MEL_SIZE, config.width, 5, padding=2),
            *(_Block(config.width, dilation) for dilation in config.dilations),
            nn.BatchNorm1d(config.width),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
            nn.Conv1d(config.width, targets, 1),
        )
        for name, size in (("in", MEL_SIZE), ("out", targets)):
            self.register_buffer(f"{name}_mean", torch.zeros(size, 1))
            self.register_buffer(f"{name}_std", torch.ones(size, 1))

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Targets in standard deviations."""
        result: torch.Tensor = self.layers((mel - self.in_mean) / self.in_std)
        return result

    @torch.inference_mode()
    def predict(self, mel: FloatArray) -> FloatArray:
        """(T, C) for a log-mel (T, MEL_SIZE)."""
        self.eval()
        made = self(torch.from_numpy(mel.T.copy())[None]) * self.out_std + self.out_mean
        result: FloatArray = made[0].T.numpy()
        return result


def train_plain_net(
    lessons: Sequence[Lesson],
    config: PlainNetConfig | None = None,
    progress: Callable[[float], None] | None = None,
) -> PlainNet:
    """Train on lessons with squared errors on the targets and on their change per frame."""
    config = config or PlainNetConfig()
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    net = PlainNet(config, lessons[0].target.shape[1])
    _standardise(net, lessons)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=0.02)
    shares = np.array([lesson.weight * lesson.ok.sum() for lesson in lessons], np.float64)
    shares /= shares.sum()
    started = time.monotonic()
    net.train()
    done = 0.0
    for step in range(config.steps):
        done = max(step / config.steps, (time.monotonic() - started) / config.seconds)
        if done >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = config.rate * min(1.0, 0.05 + step / 30.0) * (1.0 - done) ** 0.7
        loss = _loss(net, *_batch(lessons, shares, rng))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if progress is not None and step % 10 == 0:
            progress(done)
    return net.eval()


def _standardise(net: PlainNet, lessons: Sequence[Lesson]) -> None:
    for name, column in (("in", "mel"), ("out", "target")):
        rows = np.concatenate([getattr(lesson, column)[lesson.ok] for lesson in lessons])
        getattr(net, f"{name}_mean").copy_(torch.from_numpy(rows.mean(0))[:, None])
        spread = np.maximum(rows.std(0), 1e-4)
        getattr(net, f"{name}_std").copy_(torch.from_numpy(spread)[:, None])


def _batch(
    lessons: Sequence[Lesson], shares: npt.NDArray[np.float64], rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mel (B, MEL_SIZE, W), targets (B, C, W) and which frames count (B, 1, W)."""
    parts = []
    for index in rng.choice(len(lessons), size=_BATCH, p=shares):
        lesson = lessons[index]
        first = int(rng.integers(0, max(1, len(lesson.mel) - _WINDOW + 1)))
        at = np.minimum(np.arange(first, first + _WINDOW), len(lesson.mel) - 1)
        ok = lesson.ok[at] & (np.arange(first, first + _WINDOW) < len(lesson.mel))
        mel = lesson.mel[at] + np.float32(rng.uniform(-_GAIN_NATS, _GAIN_NATS))
        parts.append((mel.T, lesson.target[at].T, ok[None]))
    mels, targets, oks = (np.stack(column) for column in zip(*parts, strict=True))
    return (
        torch.from_numpy(mels.astype(np.float32)),
        torch.from_numpy(targets.astype(np.float32)),
        torch.from_numpy(oks),
    )


def _loss(net: PlainNet, mel: torch.Tensor, target: torch.Tensor, ok: torch.Tensor) -> torch.Tensor:
    wanted = (target - net.out_mean) / net.out_std
    apart = net(mel + _NOISE * net.in_std * torch.randn_like(mel)) - wanted
    step = apart.diff(dim=-1)
    both = ok[..., 1:] & ok[..., :-1]
    loss: torch.Tensor = (apart.square() * ok).mean() + 0.5 * (step.square() * both).mean()
    return loss
