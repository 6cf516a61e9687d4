# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognise shape keys by their names, in the spellings and standards that are about.

Units of ARKit in any spelling (jawOpen, jaw_open, "Jaw Open", eyeBlink_L, head.JawOpen), as
MakeHuman's and ICT-FaceKit's face units have them too; Character Creator; VRM, VRoid and MMD; and
the viseme sets of `viseme_shapes.py`. Names say left and right from the character's point of view.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...engine.head.channels import EXPRESSION_NAMES
from .key_aliases import ALIASES
from .key_mapping import KeyMapping, is_mouth_unit
from .spelling import spellings
from .viseme_shapes import VISEME_SETS, VisemeSet

_COLUMN = {name: column for column, name in enumerate(EXPRESSION_NAMES)}
_ENOUGH_MOUTH_UNITS = 10
"""From so many on, a mouth is better told by its units than by whole visemes."""

_VISEME_PREFIX = re.compile(r"^(viseme|vis|v)(?=[a-z0-9]+$)")

_NEEDED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("opening the mouth", ("jawOpen",)),
    ("closing the lips", ("mouthClose", "mouthPressLeft", "mouthRollLower")),
    ("rounding the lips", ("mouthPucker", "mouthFunnel")),
    ("smiling", ("mouthSmileLeft", "mouthStretchLeft")),
    ("blinking", ("eyeBlinkLeft", "eyeBlinkRight")),
    ("raising the brows", ("browInnerUp", "browOuterUpLeft")),
    ("lowering the brows", ("browDownLeft",)),
    ("looking around", ("eyeLookUpLeft", "eyeLookOutLeft")),
)


@dataclass(frozen=True)
class Suggestion:
    """What the names of a mesh's shape keys tell.

    standards: whose names they are, the largest part first. missing: what no key is for, as ends of
    a sentence ("blinking").
    """

    mapping: KeyMapping
    standards: tuple[str, ...]
    missing: tuple[str, ...]


def suggest(key_names: Iterable[str]) -> Suggestion:
    """The mapping that names alone tell; keys that are not recognised are left out."""
    names = [name for name in dict.fromkeys(key_names) if name != "Basis"]
    direct, used = _direct_units(names)
    visemes, standard = _viseme_keys(names)
    mouth = sum(is_mouth_unit(unit) for unit in {u for row in direct.values() for u in row})
    if standard is not None and mouth < _ENOUGH_MOUTH_UNITS:
        direct = {name: row for name, row in direct.items() if not _is_spoken(row)}
        used[standard] = len(visemes)
    else:
        visemes = {}
    kept = tuple(name for name in names if name in direct or name in visemes)
    weights = np.array([_row(direct.get(name, {})) for name in kept]).reshape(-1, len(_COLUMN)).T
    shows = np.array([_row(visemes.get(name, {})) for name in kept]).reshape(-1, len(_COLUMN))
    shows[:, weights.any(axis=1)] = 0.0  # a unit with a key of its own is not told twice
    mapping = KeyMapping(kept, weights, shows)
    standards = sorted((s for s in used if used[s]), key=lambda standard: -used[standard])
    return Suggestion(mapping, tuple(standards), missing_in(mapping))


def missing_in(mapping: KeyMapping) -> tuple[str, ...]:
    """What of a performance these keys would not show, as ends of a sentence ("blinking")."""
    there = set(mapping.reached)
    if mapping.is_solved.any():
        there.add("mouthClose")  # without any viseme the lips are closed
    return tuple(what for what, any_of in _NEEDED if not there.intersection(any_of))


def missing_in_all(mappings: Iterable[KeyMapping]) -> tuple[str, ...]:
    """What none of a character's meshes shows; all there is where it has none."""
    gaps = [missing_in(mapping) for mapping in mappings]
    return tuple(what for what, _ in _NEEDED if all(what in ends for ends in gaps))


def _direct_units(names: Sequence[str]) -> tuple[dict[str, Mapping[str, float]], dict[str, int]]:
    """Units of each recognised key, and how many keys each standard has told.

    A standard adds only what those before it have left out, and within one a key for both sides
    only where there is none for each: nothing is moved twice.
    """
    found: dict[str, Mapping[str, float]] = {}
    used: dict[str, int] = {}
    for standard, table in ALIASES.items():
        before = {unit for units in found.values() for unit in units}
        matches = {name: units for name in names if (units := _look_up(name, table)) is not None}
        new: dict[str, Mapping[str, float]] = {}
        for name, units in sorted(matches.items(), key=lambda match: len(match[1])):
            covered = before | {unit for row in new.values() for unit in row if len(units) > 1}
            if name not in found and not covered & units.keys():
                new[name] = units
        found |= new
        used[standard] = len(new)
    return found, used


def _is_spoken(units: Iterable[str]) -> bool:
    """Whether a key shows what visemes are for; a smile or a frown goes on beside them."""
    return any(is_mouth_unit(u) and not u.startswith(("mouthSmile", "mouthFrown")) for u in units)


def _look_up(name: str, table: Mapping[str, Mapping[str, float]]) -> Mapping[str, float] | None:
    return next((table[spelling] for spelling in spellings(name) if spelling in table), None)


def _viseme_keys(names: Sequence[str]) -> tuple[dict[str, Mapping[str, float]], str | None]:
    """The fullest viseme set among keys with the same prefix: what each key shows, and its name."""
    groups: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for name in names:
        for prefix, token in _viseme_tokens(name):
            for standard in VISEME_SETS:
                if token in standard.shapes and _may_be(standard, prefix):
                    groups[standard.name, prefix].setdefault(token, name)
    best: tuple[dict[str, Mapping[str, float]], str | None] = ({}, None)
    for standard in VISEME_SETS:
        for (owner, _), tokens in groups.items():
            whole = standard.marks <= tokens.keys() and len(tokens) >= standard.fewest
            if owner == standard.name and whole and len(tokens) > len(best[0]):
                keys = {name: standard.shapes[token] for token, name in tokens.items()}
                best = (keys, standard.name)
    return best


def _may_be(standard: VisemeSet, prefix: str) -> bool:
    """Numbers alone tell nothing: they must be called visemes."""
    return not standard.name.startswith("Microsoft") or "v" in prefix


def _viseme_tokens(name: str) -> list[tuple[str, str]]:
    """(prefix, viseme) that a name may stand for."""
    whole = spellings(name)
    if not whole:
        return []
    pairs = [(whole[0][: len(whole[0]) - len(tail)], tail) for tail in whole]
    bare = _VISEME_PREFIX.sub("", whole[-1])
    if bare != whole[-1]:
        pairs.append((whole[0][: len(whole[0]) - len(bare)], bare))
    return [(prefix, token.lstrip("0") or "0") for prefix, token in pairs]


def _row(units: Mapping[str, float]) -> list[float]:
    row = [0.0] * len(_COLUMN)
    for unit, amount in units.items():
        row[_COLUMN[unit]] = amount
    return row
