# SPDX-License-Identifier: GPL-3.0-or-later
"""Random windows of motion for training PoseGAN, drawn from torch's generator alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..dataset.motion_sequences import MotionSequence, mirrored, strung_together, time_warped
from ..posegan.generator import POSE_SIZE, WINDOW_FRAMES, PoseGanConfig, PoseGenerator
from ..posegan.noise import PERIODS_FRAMES, spline_through
from ..protocol.errors import DatasetError

DISPLACED_SHARE = 0.25
"""Share of windows that begin away from where the person was, and come back to it."""

_RETURN_FRAMES = 160
_DISPLACEMENT = 1.2

STYLE_DROPOUT = 0.1
"""Share of windows whose person is not told: what the neutral style learns from."""

REFERENCE_SHARE = 0.35
"""Share of windows whose style is read from another window of the same person."""

MIRRORED = " mirrored"
"""Ends the name of a person whose left and right are exchanged: not the same manner."""

_SILENT_WEIGHT = 2.0
"""Silence is drawn more often than it is long: an idle head is quickly learned wrong."""

_RMS = 31
_SPEEDS = (0.87, 1.15)
_VARIED_FRAMES = 9000
_MOST_VARIANTS = 12


@dataclass(frozen=True)
class Batch:
    """B windows of T = 256 frames.

    audio: (B, T, F). pose: (B, T, 6) rad and mm. person: (B,) style rows, 0 where dropped or not
    in the table; another_person: (B,) rows of somebody else. reference: (B, T, 6), another window
    of the same person; use_reference: (B,) where the style comes from it. in_table: (B,) whether
    the person has a row. noise: K draws of (B, T, 16).
    """

    audio: torch.Tensor
    pose: torch.Tensor
    person: torch.Tensor
    another_person: torch.Tensor
    reference: torch.Tensor
    use_reference: torch.Tensor
    in_table: torch.Tensor
    noise: list[torch.Tensor]


@dataclass(frozen=True)
class Mix:
    """What is drawn how often.

    real_share: of windows that show real people, where there are performed ones, too.
    reference_share, style_dropout: see REFERENCE_SHARE and STYLE_DROPOUT. blur: deviation of the
    noise on the audio, by its own: frame by frame, and half of it for a whole window; with few
    recordings it keeps the network from knowing them by heart.
    """

    real_share: float = 0.15
    reference_share: float = REFERENCE_SHARE
    style_dropout: float = STYLE_DROPOUT
    blur: float = 0.0


class MotionBatches:
    """Draws batches; the same state of torch's generator gives the same batch."""

    def __init__(
        self,
        sequences: Sequence[MotionSequence],
        model: PoseGanConfig,
        batch: int,
        noise_draws: int,
        mix: Mix | None = None,
    ):
        sequences = [s for s in sequences if s.frame_count >= WINDOW_FRAMES]
        if not sequences:
            raise DatasetError(f"No clip is as long as a window of {WINDOW_FRAMES} frames.")
        self._mix = mix or Mix()
        self.extractor = sequences[0].extractor
        self.real_people = sorted({s.person for s in sequences if s.real})
        self.minutes = sum(s.frame_count for s in sequences) / 1800
        audio = {id(s.audio): torch.from_numpy(s.audio[:, : model.input_size]) for s in sequences}
        self._audio = [audio[id(s.audio)] for s in sequences]
        self._pose = [torch.from_numpy(s.pose) for s in sequences]
        self._names = [s.person for s in sequences]
        names = model.style_names
        self._row = torch.tensor([names.index(n) if n in names else 0 for n in self._names])
        self._told = torch.tensor([n in names for n in self._names])
        self._known_rows = sorted({int(r) for r in self._row[self._told]})
        self._share = torch.tensor(_shares(sequences, self._mix.real_share))
        self._of_person = {
            n: torch.tensor([i for i, m in enumerate(self._names) if m == n])
            for n in set(self._names)
        }
        self._pose_std = self._drawn(self._pose).std(0)
        self._audio_std = torch.cat(self._audio).std(0)
        self._size = batch
        self._draws = noise_draws if model.noise_size else 0

    def store_statistics(self, generator: PoseGenerator) -> None:
        """Write the scaling of inputs and poses into the generator's buffers."""
        audio = torch.cat(self._audio)
        pose = self._drawn(self._pose)
        steps = self._drawn([torch.diff(p, dim=0) for p in self._pose])
        generator.input_mean.copy_(audio.mean(0))
        generator.input_std.copy_(audio.std(0).clamp_min(1e-3))
        generator.pose_mean.copy_(pose.mean(0))
        generator.pose_std.copy_(pose.std(0))
        generator.step_std.copy_(steps.std(0))

    def _drawn(self, values: list[torch.Tensor]) -> torch.Tensor:
        """Frames of all sequences that stand for the performed ones, or for all if none are."""
        return torch.cat([v for v, told in zip(values, self._told, strict=True) if told] or values)

    def draw(self) -> Batch:
        """The next batch."""
        size = self._size
        chosen = torch.multinomial(self._share, size, replacement=True)
        windows = [self._window(int(i)) for i in chosen]
        references = [self._window(self._again(int(i)))[1] for i in chosen]
        row, in_table = self._row[chosen], self._told[chosen]
        told = torch.rand(size) >= self._mix.style_dropout
        read = torch.rand(size) < torch.where(in_table, self._mix.reference_share, 1.0)
        pose = torch.stack([pose for _, pose in windows])
        return Batch(
            audio=self._blurred(torch.stack([audio for audio, _ in windows])),
            pose=pose + self._displacement(size),
            person=torch.where(told, row, 0),
            another_person=self._another(row),
            reference=torch.stack(references),
            use_reference=told & read & (self._mix.reference_share > 0),
            in_table=in_table,
            noise=[_draw_noise(size) for _ in range(self._draws)],
        )

    def _blurred(self, audio: torch.Tensor) -> torch.Tensor:
        if not self._mix.blur:
            return audio
        noise = torch.randn_like(audio) + 0.5 * torch.randn_like(audio[:, :1])
        return audio + self._mix.blur * self._audio_std * noise

    def _another(self, row: torch.Tensor) -> torch.Tensor:
        """(B,) a row of somebody else; the same one where the table knows nobody else."""
        rows = torch.tensor(self._known_rows or [0])
        at = torch.searchsorted(rows, row.clamp(rows[0], rows[-1]))
        shift = 1 + torch.randint(max(1, len(rows) - 1), (len(row),))
        return rows[(at + shift) % len(rows)]

    def _again(self, index: int) -> int:
        """A sequence of the same person."""
        same = self._of_person[self._names[index]]
        return int(same[torch.randint(len(same), ())])

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

    def _window(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        audio, pose = self._audio[index], self._pose[index]
        first = int(torch.randint(len(pose) - WINDOW_FRAMES + 1, ()))
        frames = slice(first, first + WINDOW_FRAMES)
        return audio[frames], pose[frames]


def varied(
    sequences: Sequence[MotionSequence], seed: int, as_themselves: bool = False
) -> list[MotionSequence]:
    """Real sequences strung together to strings a window long or longer, in several variants.

    Each variant has another order, another speed within 15 % and is mirrored or not, and is drawn
    so often that a minute of somebody becomes several. Mirrors stand at the mean pose.
    as_themselves: mirrored motion belongs to the same person; otherwise the person's name ends in
    MIRRORED. Performed sequences stay; where there are some, real people are brought to their own
    mean pose, as the performer is.
    """
    rng = np.random.default_rng(seed)
    people: dict[str, list[MotionSequence]] = {}
    for sequence in sequences:
        if sequence.real:
            people.setdefault(sequence.person, []).append(sequence)
    performed = [s for s in sequences if not s.real]
    result = list(performed)
    for name in sorted(people):
        home = np.concatenate([s.pose for s in people[name]]).mean(axis=0)
        frames = sum(s.frame_count for s in people[name])
        count = int(np.clip(np.ceil(_VARIED_FRAMES / frames), 2, _MOST_VARIANTS))
        for variant in range(2 * ((count + 1) // 2)):  # as many mirrored as not
            speed = float(np.exp(rng.uniform(*np.log(_SPEEDS))))
            made = time_warped(strung_together(people[name], rng), speed if variant > 1 else 1.0)
            made = replace(made, pose=made.pose - home)
            if variant % 2:
                named = name if as_themselves else name + MIRRORED
                made = replace(mirrored(made), person=named)
            if not performed:
                made = replace(made, pose=made.pose + home)
            result.append(made)
    return result


def _shares(sequences: Sequence[MotionSequence], real_share: float) -> list[float]:
    """How often each sequence is drawn: performed people equally, real ones by root of length."""
    rooms = [
        (s.frame_count - WINDOW_FRAMES + 1.0)
        * (_SILENT_WEIGHT if float(s.audio[:, _RMS].mean()) < 0.02 else 1.0)
        for s in sequences
    ]
    total: dict[str, float] = {}
    for sequence, room in zip(sequences, rooms, strict=True):
        total[sequence.person] = total.get(sequence.person, 0.0) + room
    real = {s.person for s in sequences if s.real}
    counts = {n: float(np.sqrt(total[n])) if n in real else 1.0 for n in total}
    whole = {
        kind: sum(c for n, c in counts.items() if (n in real) == kind) for kind in (True, False)
    }
    both = whole[True] > 0 and whole[False] > 0
    kinds = {True: real_share if both else 1.0, False: 1.0 - real_share if both else 1.0}
    return [
        kinds[s.person in real]
        * counts[s.person]
        / whole[s.person in real]
        * room
        / total[s.person]
        for s, room in zip(sequences, rooms, strict=True)
    ]


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
