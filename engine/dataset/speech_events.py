# SPDX-License-Identifier: GPL-3.0-or-later
"""What a speaker's head answers to: accented syllables, phrases, pauses, loudness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from ..protocol.take import MODEL_RATE_HZ

F64 = npt.NDArray[np.float64]

_PAUSE_S = 0.22
"""Silence that parts two phrases."""

_STRESS_WEIGHT = {1: 1.0, 2: 0.6, 0: 0.15}
_RISE = 0.35
"""Rise of log-F0 at a phrase's end, in standard deviations, that is heard as a question."""


@dataclass(frozen=True)
class Phones:
    """Phones of a recording: start and end in seconds (P,), name (P,), stress (P,) or -1."""

    start_s: npt.NDArray[np.float32]
    end_s: npt.NDArray[np.float32]
    name: npt.NDArray[np.str_]
    stress: npt.NDArray[np.int8]


@dataclass(frozen=True)
class SpeechEvents:
    """Events of T frames at 30 fps.

    accent_s: (N,) centres of the syllables; prominence: (N,) their rank in [0, 1], from stress,
    loudness and pitch. phrase_start_s, phrase_end_s: (M,); rises: (M,) whether the pitch rises at
    the end. activity: (T,) 1 while somebody speaks, soft at the edges. loudness: (T,) smoothed and
    scaled to unit deviation over speech, 0 in silence.
    """

    accent_s: F64
    prominence: F64
    phrase_start_s: F64
    phrase_end_s: F64
    rises: npt.NDArray[np.bool_]
    activity: F64
    loudness: F64

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.activity)


def find_events(phones: Phones, prosody: npt.NDArray[np.float32]) -> SpeechEvents:
    """Events of a recording from its phones and its prosody (T, 4): log-F0, voicing, RMS, onset."""
    frames = len(prosody)
    pitch, voicing, loud = (prosody[:, c].astype(np.float64) for c in range(3))
    start, end = _phrases(phones)
    speaking = np.zeros(frames, dtype=bool)
    for a, b in zip(start, end, strict=True):
        speaking[int(a * MODEL_RATE_HZ) : int(np.ceil(b * MODEL_RATE_HZ))] = True
    smooth = gaussian_filter1d(loud, 2.5)
    level = smooth[speaking] if speaking.any() else smooth
    loudness = np.where(speaking, (smooth - level.mean()) / (level.std() + 1e-6), 0.0)
    accent, prominence = _syllables(phones, pitch, voicing, loud)
    rises = [_rises(pitch, voicing > 0.5, a, b) for a, b in zip(start, end, strict=True)]
    return SpeechEvents(
        accent_s=accent,
        prominence=prominence,
        phrase_start_s=start,
        phrase_end_s=end,
        rises=np.array(rises, dtype=bool),
        activity=gaussian_filter1d(speaking.astype(np.float64), 6.0),
        loudness=gaussian_filter1d(loudness, 1.5),
    )


def _phrases(phones: Phones) -> tuple[F64, F64]:
    """Start and end (M,) of the stretches of speech between pauses."""
    spoken = phones.name != "sil"
    start, end = phones.start_s[spoken], phones.end_s[spoken]
    if len(start) == 0:
        return np.zeros(0), np.zeros(0)
    cut = np.flatnonzero(start[1:] - end[:-1] > _PAUSE_S)
    first = np.concatenate([start[:1], start[cut + 1]])
    last = np.concatenate([end[cut], end[-1:]])
    return first.astype(np.float64), last.astype(np.float64)


def _syllables(phones: Phones, pitch: F64, voicing: F64, loud: F64) -> tuple[F64, F64]:
    vowel = phones.stress >= 0
    centre = 0.5 * (phones.start_s[vowel] + phones.end_s[vowel]).astype(np.float64)
    if len(centre) == 0:
        return np.zeros(0), np.zeros(0)
    at = np.clip((centre * MODEL_RATE_HZ).round().astype(int), 0, len(loud) - 1)
    accent = pitch - gaussian_filter1d(pitch * voicing, 20) / (gaussian_filter1d(voicing, 20) + 0.1)
    local = loud - gaussian_filter1d(loud, 20)
    length = np.log(np.maximum(phones.end_s[vowel] - phones.start_s[vowel], 0.02))
    score = (
        1.6 * np.array([_STRESS_WEIGHT[int(s)] for s in phones.stress[vowel]])
        + _standard(local[at])
        + 0.7 * _standard(accent[at])
        + 0.4 * _standard(length)
    )
    order = np.argsort(np.argsort(score))
    return centre, (order + 0.5) / len(order)


def _standard(values: F64) -> F64:
    result: F64 = (values - values.mean()) / (values.std() + 1e-6)
    return result


def _rises(pitch: F64, voiced: npt.NDArray[np.bool_], start_s: float, end_s: float) -> bool:
    a, b = int(start_s * MODEL_RATE_HZ), int(np.ceil(end_s * MODEL_RATE_HZ))
    tail = max(a, b - int(0.3 * MODEL_RATE_HZ))
    whole, last = pitch[a:b][voiced[a:b]], pitch[tail:b][voiced[tail:b]]
    return len(whole) >= 8 and len(last) >= 3 and float(last.mean() - np.median(whole)) > _RISE
