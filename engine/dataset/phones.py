# SPDX-License-Identifier: GPL-3.0-or-later
"""The phone inventory: ARPAbet without stress, lower case, and `sil` for silence."""

from __future__ import annotations

VOWELS: tuple[str, ...] = (
    *("aa", "ae", "ah", "ao", "aw", "ay", "eh", "er"),
    *("ey", "ih", "iy", "ow", "oy", "uh", "uw"),
)
CONSONANTS: tuple[str, ...] = (
    *("b", "ch", "d", "dh", "f", "g", "hh", "jh", "k", "l", "m", "n"),
    *("ng", "p", "r", "s", "sh", "t", "th", "v", "w", "y", "z", "zh"),
)
SILENCE = "sil"
PHONES: tuple[str, ...] = (*VOWELS, *CONSONANTS, SILENCE)
"""All 40 symbols; the index in this tuple is the class of the phone head."""

MOUTH_CLASSES: dict[str, tuple[str, ...]] = {
    "closed": ("p", "b", "m"),
    "lip_to_teeth": ("f", "v"),
    "rounded": ("w", "uw", "ow", "uh", "ao", "oy", "sh", "zh", "ch", "jh", "r", "er"),
    "open": ("aa", "ae", "ah", "ay", "aw", "eh", "ey"),
    "spread": ("iy", "ih", "y"),
    "inner": ("t", "d", "s", "z", "n", "l", "th", "dh", "k", "g", "ng", "hh"),
    "rest": (SILENCE,),
}
"""Phones by what a viewer sees of them."""

_OTHER_NAMES = {"ax": "ah", "axr": "er", "ix": "ih", "pau": SILENCE, "ssil": SILENCE, "h#": SILENCE}


def to_arpabet(name: str) -> str:
    """The inventory's name for a phone of a dictionary or a synthesiser; noises are silence."""
    lowered = name.lower().rstrip("012")
    known = _OTHER_NAMES.get(lowered, lowered)
    return known if known in PHONES else SILENCE


# How well two phones may stand for each other when a pronunciation is matched to what was said.
_LIKE = (
    {"ih", "iy", "ey", "eh", "ah"},
    {"aa", "ao", "ow", "ah", "ae", "aw"},
    {"uh", "uw", "ow", "ah"},
    {"er", "r", "ah"},
    {"t", "d", "dh"},
    {"s", "z"},
    {"th", "dh", "f"},
    {"sh", "zh", "ch", "jh"},
    {"n", "ng", "m"},
    {"b", "p", "v"},
    {"k", "g"},
)


def phone_distance(one: str, other: str) -> float:
    """0 for the same phone, 0.4 for alike ones, 1 within vowels or consonants, 2 across."""
    if one == other:
        return 0.0
    if any(one in group and other in group for group in _LIKE):
        return 0.4
    return 1.0 if (one in VOWELS) == (other in VOWELS) else 2.0
