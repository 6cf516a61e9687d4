# SPDX-License-Identifier: GPL-3.0-or-later
"""Random windows of motion for training PoseGAN, drawn from torch's generator alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..dataset.motion_clips import MotionClip
from ..posegan.generator import POSE_SIZE, WINDOW_FRAMES, PoseGanConfig, PoseGenerator
from ..posegan.noise import PERIODS_FRAMES, spline_through
from ..protocol.errors import DatasetError

DISPLACED_SHARE = 0.25
"""Share of windows that begin away from where the performer was, and come back to it."""

_RETURN_FRAMES = 160
_DISPLACEMENT = 1.2

STYLE_DROPOUT = 0.1
"""Share of windows whose person is not told: what the neutral style learns from."""

REFERENCE_SHARE = 0.35
"""Share of windows whose style is read from another window of the same performance's person."""


@dataclass(frozen=True)
class Batch:
    """B windows of T = 256 frames.

    audio: (B, T, F). pose: (B, T, 6) rad and mm. person: (B,) style rows, 0 where dropped;
    another_person: (B,) rows of somebody else. reference: (B, T, 6), another window of the same
    person; use_reference: (B,) where the style comes from it. noise: K draws of (B, T, 16).
    """

    audio: torch.Tensor
    pose: torch.Tensor
    person: torch.Tensor
    another_person: torch.Tensor
    reference: torch.Tensor
    use_reference: torch.Tensor
    noise: list[torch.Tensor]


class MotionBatches:
    """Draws batches; the same state of torch's generator gives the same batch."""

    def __init__(
        self,
        clips: Sequence[MotionClip],
        model: PoseGanConfig,
        batch: int,
        noise_draws: int,
        people: Sequence[str] = (),
    ):
        clips = [clip for clip in clips if clip.frame_count >= WINDOW_FRAMES]
        if not clips:
            raise DatasetError(f"No clip is as long as a window of {WINDOW_FRAMES} frames.")
        self.extractor = clips[0].extractor
        self.minutes = sum(c.pose[..., 0].size for c in clips) / 1800
        self._audio = [torch.from_numpy(c.audio[:, : model.input_size]) for c in clips]
        self._pose = [torch.from_numpy(c.pose) for c in clips]
        self._people = [i for i, n in enumerate(clips[0].people) if not people or n in people]
        names = model.style_names
        self._rows = [names.index(n) if n in names else 0 for n in clips[0].people]
        room = torch.tensor([float(c.frame_count - WINDOW_FRAMES + 1) for c in clips])
        self._share = room / room.sum()
        self._pose_std = self._all_poses().std(0)
        self._size = batch
        self._draws = noise_draws if model.noise_size else 0

    def store_statistics(self, generator: PoseGenerator) -> None:
        """Write the scaling of inputs and poses into the generator's buffers."""
        audio = torch.cat(self._audio)
        pose = self._all_poses()
        steps = [torch.diff(p[self._people], dim=2).reshape(-1, p.shape[-1]) for p in self._pose]
        generator.input_mean.copy_(audio.mean(0))
        generator.input_std.copy_(audio.std(0).clamp_min(1e-3))
        generator.pose_mean.copy_(pose.mean(0))
        generator.pose_std.copy_(pose.std(0))
        generator.step_std.copy_(torch.cat(steps).std(0))

    def _all_poses(self) -> torch.Tensor:
        return torch.cat([p[self._people].reshape(-1, POSE_SIZE) for p in self._pose])

    def draw(self) -> Batch:
        """The next batch."""
        size = self._size
        clips = torch.multinomial(self._share, size, replacement=True).tolist()
        people = torch.tensor(self._people)[torch.randint(len(self._people), (size,))]
        windows = [self._window(c, int(p)) for c, p in zip(clips, people, strict=True)]
        others = torch.multinomial(self._share, size, replacement=True).tolist()
        references = [self._window(c, int(p))[1] for c, p in zip(others, people, strict=True)]
        row = torch.tensor(self._rows)[people]
        shift = 1 + torch.randint(max(1, len(self._rows) - 1), (size,))
        another = torch.tensor(self._rows)[(people + shift) % len(self._rows)]
        told = torch.rand(size) >= STYLE_DROPOUT
        pose = torch.stack([pose for _, pose in windows])
        return Batch(
            audio=torch.stack([audio for audio, _ in windows]),
            pose=pose + self._displacement(size),
            person=torch.where(told, row, 0),
            another_person=another,
            reference=torch.stack(references),
            use_reference=told & (torch.rand(size) < REFERENCE_SHARE),
            noise=[_draw_noise(size) for _ in range(self._draws)],
        )

    def _displacement(self, size: int) -> torch.Tensor:
        """(B, 256, 6) way back from a wrong initial pose, zero for most windows.

        Windows are chained: without this an error in one would be the next one's starting point
        for good. It fades out along half a cosine in five seconds.
        """
        at = torch.arange(WINDOW_FRAMES).clamp(max=_RETURN_FRAMES) / _RETURN_FRAMES
        fade = 0.5 + 0.5 * torch.cos(torch.pi * at)
        away = _DISPLACEMENT * torch.randn(size, 1, POSE_SIZE) * self._pose_std
        displaced = torch.rand(size, 1, 1) < DISPLACED_SHARE
        return displaced * away * fade[None, :, None]

    def _window(self, clip: int, person: int) -> tuple[torch.Tensor, torch.Tensor]:
        audio, pose = self._audio[clip], self._pose[clip][person]
        first = int(torch.randint(len(audio) - WINDOW_FRAMES + 1, ()))
        take = int(torch.randint(len(pose), ()))
        frames = slice(first, first + WINDOW_FRAMES)
        return audio[frames], pose[take, frames]


def _draw_noise(size: int) -> torch.Tensor:
    """(B, 256, 16) noise as `smooth_noise` makes it, at random places of its curves."""
    noise = torch.empty(size, WINDOW_FRAMES, len(PERIODS_FRAMES))
    for period in sorted(set(PERIODS_FRAMES)):
        columns = [c for c, p in enumerate(PERIODS_FRAMES) if p == period]
        first = int(torch.randint(period, ()))
        at = np.arange(first, first + WINDOW_FRAMES) / period
        knots = torch.randn(int(at[-1]) + 4, size * len(columns)).double().numpy()
        curve = torch.from_numpy(spline_through(knots, at)).float()
        noise[:, :, columns] = curve.view(WINDOW_FRAMES, size, len(columns)).transpose(0, 1)
    return noise
