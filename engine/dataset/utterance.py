# SPDX-License-Identifier: GPL-3.0-or-later
"""One spoken sentence with its phones, and several of them joined to a clip with pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..audio.decode import SAMPLE_RATE_HZ
from .corpus import SpokenClip
from .phones import SILENCE


@dataclass(frozen=True)
class Utterance:
    """Speech without a gap between its phones.

    samples: (S,) int16 mono at 16 kHz. edge_s: (P + 1,) seconds. phone, stress: P entries.
    """

    samples: npt.NDArray[np.int16]
    edge_s: npt.NDArray[np.float64]
    phone: tuple[str, ...]
    stress: tuple[int, ...]
    text: str
    speaker: str
    source: str

    @staticmethod
    def from_ends(
        samples: npt.NDArray[np.int16],
        ends_s: Sequence[float],
        *,
        phone: Sequence[str],
        stress: Sequence[int],
        text: str,
        speaker: str,
        source: str,
    ) -> Utterance:
        """Utterance whose first phone starts at 0 and whose last one ends with the sound."""
        edges = np.maximum.accumulate(np.asarray([0.0, *ends_s]))
        edges[-1] = len(samples) / SAMPLE_RATE_HZ
        edges = np.minimum(edges, edges[-1])
        return Utterance(samples, edges, tuple(phone), tuple(stress), text, speaker, source)


def join_utterances(utterances: Sequence[Utterance], rng: np.random.Generator) -> SpokenClip:
    """One clip: a short lead-in, the utterances with pauses between them, a short lead-out.

    The added pauses hold noise at the level of the recording's own pauses: a digital zero
    between two natural sentences would be a sound that no recording has.
    """
    level = min(_floor_level(u.samples) for u in utterances)
    samples: list[npt.NDArray[np.int16]] = []
    phones: list[tuple[float, float, str, int]] = []
    at_s = 0.0
    for index, utterance in enumerate(utterances):
        pause = _room_noise(_pause_s(rng, index == 0), level, rng)
        samples += [pause, utterance.samples]
        phones.append((at_s, at_s + len(pause) / SAMPLE_RATE_HZ, SILENCE, -1))
        at_s = phones[-1][1]
        edges = utterance.edge_s + at_s
        phones += zip(edges[:-1], edges[1:], utterance.phone, utterance.stress, strict=True)
        at_s += len(utterance.samples) / SAMPLE_RATE_HZ
    tail = _room_noise(float(rng.uniform(0.2, 0.6)), level, rng)
    phones.append((at_s, at_s + len(tail) / SAMPLE_RATE_HZ, SILENCE, -1))
    merged = _merge_silences(phones)
    return SpokenClip(
        samples=np.concatenate([*samples, tail]),
        phone_start_s=np.array([p[0] for p in merged], np.float32),
        phone_end_s=np.array([p[1] for p in merged], np.float32),
        phone=np.array([p[2] for p in merged]),
        stress=np.array([p[3] for p in merged], np.int8),
        text=" ".join(u.text.strip() for u in utterances),
        speaker=utterances[0].speaker,
        source=utterances[0].source,
    )


def _pause_s(rng: np.random.Generator, first: bool) -> float:
    """Seconds: log-normal about 0.35 s, as between sentences of a calm speaker."""
    if first:
        return float(rng.uniform(0.1, 0.5))
    return float(np.clip(rng.lognormal(np.log(0.35), 0.6), 0.05, 1.6))


def _floor_level(samples: npt.NDArray[np.int16]) -> float:
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320).astype(np.float32)
    if len(frames) == 0:
        return 0.0
    return float(np.percentile(np.sqrt((frames**2).mean(axis=1)), 4))


def _room_noise(length_s: float, level: float, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    noise = rng.normal(0.0, min(level, 60.0), int(length_s * SAMPLE_RATE_HZ))
    rounded: npt.NDArray[np.int16] = np.round(noise).astype(np.int16)
    return rounded


def _merge_silences(
    phones: Sequence[tuple[float, float, str, int]],
) -> list[tuple[float, float, str, int]]:
    """Neighbouring silences made one, empty phones left out."""
    merged: list[tuple[float, float, str, int]] = []
    for start, end, name, stress in phones:
        if end - start < 1e-4:
            continue
        if merged and name == SILENCE == merged[-1][2]:
            merged[-1] = (merged[-1][0], end, SILENCE, -1)
        else:
            merged.append((start, end, name, stress))
    return merged
