# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the encoders that tell whether a motion belongs to a speech, before PoseGAN uses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..dataset.motion_sequences import MotionSequence
from ..posegan.match import MatchEncoder
from ..protocol.errors import DatasetError

MATCH_FRAMES = 128
"""Windows compared, 4.3 s."""

_LEAST_STD = 1e-4


@dataclass(frozen=True)
class MatchTraining:
    """Settings. real_share: of windows from real people where there are others, too."""

    steps: int = 1200
    batch: int = 24
    rate: float = 2e-3
    real_share: float = 0.6
    noise: float = 0.1


class MatchWindows:
    """Windows of sequences that are long enough, scaled person by person."""

    def __init__(self, sequences: Sequence[MotionSequence], real_share: float):
        chosen = [s for s in sequences if s.frame_count > MATCH_FRAMES]
        if not chosen:
            raise DatasetError(f"No motion is longer than {MATCH_FRAMES} frames.")
        people = {s.person for s in chosen}
        scales = {p: _scales([s for s in chosen if s.person == p]) for p in people}
        audio = {id(s.audio): torch.from_numpy(s.audio) for s in chosen}
        self._audio = [audio[id(s.audio)] for s in chosen]
        self._pose = [
            (torch.from_numpy(s.pose) - scales[s.person][0]) / scales[s.person][1] for s in chosen
        ]
        frames = torch.tensor([float(s.frame_count) for s in chosen])
        real = torch.tensor([s.real for s in chosen])
        share = frames / frames.sum()
        if real.any() and not real.all():
            share[real] *= real_share / share[real].sum()
            share[~real] *= (1.0 - real_share) / share[~real].sum()
        self._share = share

    def all_audio(self) -> torch.Tensor:
        """(N, F) every frame once or more."""
        return torch.cat(list({id(a): a for a in self._audio}.values()))

    def draw(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Speech (B, T, F) and scaled poses (B, T, 6)."""
        audio, pose = [], []
        for i in torch.multinomial(self._share, size, replacement=True).tolist():
            first = int(torch.randint(len(self._pose[i]) - MATCH_FRAMES + 1, ()))
            frames = slice(first, first + MATCH_FRAMES)
            audio.append(self._audio[i][frames])
            pose.append(self._pose[i][frames])
        return torch.stack(audio), torch.stack(pose)


def train_match(
    sequences: Sequence[MotionSequence],
    settings: MatchTraining,
    start: MatchEncoder | None = None,
) -> MatchEncoder:
    """Frozen encoders trained on these sequences, or fine-tuned on them from others."""
    windows = MatchWindows(sequences, settings.real_share)
    everything = windows.all_audio()
    encoder = MatchEncoder(everything.shape[1])
    if start is None:
        encoder.input_mean.copy_(everything.mean(0))
        encoder.input_std.copy_(everything.std(0).clamp_min(1e-3))
    else:
        encoder.load_state_dict(start.state_dict())
    adam = torch.optim.AdamW(encoder.parameters(), settings.rate, weight_decay=0.02)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, settings.steps)
    for _ in range(settings.steps):
        audio, pose = windows.draw(settings.batch)
        audio = audio + settings.noise * encoder.input_std * torch.randn_like(audio)
        loss = encoder.contrast(*encoder(audio, pose))
        adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        fall.step()
    return encoder.eval().requires_grad_(False)


@torch.no_grad()
def choice_accuracy(
    encoder: MatchEncoder, sequences: Sequence[MotionSequence], draws: int = 400
) -> float:
    """How often a window's own speech scores above another one's of these sequences."""
    windows = MatchWindows(sequences, 1.0)
    hits = []
    for _ in range(max(1, draws // 20)):
        audio, pose = windows.draw(20)
        scores = encoder.scores(*encoder(audio, pose))
        hits.append((scores.diag() > scores.roll(1, 0).diag()).float().mean())
    return float(torch.stack(hits).mean())


def _scales(sequences: Sequence[MotionSequence]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation (6,) of a person's poses."""
    every = torch.cat([torch.from_numpy(s.pose) for s in sequences])
    return every.mean(0), every.std(0).clamp_min(_LEAST_STD)
