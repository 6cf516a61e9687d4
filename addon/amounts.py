# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders that scale a finished take, live: head, mouth, brows, eyelids, gaze.

Each is an Envelope modifier on the take's F-curves, which maps -1 ... 1 to -amount ... amount. The
keys stay as they are, and the file plays the same where Rhetor is not installed.
"""

from __future__ import annotations

from typing import Any, ClassVar

import bpy
from bpy.props import FloatProperty, PointerProperty

from . import compat
from .animation_checks import is_take
from .character import FACE, HEAD, Character, find_character
from .core.amount_groups import FACE_AMOUNTS, HEAD_AMOUNTS, amount_of

MODIFIER_NAME = "Rhetor amount"
_LARGEST = 4.0
_USUAL_LARGEST = 2.0


def _applies(amount: str) -> Any:
    def update(amounts: Any, _context: Any) -> None:
        scale(amounts.id_data, amount, getattr(amounts, amount))

    return update


def _slider(amount: str, name: str, description: str) -> Any:
    return FloatProperty(
        name=name,
        description=description,
        default=1.0,
        min=0.0,
        max=_LARGEST,
        soft_max=_USUAL_LARGEST,
        step=5,
        precision=2,
        options=set(),
        update=_applies(amount),
    )


class RHETOR_PG_amounts(bpy.types.PropertyGroup):
    """How much of a take is shown; 1 is as it was made."""

    head_rotation: _slider("head_rotation", "Rotation", "How far the head turns, nods and tilts")
    head_location: _slider("head_location", "Location", "How far the head moves to and fro")
    mouth: _slider("mouth", "Mouth", "How far jaw, lips and cheeks move")
    brows: _slider("brows", "Brows", "How far the brows move")
    eyelids: _slider("eyelids", "Eyelids", "How far the lids close and open")
    gaze: _slider("gaze", "Gaze", "How far the eyes look around")


class RHETOR_PT_amounts(bpy.types.Panel):
    """Scale what plays, without making it again."""

    bl_idname = "RHETOR_PT_amounts"
    bl_label = "Amounts"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """A take plays."""
        character = find_character(context.scene.rhetor.head)
        return character is not None and any(action for action, _ in playing(character))

    def draw(self, context: Any) -> None:
        """The sliders of the takes that play on head and face."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        character = find_character(context.scene.rhetor.head)
        for (action, names), heading in zip(playing(character), ("Head", "Face"), strict=True):
            if action is None:
                continue
            column = layout.column(align=True, heading=heading)
            for name in names:
                column.prop(action.rhetor_amounts, name, slider=True)


def playing(character: Character) -> tuple[tuple[Any | None, tuple[str, ...]], ...]:
    """The takes that play on head and face, None where none does, and the amounts of each."""
    found = []
    for part, names in ((HEAD, HEAD_AMOUNTS), (FACE, FACE_AMOUNTS)):
        owners = (owner for owner in character.owners if character.part_of(owner) == part)
        actions = (owner.animation_data.action for owner in owners if owner.animation_data)
        found.append((next(filter(is_take, actions), None), names))
    return tuple(found)


def scale(action: Any, amount: str, factor: float) -> None:
    """Scale all channels of an amount in a take; 1 leaves no trace."""
    for curve in compat.all_fcurves(action):
        if amount_of(curve.data_path) != amount:
            continue
        modifier = _our_modifier(curve)
        if factor == 1.0:
            if modifier is not None:
                curve.modifiers.remove(modifier)
            continue
        if modifier is None:
            modifier = _new_modifier(curve)
        # Not point by point: what Blender runs after setting one takes it for the modifier itself
        # and sometimes crashes (seen in 4.2 to 5.2).
        modifier.control_points.foreach_set("min", [-factor])
        modifier.control_points.foreach_set("max", [factor])
    action.update_tag()


def _our_modifier(curve: Any) -> Any | None:
    ours = (m for m in curve.modifiers if m.type == "ENVELOPE" and m.name == MODIFIER_NAME)
    return next(ours, None)


def _new_modifier(curve: Any) -> Any:
    modifier = curve.modifiers.new("ENVELOPE")
    modifier.name = MODIFIER_NAME
    modifier.reference_value, modifier.default_min, modifier.default_max = 0.0, -1.0, 1.0
    modifier.control_points.add(0.0)
    return modifier


CLASSES = (RHETOR_PG_amounts, RHETOR_PT_amounts)


def register() -> None:
    """Add `Action.rhetor_amounts`."""
    bpy.types.Action.rhetor_amounts = PointerProperty(type=RHETOR_PG_amounts)


def unregister() -> None:
    """Remove it; the modifiers stay with their takes."""
    del bpy.types.Action.rhetor_amounts
