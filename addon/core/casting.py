# SPDX-License-Identifier: GPL-3.0-or-later
"""Guess who speaks which strip of a dialogue."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spoken:
    """What is known of a strip. texts: its name, its channel's, its file's. speaker: who speaks
    it as far as a person has said, the number of a character, or None."""

    channel: int
    texts: tuple[str, ...]
    speaker: int | None = None


def cast(strips: Sequence[Spoken], characters: Sequence[str]) -> list[int | None]:
    """The number of the character that speaks each strip; None where that cannot be told.

    What a person has said stays. Else a character that is named on the strip speaks it; else who
    speaks the rest of its channel; else, as many channels as characters being left over, they are
    dealt out in order.
    """
    own = _own_words(characters)
    chosen = [s.speaker if s.speaker is not None else _named(s.texts, own) for s in strips]
    by_channel: dict[int, set[int]] = {}
    for strip, speaker in zip(strips, chosen, strict=True):
        speakers = by_channel.setdefault(strip.channel, set())
        if speaker is not None:
            speakers.add(speaker)
    busy = {speaker for speakers in by_channel.values() for speaker in speakers}
    free = [number for number in range(len(characters)) if number not in busy]
    for channel in sorted(channel for channel, speakers in by_channel.items() if not speakers):
        if len(characters) == 1:
            by_channel[channel] = {0}
        elif free:
            by_channel[channel] = {free.pop(0)}
    return [
        speaker if speaker is not None else _only(by_channel[strip.channel])
        for strip, speaker in zip(strips, chosen, strict=True)
    ]


def _own_words(characters: Sequence[str]) -> list[frozenset[str]]:
    """The words of each name that no other character's name has; numbers say nothing."""
    words = [frozenset(_words(name)) for name in characters]
    shared = {
        word for word, count in Counter(w for name in words for w in name).items() if count > 1
    }
    return [frozenset(w for w in name if w not in shared and not w.isdigit()) for name in words]


def _named(texts: Sequence[str], own: Sequence[frozenset[str]]) -> int | None:
    """The one character that is named, the strip's own name counting before its channel's."""
    for text in texts:
        found = [number for number, words in enumerate(own) if words & set(_words(text))]
        if len(found) == 1:
            return found[0]
    return None


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+", text.casefold())


def _only(speakers: set[int]) -> int | None:
    return next(iter(speakers)) if len(speakers) == 1 else None
