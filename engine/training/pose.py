# SPDX-License-Identifier: GPL-3.0-or-later
"""Train PoseGAN: `python -m rhetor.engine.training.pose MOTION RUN --preset plus`.

MOTION is what `rhetor.engine.dataset.motion_clips` made. The run goes on where its last checkpoint
stood; `--export FILE` writes the averaged generator as a weights file at every checkpoint.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..checkpoint import save_checkpoint
from ..config import config_to
from ..dataset.motion_clips import MotionClip, load_motion_clips
from ..dataset.personality import PERSONALITIES
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
from ..posegan.style import NEUTRAL
from ..posegan.synthesizer import KIND
from ..protocol.take import MODEL_RATE_HZ
from .pose_batches import Batch, MotionBatches
from .run import ExponentialAverage, TrainingRun

CHECKPOINT_NAME = "last.pt"

BEST_OF = 3

WEIGHTS = {
    "paper": LossWeights(),
    "plus": LossWeights(
        pose_late=0.1,
        acceleration=1.0,
        feature_matching=2.0,
        manner=1.0,
        mode_seeking=0.3,
        style=0.1,
    ),
}


@dataclass(frozen=True)
class PoseTraining:
    """Settings of a run.

    steps: in all; warmup: of them without the adversary, at warmup_rate. rate_generator and
    rate_critic: of Adam after that, falling to a tenth along a cosine. person: train on this
    personality only (`paper` has no styles). critic_every: steps per update of the critics.
    start_from: folder of a run whose networks this one begins with.
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
    start_from: str = ""
    seed: int = 1
    checkpoint_every: int = 500
    log_every: int = 100


class PoseTrainer:
    """The networks, their optimisers and one training step."""

    def __init__(self, config: PoseTraining, batches: MotionBatches, model: PoseGanConfig):
        self.config = config
        self.batches = batches
        self.weights = WEIGHTS[config.preset]
        self.plus = config.preset == "plus"
        self.generator = PoseGenerator(model)
        batches.store_statistics(self.generator)
        self.critic: nn.Module = MotionCritic() if self.plus else PatchDiscriminator()
        self.speech_critic = SpeechCritic(model) if self.plus else None
        betas = (0.5, 0.999)
        critics = [*self.critic.parameters()]
        if self.speech_critic is not None:
            critics += self.speech_critic.parameters()
        self.adam = torch.optim.Adam(
            self.generator.parameters(), config.rate_generator, betas, fused=True
        )
        self.critic_adam = torch.optim.Adam(critics, config.rate_critic, betas, fused=True)
        self.average = ExponentialAverage(self.generator, config.average)
        self._scaled_step = self.generator.step_std / self.generator.pose_std

    def parts(self) -> dict[str, object]:
        """All that a checkpoint must hold."""
        parts: dict[str, object] = {
            "generator": self.generator,
            "critic": self.critic,
            "adam": self.adam,
            "critic_adam": self.critic_adam,
            "average": self.average,
        }
        if self.speech_critic is not None:
            parts["speech_critic"] = self.speech_critic
        return parts

    def begin_with(self, folder: Path) -> None:
        """Take over the networks of another run; the scaling stays that of the present data."""
        saved = torch.load(folder / CHECKPOINT_NAME, weights_only=True)["parts"]
        self.generator.load_state_dict(saved["generator"])
        self.batches.store_statistics(self.generator)
        self.critic.load_state_dict(saved["critic"])
        if self.speech_critic is not None:
            self.speech_critic.load_state_dict(saved["speech_critic"])
        self.average = ExponentialAverage(self.generator, self.config.average)

    def step(self, number: int) -> dict[str, float]:
        """One update of the critics (after warm-up) and of the generator; what to log."""
        adversarial = number >= self.config.warmup
        self._set_rates(number)
        batch = self.batches.draw()
        real = self.generator.scale(batch.pose)
        style = self._style(batch)
        start = batch.pose[:, 0]
        heard = self.generator.listen(batch.audio)
        weight = self._pose_weight(number)
        noise = self._choose_noise(batch, heard.detach(), style, weight)
        made = [
            self.generator.scale(pose)
            for pose in self.generator.decode_draws(heard, start, style, noise)
        ]
        values: dict[str, float] = {}
        if adversarial and number % self.config.critic_every == 0:
            values |= self._update_critics(batch, real, made[-1].detach())
        loss, terms = self._fit(real, made, noise, weight)
        if adversarial:
            adversary, more = self._adversary(batch, real, made[-1])
            loss, terms = loss + adversary, terms | more
        if self.plus and style is not None:
            loss = loss + self.weights.style * self._style_error(batch)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.generator.parameters(), 5.0)
        self.adam.step()
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
        if w.manner:
            motions = [motion_channels(m, self._scaled_step, True) for m in (free, real)]
            manner = losses.manner(motions[0], motions[1])
            loss = loss + w.manner * manner
            terms["manner"] = manner.item()
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
        verdicts = self._judge(made, batch)
        gan = (losses.hinge_generator if self.plus else losses.least_squares_generator)(verdicts)
        loss, terms = w.adversarial * gan, {"gan": gan.item()}
        if self.speech_critic is not None:  # counts as much as all scales of the other together
            loss = loss + w.adversarial * losses.hinge_generator(verdicts[-1:])
        if w.feature_matching:
            with torch.no_grad():
                standard = self._judge(real, batch)
            match = losses.feature_matching(standard, verdicts)
            bias = losses.bias(made, real)
            loss = loss + w.feature_matching * bias
            terms["bias"] = bias.item()
            loss = loss + w.feature_matching * match
            terms["match"] = match.item()
        return loss, terms

    def _update_critics(
        self, batch: Batch, real: torch.Tensor, made: torch.Tensor
    ) -> dict[str, float]:
        judge = losses.hinge_discriminator if self.plus else losses.least_squares_discriminator
        loss = judge(self._judge(real, batch), self._judge(made, batch))
        if self.speech_critic is not None:
            # Real motion beside another voice, or under another name, is as wrong as made motion.
            motion = motion_channels(real, self._scaled_step, True)
            audio, half = self._scaled_audio(batch), len(real) // 2
            wrong_audio = torch.cat([audio[:half].roll(1, 0), audio[half:]])
            wrong_person = torch.cat([batch.person[:half], batch.another_person[half:]])
            wrong = self.speech_critic(motion, wrong_audio, wrong_person)
            loss = loss + 0.25 * losses.push_down(wrong)
        self.critic_adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.critic_adam.step()
        return {"critic": loss.item()}

    def _judge(self, scaled: torch.Tensor, batch: Batch) -> list[Verdict]:
        motion = motion_channels(scaled, self._scaled_step, self.plus)
        verdicts: list[Verdict] = self.critic(motion)
        if self.speech_critic is not None:
            audio = self._scaled_audio(batch)
            verdicts = verdicts + self.speech_critic(motion, audio, batch.person)
        return verdicts

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
        named = batch.person > 0  # a dropped style says nothing
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


def train(
    config: PoseTraining, clips: Sequence[MotionClip], folder: Path, export: Path | None = None
) -> PoseTrainer:
    """Run, or go on with, a training in `folder`; export weights at each checkpoint."""
    torch.manual_seed(config.seed)
    model = preset_config(config.preset, config.width)
    people = (config.person,) if config.person else ()
    batches = MotionBatches(clips, model, config.batch, BEST_OF, people)
    trainer = PoseTrainer(config, batches, model)
    if config.start_from:
        trainer.begin_with(Path(config.start_from))
    run = TrainingRun(folder, config_to(config), trainer.parts())  # type: ignore[arg-type]
    while run.step < config.steps:
        values = trainer.step(run.step)
        run.step += 1
        if run.step % config.log_every == 0:
            run.log(values)
        if run.step % config.checkpoint_every == 0 or run.step == config.steps:
            run.save()
            if export is not None:
                write_weights(export, trainer, run.step, batches)
    return trainer


def write_weights(path: Path, trainer: PoseTrainer, step: int, batches: MotionBatches) -> None:
    """The averaged generator as a weights file."""
    config, model = trainer.config, trainer.generator.config
    described = {NEUTRAL: ("Neutral", "The mean of all styles, for a voice that is not known.")}
    described |= {p.name: (p.label, p.description) for p in PERSONALITIES.values()}
    description = {
        "kind": KIND,
        "preset": config.preset,
        "config": config_to(model),
        "feature_extractor": batches.extractor,
        "rate_hz": MODEL_RATE_HZ,
        "styles": [
            {"name": n, "label": described[n][0], "description": described[n][1]}
            for n in model.style_names
        ],
        "training": {
            "command": "python -m rhetor.engine.training.pose MOTION RUN "
            f"--preset {config.preset} --width {config.width} --steps {config.steps}",
            "seed": config.seed,
            "steps": step,
            "data": f"synthetic performer, {batches.minutes:.0f} min of motion",
            "metrics": {},
        },
    }
    save_checkpoint(path, trainer.average.state_dict(), description)


def main() -> None:
    """Command line; every setting of PoseTraining is an option."""
    parser = argparse.ArgumentParser(description="Train PoseGAN.")
    parser.add_argument("motion", type=Path, help="folder with train/ and val/")
    parser.add_argument("run", type=Path, help="folder of this run; goes on where it stopped")
    parser.add_argument("--export", type=Path, help="weights file to write")
    for field in dataclasses.fields(PoseTraining):
        kind = type(field.default)
        name = field.name.replace("_", "-")
        parser.add_argument(f"--{name}", type=kind, default=field.default)
    a = vars(parser.parse_args())
    motion, run, export = (a.pop(name) for name in ("motion", "run", "export"))
    train(PoseTraining(**a), load_motion_clips(motion / "train"), run, export)


if __name__ == "__main__":
    main()
