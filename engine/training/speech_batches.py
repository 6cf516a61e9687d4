# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches for the character network: crops of clips, roughened, with their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.signal import fftconvolve

from ..audio.decode import SAMPLE_RATE_HZ, Samples
from ..audio.mel import level_gain, log_mel
from ..dataset.corpus import SpokenClip, iterate_clips
from ..dataset.letters import BLANK, LetterPath, letter_path
from ..dataset.phones import PHONES, SILENCE
from ..protocol.errors import DatasetError
from ..speech.network import FEATURE_RATE_HZ
from .speech_mouths import MOUTH_TARGETS, MouthClip

_SILENCE_CLASS = PHONES.index(SILENCE)
_NO_POWER = -14.0


@dataclass(frozen=True)
class BatchConfig:
    """How batches are made. size: crops with letters, crop_s: their seconds of output;
    natural_share: of them. throat_share: crops whose formants are moved; telephone_share: heard
    over a narrow line. mouth_rows: crops more, of mouth_piece_s pieces of people seen speaking.
    """

    size: int = 8
    crop_s: float = 6.0
    natural_share: float = 0.7
    speed_range: float = 0.12
    reverberation_share: float = 0.3
    noise_share: float = 0.6
    silence_share: float = 0.02
    throat_share: float = 0.5
    telephone_share: float = 0.08
    mouth_rows: int = 2
    mouth_piece_s: float = 3.0


@dataclass(frozen=True)
class Batch:
    """mel (B + M, MEL, 2N); letters, phones (B, N) classes by frame; texts: the CTC targets.

    The last M rows are people seen speaking: mouth (M, N, C) MOUTH_TARGETS, known (M, N, C)
    bool where they hold. Both are empty where there are no such people.
    """

    mel: torch.Tensor
    letters: torch.Tensor
    phones: torch.Tensor
    texts: list[torch.Tensor]
    mouth: torch.Tensor
    known: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch on a device; the texts stay, CTC wants their targets as they are."""
        moved = (t.to(device) for t in (self.mel, self.letters, self.phones))
        mel, letters, phones = moved
        mouth, known = self.mouth.to(device), self.known.to(device)
        return Batch(mel, letters, phones, self.texts, mouth, known)


@dataclass(frozen=True)
class LabelledClip:
    """A clip with its letters in time and the gain that levels it."""

    clip: SpokenClip
    letters: LetterPath
    gain: float

    def phones_at(self, times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """(N,) phone class at each time; silence outside."""
        classes = np.array([PHONES.index(name) for name in self.clip.phone], np.int64)
        index = np.searchsorted(self.clip.phone_start_s, times_s, side="right") - 1
        inside = (index >= 0) & (times_s < self.clip.phone_end_s[np.maximum(index, 0)])
        return np.where(inside, classes[np.maximum(index, 0)], _SILENCE_CLASS)


def load_labelled(folder: Path) -> list[LabelledClip]:
    """All clips of a folder, labelled. Raises DatasetError where there are none."""
    labelled = []
    for _, clip in iterate_clips(folder):
        samples = clip.samples.astype(np.float32) / 32768
        labelled.append(LabelledClip(clip, letter_path(clip), level_gain(samples)))
    if not labelled:
        raise DatasetError(f"There are no clips in {folder}.", "Build the corpus first.")
    return labelled


class BatchSource:
    """Batches that depend on the seed and the step alone, so that a resumed run is the same."""

    def __init__(
        self,
        clips: list[LabelledClip],
        config: BatchConfig,
        seed: int,
        mouths: Sequence[MouthClip] = (),
    ) -> None:
        self._clips = clips
        self._mouths = mouths
        self._mouth_chances = _mouth_chances(mouths)
        self._config = config
        self._seed = seed
        self._pools = [
            np.array([i for i, c in enumerate(clips) if (c.clip.source == "natural") == natural])
            for natural in (True, False)
        ]
        lengths = np.array([c.clip.duration_s for c in clips])
        self._noises = _noise_bank(round(config.crop_s * SAMPLE_RATE_HZ), seed)
        self._chances = [lengths[p] / lengths[p].sum() if len(p) else p for p in self._pools]

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([self._seed, step])
        crops = [self._crop(rng) for _ in range(self._config.size)]
        rows = self._config.mouth_rows if self._mouths else 0
        seen = [self._mouth_row(rng) for _ in range(rows)]
        sounds = torch.from_numpy(np.stack([c[0] for c in (*crops, *seen)]))
        mel = roughened_mel(log_mel(sounds), rng, self._config)
        shape = (rows, round(self._config.crop_s * FEATURE_RATE_HZ), len(MOUTH_TARGETS))
        return Batch(
            mel=mel,
            letters=torch.from_numpy(np.stack([c[1] for c in crops])),
            phones=torch.from_numpy(np.stack([c[2] for c in crops])),
            texts=[torch.from_numpy(c[3]) for c in crops],
            mouth=torch.from_numpy(np.array([s[1] for s in seen], np.float32).reshape(shape)),
            known=torch.from_numpy(np.array([s[2] for s in seen], np.bool_).reshape(shape)),
        )

    def _pick(self, rng: np.random.Generator) -> LabelledClip:
        pool = 0 if rng.random() < self._config.natural_share else 1
        pool = pool if len(self._pools[pool]) else 1 - pool
        return self._clips[int(rng.choice(self._pools[pool], p=self._chances[pool]))]

    def _crop(
        self, rng: np.random.Generator
    ) -> tuple[Samples, npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        config = self._config
        picked = self._pick(rng)
        speed = self._speed(rng)
        taken_s = config.crop_s * speed
        begin_s = float(rng.uniform(0.0, max(0.0, picked.clip.duration_s - taken_s)))
        if rng.random() < config.silence_share:
            begin_s = picked.clip.duration_s + 1.0
        sound = _resampled(picked.clip.samples, begin_s, config.crop_s, speed) * picked.gain
        times_s = begin_s + _frame_times(config.crop_s) * speed
        letters = picked.letters.at(times_s)
        rough = self._roughened(sound, rng)
        return rough, letters, picked.phones_at(times_s), collapsed(letters)

    def _mouth_row(
        self, rng: np.random.Generator
    ) -> tuple[Samples, npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Pieces of people seen speaking, one after the other, as long as a crop."""
        config = self._config
        count = round(config.crop_s * FEATURE_RATE_HZ)
        sounds, targets, masks, filled = [], [], [], 0
        while filled < count:
            picked = self._mouths[int(rng.choice(len(self._mouths), p=self._mouth_chances))]
            length_s = min(config.mouth_piece_s, (count - filled) / FEATURE_RATE_HZ)
            speed = self._speed(rng)
            spare_s = max(0.0, picked.duration_s - length_s * speed)
            begin_s = float(rng.uniform(0.0, spare_s))
            sound = _resampled(picked.samples, begin_s, length_s, speed) * picked.gain
            target, known = picked.at(begin_s + _frame_times(length_s) * speed)
            sounds.append(self._roughened(sound, rng))
            targets.append(target)
            masks.append(known)
            filled += len(target)
        whole = np.concatenate(sounds)
        return whole, np.concatenate(targets).astype(np.float32), np.concatenate(masks)

    def _speed(self, rng: np.random.Generator) -> float:
        return float(1.0 + rng.uniform(-self._config.speed_range, self._config.speed_range))

    def _roughened(self, sound: Samples, rng: np.random.Generator) -> Samples:
        """The sound in another room, beside other noise, at another level."""
        if rng.random() < self._config.reverberation_share:
            sound = _reverberated(sound, rng)
        if rng.random() < self._config.noise_share:
            sound = sound + self._noise(len(sound), rng)
        sound = sound * 10 ** (rng.uniform(-6.0, 6.0) / 20)
        return sound.astype(np.float32)

    def _noise(self, length: int, rng: np.random.Generator) -> Samples:
        """Coloured noise or babble, 3 to 40 dB under levelled speech (-20 dB of full scale)."""
        if rng.random() < 0.25:
            picked = self._pick(rng)
            noise = np.resize(picked.clip.samples, length).astype(np.float32)
        else:
            bank = self._noises[int(rng.integers(len(self._noises)))]
            noise = np.roll(bank, int(rng.integers(len(bank))))[:length]
        level = 10 ** ((-23.0 - rng.uniform(3.0, 40.0)) / 20)
        scaled: Samples = noise * np.float32(level / (noise.std() + 1e-9))
        return scaled


def _noise_bank(length: int, seed: int) -> list[Samples]:
    """Loops of coloured noise from white to a little over pink (power falls with frequency)."""
    rng = np.random.default_rng([seed, 10_000_019])
    noises = []
    for slope in np.linspace(0.0, 1.2, 7):
        spectrum = np.fft.rfft(rng.standard_normal(length))
        spectrum *= (1.0 + np.arange(len(spectrum))) ** (-slope)
        noises.append(np.fft.irfft(spectrum, length).astype(np.float32))
    return noises


def collapsed(path: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The CTC target of a frame-wise path: repeats merged, then blanks removed."""
    merged = path[np.concatenate([[True], path[1:] != path[:-1]])]
    written: npt.NDArray[np.int64] = merged[merged != BLANK]
    return written


def _resampled(
    samples: npt.NDArray[np.int16], begin_s: float, length_s: float, speed: float
) -> Samples:
    """Seconds of sound played at `speed`; silence beyond the end. Linear interpolation."""
    at = begin_s * SAMPLE_RATE_HZ + np.arange(round(length_s * SAMPLE_RATE_HZ)) * speed
    first = int(at[0])
    piece = samples[first : int(at[-1]) + 2].astype(np.float32) / 32768
    if len(piece) == 0:
        return np.zeros(len(at), np.float32)
    return _linear(piece, at - first)


def _linear(piece: Samples, at: npt.NDArray[np.float64]) -> Samples:
    whole = at.astype(np.int64)
    padded = np.concatenate([piece, np.zeros(max(0, int(whole[-1]) + 2 - len(piece)), np.float32)])
    share = (at - whole).astype(np.float32)
    found: Samples = padded[whole] * (1 - share) + padded[whole + 1] * share
    return found


def _reverberated(sound: Samples, rng: np.random.Generator) -> Samples:
    """The sound in a made-up room: noise that decays in 0.1 to 0.5 s behind the direct sound."""
    decay_s = rng.uniform(0.1, 0.5)
    length = int(decay_s * SAMPLE_RATE_HZ)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= rng.uniform(0.1, 0.7) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    wet: Samples = fftconvolve(sound, tail.astype(np.float32))[: len(sound)]
    return wet


def roughened_mel(mel: torch.Tensor, rng: np.random.Generator, config: BatchConfig) -> torch.Tensor:
    """Other throats, microphones and lines (tilt, band limits), then SpecAugment. (B, MEL, T)."""
    batch, bands, frames = mel.shape
    knots = rng.normal(0.0, 0.6, (batch, 5))
    grid = np.linspace(0, 4, bands)
    tilt = np.stack([np.interp(grid, np.arange(5), k) for k in knots]).astype(np.float32)
    mel = mel + torch.from_numpy(tilt)[:, :, None]
    for index in range(batch):
        if rng.random() < config.throat_share:
            mel[index] = _warped_bands(mel[index], float(rng.uniform(0.88, 1.14)))
        if rng.random() < 0.15:
            mel[index, int(rng.integers(bands * 3 // 4, bands)) :] = _NO_POWER
        if rng.random() < config.telephone_share:
            mel[index, : int(rng.integers(2, 6))] = _NO_POWER
            mel[index, int(rng.integers(bands * 5 // 8, bands * 3 // 4)) :] = _NO_POWER
        filler = mel[index].mean()
        for _ in range(2):
            first, width = int(rng.integers(0, frames)), int(rng.integers(0, 16))
            mel[index, :, first : first + width] = filler
            low, height = int(rng.integers(0, bands)), int(rng.integers(0, 9))
            mel[index, low : low + height] = filler
    return mel


def _warped_bands(mel: torch.Tensor, factor: float) -> torch.Tensor:
    """The spectrum (MEL, T) of a longer or shorter vocal tract: bands moved up by a factor."""
    at = (torch.arange(len(mel)) / factor).clamp(max=len(mel) - 1)
    before = at.floor().long()
    after = (before + 1).clamp(max=len(mel) - 1)
    return torch.lerp(mel[before], mel[after], (at - before)[:, None])


def _frame_times(length_s: float) -> npt.NDArray[np.float64]:
    """Seconds of the feature frames of so long a sound."""
    return (np.arange(round(length_s * FEATURE_RATE_HZ)) + 0.5) / FEATURE_RATE_HZ


def _mouth_chances(mouths: Sequence[MouthClip]) -> npt.NDArray[np.float64]:
    """Chance of each clip: by its length inside a set, by the root of the length between sets."""
    lengths = np.array([mouth.duration_s for mouth in mouths])
    sets = np.array([mouth.source for mouth in mouths])
    chances = np.zeros(len(mouths))
    for name in set(sets.tolist()):
        own = sets == name
        chances[own] = lengths[own] / np.sqrt(lengths[own].sum())
    return chances / chances.sum() if len(mouths) else chances
