# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel of amounts, for what plays on the character: takes, and lines of a dialogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import bpy

from .. import compat
from ..characters.character import HEAD, Character
from ..sequencer.placement import LINES_TRACK
from ..words import say
from . import amounts, nla, playback
from .on_takes import picked_character


@dataclass(frozen=True)
class Shown:
    """What plays on one data-block of a character. strip: where it plays through the NLA."""

    part: str
    action: Any
    slot: Any | None
    strip: Any | None = None
    is_line: bool = False


class _OnAmounts:
    """Acts on all takes that play."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Something is scaled."""
        character = picked_character(context)
        shown = () if character is None else playing(character, context.scene.frame_current)
        if not any(amounts.is_scaled(item.action) for item in shown if item.action.is_editable):
            cls.poll_message_set(say("All amounts are 1"))
            return False
        return True

    def actions(self, context: Any) -> tuple[Any, ...]:
        """Those of this file, each once."""
        shown = playing(picked_character(context), context.scene.frame_current)
        return tuple(dict.fromkeys(item.action for item in shown if item.action.is_editable))


class RHETOR_OT_reset_amounts(_OnAmounts, bpy.types.Operator):
    """Set all amounts of what plays to 1: it shows what its keys say"""

    bl_idname = "rhetor.reset_amounts"
    bl_label = "Reset Amounts"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        """Reset."""
        for action in self.actions(context):
            amounts.reset(action)
        return {"FINISHED"}


class RHETOR_OT_apply_amounts(_OnAmounts, bpy.types.Operator):
    """Scale the keys themselves and set all amounts to 1: it shows the same, and the curves in the
    Graph Editor are what is seen"""

    bl_idname = "rhetor.apply_amounts"
    bl_label = "Apply Amounts"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        """Apply."""
        for action in self.actions(context):
            amounts.apply(action)
        return {"FINISHED"}


class RHETOR_PT_amounts(bpy.types.Panel):
    """Scale what plays, without making it again."""

    bl_idname = "RHETOR_PT_amounts"
    bl_label = "Amounts"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    bl_order = 6

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Something plays."""
        character = picked_character(context)
        return bool(character and playing(character, context.scene.frame_current))

    def draw(self, context: Any) -> None:
        """Sliders for each action that plays, and keyable ones for strips of the NLA."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        drawn: set[tuple[Any, str]] = set()
        shown = playing(picked_character(context), context.scene.frame_current)
        for line in dict.fromkeys(item.strip.name for item in shown if item.is_line):
            layout.label(text=line, icon="NLA")
        for item in shown:
            column = layout.column(align=True)
            for amount in amounts.amounts_in(item.action, item.slot):
                if (item.action, amount) not in drawn:
                    drawn.add((item.action, amount))
                    column.prop(item.action.rhetor_amounts, amount, slider=True)
        _draw_influences(layout, shown)
        row = layout.row(align=True)
        row.operator("rhetor.reset_amounts", text="Reset")
        row.operator("rhetor.apply_amounts", text="Apply")


def playing(character: Character, frame: int) -> tuple[Shown, ...]:
    """What plays on each data-block of a character at a frame: a whole take, else a line."""
    return tuple(filter(None, (_shown_on(character, owner, frame) for owner in character.owners)))


def _shown_on(character: Character, owner: Any, frame: int) -> Shown | None:
    part, action = character.part_of(owner), playback.playing_action(owner)
    if action is None:
        return next(
            (
                Shown(part, strip.action, compat.strip_slot(strip), strip, is_line=True)
                for track, strip in _lines(owner)
                if strip.frame_start <= frame <= strip.frame_end and not track.mute
            ),
            None,
        )
    if playback.plays_as_strip(owner):
        strip = nla.take_strip(owner)
        return Shown(part, action, compat.strip_slot(strip), strip)
    return Shown(part, action, compat.assigned_slot(owner))


def _lines(owner: Any) -> Iterator[tuple[Any, Any]]:
    return ((track, strip) for track, strip in nla.all_strips(owner) if track.name == LINES_TRACK)


def _draw_influences(layout: Any, shown: tuple[Shown, ...]) -> None:
    """The influence of strips: it can be keyed, which the amounts of an action cannot."""
    keyed = [item for item in shown if item.strip and item.strip.use_animated_influence]
    column = layout.column(align=True)
    column.use_property_decorate = True
    for item in keyed:
        text = "Head Influence" if item.part == HEAD else "Face Influence"
        column.prop(item.strip, "influence", text=text, slider=True)


CLASSES = (RHETOR_OT_reset_amounts, RHETOR_OT_apply_amounts, RHETOR_PT_amounts)
