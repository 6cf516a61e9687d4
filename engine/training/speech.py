# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the character network. `python -m rhetor.engine.training.speech --help`

Three losses: letters by frame (dense in time, which is what a mouth needs), CTC on the text, and
phones by frame read from the 29 logits alone, so that the logits carry the mouth. The phone
reader is dropped from what ships.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from ..checkpoint import WEIGHTS_DIR, save_checkpoint
from ..config import config_to
from ..dataset.letters import BLANK
from ..dataset.phones import PHONES
from ..speech.extractor import FEATURES_KIND
from ..speech.network import SYMBOLS, CharacterNetwork, CharacterNetworkConfig
from .run import ExponentialAverage, Stateful, TrainingRun
from .speech_batches import Batch, BatchConfig, BatchSource, LabelledClip, load_labelled
from .speech_report import judge


@dataclass(frozen=True)
class SpeechTrainingConfig:
    """Settings of one training; the seed and the corpus decide the rest."""

    steps: int = 2600
    seed: int = 1
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    letter_smoothing: float = 0.05
    ctc_weight: float = 0.3
    phone_weight: float = 0.6
    average_decay: float = 0.995
    network: CharacterNetworkConfig = field(default_factory=CharacterNetworkConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)


class SpeechTrainer:
    """Network, phone reader, optimiser and schedule: one step at a time, resumable."""

    def __init__(self, config: SpeechTrainingConfig, clips: list[LabelledClip], folder: Path):
        torch.manual_seed(config.seed)
        self.config = config
        self.source = BatchSource(clips, config.batch, config.seed)
        self.network = CharacterNetwork(config.network)
        self.phone_reader = nn.Linear(len(SYMBOLS), len(PHONES))
        self._set_mel_statistics()
        parameters = [*self.network.parameters(), *self.phone_reader.parameters()]
        self.optimizer = torch.optim.AdamW(
            parameters, lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._one_cycle)
        self.average = ExponentialAverage(self.network, config.average_decay)
        parts: dict[str, Stateful] = {
            "network": self.network,
            "phone_reader": self.phone_reader,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            "average": self.average,
        }
        self.run = TrainingRun(folder, config_to(config), parts)

    def step(self) -> dict[str, float]:
        """One optimisation step; the losses."""
        batch = self.source.batch(self.run.step)
        self.network.train()
        losses = self._losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update(self.network)
        self.run.step += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def averaged_network(self) -> CharacterNetwork:
        """A copy of the network with the averaged weights, ready to judge or ship."""
        network = CharacterNetwork(self.config.network)
        network.load_state_dict(self.average.state_dict())
        return network.eval()

    def _one_cycle(self, step: int) -> float:
        """Linear rise over the first tenth, cosine fall to 1 % at the last step.

        A function of the step alone: a run can be gone on with to another last step.
        """
        rise = 0.1 * self.config.steps
        if step < rise:
            return max(step, 1) / rise
        fallen = min(1.0, (step - rise) / (self.config.steps - rise))
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fallen))

    def _losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        config = self.config
        logits = self.network(batch.mel)  # (B, N, 29)
        letters = F.cross_entropy(
            logits.flatten(0, 1), batch.letters.flatten(), label_smoothing=config.letter_smoothing
        )
        phones = F.cross_entropy(self.phone_reader(logits).flatten(0, 1), batch.phones.flatten())
        sizes = torch.tensor([len(text) for text in batch.texts])
        ctc = F.ctc_loss(
            logits.log_softmax(-1).transpose(0, 1),
            torch.cat(batch.texts),
            torch.full_like(sizes, logits.shape[1]),
            sizes,
            blank=BLANK,
            zero_infinity=True,
        )
        loss = letters + config.ctc_weight * ctc + config.phone_weight * phones
        return {"loss": loss, "letters": letters, "phones": phones, "ctc": ctc}

    def _set_mel_statistics(self) -> None:
        """Mean and spread of the mel bands over a few batches, kept with the weights."""
        mel = torch.cat([self.source.batch(10_000_000 + i).mel for i in range(4)])
        self.network.mel_mean.copy_(mel.mean(dim=(0, 2))[:, None])
        self.network.mel_std.copy_(mel.std(dim=(0, 2))[:, None])


def train(
    config: SpeechTrainingConfig, corpus: Path, folder: Path, export: Path, command: str
) -> None:
    """Train to the last step, judging and exporting now and then; goes on where it stopped."""
    trainer = SpeechTrainer(config, load_labelled(corpus / "train"), folder)
    held_out = load_labelled(corpus / "val")
    started, first = time.monotonic(), trainer.run.step
    while trainer.run.step < config.steps:
        losses = trainer.step()
        step = trainer.run.step
        if step % 20 == 0:
            rate = (step - first) / (time.monotonic() - started)
            trainer.run.log({**losses, "steps_per_s": rate})
        if step % 100 == 0 or step == config.steps:
            trainer.run.save()
        if step % 400 == 0 or step == config.steps:
            network = trainer.averaged_network()
            metrics = judge(network, held_out)
            trainer.run.log(metrics)
            export_network(
                network, export, config=config, steps=step, command=command, metrics=metrics
            )


def export_network(
    network: CharacterNetwork,
    path: Path,
    *,
    config: SpeechTrainingConfig,
    steps: int,
    command: str,
    metrics: dict[str, float],
) -> None:
    """Write the weights with their description."""
    tensors = network.state_dict()
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(tensors[name].half().numpy().tobytes())
    description = {
        "id": f"rhetor-characters-{digest.hexdigest()[:10]}",
        "kind": FEATURES_KIND,
        "preset": "default",
        "config": config_to(config.network),
        "rate_hz": 50.0,
        "training": {
            "command": command,
            "seed": config.seed,
            "steps": steps,
            "data": "synthetic and natural read English; see features.md",
            "metrics": {name: round(value, 4) for name, value in metrics.items()},
        },
    }
    save_checkpoint(path, tensors, description)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the character network.")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run (resumable)")
    parser.add_argument("--export", type=Path, default=WEIGHTS_DIR / "features.safetensors")
    parser.add_argument("--steps", type=int, default=SpeechTrainingConfig.steps)
    parser.add_argument("--seed", type=int, default=SpeechTrainingConfig.seed)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    command = (
        "python -m rhetor.engine.training.speech --corpus CORPUS --run RUN "
        f"--steps {arguments.steps} --seed {arguments.seed}"
    )
    config = SpeechTrainingConfig(steps=arguments.steps, seed=arguments.seed)
    train(config, arguments.corpus, arguments.run, arguments.export, command)


if __name__ == "__main__":
    main()
