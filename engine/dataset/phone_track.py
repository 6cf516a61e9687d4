# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones of a recording with their times, and the single mouth shapes that they pass through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..audio.decode import SAMPLE_RATE_HZ
from ..protocol.errors import DatasetError
from ..protocol.take import FloatArray
from .phones import SILENCE
from .visemes import GLIDE_SPLIT, GLIDES, VISEMES, VOWELS

Float64Array = npt.NDArray[np.float64]

PARTS: tuple[str, ...] = (*VISEMES, *(f"{glide}{half}" for glide in GLIDES for half in (1, 2)))
"""What a mouth can aim at: every phone; of a diphthong its beginning (1) and its end (2)."""

_STRESS_GAIN = {0: 0.74, 1: 1.04, 2: 0.92}
_REDUCED_S = 0.085
"""Vowels shorter than this are reduced: they aim lower, beyond what blending takes away."""


@dataclass(frozen=True)
class PhoneTrack:
    """P phones in time order. start_s, end_s: (P,) seconds. phone: lower-case ARPAbet or `sil`.

    stress: (P,) 0, 1, 2, or -1 where not a vowel or not known. loudness: (P,) level relative to
    the clip's median phone (1 = as loud as that), or None. prominence: (P,) rank in [0, 1] of a
    vowel's accent within the clip; None leaves the brows alone.
    """

    start_s: npt.NDArray[np.floating[Any]]
    end_s: npt.NDArray[np.floating[Any]]
    phone: tuple[str, ...]
    stress: npt.NDArray[np.integer[Any]]
    loudness: npt.NDArray[np.floating[Any]] | None = None
    prominence: npt.NDArray[np.floating[Any]] | None = None

    def __post_init__(self) -> None:
        unknown = sorted({p for p in self.phone if p not in VISEMES and p not in GLIDES})
        if unknown:
            raise DatasetError(f"Unknown phones: {', '.join(unknown)}.", "Use ARPAbet, lower case.")
        lengths = {len(self.start_s), len(self.end_s), len(self.phone), len(self.stress)}
        if len(lengths) != 1:
            raise DatasetError("The phone track's columns differ in length.")


@dataclass(frozen=True)
class SpokenParts:
    """Q parts in time order. start_s, end_s: (Q,). part: (Q,) rows of PARTS. opening: (Q,) gain of
    stress, loudness and duration on the opening of the mouth."""

    start_s: Float64Array
    end_s: Float64Array
    part: npt.NDArray[np.int64]
    opening: Float64Array


def spoken_parts(track: PhoneTrack) -> SpokenParts:
    """One row per phone, two per diphthong; vowels carry their opening gain."""
    rows: list[tuple[float, float, int, float]] = []
    for index, phone in enumerate(track.phone):
        start, end = float(track.start_s[index]), float(track.end_s[index])
        gain = _opening(track, index) if phone in VOWELS else 1.0
        if phone in GLIDES:
            middle = start + GLIDE_SPLIT * (end - start)
            rows.append((start, middle, PARTS.index(f"{phone}1"), gain))
            rows.append((middle, end, PARTS.index(f"{phone}2"), gain))
        else:
            rows.append((start, end, PARTS.index(phone), gain))
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return SpokenParts(columns[:, 0], columns[:, 1], columns[:, 2].astype(np.int64), columns[:, 3])


def phone_loudness(
    samples: npt.NDArray[np.int16],
    start_s: npt.NDArray[np.floating[Any]],
    end_s: npt.NDArray[np.floating[Any]],
    phone: npt.NDArray[np.str_],
) -> FloatArray:
    """(P,) root mean square of each phone over the median of the spoken phones."""
    sound = samples.astype(np.float32)
    edges = np.c_[start_s, end_s] * SAMPLE_RATE_HZ
    level = np.array(
        [
            np.sqrt(np.mean(sound[min(int(a), len(sound) - 1) : max(int(b), int(a) + 1)] ** 2 + 1))
            for a, b in edges
        ]
    )
    spoken = level[phone != SILENCE]
    loudness = level / (np.median(spoken) if len(spoken) else 1.0)
    return loudness.astype(np.float32)


def _opening(track: PhoneTrack, index: int) -> float:
    gain = _STRESS_GAIN.get(int(track.stress[index]), 1.0)
    if track.loudness is not None:
        gain *= float(np.clip(max(float(track.loudness[index]), 1e-6) ** 0.35, 0.75, 1.25))
    duration = float(track.end_s[index] - track.start_s[index])
    return gain * float(np.clip(duration / _REDUCED_S, 0.85, 1.0))
