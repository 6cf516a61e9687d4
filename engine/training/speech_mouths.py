# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouths of real people as a target for the character network: what its logits must tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..audio.mel import level_gain
from ..dataset.person_clip import PersonClip, iterate_person_clips
from ..head.channels import EXPRESSION_NAMES
from ..protocol.errors import DatasetError
from ..protocol.take import MODEL_RATE_HZ, FloatArray

_CHANNELS: dict[str, tuple[str, ...]] = {
    "jaw_open": ("jawOpen",),
    "close": ("mouthClose",),
    "funnel": ("mouthFunnel",),
    "pucker": ("mouthPucker",),
    "stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "upper_up": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "lower_down": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "press": ("mouthPressLeft", "mouthPressRight"),
    "roll": ("mouthRollLower", "mouthRollUpper"),
}
MOUTH_TARGETS: tuple[str, ...] = ("lip_gap", *_CHANNELS)
"""Opening of the inner lips, then means of the expression channels that speech moves."""

_LEAST_SPREAD = 0.01
_LEAST_GAP_SPREAD_MM = 0.2
_MOST_DEVIATIONS = 4.0


@dataclass(frozen=True)
class MouthClip:
    """A person's speech with the mouth, T frames at 30 fps.

    samples: (S,) int16 mono at 16 kHz; gain brings it to level. target: (T, C) MOUTH_TARGETS in
    standard deviations of the speaker about the speaker's mean. known: (T, C) where it holds.
    """

    samples: npt.NDArray[np.int16]
    gain: float
    target: FloatArray
    known: npt.NDArray[np.bool_]
    speaker: str
    source: str

    @property
    def duration_s(self) -> float:
        """Length of the shorter of sound and picture in seconds."""
        return min(len(self.samples) / 16000, len(self.target) / MODEL_RATE_HZ)

    def at(self, times_s: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """(N, C) target and whether it holds, at each time; nothing holds outside the clip."""
        place = np.asarray(times_s, np.float64) * MODEL_RATE_HZ
        last = len(self.target) - 1
        before = np.clip(np.floor(place).astype(np.int64), 0, last)
        after = np.minimum(before + 1, last)
        share = np.clip(place - before, 0.0, 1.0)[:, None].astype(np.float32)
        target = self.target[before] * (1 - share) + self.target[after] * share
        inside = (place >= 0) & (place <= last)
        return target, self.known[before] & self.known[after] & inside[:, None]


def load_mouths(folders: Sequence[Path], most_clips: int | None = None) -> list[MouthClip]:
    """Every clip with sound of the folders, one of them per set of recordings, standardised.

    Raises DatasetError where a clip may not be trained on for weights that are given away.
    """
    mouths: list[MouthClip] = []
    for folder in folders:
        clips = [clip for _, clip in iterate_person_clips(folder)][:most_clips]
        if not clips:
            raise DatasetError(
                f"There are no clips in {folder}.", "Build them with `rhetor dataset build`."
            )
        barred = sorted({clip.source for clip in clips if clip.rights == "research"})
        if barred:
            raise DatasetError(
                f"The rights of {barred[0]} allow no training of weights that are given away.",
                f"Leave out {folder}.",
            )
        mouths += standardised([clip for clip in clips if len(clip.samples)])
    return mouths


def standardised(clips: Sequence[PersonClip]) -> list[MouthClip]:
    """Mouths of the clips; mean and spread are taken over all clips of each speaker."""
    mouths = []
    for speaker in sorted({clip.speaker for clip in clips}):
        own = [clip for clip in clips if clip.speaker == speaker]
        raw = [mouth_values(clip) for clip in own]
        values = np.concatenate([value for value, _ in raw])
        known = np.concatenate([mask for _, mask in raw])
        least = np.full(len(MOUTH_TARGETS), _LEAST_SPREAD)
        least[0] = _LEAST_GAP_SPREAD_MM
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, values, 0.0).sum(axis=0) / count
        spread = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count)
        moves = spread >= least  # a channel that rests says nothing
        for clip, (value, mask) in zip(own, raw, strict=True):
            scaled = (value - mean) / np.maximum(spread, least)
            target = np.clip(np.where(mask, scaled, 0.0), -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
            gain = level_gain(clip.samples.astype(np.float32) / 32768)
            mouths.append(
                MouthClip(
                    clip.samples,
                    gain,
                    target.astype(np.float32),
                    mask & moves,
                    speaker,
                    clip.source,
                )
            )
    return mouths


def mouth_values(clip: PersonClip) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """(T, C) MOUTH_TARGETS in mm and weights, and whether the tracking told them."""
    columns = [clip.lip_gap_mm]
    known = [clip.face_ok & np.isfinite(clip.lip_gap_mm)]
    for names in _CHANNELS.values():
        index = [EXPRESSION_NAMES.index(name) for name in names]
        columns.append(clip.expression[:, index].mean(axis=1))
        known.append(clip.face_ok & bool(clip.known[index].all()))
    values = np.nan_to_num(np.stack(columns, axis=1).astype(np.float32))
    return values, np.stack(known, axis=1)
