# SPDX-License-Identifier: GPL-3.0-or-later
"""PGFace's network, its optimiser and its training steps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch

from ..config import config_to
from ..dataset.face_clips import REAL, FaceClip
from ..pgface.config import PRESETS, PGFaceConfig
from ..pgface.lips import LipGeometry
from ..pgface.losses import FaceLoss, FaceLossWeights
from ..pgface.network import PGFace
from ..protocol.take import POSE_CHANNELS
from . import distributed
from .acceleration import Acceleration
from .early_stopping import EarlyStopping
from .face_material import FaceMaterial
from .motion_plots import Curves, lip_figure
from .run import ExponentialAverage, Stateful, TrainingRun

_POSE_SIZE = len(POSE_CHANNELS)


@dataclass(frozen=True)
class FaceTraining:
    """Settings of a training.

    pairs: pairs of consecutive frames in a batch. rate: first learning rate, falls to a hundredth
    along a cosine. real: share of pairs that are of real people. pose_dropout, style_dropout,
    speaker_dropout: share of pairs that get the mean pose, and of performed and of real ones the
    neutral style. noise: largest deviation of noise on the speech features, in their own
    deviations. gain: largest relative change of the features' size. generated: share of the steps,
    the last ones, that see PoseGAN's own poses, so that training meets what inference sees.
    average: decay of the weights' average. prosody, styles: whether `plus` has them. patience:
    judgements without a better held-out figure before it stops; 0: never.
    """

    steps: int = 20_000
    pairs: int = 128
    rate: float = 1e-3
    real: float = 0.5
    pose_dropout: float = 0.1
    style_dropout: float = 0.4
    speaker_dropout: float = 0.6
    noise: float = 0.3
    gain: float = 0.15
    generated: float = 0.25
    average: float = 0.999
    weight_decay: float = 1e-4
    prosody: bool = True
    styles: bool = True
    patience: int = 0
    device: str = "auto"
    seed: int = 1
    log_every: int = 100
    save_every: int = 500
    losses: FaceLossWeights = field(default_factory=FaceLossWeights)

    def network(self, preset: str, clips: Iterable[FaceClip]) -> PGFaceConfig:
        """The network to train: that of the preset, real speakers with style rows of their own."""
        config = PRESETS[preset]
        if not self.styles or not config.styles:
            return dataclasses.replace(
                config, prosody=config.prosody and self.prosody, styles=(), style_size=0
            )
        real = {clip.style: None for clip in clips if clip.source == REAL}
        styles = (*config.styles, *(name for name in real if name not in config.styles))
        return dataclasses.replace(config, prosody=self.prosody, styles=styles)


class Judge(Protocol):
    """Gives a network the figure by which the best one is kept; higher is better."""

    def __call__(self, network: PGFace) -> dict[str, float]:
        """Figures for the log; `figure` is the one that counts; the training ends where there is
        `time_is_over` and it is not 0."""

    def example(self, network: PGFace) -> tuple[Curves, Curves] | None:
        """Made and real curves (T,) by name to look at; None for none."""


class FaceTrainer:
    """Steps of a training; `run.step` counts them and survives a restart."""

    def __init__(
        self,
        folder: Path,
        config: PGFaceConfig,
        training: FaceTraining,
        material: FaceMaterial,
        lips: LipGeometry,
        *,
        acceleration: Acceleration | None = None,
    ) -> None:
        torch.manual_seed(training.seed)
        self.training, self.material = training, material
        self.acceleration = acceleration or Acceleration("cpu")
        network = PGFace(config)
        network.set_statistics(material.columns["inputs"], material.columns["prosody"])
        self.network = network.to(self.acceleration.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=training.rate,
            weight_decay=training.weight_decay,
            fused=True,
        )
        self.average = ExponentialAverage(self.network, training.average)
        self.stopping = EarlyStopping(training.patience, higher_is_better=True)
        self.loss = FaceLoss(self.acceleration.move(lips), training.losses)
        parts: dict[str, Stateful] = {
            "network": self.network,
            "optimiser": self.optimiser,
            "average": self.average,
            "stopping": self.stopping,
            "acceleration": self.acceleration,
        }
        settings = {"network": config_to(config), "training": config_to(training)}
        distributed.seed_this_process(training.seed)
        self.run = TrainingRun(folder, settings, parts)

    def begin_with(self, network: PGFace) -> None:
        """Take over a trained network of the same shape, with the statistics of its inputs."""
        self.network.load_state_dict(network.state_dict())
        self.average.load_state_dict(network.state_dict())

    def step(self) -> dict[str, float]:
        """One optimiser step; returns the total loss and its terms."""
        settings, move = self.training, self.acceleration.move
        progress = min(1.0, self.run.step / settings.steps)
        rate = settings.rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * progress)))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        generated = progress >= 1.0 - settings.generated
        pairs = self.material.draw(settings.pairs, generated, settings.real)
        frames = pairs.flatten()
        window = move(self._inputs(pairs, generated))
        prosody = move(self.material.windows("prosody", frames))
        style = move(self._style(pairs).repeat_interleave(2))
        target = move(self.material.targets(pairs))
        self.network.train()
        with self.acceleration.autocast():
            identity, expression = self.network(window, prosody, style)
            shape = (settings.pairs, 2, -1)
            total, terms = self.loss(identity.view(shape), expression.view(shape), target)
        self.acceleration.update(total, self.optimiser)
        # Young averages forget faster, or the first random weights would stay in them.
        self.average.decay = min(settings.average, (1 + self.run.step) / (10 + self.run.step))
        self.average.update(self.network)
        self.run.step += 1
        return {name: float(term.detach()) for name, term in {"loss": total, **terms}.items()}

    def _inputs(self, pairs: torch.Tensor, generated: bool) -> torch.Tensor:
        """(2N, 35, 16) windows: noise and gain on the speech; the mean pose where the head was not
        tracked and for some more; both frames of a pair alike."""
        settings, spread = self.training, self.network.input_std.cpu()[:, None]
        frames, count = pairs.flatten(), len(pairs)
        window = self.material.windows("inputs", frames)
        pose, speech = window[:, :_POSE_SIZE], window[:, _POSE_SIZE:]
        known = self.material.pose_known[pairs].all(1)
        if generated and "generated" in self.material.columns:
            pose, known = self.material.windows("generated", frames), torch.ones(count).bool()
        gain = 1.0 + settings.gain * (2.0 * torch.rand(count, 1, 1) - 1.0)
        level = settings.noise * torch.rand(count, 1, 1)
        noise = torch.randn(count, *speech.shape[1:]) * spread[_POSE_SIZE:] * level
        speech = speech * gain.repeat_interleave(2, 0) + noise.repeat_interleave(2, 0)
        dropped = (torch.rand(count) < settings.pose_dropout) | ~known
        mean = self.network.input_mean.cpu()[:_POSE_SIZE, None]
        pose = torch.where(dropped.repeat_interleave(2)[:, None, None], mean, pose)
        return torch.cat([pose, speech], 1)

    def _style(self, pairs: torch.Tensor) -> torch.Tensor:
        """(N,) rows of the style table, neutral for some."""
        settings = self.training
        style = self.material.columns["style"][pairs[:, 0]]
        real = self.material.is_real[pairs[:, 0]]
        share = torch.where(real, settings.speaker_dropout, settings.style_dropout)
        return torch.where(torch.rand(len(pairs)) < share, 0, style)

    def train(self, until: int, judge: Judge | None = None) -> None:
        """Go on until so many steps are done, with logs and checkpoints.

        judge: asked at every checkpoint; the training stops when it finds nothing better.
        """
        settings, sums = self.training, dict[str, float]()
        figures: dict[str, float] = {}
        while self.run.step < until and not self.stopping.should_stop:
            for name, value in self.step().items():
                sums[name] = sums.get(name, 0.0) + value / settings.log_every
            if self.run.step % settings.log_every == 0:
                self.run.log({f"train/{name}": value for name, value in sums.items()})
                sums = {}
            if self.run.step % settings.save_every == 0 or self.run.step == until:
                if judge is not None:
                    network = self.averaged()
                    figures = judge(network)
                    self.run.log({f"held_out/{name}": value for name, value in figures.items()})
                    shown = judge.example(network)
                    if shown is not None:
                        self.run.plot("held_out/lips", lip_figure(*shown))
                    self.stopping.update(figures["figure"], self.run.step, network)
                self.run.save()
                if figures.get("time_is_over"):
                    break

    def averaged(self) -> PGFace:
        """The network with its averaged weights: what is judged."""
        network = PGFace(self.network.config)
        network.load_state_dict(self.average.state_dict())
        return network.eval()

    def shipped(self) -> PGFace:
        """The averaged network, the best one where it may stop early, without speakers' rows."""
        network = self.averaged()
        if self.training.patience and self.stopping.best_weights:
            network.load_state_dict(self.stopping.best_weights)
        preset = PRESETS[network.config.preset]
        return network.with_styles(preset.styles) if network.config.styles else network
