# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the character network. `python -m rhetor.engine.training.speech --help`

Four losses: letters by frame (dense in time, which is what a mouth needs), CTC on the text, and,
read from the 29 logits alone so that the logits carry the mouth, phones by frame and the tracked
mouths of real people. Closed lips weigh more than other sounds. The readers are dropped from what
ships.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from ..checkpoint import WEIGHTS_DIR, load_checkpoint, save_checkpoint
from ..config import config_to
from ..dataset.letters import BLANK
from ..protocol.errors import CheckpointError, RhetorError
from ..speech.extractor import FEATURES_KIND
from ..speech.network import CharacterNetwork, CharacterNetworkConfig
from . import distributed
from .acceleration import Acceleration, training_device
from .config_file import add_config_arguments, config_of
from .early_stopping import EarlyStopping
from .run import ExponentialAverage, Stateful, TrainingRun
from .speech_batches import Batch, BatchConfig, BatchSource, LabelledClip, load_labelled
from .speech_mouths import MouthClip, load_mouths
from .speech_readers import LogitReaders
from .speech_report import judge

_NEW_BLOCK_SCALE = 0.2


@dataclass(frozen=True)
class SpeechTrainingConfig:
    """Settings of one training; the seed and the material decide the rest.

    patience: evaluations without a larger share of right letters before the training stops; 0 for
    never. precision: see `acceleration`.
    """

    steps: int = 9000
    seed: int = 1
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    letter_smoothing: float = 0.05
    ctc_weight: float = 0.4
    phone_weight: float = 1.0
    mouth_weight: float = 0.6
    average_decay: float = 0.996
    mouth_reader_width: int = 48
    patience: int = 0
    precision: str = "auto"
    network: CharacterNetworkConfig = field(default_factory=CharacterNetworkConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)


class SpeechTrainer:
    """Network, readers, optimiser and schedule: one step at a time, resumable."""

    def __init__(
        self,
        config: SpeechTrainingConfig,
        clips: list[LabelledClip],
        folder: Path,
        *,
        mouths: Sequence[MouthClip] = (),
        start: Path | None = None,
        device: torch.device | str = "cpu",
    ):
        """start: weights to begin with, those of a network with as many blocks or fewer."""
        torch.manual_seed(config.seed)
        self.config = config
        self.acceleration = Acceleration(str(device), config.precision)
        self.device = self.acceleration.device
        self.source = BatchSource(clips, config.batch, distributed.rank_seed(config.seed), mouths)
        self.network = CharacterNetwork(config.network)
        self.readers = LogitReaders(config.mouth_reader_width)
        if start is None:
            self._set_mel_statistics()
        else:
            begin_with(self.network, start)
        self.network.to(self.device)
        self.readers.to(self.device)
        parameters = [*self.network.parameters(), *self.readers.parameters()]
        self.optimizer = torch.optim.AdamW(
            parameters, lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._one_cycle)
        self._hear = self.acceleration.compiled(self.network)
        self.average = ExponentialAverage(self.network, config.average_decay)
        self.stopping = EarlyStopping(config.patience, higher_is_better=True)
        parts: dict[str, Stateful] = {
            "network": self.network,
            "readers": self.readers,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            "average": self.average,
            "acceleration": self.acceleration,
            "stopping": self.stopping,
        }
        distributed.seed_this_process(config.seed)
        self.run = TrainingRun(folder, config_to(config), parts)

    def step(self) -> dict[str, float]:
        """One optimisation step; the losses."""
        batch = self.source.batch(self.run.step).to(self.device)
        self.network.train()
        with self.acceleration.autocast():
            losses = self._losses(batch)
        self.acceleration.update(losses["loss"], self.optimizer, self.network.parameters(), 1.0)
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
        config, spoken = self.config, len(batch.letters)
        logits = self._hear(batch.mel)  # (B + M, N, 29)
        losses = {
            **self.readers.losses(logits, batch, config.letter_smoothing),
            "ctc": _ctc_loss(logits[:spoken], batch.texts),
        }
        weights = {
            "letters": 1.0,
            "ctc": config.ctc_weight,
            "phones": config.phone_weight,
            "mouth": config.mouth_weight,
        }
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        return {"loss": total, **losses}

    def _set_mel_statistics(self) -> None:
        """Mean and spread of the mel bands over a few batches, kept with the weights."""
        spoken = self.config.batch.size
        mel = torch.cat([self.source.batch(10_000_000 + i).mel[:spoken] for i in range(4)])
        self.network.mel_mean.copy_(mel.mean(dim=(0, 2))[:, None])
        self.network.mel_std.copy_(mel.std(dim=(0, 2))[:, None])


def _ctc_loss(logits: torch.Tensor, texts: Sequence[torch.Tensor]) -> torch.Tensor:
    sizes = torch.tensor([len(text) for text in texts])
    return F.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1),
        torch.cat(list(texts)).to(logits.device),
        torch.full_like(sizes, logits.shape[1]),
        sizes,
        blank=BLANK,
        zero_infinity=True,
    )


def begin_with(network: CharacterNetwork, path: Path) -> None:
    """Take over the weights of a file; blocks that it lacks begin close to doing nothing.

    Raises CheckpointError where the file's network is of other sizes.
    """
    tensors, _ = load_checkpoint(path, {"kind": FEATURES_KIND})
    for name, block in network.blocks.named_children():
        if f"blocks.{name}.conv.weight" not in tensors:
            nn.init.constant_(block.norm.weight, _NEW_BLOCK_SCALE)  # type: ignore[arg-type, union-attr]
    try:
        missing, surplus = network.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path.name} is not of the size of this network ({error}).",
            "Begin without weights, or choose the same sizes.",
        ) from error
    foreign = [*surplus, *(name for name in missing if not name.startswith("blocks."))]
    if foreign:
        raise CheckpointError(
            f"{path.name} does not fit this network: {', '.join(foreign)}.",
            "Begin with the weights of a network that has no more blocks than this one.",
        )


@dataclass(frozen=True)
class SpeechMaterial:
    """What to train on. corpus: spoken clips; people: folders of sets of people's clips, of whose
    training halves the mouths are learnt; start: weights to begin with, or None.
    """

    corpus: Path
    people: tuple[Path, ...] = ()
    start: Path | None = None


def train(
    config: SpeechTrainingConfig,
    material: SpeechMaterial,
    folder: Path,
    *,
    export: Path,
    command: str,
    device: torch.device | str = "cpu",
) -> None:
    """Train to the last step, judging and exporting now and then; goes on where it stopped."""
    corpus = material.corpus
    clips = load_labelled(corpus / "train")
    mouths = load_mouths([people / "train" for people in material.people])
    trainer = SpeechTrainer(
        config, clips, folder, mouths=mouths, start=material.start, device=device
    )
    held_out = load_labelled(corpus / "val")
    started, first = time.monotonic(), trainer.run.step
    while trainer.run.step < config.steps and not trainer.stopping.should_stop:
        losses = trainer.step()
        step = trainer.run.step
        if step % 20 == 0:
            rate = (step - first) / (time.monotonic() - started)
            trainer.run.log({**losses, "steps_per_s": rate})
        if step % 400 == 0 or step == config.steps:
            network = trainer.averaged_network()
            metrics = distributed.agree(judge(network, held_out) if distributed.is_first() else {})
            trainer.run.log(metrics)
            best = trainer.stopping.update(metrics["letter_frames_right"], step, network)
            if distributed.is_first() and (best or not config.patience):
                export_network(
                    network, export, config=config, steps=step, command=command, metrics=metrics
                )
        if step % 100 == 0 or step == config.steps or trainer.stopping.should_stop:
            trainer.run.save()


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
    parser.add_argument("--people", type=Path, nargs="*", default=[], help="sets of people's clips")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run (resumable)")
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--export", type=Path, default=WEIGHTS_DIR / "features.safetensors")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto")
    add_config_arguments(parser, SpeechTrainingConfig)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    material = SpeechMaterial(arguments.corpus, tuple(arguments.people), arguments.start)
    try:
        config = config_of(SpeechTrainingConfig, arguments)
        command = (
            "python -m rhetor.engine.training.speech --corpus CORPUS "
            f"--people {' '.join(p.name for p in arguments.people)} --run RUN "
            f"{'--start WEIGHTS ' if arguments.start else ''}"
            f"--steps {config.steps} --seed {config.seed}"
        )
        device = training_device(arguments.device)
        with distributed.process_group(device):
            train(
                config,
                material,
                arguments.run,
                export=arguments.export,
                command=command,
                device=device,
            )
    except RhetorError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
