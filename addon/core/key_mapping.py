# SPDX-License-Identifier: GPL-3.0-or-later
"""From our 52 expression units to the shape keys that a character has.

A key is reached in one of two ways. By `weights` it follows units directly: a key named as ARKit
does, half of a smile, a fitted combination. By `shows` it is one of a set of whole mouths
(visemes), and says which units such a mouth shows; the set is then solved together at each frame.
A direct matrix from units to visemes would open "aa" with every jaw movement and add "oh", "E" and
"PP" on top of it, as all of them share units; the solution instead shares the mouth out among the
visemes so that their sum comes nearest to it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine.head.channels import EXPRESSION_NAMES
from ...engine.protocol.errors import RigError
from .bounded_fit import fit_bounded

Array = npt.NDArray[np.float64]

FORMAT = "rhetor-mapping"
VERSION = 1
_UNITS = len(EXPRESSION_NAMES)
_COLUMN = {name: column for column, name in enumerate(EXPRESSION_NAMES)}
_SMALLEST_STORED = 1e-4
_DEFAULT_RANGE = (0.0, 1.0)
_PERCENT = 10.0
"""A slider that goes further than this counts in percent or the like."""

_JAW_IMPORTANCE = 3.0
"""The jaw moves about so much more of the face than a unit of the lips."""

_CHOOSE_AGAIN = "Choose a mapping that Rhetor has saved."


@dataclass(frozen=True)
class KeyMapping:
    """How M shape keys follow the 52 units (columns EXPRESSION_NAMES).

    names: the keys. weights: (52, M), how much of each key per unit; usually not negative, but a
    key that serves two directions has both signs. shows: (M, 52), the units that a key of a viseme
    set shows in full; zeros for all others, which is the default. ranges: (M, 2) smallest and
    largest value of each key, by default 0 and 1.
    Raises RigError where these disagree.
    """

    names: tuple[str, ...]
    weights: Array
    shows: Array = field(default_factory=lambda: np.zeros(0))
    ranges: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        count = len(self.names)
        if not self.shows.size:
            object.__setattr__(self, "shows", np.zeros((count, _UNITS)))
        if not self.ranges.size:
            object.__setattr__(self, "ranges", np.tile(_DEFAULT_RANGE, (count, 1)))
        shapes = (self.weights.shape, self.shows.shape, self.ranges.shape)
        numbers = (self.weights, self.shows, self.ranges)
        if shapes != ((_UNITS, count), (count, _UNITS), (count, 2)) or not all(
            np.isfinite(array).all() for array in numbers
        ):
            raise RigError("The mapping of shape keys is inconsistent.", _CHOOSE_AGAIN)
        if len(set(self.names)) != count:
            raise RigError("The mapping names a shape key twice.", _CHOOSE_AGAIN)

    @property
    def is_solved(self) -> npt.NDArray[np.bool_]:
        """(M,) whether a key is one of the viseme set that is solved together."""
        return np.asarray((self.shows != 0.0).any(axis=1))

    @property
    def reached(self) -> tuple[str, ...]:
        """The units that move at least one key."""
        moves = (self.weights != 0.0).any(axis=1) | (self.shows != 0.0).any(axis=0)
        return tuple(name for name, does in zip(EXPRESSION_NAMES, moves, strict=True) if does)

    @property
    def full_values(self) -> Array:
        """(M,) the value at which a key shows what it is for: 1, or its largest for percents."""
        largest = self.ranges[:, 1]
        return np.where(largest > _PERCENT, largest, 1.0)

    def targets(self, expression: npt.ArrayLike) -> Array:
        """Key values (T, M) for unit weights (T, 52), within each key's range."""
        units = np.asarray(expression, dtype=np.float64)
        full = self.full_values
        values = units @ self.weights
        solved = self.is_solved
        if solved.any():
            most = self.ranges[solved, 1] / full[solved]
            values[:, solved] += fit_bounded(_lips(self.shows[solved]), _lips(units), most)
        return np.asarray(np.clip(values * full, self.ranges[:, 0], self.ranges[:, 1]))

    def with_ranges(self, ranges: npt.ArrayLike) -> KeyMapping:
        """The same for keys whose sliders go from ranges[:, 0] to ranges[:, 1]."""
        return replace(self, ranges=np.asarray(ranges, dtype=np.float64))

    def only(self, names: Collection[str]) -> KeyMapping:
        """The part for some of the keys; names that it does not have are left out."""
        rows = [row for row, name in enumerate(self.names) if name in set(names)]
        kept = tuple(self.names[row] for row in rows)
        return KeyMapping(kept, self.weights[:, rows], self.shows[rows], self.ranges[rows])

    def without_units(self, units: Sequence[str]) -> KeyMapping:
        """The same, deaf to some units: what bones show is not shown by keys as well."""
        columns = [_COLUMN[name] for name in units]
        weights, shows = self.weights.copy(), self.shows.copy()
        weights[columns] = 0.0
        shows[:, columns] = 0.0
        return replace(self, weights=weights, shows=shows)

    def to_json(self) -> str:
        """As text, by names, without what is zero."""
        keys = [
            {
                "name": name,
                "range": [float(bound) for bound in self.ranges[index]],
                "units": _sparse(self.weights[:, index]),
                "shows": _sparse(self.shows[index]),
            }
            for index, name in enumerate(self.names)
        ]
        return json.dumps({"format": FORMAT, "version": VERSION, "keys": keys}, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> KeyMapping:
        """The inverse of `to_json`. Raises RigError where the text is no such mapping."""
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                raise RigError("This is no mapping of shape keys.", _CHOOSE_AGAIN)
            if data["version"] != VERSION:
                raise RigError("A newer Rhetor has made this mapping.", "Update Rhetor.")
            keys = data["keys"]
            return KeyMapping(
                tuple(str(key["name"]) for key in keys),
                np.array([_dense(key.get("units", {})) for key in keys]).reshape(-1, _UNITS).T,
                np.array([_dense(key.get("shows", {})) for key in keys]).reshape(-1, _UNITS),
                np.array([key.get("range", _DEFAULT_RANGE) for key in keys], float).reshape(-1, 2),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RigError(f"The mapping cannot be read ({error}).", _CHOOSE_AGAIN) from error


def same_names(names: Sequence[str]) -> KeyMapping:
    """The mapping of a mesh whose keys have our own names; other keys are left alone."""
    ours = tuple(name for name in names if name in _COLUMN)
    weights = np.zeros((_UNITS, len(ours)))
    for index, name in enumerate(ours):
        weights[_COLUMN[name], index] = 1.0
    return KeyMapping(ours, weights)


def is_mouth_unit(unit: str) -> bool:
    """Whether a unit is among those that visemes are made of."""
    return unit.startswith(("jaw", "mouth", "tongue"))


def _lips(units: Array) -> Array:
    """Units (N, 52) as what is compared between mouths: the lips are open as far as the jaw is,
    less what closes them."""
    seen = units * [is_mouth_unit(name) for name in EXPRESSION_NAMES]
    seen[:, _COLUMN["jawOpen"]] -= seen[:, _COLUMN["mouthClose"]]
    seen[:, _COLUMN["jawOpen"]] *= _JAW_IMPORTANCE
    return seen


def _sparse(row: Array) -> dict[str, float]:
    return {
        name: round(float(value), 6)
        for name, value in zip(EXPRESSION_NAMES, row, strict=True)
        if abs(value) > _SMALLEST_STORED
    }


def _dense(units: Mapping[str, Any]) -> Array:
    row = np.zeros(_UNITS)
    for name, value in units.items():
        row[_COLUMN[name]] = float(value)
    return row
