# SPDX-License-Identifier: GPL-3.0-or-later
"""The mapping of a face as it is edited: a factor for each unit of the key that is chosen.

The mapping itself is the JSON text in `Object.rhetor_character`; the factors here read and write
it, so that nothing is stored twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import bpy
import numpy as np
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...engine.head.channels import EXPRESSION_NAMES
from ..core.key_mapping import KeyMapping
from .character import Character, find_character

_COLUMN = {name: column for column, name in enumerate(EXPRESSION_NAMES)}
_EMPTY = KeyMapping((), np.zeros((len(EXPRESSION_NAMES), 0)))
_FACTOR = "factor_"
_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}


@lru_cache(maxsize=16)
def _parsed(text: str) -> KeyMapping:
    return KeyMapping.from_json(text) if text else _EMPTY


def mapping_of(face: Any) -> KeyMapping:
    """The mapping of one face of the settings; empty where there is none."""
    return _parsed(face.mapping)


def set_mapping(face: Any, mapping: KeyMapping) -> None:
    """Store it. What the last fit told no longer holds."""
    face.mapping = mapping.to_json()
    face.id_data.rhetor_mapping.fitted = ""


def edited_character(context: Any) -> Character | None:
    """The character that is picked, where it is not our own head and has been set up."""
    character = find_character(context.scene.rhetor.head)
    return None if character is None or character.is_own_head else character


def active_face(root: bpy.types.Object) -> Any | None:
    """The face whose mapping is shown; None where there is none."""
    settings = root.rhetor_character
    faces = [face for face in settings.faces if face.mesh is not None]
    return faces[min(settings.active_face, len(faces) - 1)] if faces else None


def obstacle(context: Any) -> str:
    """Why the face's mapping cannot be edited; "" where it can."""
    character = edited_character(context)
    if character is None:
        return "Pick a character of your own, and set it up first"
    if character.root.library is not None:
        return "The character is linked: make a library override first"
    face = active_face(character.root)
    if face is None or face.mesh.data.shape_keys is None:
        return "The character has no mesh with shape keys"
    return ""


def active_key(root: bpy.types.Object) -> Any | None:
    """The shape key that is chosen in the table; None where there is none."""
    face = active_face(root)
    keys = None if face is None else face.mesh.data.shape_keys
    chosen = root.rhetor_mapping.active_key
    return keys.key_blocks[chosen] if keys and 0 < chosen < len(keys.key_blocks) else None


def with_factor(mapping: KeyMapping, key: str, unit: str, factor: float) -> KeyMapping:
    """A mapping in which a key follows a unit by a factor; a key that is new to it joins."""
    if key not in mapping.names:
        count = len(mapping.names)
        mapping = KeyMapping(
            (*mapping.names, key),
            np.hstack([mapping.weights, np.zeros((len(EXPRESSION_NAMES), 1))]),
            np.vstack([mapping.shows, np.zeros((1, len(EXPRESSION_NAMES)))]),
            np.vstack([mapping.ranges, [[0.0, 1.0]]]).reshape(count + 1, 2),
        )
    weights = mapping.weights.copy()
    weights[_COLUMN[unit], mapping.names.index(key)] = factor
    return replace(mapping, weights=weights)


def without_key(mapping: KeyMapping, key: str) -> KeyMapping:
    """A mapping that leaves a key alone."""
    return mapping.only([name for name in mapping.names if name != key])


def units_of(mapping: KeyMapping, key: str) -> dict[str, float]:
    """The units that a key follows, with their factors."""
    if key not in mapping.names:
        return {}
    column = mapping.weights[:, mapping.names.index(key)]
    return {EXPRESSION_NAMES[row]: float(column[row]) for row in np.flatnonzero(column)}


def shown_by(mapping: KeyMapping, key: str) -> dict[str, float]:
    """The units that a viseme shows; empty for other keys."""
    if key not in mapping.names:
        return {}
    row = mapping.shows[mapping.names.index(key)]
    return {EXPRESSION_NAMES[column]: float(row[column]) for column in np.flatnonzero(row)}


def follows(mapping: KeyMapping, key: str) -> bool:
    """Whether a performance moves a key."""
    return bool(units_of(mapping, key) or shown_by(mapping, key))


def factor_property(unit: str) -> str:
    """Name of the property that holds the chosen key's factor for a unit."""
    return f"{_FACTOR}{unit}"


def show_tested_unit(view: Any, _context: Any = None) -> None:
    """Show the tested unit on the character; at 0 the face is again as it was before."""
    root = view.id_data
    before = json.loads(view.before_test) if view.before_test else {}
    amounts = np.zeros((1, len(EXPRESSION_NAMES)))
    amounts[0, _COLUMN[view.test_unit]] = view.test_amount
    for face in root.rhetor_character.faces:
        keys = None if face.mesh is None else face.mesh.data.shape_keys
        if keys is None:
            continue
        mapping = mapping_of(face).only(keys.key_blocks.keys())
        values = mapping.targets(amounts)[0]
        known = before.setdefault(keys.name, {})
        for name, value in zip(mapping.names, values, strict=True):
            block = keys.key_blocks[name]
            known.setdefault(name, block.value)
            block.value = float(value) if view.test_amount else known[name]
    view.before_test = json.dumps(before) if view.test_amount else ""


def _factor(unit: str) -> Any:
    def read(view: Any) -> float:
        key, face = active_key(view.id_data), active_face(view.id_data)
        return units_of(mapping_of(face), key.name).get(unit, 0.0) if key and face else 0.0

    def write(view: Any, value: float) -> None:
        key, face = active_key(view.id_data), active_face(view.id_data)
        if key and face:
            set_mapping(face, with_factor(mapping_of(face), key.name, unit, value))

    return FloatProperty(
        name=unit,
        description=f"How far the key goes when {unit} is at 1",
        soft_min=0.0,
        soft_max=1.0,
        min=-10.0,
        max=10.0,
        step=5,
        override=_OVERRIDABLE,
        get=read,
        set=write,
    )


class RHETOR_PG_mapping(bpy.types.PropertyGroup):
    """The table of shape keys, and what is tried out."""

    active_key: IntProperty(name="Shape Key", options={"HIDDEN"}, min=0, override=_OVERRIDABLE)
    only_used: BoolProperty(
        name="Only Used",
        description="Hide the keys that a performance leaves alone",
        override=_OVERRIDABLE,
    )
    test_unit: EnumProperty(
        name="Unit",
        description="The expression unit to try on the character",
        items=[(name, name, "") for name in EXPRESSION_NAMES],
        default="jawOpen",
        override=_OVERRIDABLE,
        update=show_tested_unit,
    )
    test_amount: FloatProperty(
        name="Test",
        description=(
            "Show the unit on the character without keying anything. "
            "At 0 the face is again as it was"
        ),
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        override=_OVERRIDABLE,
        update=show_tested_unit,
    )
    before_test: StringProperty(
        name="Before the Test",
        description="What the keys were at before the test, as JSON",
        options={"HIDDEN"},
        override=_OVERRIDABLE,
    )
    fitted: StringProperty(
        name="Fit",
        description="How much of each unit the keys can show, as the last fit has found, as JSON",
        options={"HIDDEN"},
        override=_OVERRIDABLE,
    )


_factors: dict[str, Callable[..., Any]] = {factor_property(u): _factor(u) for u in EXPRESSION_NAMES}
RHETOR_PG_mapping.__annotations__.update(_factors)

CLASSES = (RHETOR_PG_mapping,)


def register() -> None:
    """Add `Object.rhetor_mapping`."""
    bpy.types.Object.rhetor_mapping = PointerProperty(type=RHETOR_PG_mapping, override=_OVERRIDABLE)


def unregister() -> None:
    """Remove it."""
    del bpy.types.Object.rhetor_mapping
