# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mouth aims at in each phone, and how firmly it insists on it.

Targets are amounts in [0, 1] of a few articulators; `articulation.py` blends them over time and
turns them into the 52 expression units. Openings follow vowel height, rounding and spreading the
vowel chart; the amounts suit conversational speech (jawOpen 0.05 ... 0.35, 34 mm at 1).
A dominance says how strongly a phone's target for a group of articulators holds against its
neighbours (Cohen & Massaro 1993): an /s/ must have its teeth together, a /k/ takes the lips as they
come.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Viseme:
    """Targets of one phone.

    jaw: jawOpen. pucker, funnel: rounding. spread: corners drawn back. low, up: lower lip lowered
    and upper lip raised beyond what the jaw does. tongue: tip between the teeth. close: lips meet.
    bite: lower lip under the upper teeth. *_firm: dominance over the group.
    """

    jaw: float
    jaw_firm: float = 1.0
    pucker: float = 0.0
    funnel: float = 0.0
    round_firm: float = 0.3
    spread: float = 0.0
    low: float = 0.0
    up: float = 0.0
    lips_firm: float = 0.5
    tongue: float = 0.0
    close: float = 0.0
    bite: float = 0.0


_REST = Viseme(0.0, 1.0, round_firm=0.8, lips_firm=0.8)
_CLOSED = Viseme(0.045, 2.0, round_firm=0.2, lips_firm=0.8, close=1.0)
_TEETH_ON_LIP = Viseme(0.05, 2.5, round_firm=0.4, up=0.20, lips_firm=1.5, bite=1.0)
_TIP = Viseme(0.09, 0.9, round_firm=0.2, spread=0.10, low=0.18, up=0.06, lips_firm=0.5)
_HISS = Viseme(0.03, 3.5, round_firm=0.3, spread=0.22, low=0.36, up=0.16, lips_firm=1.2)
_HUSH = Viseme(
    0.045, 3.5, pucker=0.32, funnel=0.46, round_firm=2.0, low=0.14, up=0.10, lips_firm=1.0
)
_BACK = Viseme(0.11, 0.6, round_firm=0.15, spread=0.06, low=0.16, up=0.04, lips_firm=0.4)
_BETWEEN_TEETH = Viseme(
    0.060, 2.2, round_firm=0.3, spread=0.08, low=0.10, up=0.03, lips_firm=1.0, tongue=0.36
)

VISEMES: dict[str, Viseme] = {
    "sil": _REST,
    "p": _CLOSED,
    "b": _CLOSED,
    "m": _CLOSED,
    "f": _TEETH_ON_LIP,
    "v": _TEETH_ON_LIP,
    "t": _TIP,
    "d": _TIP,
    "n": _TIP,
    "l": Viseme(
        0.13, 0.9, round_firm=0.3, spread=0.08, low=0.16, up=0.05, lips_firm=0.5, tongue=0.05
    ),
    "th": _BETWEEN_TEETH,
    "dh": Viseme(
        0.055, 1.8, round_firm=0.2, spread=0.08, low=0.09, up=0.02, lips_firm=0.8, tongue=0.20
    ),
    "s": _HISS,
    "z": _HISS,
    "sh": _HUSH,
    "zh": _HUSH,
    "ch": _HUSH,
    "jh": _HUSH,
    "k": _BACK,
    "g": _BACK,
    "ng": _BACK,
    "hh": Viseme(0.09, 0.2, round_firm=0.05, low=0.04, lips_firm=0.1),
    "y": Viseme(0.09, 1.2, round_firm=0.8, spread=0.32, low=0.20, up=0.06, lips_firm=0.8),
    "r": Viseme(0.06, 1.4, pucker=0.36, funnel=0.14, round_firm=1.3, low=0.04, lips_firm=0.8),
    "w": Viseme(0.035, 2.4, pucker=0.85, funnel=0.06, round_firm=3.5, lips_firm=1.5),
    "aa": Viseme(0.36, round_firm=0.6, spread=0.05, low=0.16, up=0.05, lips_firm=0.8),
    "ae": Viseme(0.33, 1.2, round_firm=0.8, spread=0.26, low=0.22, up=0.08, lips_firm=0.9),
    "ah": Viseme(0.23, round_firm=0.4, spread=0.06, low=0.12, up=0.03, lips_firm=0.6),
    "ao": Viseme(0.29, pucker=0.16, funnel=0.36, round_firm=1.3, low=0.08, lips_firm=0.8),
    "eh": Viseme(0.26, 1.1, round_firm=0.7, spread=0.24, low=0.22, up=0.09, lips_firm=0.9),
    "er": Viseme(0.13, 1.1, pucker=0.32, funnel=0.24, round_firm=1.2, low=0.10, lips_firm=0.7),
    "ih": Viseme(0.16, round_firm=0.6, spread=0.22, low=0.20, up=0.07, lips_firm=0.8),
    "iy": Viseme(0.11, 1.1, round_firm=1.0, spread=0.44, low=0.26, up=0.10, lips_firm=1.0),
    "uh": Viseme(0.14, pucker=0.42, funnel=0.22, round_firm=1.3, low=0.06, lips_firm=0.7),
    "uw": Viseme(0.085, 1.2, pucker=0.80, funnel=0.16, round_firm=2.2, lips_firm=1.2),
}

GLIDES: dict[str, tuple[str, str]] = {
    "aw": ("aa", "uh"),
    "ay": ("aa", "ih"),
    "ey": ("eh", "iy"),
    "ow": ("ao", "uw"),
    "oy": ("ao", "iy"),
}
"""Diphthongs move from one target to another."""
GLIDE_SPLIT = 0.55
"""Share of a diphthong's time that its first target has."""

VOWELS = frozenset(
    ("aa", "ae", "ah", "ao", "eh", "er", "ih", "iy", "uh", "uw", *GLIDES),
)
CLOSURES = frozenset(("p", "b", "m"))
OPEN_VOWELS = frozenset(("aa", "ae", "ao", "aw", "ay"))
"""Vowels whose lips must never meet."""
