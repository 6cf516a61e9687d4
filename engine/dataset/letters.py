# SPDX-License-Identifier: GPL-3.0-or-later
"""Which letter of the text is heard when: letters spread over the aligned phones.

The result is a path that the character network may take frame by frame: every phone is covered
by its letters, pauses and word gaps by spaces, and doubled letters are parted by the blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .corpus import SpokenClip
from .phones import SILENCE, VOWELS
from .texts import spoken_letters

ALPHABET = " abcdefghijklmnopqrstuvwxyz'"
"""The 28 symbols; the blank of the character network is index 28."""
BLANK = len(ALPHABET)

_MARK_S = 0.024
_WRITTEN: dict[str, str] = {
    **{"aa": "oa", "ae": "a", "ah": "ueoai", "ao": "oa", "aw": "o", "ay": "iy", "eh": "ea"},
    **{"er": "eiuor", "ey": "ae", "ih": "iyeu", "iy": "eiy", "ow": "o", "oy": "o", "uh": "uo"},
    **{"uw": "uoew", "b": "b", "ch": "ct", "d": "d", "dh": "t", "f": "fp", "g": "g", "hh": "hw"},
    **{"jh": "jgd", "k": "kcqx", "l": "l", "m": "m", "n": "nk", "ng": "n", "p": "p", "r": "r"},
    **{"s": "sc", "sh": "stc", "t": "td", "th": "t", "v": "vf", "w": "wuo", "y": "yuei"},
    **{"z": "zsx", "zh": "szg"},
}
_VOWEL_LETTERS = "aeiouy"
_MUTE_COST = dict.fromkeys("eahiouwgrnt'", 0.45)


@dataclass(frozen=True)
class LetterPath:
    """Symbols (indices into ALPHABET, or BLANK) and their times, in order, without a gap.

    start_s, end_s: (L,) float64 seconds. symbol: (L,) int64.
    """

    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]
    symbol: npt.NDArray[np.int64]

    def at(self, times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """(N,) symbol at each time; a space before the first and after the last."""
        index = np.searchsorted(self.start_s, times_s, side="right") - 1
        inside = (index >= 0) & (times_s < self.end_s[-1])
        return np.where(inside, self.symbol[np.maximum(index, 0)], 0)


def letter_path(clip: SpokenClip) -> LetterPath:
    """Spread the letters of a clip's text over its phones."""
    letters = f" {spoken_letters(clip.text)} "
    phones = clip.phone.tolist()
    owners = _assign(letters, phones)
    spans = _spans(letters, phones, owners, clip.phone_start_s, clip.phone_end_s)
    return _parted(spans)


def _match_cost(letter: str, phone: str) -> float:
    if letter == " " or phone == SILENCE:
        return 0.0 if letter == " " and phone == SILENCE else 6.0
    place = _WRITTEN[phone].find(letter)
    if place >= 0:
        return 0.05 * place
    return 0.8 if (letter in _VOWEL_LETTERS) == (phone in VOWELS) else 2.0


def _skip_letter_cost(letter: str) -> float:
    return 0.02 if letter == " " else _MUTE_COST.get(letter, 0.75)


def _skip_phone_cost(phone: str) -> float:
    return 1.2 if phone == SILENCE else 0.9


def _assign(letters: str, phones: Sequence[str]) -> list[int]:
    """For each letter the phone that it stands for, or -1 where it is mute (dynamic programme)."""
    symbols, names = sorted(set(letters)), sorted(set(phones))
    table = np.array([[_match_cost(a, b) for b in names] for a in symbols])
    rows = [symbols.index(letter) for letter in letters]
    columns = [names.index(phone) for phone in phones]
    skip_phone = np.array([_skip_phone_cost(p) for p in phones])
    skipped = np.concatenate([[0.0], np.cumsum(skip_phone)])
    total = np.empty((len(letters) + 1, len(phones) + 1))
    total[0] = skipped
    came = np.zeros(total.shape, np.int8)
    came[0, 1:] = 2
    for i, letter in enumerate(letters, start=1):
        mute = total[i - 1] + _skip_letter_cost(letter)
        match = np.full_like(mute, np.inf)
        match[1:] = total[i - 1, :-1] + table[rows[i - 1]][columns]
        best = np.minimum(mute, match)
        # Skipping phones inside a row is a running minimum once their summed cost is taken off.
        total[i] = np.minimum.accumulate(best - skipped) + skipped
        # Between equals the letter is mute, so that of "ee" the first one stands for the phone.
        came[i] = np.where(total[i] < best - 1e-9, 2, np.where(match < mute - 1e-6, 1, 0))
    owners = [-1] * len(letters)
    i, j = len(letters), len(phones)
    while i > 0:
        step = came[i, j]
        if step == 1:
            owners[i - 1] = j - 1
            j -= 1
        if step == 2:
            j -= 1
        else:
            i -= 1
    return owners


def _spans(
    letters: str,
    phones: Sequence[str],
    owners: Sequence[int],
    start_s: npt.NDArray[np.float32],
    end_s: npt.NDArray[np.float32],
) -> list[tuple[str, float, float]]:
    """(symbol, start, end) of every letter that gets time, without a gap."""
    groups: list[tuple[int, str]] = []
    waiting = ""
    for letter, owner in zip(letters, owners, strict=True):
        if owner < 0 and groups:
            groups[-1] = (groups[-1][0], groups[-1][1] + letter)
        elif owner < 0:
            waiting += letter
        else:
            groups.append((owner, waiting + letter))
            waiting = ""
    spans: list[tuple[str, float, float]] = []
    for index, (owner, group) in enumerate(groups):
        begin = float(start_s[owner]) if spans else 0.0
        after = groups[index + 1][0] if index + 1 < len(groups) else len(phones)
        # Phones that no letter stands for (the s of an x) belong to the letter before, but a
        # pause inside is still a pause.
        stop = owner
        while stop + 1 < after and phones[stop + 1] != SILENCE:
            stop += 1
        begin = max(begin, spans[-1][2]) if spans else begin
        spans += _share(group, begin, float(end_s[stop]))
        if stop + 1 < after:
            pause_end = float(start_s[after] if after < len(phones) else end_s[-1])
            spans.append((" ", spans[-1][2], pause_end))
    return spans


def _share(group: str, begin: float, end: float) -> list[tuple[str, float, float]]:
    """Time of one phone over its letters: mute ones get one frame each, at most half in all."""
    if set(group) == {" "}:
        return [(" ", begin, end)]
    extra = group[1:]
    mark = min(_MARK_S, 0.5 * (end - begin) / len(extra)) if extra else 0.0
    at = end - mark * len(extra)
    spans = [(group[0], begin, at)]
    for letter in extra:
        spans.append((letter, at, at + mark))
        at += mark
    return spans


def _parted(spans: Sequence[tuple[str, float, float]]) -> LetterPath:
    """The spans as a path: spaces merged, a blank between two equal letters."""
    starts: list[float] = []
    ends: list[float] = []
    symbols: list[int] = []
    for letter, begin, end in spans:
        symbol = ALPHABET.index(letter)
        if end - begin < 1e-4:
            continue
        if symbols and symbol == symbols[-1]:
            if symbol == 0:
                ends[-1] = end
                continue
            middle = max(starts[-1], begin - _MARK_S)
            ends[-1] = middle
            starts.append(middle)
            ends.append(begin)
            symbols.append(BLANK)
        starts.append(begin)
        ends.append(end)
        symbols.append(symbol)
    return LetterPath(np.array(starts), np.array(ends), np.array(symbols, np.int64))
