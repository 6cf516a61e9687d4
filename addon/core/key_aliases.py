# SPDX-License-Identifier: GPL-3.0-or-later
"""Other names of our expression units: ARKit's spellings, Character Creator, VRM, MMD.

Each table maps a name in lower case without separators to the units that the key follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...engine.head.channels import EXPRESSION_NAMES

_SIDES = {"Left": "l", "Right": "r"}
_OTHER = {"Left": "Right", "Right": "Left"}

Table = dict[str, Mapping[str, float]]


def _both(unit: str, amount: float = 0.5) -> dict[str, float]:
    """A key for both sides follows the mean of two units."""
    return {f"{unit}{side}": amount for side in _SIDES}


def _one_side_each(names: Mapping[str, str]) -> Table:
    """Keys that end in L, R, left or right, by the start of their names and of the unit's."""
    return {
        f"{name}{ending}": {f"{unit}{side}": 1.0}
        for name, unit in names.items()
        for side, letter in _SIDES.items()
        for ending in (letter, side.lower())
    }


def _halves(names: Mapping[str, str]) -> Table:
    """Keys for the left and right half of a unit that has no sides."""
    return {
        f"{name}{ending}": {unit: 1.0}
        for name, unit in names.items()
        for side, letter in _SIDES.items()
        for ending in (letter, side.lower())
    }


def _arkit() -> Table:
    sided = {
        name[: -len(side)] for name in EXPRESSION_NAMES for side in _SIDES if _ends(name, side)
    }
    plain = [name for name in EXPRESSION_NAMES if not any(_ends(name, side) for side in _SIDES)]
    table: Table = {name.lower(): {name: 1.0} for name in plain}
    table |= _one_side_each({unit.lower(): unit for unit in sided})
    table |= {
        f"{side.lower()}{unit.lower()}": {f"{unit}{side}": 1.0} for unit in sided for side in _SIDES
    }
    table |= {unit.lower(): _both(unit) for unit in sided if not unit.startswith("eyeLook")}
    table |= {f"eyelook{way}": _both(f"eyeLook{way.title()}") for way in ("up", "down")}
    table |= _halves({name.lower(): name for name in ("browInnerUp", "cheekPuff")})
    for side, letter in _SIDES.items():
        table |= {f"{part}{letter}": {f"{part}{side}": 1.0} for part in ("jaw", "mouth")}
    return table


def _ends(name: str, side: str) -> bool:
    """Whether a unit exists for both sides; jawLeft and mouthLeft are directions."""
    base = name[: -len(side)]
    return name.endswith(side) and base not in {"jaw", "mouth"}


def _look(side: str) -> dict[str, float]:
    """Both eyes towards one side of the character."""
    return {f"eyeLookOut{side}": 0.5, f"eyeLookIn{_OTHER[side]}": 0.5}


def _character_creator() -> Table:
    table = _one_side_each(
        {
            "browdrop": "browDown",
            "browraiseouter": "browOuterUp",
            "cheekraise": "cheekSquint",
            "mouthdownlower": "mouthLowerDown",
            "mouthupupper": "mouthUpperUp",
        }
    )
    table |= _halves(
        {
            "browraiseinner": "browInnerUp",
            "mouthfunnelup": "mouthFunnel",
            "mouthfunneldown": "mouthFunnel",
            "mouthpuckerup": "mouthPucker",
            "mouthpuckerdown": "mouthPucker",
            "mouthrollinupper": "mouthRollUpper",
            "mouthrollinlower": "mouthRollLower",
        }
    )
    table |= {"mouthrollinupper": {"mouthRollUpper": 1.0}}
    table |= {"mouthrollinlower": {"mouthRollLower": 1.0}}
    for side, letter in _SIDES.items():
        table[f"eye{letter}lookup"] = {f"eyeLookUp{side}": 1.0}
        table[f"eye{letter}lookdown"] = {f"eyeLookDown{side}": 1.0}
        table[f"eye{letter}look{letter}"] = {f"eyeLookOut{side}": 1.0}
        table[f"eye{letter}look{_SIDES[_OTHER[side]]}"] = {f"eyeLookIn{side}": 1.0}
    return table


def _vrm() -> Table:
    table = _one_side_each({"blink": "eyeBlink", "fcleyeclose": "eyeBlink"})
    raised = {"browInnerUp": 0.4, "browOuterUpLeft": 0.3, "browOuterUpRight": 0.3}
    return table | {
        "blink": _both("eyeBlink"),
        "fcleyeclose": _both("eyeBlink"),
        "fcleyespread": _both("eyeWide"),
        "fclbrwsurprised": raised,
        "fclbrwangry": _both("browDown"),
        "fclmthfun": _both("mouthSmile"),
        "lookup": _both("eyeLookUp"),
        "lookdown": _both("eyeLookDown"),
        "lookleft": _look("Left"),
        "lookright": _look("Right"),
    }


ALIASES: Mapping[str, Table] = MappingProxyType(
    {
        "ARKit": _arkit(),
        "Character Creator": _character_creator(),
        "VRM": _vrm(),
        "MMD": {"まばたき": _both("eyeBlink"), "上": {"browInnerUp": 1.0}},
        "common names": {
            "mouthopen": {"jawOpen": 1.0},
            "eyesclosed": _both("eyeBlink"),
            "eyeclose": _both("eyeBlink"),
            "eyeslookup": _both("eyeLookUp"),
            "eyeslookdown": _both("eyeLookDown"),
            "smile": _both("mouthSmile"),
            "browsup": {"browInnerUp": 0.4, "browOuterUpLeft": 0.3, "browOuterUpRight": 0.3},
            "browsdown": _both("browDown"),
        },
    }
)
"""By standard; the earlier one wins where two have keys for the same unit."""
