# SPDX-License-Identifier: GPL-3.0-or-later
"""Does this motion belong to this sound? A contrastive pair of encoders, trained on real motion.

Two small convolution nets map four seconds of sound (prosody and bands of the spectrum) and of head
motion (velocities and centred angles) to sequences of unit vectors; those that belong together are
pulled together, the other ones of the batch pushed apart. The score is a choice between two: does
the motion lie nearer to its own sound than to the sound of another time? Half is chance. Blocks of
time are left out in turn, so that no window is judged by encoders that saw it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter1d
from torch import nn
from torch.nn import functional

from ..protocol.take import FloatArray

WINDOW_FRAMES = 120
HOP_FRAMES = 15
STRIDE = 2
"""Every second frame is looked at: above 7 Hz there is little but noise."""

FOLDS = 4
BLOCK_FRAMES = 300
"""Blocks of ten seconds are dealt out to the folds in turn."""

_SOUND_BANDS = 8
SOUND_SIZE, MOTION_SIZE = 4 + _SOUND_BANDS, 6
_CHOICES = 24
"""Other sounds that each motion is compared with."""

_APART_FRAMES = 45
"""Another time is at least this far away."""


@dataclass(frozen=True)
class Pair:
    """A stretch of sound (T, SOUND_SIZE) with its motion (T, MOTION_SIZE).

    fold: (T,) windows of a fold are judged by encoders that did not see it. speaker: sounds are
    only told from other ones of the same speaker; who moves how is not the question.
    """

    sound: FloatArray
    motion: FloatArray
    fold: npt.NDArray[np.int64]
    speaker: str


@dataclass(frozen=True)
class MatchConfig:
    """Settings of the training."""

    width: int = 32
    embedding: int = 16
    dropout: float = 0.2
    steps: int = 240
    batch: int = 48
    rate: float = 2e-3
    seed: int = 0


def sound_channels(mel: FloatArray, prosody: FloatArray) -> FloatArray:
    """(T, SOUND_SIZE) from a log-mel (T, MEL_SIZE) and prosody (T, 4)."""
    bands = mel.reshape(len(mel), -1, _SOUND_BANDS, mel.shape[1] // _SOUND_BANDS // 3)
    mean = bands.mean((1, 3)) if len(mel) else np.zeros((0, _SOUND_BANDS))
    centred = (mean - mean.mean(0)) / 2.5
    channels: FloatArray = np.concatenate([prosody, centred], axis=1).astype(np.float32)
    return channels


def motion_channels(pose: FloatArray) -> FloatArray:
    """(T, MOTION_SIZE) low-passed velocities and angles, freed of their slow course.

    Each in units of its own deviation over the clip: how much somebody moves must not tell.
    """
    degrees = np.degrees(pose[:, :3].astype(np.float64))
    smooth = gaussian_filter1d(degrees, 1.2, axis=0)
    centred = smooth - gaussian_filter1d(smooth, 30.0, axis=0)
    speed = np.gradient(smooth, axis=0)
    both = np.concatenate([centred, speed], axis=1)
    return np.asarray(both / np.maximum(both.std(axis=0), 1e-3), dtype=np.float32)


def folds_of(frames: int, first: int = 0) -> npt.NDArray[np.int64]:
    """(T,) fold of each frame: blocks dealt out in turn, beginning with `first`."""
    return (np.arange(frames) // BLOCK_FRAMES + first) % FOLDS


class Encoder(nn.Module):
    """(B, C, T) at 15 Hz to sequences of unit vectors (B, E, T / 4)."""

    def __init__(self, channels: int, config: MatchConfig) -> None:
        super().__init__()
        width = config.width
        layers: list[nn.Module] = []
        for index, (before, stride) in enumerate(((channels, 2), (width, 2), (width, 1))):
            dilation = 2 if index == 2 else 1
            layers += [
                nn.Conv1d(before, width, 5, stride, 2 * dilation, dilation),
                nn.BatchNorm1d(width),
                nn.ReLU(),
                nn.Dropout(config.dropout),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv1d(width, config.embedding, 1))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Embed windows."""
        return functional.normalize(self.layers(values), dim=1)


def agreement(seen: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
    """(N, M) mean over time of how well motions (N, E, T) and sounds (M, E, T) agree."""
    return seen.flatten(1) @ heard.flatten(1).T / seen.shape[2]


@dataclass(frozen=True)
class MatchJudge:
    """One pair of encoders for each fold, none of which saw the frames of its fold."""

    sound: tuple[Encoder, ...]
    motion: tuple[Encoder, ...]

    @torch.inference_mode()
    def choices(self, pairs: Sequence[Pair], seed: int = 0) -> npt.NDArray[np.float64]:
        """(N,) share of the other sounds that lose against a window's own, for each window.

        The other sounds are windows of the same fold and speaker.
        """
        found: list[npt.NDArray[np.float64]] = []
        rng = np.random.default_rng(seed)
        for fold, (hear, see) in enumerate(zip(self.sound, self.motion, strict=True)):
            windows = [(n, at) for n, p in enumerate(pairs) for at in _starts(p, fold)]
            if len(windows) < 3:
                continue
            sounds = torch.from_numpy(np.stack([_cut(pairs[n].sound, at) for n, at in windows]))
            motions = torch.from_numpy(np.stack([_cut(pairs[n].motion, at) for n, at in windows]))
            near = agreement(see(motions), hear(sounds)).numpy()
            speakers = np.array([pairs[n].speaker for n, _ in windows])
            found.append(_share_won(near, windows, speakers, rng))
        return np.concatenate(found) if found else np.zeros(0)


def _share_won(
    near: npt.NDArray[np.float32],
    windows: Sequence[tuple[int, int]],
    speakers: npt.NDArray[np.str_],
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    place = np.array(windows)
    result = []
    for index, (number, at) in enumerate(windows):
        away = (place[:, 0] != number) | (np.abs(place[:, 1] - at) >= _APART_FRAMES)
        other = np.flatnonzero(away & (speakers == speakers[index]))
        drawn = rng.choice(other, min(_CHOICES, len(other)), replace=False)
        result.append(
            float((near[index, index] > near[index, drawn]).mean()) if len(drawn) else 0.5
        )
    return np.array(result)


def _starts(pair: Pair, fold: int | None) -> list[int]:
    """First frames of the windows that lie in a fold with all their frames."""
    starts = range(0, len(pair.sound) - WINDOW_FRAMES + 1, HOP_FRAMES)
    if fold is None:
        return list(starts)
    return [at for at in starts if (pair.fold[at : at + WINDOW_FRAMES] == fold).all()]


def _cut(values: FloatArray, at: int) -> FloatArray:
    return np.ascontiguousarray(values[at : at + WINDOW_FRAMES : STRIDE].T)


def train_judge(
    pairs: Sequence[Pair],
    config: MatchConfig | None = None,
    progress: Callable[[float], None] | None = None,
) -> MatchJudge:
    """Encoders for each fold, trained on the windows that do not touch it."""
    config = config or MatchConfig()
    sounds, motions = [], []
    for fold in range(FOLDS):
        torch.manual_seed(config.seed + fold)
        hear, see = Encoder(SOUND_SIZE, config), Encoder(MOTION_SIZE, config)
        _train(hear, see, _allowed(pairs, fold), pairs, config)
        sounds.append(hear.eval())
        motions.append(see.eval())
        if progress is not None:
            progress((fold + 1) / FOLDS)
    return MatchJudge(tuple(sounds), tuple(motions))


def _allowed(pairs: Sequence[Pair], fold: int) -> list[tuple[int, int]]:
    """All windows, at any frame, that hold no frame of the fold."""
    result = []
    for number, pair in enumerate(pairs):
        inside = np.concatenate([[0], np.cumsum(pair.fold == fold)])
        last = len(pair.sound) - WINDOW_FRAMES
        free = inside[WINDOW_FRAMES : WINDOW_FRAMES + last + 1] - inside[: last + 1] == 0
        result += [(number, int(at)) for at in np.flatnonzero(free)] if last >= 0 else []
    return result


def _train(
    hear: Encoder,
    see: Encoder,
    windows: Sequence[tuple[int, int]],
    pairs: Sequence[Pair],
    config: MatchConfig,
) -> None:
    if len(windows) < config.batch:
        return
    rng = np.random.default_rng(config.seed)
    parameters = [*hear.parameters(), *see.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=config.rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, config.steps)
    target = torch.arange(config.batch)
    people = np.array([pairs[n].speaker for n, _ in windows])
    for _ in range(config.steps):
        # all of one speaker: the encoders have to learn what happens when, not who it is
        own = np.flatnonzero(people == people[rng.integers(len(people))])
        chosen = [windows[i] for i in rng.choice(own, config.batch)]
        sound = np.stack([_cut(pairs[n].sound, at) for n, at in chosen])
        motion = np.stack([_cut(pairs[n].motion, at) for n, at in chosen])
        motion[:, [1, 2, 4, 5]] *= rng.choice([-1.0, 1.0], (config.batch, 1, 1))
        motion *= rng.uniform(0.6, 1.5, (config.batch, 1, 1))
        sound += 0.2 * rng.standard_normal(sound.shape)
        seen = see(torch.from_numpy(motion.astype(np.float32)))
        heard = hear(torch.from_numpy(sound.astype(np.float32)))
        logits = agreement(seen, heard) / 0.1
        loss = functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
