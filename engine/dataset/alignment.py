# SPDX-License-Identifier: GPL-3.0-or-later
"""Phone times of natural speech by forced alignment with pocketsphinx, and stress marks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pocketsphinx import Decoder

from ..protocol.errors import DatasetError
from .flite_voice import pronounce
from .phones import PHONES, SILENCE, VOWELS, phone_distance, to_arpabet
from .texts import spoken_letters
from .utterance import Utterance

_FRAME_S = 0.01
# A frame's window of 25.6 ms starts at its time stamp, so a change from one frame to the next
# lies between the centres of their windows. Checked against synthesisers' own times: the plain
# stamps were 8 ms early (median), these are not.
_BOUNDARY_DELAY_S = 0.0256 / 2 - _FRAME_S / 2
_GAP_COST = 0.8


class ForcedAligner:
    """pocketsphinx with its bundled model; beams so wide that the true path is not lost."""

    def __init__(self) -> None:
        self._decoder = Decoder(
            lm=None, beam=1e-80, pbeam=1e-80, wbeam=1e-60, bestpath=False, loglevel="FATAL"
        )

    def align(
        self, samples: npt.NDArray[np.int16], text: str, speaker: str, source: str
    ) -> Utterance:
        """Phone times (10 ms grid) of what is said. samples: (S,) int16 mono at 16 kHz.

        Words that the dictionary lacks get a pronunciation by rule. Raises DatasetError where
        the text does not fit the sound.
        """
        words = spoken_letters(text).split()
        for word in words:
            self._ensure_word(word)
        if not words:
            raise DatasetError(f"There is nothing to align in {text!r}.")
        decoder, data = self._decoder, samples.tobytes()
        decoder.set_align_text(" ".join(words))
        self._decode(data)
        if decoder.hyp() is None:
            raise DatasetError(f"The sound does not fit the text {text!r}.")
        decoder.set_alignment()
        self._decode(data)
        names, ends = [], []
        for word in decoder.get_alignment():
            for phone in word:
                names.append(to_arpabet(phone.name))
                ends.append((phone.start + phone.duration) * _FRAME_S + _BOUNDARY_DELAY_S)
        if not names:
            raise DatasetError(f"The sound does not fit the text {text!r}.")
        return Utterance.from_ends(
            samples,
            ends,
            phone=names,
            stress=stress_of(names, words),
            text=text,
            speaker=speaker,
            source=source,
        )

    def _ensure_word(self, word: str) -> None:
        if self._decoder.lookup_word(word) is None:
            phones, _ = pronounce(word)
            if phones:
                self._decoder.add_word(word, " ".join(phones).upper(), True)

    def _decode(self, data: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(data, full_utt=True)
        self._decoder.end_utt()


def stress_of(phones: Sequence[str], words: Sequence[str]) -> list[int]:
    """Stress of each phone (-1 where it is no vowel) from the words' dictionary pronunciations."""
    expected: list[tuple[str, int]] = []
    for word in words:
        expected += zip(*pronounce(word), strict=True)
    matched = match_sequences(phones, [name for name, _ in expected])
    stresses = []
    for phone, partner in zip(phones, matched, strict=True):
        known = expected[partner][1] if partner >= 0 else 0
        stresses.append(max(known, 0) if phone in VOWELS else -1)
    return stresses


def match_sequences(spoken: Sequence[str], expected: Sequence[str]) -> list[int]:
    """For each spoken phone the index of its partner in `expected`, or -1 (edit distance)."""
    rows, columns = len(spoken), len(expected)
    index = {name: i for i, name in enumerate(PHONES)}
    distance = np.array([[phone_distance(a, b) for b in PHONES] for a in PHONES])
    cost = distance[[index[p] for p in spoken]][:, [index[p] for p in expected]]
    skip = np.array([0.05 if p == SILENCE else _GAP_COST for p in spoken])
    total = np.zeros((rows + 1, columns + 1))
    total[1:, 0] = np.cumsum(skip)
    total[0, 1:] = _GAP_COST * np.arange(1, columns + 1)
    for i in range(1, rows + 1):
        best = np.minimum(total[i - 1, :-1] + cost[i - 1], total[i - 1, 1:] + skip[i - 1])
        left = total[i, 0]
        for j in range(1, columns + 1):
            left = min(best[j - 1], left + _GAP_COST)
            total[i, j] = left
    partners = [-1] * rows
    i, j = rows, columns
    while i > 0 and j > 0:
        if np.isclose(total[i, j], total[i - 1, j - 1] + cost[i - 1, j - 1]):
            partners[i - 1] = j - 1
            i, j = i - 1, j - 1
        elif np.isclose(total[i, j], total[i - 1, j] + skip[i - 1]):
            i -= 1
        else:
            j -= 1
    return partners
