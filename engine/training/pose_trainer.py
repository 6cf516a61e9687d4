# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGAN's networks, their optimisers and one training step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import nn

from ..posegan import losses
from ..posegan.discriminators import (
    MotionCritic,
    PatchDiscriminator,
    SpeechCritic,
    Verdict,
    motion_channels,
)
from ..posegan.generator import PoseGanConfig, PoseGenerator, preset_config
from ..posegan.losses import LossWeights
from ..posegan.match import MatchEncoder
from .acceleration import Acceleration
from .pose_batches import Batch, Mix, MotionBatches
from .run import CHECKPOINT_NAME, ExponentialAverage, Stateful

BEST_OF = 3

NEAR_FRAMES = 64

PAPER_LOSSES = LossWeights(adversarial=2.0)
PLUS_LOSSES = LossWeights(
    pose_late=0.1,
    acceleration=1.0,
    adversarial_speech=0.1,
    feature_matching=2.0,
    manner=1.0,
    manner_near=0.5,
    match=0.1,
    mode_seeking=0.3,
    style=0.1,
)


@dataclass(frozen=True)
class PoseTraining:
    """Settings of a run.

    steps: in all; warmup: of them without the adversary, at warmup_rate. rate_generator and
    rate_critic: of Adam after that, falling to a tenth along a cosine. person: train on this person
    only, one performance of each recording (`paper` has no styles). critic_every: steps per update
    of the critics. match_steps: of the encoders' own training, before. prosody, noise, styles:
    whether `plus` has them. start_from: folder of a run whose networks this one begins with.
    calibrates: whether gains are fitted to the styles at the end. patience: checkpoints without a
    better held-out figure before it stops; 0: never.
    """

    preset: str = "plus"
    width: int = 32
    steps: int = 12_000
    warmup: int = 1_500
    batch: int = 8
    warmup_rate: float = 5e-4
    rate_generator: float = 2e-4
    rate_critic: float = 4e-4
    average: float = 0.999
    critic_every: int = 2
    person: str = ""
    match_steps: int = 1_200
    prosody: bool = True
    noise: bool = True
    styles: bool = True
    start_from: str = ""
    calibrates: bool = True
    device: str = "auto"
    patience: int = 0
    seed: int = 1
    checkpoint_every: int = 500
    log_every: int = 100
    mix: Mix = field(default_factory=Mix)
    losses: LossWeights = field(default_factory=lambda: PLUS_LOSSES)

    def model(self) -> PoseGanConfig:
        """The generator that these settings train."""
        model = preset_config(self.preset, self.width)
        if self.preset == "paper":
            return model
        return replace(
            model,
            prosody_size=model.prosody_size if self.prosody else 0,
            noise_size=model.noise_size if self.noise else 0,
            style_size=model.style_size if self.styles else 0,
            style_names=model.style_names if self.styles else model.style_names[:1],
        )


PAPER_TRAINING = PoseTraining(
    preset="paper",
    person="lively",
    match_steps=0,
    calibrates=False,
    mix=Mix(real_share=0.0, reference_share=0.0, style_dropout=0.0),
    losses=PAPER_LOSSES,
)


class PoseTrainer:
    """The networks, their optimisers and one training step.

    match: frozen encoders, needed where their loss has a weight.
    """

    def __init__(
        self,
        config: PoseTraining,
        batches: MotionBatches,
        model: PoseGanConfig,
        match: MatchEncoder | None = None,
        acceleration: Acceleration | None = None,
    ):
        self.config = config
        self.batches = batches
        self.weights = config.losses
        self.plus = config.preset == "plus"
        self.acceleration = acceleration or Acceleration("cpu")
        device = self.acceleration.device
        generator = PoseGenerator(model)
        batches.store_statistics(generator)
        self.generator = generator.to(device)
        self.match = match.to(device) if match is not None else None
        critic: nn.Module = MotionCritic() if self.plus else PatchDiscriminator()
        self.critic = critic.to(device)
        hears = self.plus and self.weights.adversarial_speech > 0
        self.speech_critic = SpeechCritic(model).to(device) if hears else None
        betas = (0.5, 0.999)
        critics = [*self.critic.parameters()]
        if self.speech_critic is not None:
            critics += self.speech_critic.parameters()
        self.adam = torch.optim.Adam(
            self.generator.parameters(), config.rate_generator, betas, fused=True
        )
        self.critic_adam = torch.optim.Adam(critics, config.rate_critic, betas, fused=True)
        self.average = ExponentialAverage(self.generator, config.average)

    def parts(self) -> dict[str, Stateful]:
        """All that a checkpoint must hold."""
        parts: dict[str, Stateful] = {
            "generator": self.generator,
            "critic": self.critic,
            "adam": self.adam,
            "critic_adam": self.critic_adam,
            "average": self.average,
            "acceleration": self.acceleration,
        }
        if self.speech_critic is not None:
            parts["speech_critic"] = self.speech_critic
        if self.match is not None:
            parts["match"] = self.match
        return parts

    def averaged(self) -> PoseGenerator:
        """A copy of the generator with the averaged weights, which is what is judged."""
        generator = PoseGenerator(self.generator.config)
        generator.load_state_dict(self.average.state_dict())
        return generator

    def begin_with(self, folder: Path) -> None:
        """Take over the networks of another run; the scaling stays that of the present data."""
        saved = torch.load(folder / CHECKPOINT_NAME, map_location="cpu", weights_only=True)["parts"]
        self.generator.load_state_dict(saved["generator"])
        self.batches.store_statistics(self.generator)
        self.critic.load_state_dict(saved["critic"])
        if self.speech_critic is not None and "speech_critic" in saved:
            self.speech_critic.load_state_dict(saved["speech_critic"])
        self.restart_average()

    def restart_average(self) -> None:
        """Begin the running average with the present weights."""
        self.average = ExponentialAverage(self.generator, self.config.average)

    def step(self, number: int) -> dict[str, float]:
        """One update of the critics (after warm-up) and of the generator; what to log."""
        adversarial = number >= self.config.warmup
        self._set_rates(number)
        batch = self.acceleration.move(self.batches.draw())
        values: dict[str, float] = {}
        with self.acceleration.autocast():
            real = self.generator.scale(batch.pose)
            style = self._style(batch)
            start = batch.pose[:, 0]
            heard = self.generator.listen(batch.audio)
            weight = self._pose_weight(number)
            noise = self._choose_noise(batch, heard.detach(), style, weight)
            poses = self.generator.decode_draws(heard, start, style, noise)
            made = [self.generator.scale(pose) for pose in poses]
        if adversarial and number % self.config.critic_every == 0:
            values |= self._update_critics(batch, real, made[-1].detach())
        with self.acceleration.autocast():
            loss, terms = self._fit(real, made, noise, weight)
            if adversarial:
                adversary, more = self._adversary(batch, real, made[-1])
                loss, terms = loss + adversary, terms | more
            if self.match is not None and self.weights.match:
                matched = self._match(batch, made[-1])
                loss, terms = loss + self.weights.match * matched, terms | {"match": matched.item()}
            if style is not None and self.weights.style:
                loss = loss + self.weights.style * self._style_error(batch)
        self.acceleration.update(loss, self.adam, self.generator.parameters(), 5.0)
        self.average.update(self.generator)
        return values | terms

    @torch.no_grad()
    def _choose_noise(
        self, batch: Batch, heard: torch.Tensor, style: torch.Tensor | None, weight: float
    ) -> list[torch.Tensor | None]:
        """The best-fitting noise of each window, and one that was not chosen."""
        if not batch.noise:
            return [None]
        real = self.generator.scale(batch.pose)
        poses = self.generator.decode_draws(heard, batch.pose[:, 0], style, batch.noise)
        errors = [self._error(self.generator.scale(pose), real, weight) for pose in poses]
        best = losses.best_of(errors, batch.noise)
        return [best, batch.noise[0]]

    def _error(self, made: torch.Tensor, real: torch.Tensor, weight: float) -> torch.Tensor:
        return weight * losses.pose_error(made, real) + losses.reconstruction(
            made, real, self.weights
        )

    def _pose_weight(self, number: int) -> float:
        """MSE of the poses counts less once the adversary has had as long as the warm-up."""
        w, warmup = self.weights, max(1, self.config.warmup)
        share = min(1.0, max(0.0, (number - warmup) / warmup))
        return w.pose + share * (w.pose_late - w.pose)

    def _fit(
        self,
        real: torch.Tensor,
        made: list[torch.Tensor],
        noise: list[torch.Tensor | None],
        weight: float,
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """made: the best-fitting performance and, in `plus`, any other."""
        w = self.weights
        fit = self._error(made[0], real, weight).mean()
        loss = fit + w.initial_pose * losses.initial_error(made[0], real[:, 0])
        free = made[-1]
        terms = {"fit": fit.item(), "variance": (free.var(1).mean() / real.var(1).mean()).item()}
        if w.manner or w.manner_near:
            motions = [motion_channels(m, self._scaled_step, True) for m in (free, real)]
            manner = losses.manner(motions[0], motions[1])
            near = losses.manner(motions[0], motions[1], NEAR_FRAMES)
            loss = loss + w.manner * manner + w.manner_near * near
            terms |= {"manner": manner.item(), "near": near.item()}
        if w.mode_seeking and noise[0] is not None and noise[-1] is not None:
            seek = losses.mode_seeking(made[0], free, noise[0], noise[-1])
            loss = loss + w.mode_seeking * seek
            terms["seek"] = seek.item()
        return loss, terms

    def _adversary(
        self, batch: Batch, real: torch.Tensor, made: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """What the critics say of a performance that was not chosen for its fit."""
        w = self.weights
        alone, together = self._judge(made, batch)
        gan = losses.hinge_generator if self.plus else losses.least_squares_generator
        loss = w.adversarial * gan(alone)
        if together:
            loss = loss + w.adversarial_speech * gan(together)
        terms = {"gan": gan([*alone, *together]).item()}
        if w.feature_matching:
            with torch.no_grad():
                standard = self._judge(real, batch)
            seen = alone * bool(w.adversarial) + together
            matching = losses.feature_matching(
                standard[0] * bool(w.adversarial) + standard[1], seen
            )
            bias = losses.bias(made, real)
            loss = loss + w.feature_matching * (bias + matching)
            terms |= {"bias": bias.item(), "features": matching.item()}
        return loss, terms

    def _match(self, batch: Batch, made: torch.Tensor) -> torch.Tensor:
        """How hard it is for the frozen encoders to find the speech of each made motion."""
        assert self.match is not None
        return self.match.contrast(*self.match(batch.audio, made))

    def _update_critics(
        self, batch: Batch, real: torch.Tensor, made: torch.Tensor
    ) -> dict[str, float]:
        judge = losses.hinge_discriminator if self.plus else losses.least_squares_discriminator
        with self.acceleration.autocast():
            verdicts = zip(self._judge(real, batch), self._judge(made, batch), strict=True)
            kinds = [judge(r, m) for r, m in verdicts if r]
            loss = torch.stack(kinds).sum()
            if self.speech_critic is not None:
                loss = loss + 0.25 * losses.push_down(self._wrong_pairs(batch, real))
        self.acceleration.update(loss, self.critic_adam)
        return {"critic": loss.item()}

    def _wrong_pairs(self, batch: Batch, real: torch.Tensor) -> list[Verdict]:
        """Real motion beside another voice, or under another name: as wrong as made motion."""
        assert self.speech_critic is not None
        motion = motion_channels(real, self._scaled_step, True)
        audio, half = self._scaled_audio(batch), len(real) // 2
        if bool((batch.another_person == batch.person).all()):
            half = len(real)
        wrong_audio = torch.cat([audio[:half].roll(1, 0), audio[half:]])
        wrong_person = torch.cat([batch.person[:half], batch.another_person[half:]])
        verdicts: list[Verdict] = self.speech_critic(motion, wrong_audio, wrong_person)
        return verdicts

    def _judge(self, scaled: torch.Tensor, batch: Batch) -> tuple[list[Verdict], list[Verdict]]:
        """Verdicts on the motion alone, and on motion and speech together (none in `paper`)."""
        motion = motion_channels(scaled, self._scaled_step, self.plus)
        alone: list[Verdict] = self.critic(motion)
        if self.speech_critic is None:
            return alone, []
        return alone, self.speech_critic(motion, self._scaled_audio(batch), batch.person)

    @property
    def _scaled_step(self) -> torch.Tensor:
        return self.generator.step_std / self.generator.pose_std

    def _scaled_audio(self, batch: Batch) -> torch.Tensor:
        g = self.generator
        return ((batch.audio - g.input_mean) / g.input_std).transpose(1, 2)

    def _style(self, batch: Batch) -> torch.Tensor | None:
        """The table's row for most, the encoder's reading of another clip for some."""
        bank = self.generator.style
        if bank is None:
            return None
        table: torch.Tensor = bank(batch.person)
        read: torch.Tensor = bank.encoder(*self.generator.clip_channels(batch.reference))
        return torch.where(batch.use_reference[:, None], read, table)

    def _style_error(self, batch: Batch) -> torch.Tensor:
        """What the encoder reads in a clip should lie near its person's row."""
        bank = self.generator.style
        assert bank is not None
        read = bank.encoder(*self.generator.clip_channels(batch.reference))
        named = batch.in_table & (batch.person > 0)  # a dropped style says nothing
        error = (read - bank(batch.person)).square().mean(dim=1)
        known: torch.Tensor = (error * named).mean()
        return known

    def _set_rates(self, number: int) -> None:
        c = self.config
        done = max(0, number - c.warmup) / max(1, c.steps - c.warmup)
        fall = 0.55 + 0.45 * torch.cos(torch.tensor(min(1.0, done) * torch.pi)).item()
        warm = number < c.warmup
        for group in self.adam.param_groups:
            group["lr"] = c.warmup_rate if warm else c.rate_generator * fall
        for group in self.critic_adam.param_groups:
            group["lr"] = c.rate_critic * fall
