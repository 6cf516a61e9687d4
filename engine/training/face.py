# SPDX-License-Identifier: GPL-3.0-or-later
"""Train PGFace: `python -m rhetor.engine.training.face --preset plus --corpus runs/corpus`.

A run started again with the same --run folder goes on where it stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..checkpoint import WEIGHTS_DIR, save_checkpoint
from ..config import config_to
from ..dataset.face_clips import FaceClip, read_face_clips
from ..dataset.facial_style import PERSONALITIES
from ..head.model import load_head
from ..pgface.config import PRESETS, STYLE_NAMES, WINDOW, PGFaceConfig
from ..pgface.lips import LipGeometry
from ..pgface.losses import FaceBatch, FaceLoss
from ..pgface.network import PGFace
from ..pgface.synthesizer import describe, pad_frames
from ..posegan.synthesizer import PoseSynthesizer, load_posegan
from ..protocol.errors import DatasetError, RhetorError
from ..protocol.take import POSE_CHANNELS
from ..protocol.weights_header import read_description
from .run import ExponentialAverage, Stateful, TrainingRun

_POSE_SIZE = len(POSE_CHANNELS)


@dataclass(frozen=True)
class FaceTraining:
    """Settings of a training.

    pairs: pairs of consecutive frames in a batch. rate: first learning rate, falls to a hundredth
    along a cosine. pose_dropout, style_dropout: share of pairs that get the mean pose, the neutral
    style. noise: largest deviation of noise on the speech features, in their own deviations.
    gain: largest relative change of the features' size. generated: share of the steps, the last
    ones, that see PoseGAN's own poses, so that training meets what inference sees. average: decay
    of the weights' average.
    """

    steps: int = 16_000
    pairs: int = 128
    rate: float = 1e-3
    pose_dropout: float = 0.1
    style_dropout: float = 0.15
    noise: float = 0.25
    gain: float = 0.15
    generated: float = 0.25
    average: float = 0.999
    weight_decay: float = 1e-4
    seed: int = 1
    log_every: int = 100
    save_every: int = 500


class FaceMaterial:
    """All frames of all clips in memory; windows are cut out by index.

    posegan: where given, each recording also gets, in one of its styles, the head motion that
    PoseGAN makes for it.
    """

    def __init__(self, clips: Iterable[FaceClip], posegan: PoseSynthesizer | None = None) -> None:
        columns: dict[str, list[torch.Tensor]] = {}
        firsts: list[torch.Tensor] = []
        generated: list[torch.Tensor] = []
        windows: list[torch.Tensor] = []
        frames_before, rows_before = 0, 0
        for number, clip in enumerate(clips):
            frames = len(clip.speech)
            if frames < 2:
                continue
            for name, values in _clip_columns(clip).items():
                columns.setdefault(name, []).append(values)
            pairs = torch.arange(frames_before, frames_before + frames - 1)
            firsts.append(pairs)
            if posegan is not None:
                pose = torch.from_numpy(clip.pose)
                if number % len(PERSONALITIES) == number // len(PERSONALITIES) % len(PERSONALITIES):
                    pose = _generated_pose(posegan, clip, number)
                    generated.append(pairs)
                columns.setdefault("generated", []).append(pad_frames(pose))
            windows.append(torch.arange(rows_before, rows_before + frames))
            frames_before += frames
            rows_before += frames + WINDOW - 1
        if not firsts:
            raise DatasetError("There is nothing to train on.", "Build the corpus first.")
        self.columns = {name: torch.cat(parts) for name, parts in columns.items()}
        self.first_of_pair = torch.cat(firsts)
        self.first_of_generated = torch.cat(generated) if generated else None
        self.window_row = torch.cat(windows)
        self._offsets = torch.arange(WINDOW)

    @property
    def frame_count(self) -> int:
        """All frames."""
        return len(self.window_row)

    def draw(self, pairs: int, generated: bool = False) -> torch.Tensor:
        """(N, 2) frame indices of random consecutive pairs, from torch's random numbers.

        generated: only from clips whose head motion PoseGAN made, where there are any.
        """
        only = self.first_of_generated if generated else None
        choice = self.first_of_pair if only is None else only
        first = choice[torch.randint(len(choice), (pairs,))]
        return torch.stack([first, first + 1], 1)

    def windows(self, name: str, frames: torch.Tensor) -> torch.Tensor:
        """(B, C, 16) windows of a padded column around frames (B,)."""
        rows = self.window_row[frames][:, None] + self._offsets
        return self.columns[name][rows].transpose(1, 2)

    def targets(self, frames: torch.Tensor) -> FaceBatch:
        """What pairs (N, 2) aim at."""
        return FaceBatch(
            *(self.columns[name][frames] for name in ("expression", "identity", "closed", "silent"))
        )


def _clip_columns(clip: FaceClip) -> dict[str, torch.Tensor]:
    frames = len(clip.speech)
    padded = {
        "inputs": np.concatenate([clip.pose, clip.speech], axis=1),
        "prosody": clip.prosody,
    }
    plain = {name: getattr(clip, name) for name in ("expression", "closed", "silent")}
    return (
        {name: pad_frames(torch.from_numpy(values)) for name, values in padded.items()}
        | {name: torch.from_numpy(values) for name, values in plain.items()}
        | {
            "identity": torch.from_numpy(clip.identity).expand(frames, -1),
            "style": torch.full((frames,), STYLE_NAMES.index(clip.style)),
        }
    )


def _generated_pose(posegan: PoseSynthesizer, clip: FaceClip, seed: int) -> torch.Tensor:
    style = clip.style if clip.style in posegan.styles else STYLE_NAMES[0]
    return torch.from_numpy(posegan.generate(clip.speech, clip.prosody, style, seed=seed))


class FaceTrainer:
    """Steps of a training; `run.step` counts them and survives a restart."""

    def __init__(
        self,
        folder: Path,
        config: PGFaceConfig,
        training: FaceTraining,
        material: FaceMaterial,
        lips: LipGeometry,
    ) -> None:
        torch.manual_seed(training.seed)
        self.training, self.material = training, material
        self.network = PGFace(config)
        self.network.set_statistics(material.columns["inputs"], material.columns["prosody"])
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=training.rate, weight_decay=training.weight_decay
        )
        self.average = ExponentialAverage(self.network, training.average)
        self.loss = FaceLoss(lips)
        parts: dict[str, Stateful] = {
            "network": self.network,
            "optimiser": self.optimiser,
            "average": self.average,
        }
        settings = {"network": config_to(config), "training": config_to(training)}
        self.run = TrainingRun(folder, settings, parts)

    def step(self) -> dict[str, float]:
        """One optimiser step; returns the total loss and its terms."""
        settings = self.training
        progress = min(1.0, self.run.step / settings.steps)
        rate = settings.rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * progress)))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        generated = progress >= 1.0 - settings.generated
        pairs = self.material.draw(settings.pairs, generated)
        frames = pairs.flatten()
        window = self.material.windows("inputs", frames)
        if generated and "generated" in self.material.columns:
            pose = self.material.windows("generated", frames)
            window = torch.cat([pose, window[:, _POSE_SIZE:]], 1)
        window = self._disturbed(window)
        style = self.material.columns["style"][pairs[:, 0]]
        style = torch.where(torch.rand(settings.pairs) < settings.style_dropout, 0, style)
        self.network.train()
        identity, expression = self.network(
            window, self.material.windows("prosody", frames), style.repeat_interleave(2)
        )
        shape = (settings.pairs, 2, -1)
        target = self.material.targets(pairs)
        total, terms = self.loss(identity.view(shape), expression.view(shape), target)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        # Young averages forget faster, or the first random weights would stay in them.
        self.average.decay = min(settings.average, (1 + self.run.step) / (10 + self.run.step))
        self.average.update(self.network)
        self.run.step += 1
        return {name: float(term.detach()) for name, term in {"loss": total, **terms}.items()}

    def _disturbed(self, window: torch.Tensor) -> torch.Tensor:
        """Noise and gain on the speech, the mean pose for some: both frames of a pair alike."""
        settings, spread = self.training, self.network.input_std[:, None]
        pairs = len(window) // 2
        pose, speech = window[:, :_POSE_SIZE], window[:, _POSE_SIZE:]
        gain = 1.0 + settings.gain * (2.0 * torch.rand(pairs, 1, 1) - 1.0)
        level = settings.noise * torch.rand(pairs, 1, 1)
        noise = torch.randn(pairs, *speech.shape[1:]) * spread[_POSE_SIZE:] * level
        speech = speech * gain.repeat_interleave(2, 0) + noise.repeat_interleave(2, 0)
        dropped = (torch.rand(pairs, 1, 1) < settings.pose_dropout).repeat_interleave(2, 0)
        pose = torch.where(dropped, self.network.input_mean[:_POSE_SIZE, None], pose)
        return torch.cat([pose, speech], 1)

    def train(self, until: int) -> None:
        """Go on until so many steps are done, with logs and checkpoints."""
        sums: dict[str, float] = {}
        while self.run.step < until:
            for name, value in self.step().items():
                sums[name] = sums.get(name, 0.0) + value / self.training.log_every
            if self.run.step % self.training.log_every == 0:
                self.run.log({f"train/{name}": value for name, value in sums.items()})
                sums = {}
            if self.run.step % self.training.save_every == 0 or self.run.step == until:
                self.run.save()

    def averaged(self) -> PGFace:
        """The network with its averaged weights: what ships."""
        network = PGFace(self.network.config)
        network.load_state_dict(self.average.state_dict())
        return network.eval()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train PGFace on a corpus with features.")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="plus")
    parser.add_argument("--corpus", type=Path, default=Path("runs/corpus"))
    parser.add_argument("--run", type=Path, help="folder of the run (runs/face_PRESET)")
    parser.add_argument("--output", type=Path, help="weights file to write at the end")
    parser.add_argument("--features", type=Path, default=WEIGHTS_DIR / "features.safetensors")
    parser.add_argument("--posegan", help="preset or weights whose poses the last steps see")
    parser.add_argument("--limit", type=int, default=0, help="at most so many recordings")
    for field in dataclasses.fields(FaceTraining):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=type(field.default), default=field.default)
    return parser.parse_args()


def main() -> None:
    """Command line."""
    arguments = _arguments()
    names = [field.name for field in dataclasses.fields(FaceTraining)]
    training = FaceTraining(**{name: getattr(arguments, name) for name in names})
    config = PRESETS[arguments.preset]
    try:
        extractor = str(read_description(arguments.features)["id"])
        posegan = load_posegan(arguments.posegan, "cpu", extractor) if arguments.posegan else None
        head = load_head()
        clips = read_face_clips(arguments.corpus / "train", limit=arguments.limit, head=head)
        material = FaceMaterial(clips, posegan)
        print(f"{material.frame_count} frames", flush=True)
        folder = arguments.run or Path("runs") / f"face_{arguments.preset}"
        trainer = FaceTrainer(folder, config, training, material, LipGeometry.of(head))
        trainer.train(training.steps)
    except RhetorError as error:
        raise SystemExit(str(error)) from error
    description = describe(config, extractor) | {
        "training": {
            "command": f"python -m rhetor.engine.training.face --preset {config.preset}",
            "settings": config_to(training),
            "seed": training.seed,
            "steps": trainer.run.step,
            "data": f"{material.frame_count} frames of speech performed in four styles",
        }
    }
    output = arguments.output or WEIGHTS_DIR / f"pgface_{arguments.preset}.safetensors"
    save_checkpoint(output, trainer.averaged().state_dict(), description)


if __name__ == "__main__":
    main()
