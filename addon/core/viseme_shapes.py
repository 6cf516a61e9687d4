# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keys of known viseme sets show, in our 52 expression units.

A key at 1 is a clear, loud mouth, so that running speech uses about half of it. Amounts follow the
vowel chart and what lips and jaw must do for a consonant to be seen; a set made by another artist
differs in style, which the amounts need not follow exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_SIDES = ("Left", "Right")


@dataclass(frozen=True)
class VisemeSet:
    """A standard: its name, what each of its keys shows, and the keys by which it is known.

    shapes: by the key's name in lower case, without prefix. marks: all of them must be there.
    """

    name: str
    shapes: Mapping[str, Mapping[str, float]]
    marks: frozenset[str]
    fewest: int


def _mouth(jaw: float = 0.0, **parts: float) -> Mapping[str, float]:
    """Units of a mouth; a part with a side, such as mouthPress, is shown on both sides."""
    units = {"jawOpen": jaw}
    for part, amount in parts.items():
        if part in {"mouthFunnel", "mouthPucker", "mouthClose", "tongueOut"} or "Roll" in part:
            units[part] = amount
        else:
            units |= {f"{part}{side}": amount for side in _SIDES}
    return MappingProxyType({unit: amount for unit, amount in units.items() if amount})


_CLOSED = _mouth(mouthClose=0.1, mouthPress=0.4, mouthRollUpper=0.25, mouthRollLower=0.25)
_BITE = _mouth(0.05, mouthRollLower=0.7, mouthUpperUp=0.25)
_BETWEEN_TEETH = _mouth(0.15, mouthLowerDown=0.2, mouthUpperUp=0.1, tongueOut=0.35)
_TIP = _mouth(0.16, mouthLowerDown=0.3, mouthUpperUp=0.12, mouthStretch=0.1)
_BACK = _mouth(0.22, mouthLowerDown=0.2, mouthUpperUp=0.1, mouthStretch=0.08)
_HUSH = _mouth(0.08, mouthFunnel=0.6, mouthPucker=0.35, mouthUpperUp=0.1)
_HISS = _mouth(0.05, mouthLowerDown=0.35, mouthUpperUp=0.2, mouthStretch=0.3)
_R = _mouth(0.12, mouthFunnel=0.3, mouthPucker=0.4)
_L = _mouth(0.22, mouthLowerDown=0.2, mouthUpperUp=0.1, tongueOut=0.05)
_H = _mouth(0.2, mouthLowerDown=0.1)
_AA = _mouth(0.6, mouthLowerDown=0.3, mouthUpperUp=0.15, mouthStretch=0.05)
_AE = _mouth(0.5, mouthLowerDown=0.3, mouthUpperUp=0.15, mouthStretch=0.2)
_EH = _mouth(0.36, mouthLowerDown=0.3, mouthUpperUp=0.15, mouthStretch=0.3, mouthSmile=0.1)
_IH = _mouth(0.18, mouthLowerDown=0.3, mouthUpperUp=0.12, mouthStretch=0.4, mouthSmile=0.25)
_OH = _mouth(0.42, mouthFunnel=0.5, mouthPucker=0.25)
_OU = _mouth(0.14, mouthFunnel=0.25, mouthPucker=0.8)
_AW = _mouth(0.5, mouthFunnel=0.4, mouthPucker=0.15)
_UH = _mouth(0.25, mouthFunnel=0.25, mouthPucker=0.45)

_VOWELS = {"aa": _AA, "e": _EH, "i": _IH, "o": _OH, "u": _OU, "ih": _IH, "oh": _OH, "ou": _OU}
_CONSONANTS = {
    "pp": _CLOSED,
    "ff": _BITE,
    "th": _BETWEEN_TEETH,
    "dd": _TIP,
    "kk": _BACK,
    "ch": _HUSH,
    "ss": _HISS,
    "nn": _TIP,
    "rr": _R,
}
_MICROSOFT = (
    *(_AE, _AA, _AW, _EH, _R, _IH, _OU, _OH, _AA, _OH, _AA, _H, _R, _L),
    *(_HISS, _HUSH, _BETWEEN_TEETH, _BITE, _TIP, _BACK, _CLOSED),
)
"""Visemes 1 to 21 in order; 0 is silence."""

VISEME_SETS: tuple[VisemeSet, ...] = (
    VisemeSet("Meta visemes", _CONSONANTS | _VOWELS, frozenset({"pp", "ff", "aa"}), 10),
    VisemeSet(
        "Microsoft visemes",
        {str(number): shape for number, shape in enumerate(_MICROSOFT, start=1)},
        frozenset({"2", "18", "21"}),
        15,
    ),
    VisemeSet(
        "VRM vowels",
        {"a": _AA, "i": _IH, "u": _OU, "e": _EH, "o": _OH},
        frozenset("aiueo"),
        5,
    ),
    VisemeSet(
        "VRM 1.0 vowels",
        {"aa": _AA, "ih": _IH, "ou": _OU, "ee": _EH, "oh": _OH},
        frozenset({"aa", "ih", "ou", "ee", "oh"}),
        5,
    ),
    VisemeSet(
        "MMD vowels",
        {"あ": _AA, "い": _IH, "う": _OU, "え": _EH, "お": _OH},
        frozenset("あいうえお"),
        5,
    ),
    VisemeSet(
        "Character Creator visemes",
        {
            "open": _AA,
            "explosive": _CLOSED,
            "dentallip": _BITE,
            "tighto": _OH,
            "tight": _OU,
            "wide": _IH,
            "affricate": _HUSH,
            "lipopen": _TIP,
        },
        frozenset({"open", "explosive", "dentallip", "wide"}),
        6,
    ),
)
