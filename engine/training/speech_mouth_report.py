# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a mouth can be told from what the character network hears.

`python -m rhetor.engine.training.speech_mouth_report --people SET ... --held-out SET ...` trains
the same small network on the 29 logits and on a log-mel spectrum of 29 bands, with the same
people, and judges both on clips that neither heard.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F

from ..audio.decode import Samples
from ..audio.mel import MEL_BANDS, level_gain, log_mel
from ..dataset.person_clip import iterate_person_clips
from ..protocol.errors import RhetorError
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from ..speech.extractor import load_extractor, to_frame_rate
from ..speech.network import FEATURE_RATE_HZ, SYMBOLS
from .speech_mouths import MOUTH_TARGETS, MouthClip, standardised

Hearing = Callable[[Samples], FloatArray]
"""Samples (S,) to (ceil(S / 320), C) numbers at 50 Hz."""

JUDGED = ("lip_gap", "jaw_open")
_COLUMNS = [MOUTH_TARGETS.index(name) for name in JUDGED]
_LEAST_FRAMES = 45
_SHARED_TIME_CLIPS = 5


@dataclass(frozen=True)
class MouthProbeConfig:
    """The small network and its training. crop_s: seconds of one example."""

    width: int = 64
    steps: int = 900
    batch: int = 16
    crop_s: float = 2.4
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    seed: int = 1


@dataclass(frozen=True)
class HeardMouth:
    """heard: (T, C), target, known: (T, 2) JUDGED, all at 30 fps."""

    heard: torch.Tensor
    target: torch.Tensor
    known: torch.Tensor


class MouthProbe(nn.Module):
    """Three convolutions over 0.7 s: (B, T, C) at 30 fps to (B, T, 2).

    mean, spread: (C,) of the input over the training material.
    """

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, mean: torch.Tensor, spread: torch.Tensor, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        channels = len(mean)
        self.layers = nn.Sequential(
            nn.Conv1d(channels, width, 9, padding=4),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv1d(width, width, 7, padding=6, dilation=2),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv1d(width, len(JUDGED), 1),
        )

    def forward(self, heard: torch.Tensor) -> torch.Tensor:
        """(B, T, C) to (B, T, 2)."""
        found: torch.Tensor = self.layers(
            ((heard - self.mean) / self.spread).transpose(1, 2)
        ).transpose(1, 2)
        return found


def hear_29_bands(samples: Samples) -> FloatArray:
    """The baseline's hearing: (N, 29) levelled log-mel of 29 bands at 50 Hz."""
    padded = np.pad(samples, (0, -len(samples) % 320)) * np.float32(level_gain(samples))
    power = log_mel(torch.from_numpy(padded)[None])[0].exp()  # (64, 2N)
    edges = np.linspace(0, MEL_BANDS, len(SYMBOLS) + 1)
    band = np.arange(MEL_BANDS)
    overlap = np.minimum(band + 1, edges[1:, None]) - np.maximum(band, edges[:-1, None])
    share = torch.from_numpy(np.maximum(overlap, 0.0).astype(np.float32))
    bands = torch.log(share @ power)
    halves: FloatArray = (0.5 * (bands[:, ::2] + bands[:, 1::2])).T.numpy()
    return halves


def hear_mouths(mouths: Sequence[MouthClip], hear: Hearing) -> list[HeardMouth]:
    """What is heard of each clip, beside its mouth."""
    heard = []
    for mouth in mouths:
        features = torch.from_numpy(hear(mouth.samples.astype(np.float32) / 32768))
        frames = min(len(mouth.target), round(len(features) * MODEL_RATE_HZ / FEATURE_RATE_HZ))
        target = torch.from_numpy(mouth.target[:frames, _COLUMNS])
        known = torch.from_numpy(mouth.known[:frames, _COLUMNS])
        heard.append(HeardMouth(to_frame_rate(features, frames), target, known))
    return heard


def train_probe(material: Sequence[HeardMouth], config: MouthProbeConfig) -> MouthProbe:
    """Train the small network on random crops; the same seed gives the same network."""
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    frames = round(config.crop_s * MODEL_RATE_HZ)
    usable = [clip for clip in material if len(clip.heard) >= frames]
    everything = torch.cat([clip.heard for clip in usable])
    probe = MouthProbe(everything.mean(0), everything.std(0).clamp(min=1e-3), config.width)
    optimizer = torch.optim.AdamW(
        probe.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    lengths = np.array([len(clip.heard) for clip in usable], np.float64)
    for _ in range(config.steps):
        picked = rng.choice(len(usable), config.batch, p=lengths / lengths.sum())
        crops = []
        for index in picked:
            clip = usable[index]
            first = int(rng.integers(len(clip.heard) - frames + 1))
            span = slice(first, first + frames)
            crops.append((clip.heard[span], clip.target[span], clip.known[span]))
        heard, target, known = (torch.stack(part) for part in zip(*crops, strict=True))
        error = F.mse_loss(probe(heard), target, reduction="none") * known
        loss = error.sum() / known.sum().clamp(min=1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return probe.eval()


@torch.inference_mode()
def judge_probe(probe: MouthProbe, clips: Sequence[HeardMouth]) -> dict[str, float]:
    """Mean Pearson r over clips of each of JUDGED; control: the guess half a clip late.

    Where several clips share one length, as the sentences of one pattern do, also r without
    their common time course.
    """
    guesses = [probe(clip.heard[None])[0].numpy() for clip in clips]
    metrics: dict[str, float] = {}
    for column, name in enumerate(JUDGED):
        pairs = [
            (guess[known, column], clip.target.numpy()[known, column])
            for guess, clip in zip(guesses, clips, strict=True)
            if (known := clip.known.numpy()[:, column]).sum() >= _LEAST_FRAMES
        ]
        pairs = [(guess, true) for guess, true in pairs if true.std() > 0]
        if not pairs:
            continue
        metrics[name] = mean_correlation(pairs)
        metrics[f"{name}_rolled"] = mean_correlation(
            [(np.roll(guess, len(guess) // 2), true) for guess, true in pairs]
        )
        alike = without_time_course(pairs)
        if alike:
            metrics[f"{name}_without_time_course"] = mean_correlation(alike)
            rolled = [(np.roll(g, len(g) // 2), t) for g, t in alike]
            metrics[f"{name}_without_time_course_rolled"] = mean_correlation(rolled)
    return metrics


def mean_correlation(pairs: Sequence[tuple[FloatArray, FloatArray]]) -> float:
    """Mean over pairs of Pearson's r; 0 for a guess that never moves."""
    found = []
    for guess, true in pairs:
        one, other = guess - guess.mean(), true - true.mean()
        spread = float(np.sqrt((one**2).sum() * (other**2).sum()))
        found.append(float((one * other).sum()) / spread if spread > 0 else 0.0)
    return float(np.mean(found))


def without_time_course(
    pairs: Sequence[tuple[FloatArray, FloatArray]],
) -> list[tuple[FloatArray, FloatArray]]:
    """The pairs of the commonest length less their mean over clips; none if they are too few."""
    lengths: npt.NDArray[np.int64] = np.array([len(true) for _, true in pairs])
    commonest = int(np.bincount(lengths).argmax())
    alike = [(guess, true) for guess, true in pairs if len(true) == commonest]
    if len(alike) < _SHARED_TIME_CLIPS:
        return []
    guess_course = np.mean([guess for guess, _ in alike], axis=0)
    true_course = np.mean([true for _, true in alike], axis=0)
    return [(guess - guess_course, true - true_course) for guess, true in alike]


def compare_hearings(
    hearings: Mapping[str, Hearing],
    train: Sequence[MouthClip],
    held_out: Mapping[str, Sequence[MouthClip]],
    config: MouthProbeConfig,
) -> dict[str, dict[str, dict[str, float]]]:
    """By hearing and held-out set: the metrics of `judge_probe`."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, hear in hearings.items():
        probe = train_probe(hear_mouths(train, hear), config)
        found[name] = {
            group: judge_probe(probe, hear_mouths(mouths, hear))
            for group, mouths in held_out.items()
        }
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Judge what mouths the logits tell.")
    parser.add_argument("--people", type=Path, nargs="+", required=True, help="sets to train on")
    parser.add_argument("--held-out", type=Path, nargs="*", default=[], help="sets only judged")
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="else those that ship")
    parser.add_argument("--steps", type=int, default=MouthProbeConfig.steps)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        extractors = [load_extractor(path=p) for p in arguments.weights] or [load_extractor()]
        train = [m for folder in arguments.people for m in _with_sound(folder / "train")]
        groups = [*arguments.people, *arguments.held_out]
        held_out = {folder.name: _with_sound(folder / "val") for folder in groups}
    except RhetorError as error:
        raise SystemExit(str(error)) from error
    hearings: dict[str, Hearing] = {
        **{extractor.id: _logits_of(extractor.extract) for extractor in extractors},
        "log_mel_29": hear_29_bands,
    }
    config = MouthProbeConfig(steps=arguments.steps)
    spoken = {name: mouths for name, mouths in held_out.items() if mouths}
    print(json.dumps(compare_hearings(hearings, train, spoken, config), indent=2))


def _with_sound(folder: Path) -> list[MouthClip]:
    clips = [clip for _, clip in iterate_person_clips(folder)] if folder.exists() else []
    return standardised([clip for clip in clips if len(clip.samples)])


def _logits_of(extract: Callable[[Samples], torch.Tensor]) -> Hearing:
    return lambda samples: extract(samples).numpy()


if __name__ == "__main__":
    main()
