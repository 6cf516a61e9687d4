# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two takes: one is pinned, the other is whichever was played last; a button flips."""

from typing import Any, ClassVar

import bpy
from bpy.props import PointerProperty, StringProperty

from ...engine.protocol.errors import RigError
from ..characters.character import Character
from ..words import say
from . import takes
from .comparison import compare
from .on_takes import BOTH, PARTS, OnTake, active_take, picked_character


class RHETOR_PG_comparison(bpy.types.PropertyGroup):
    """Which takes are compared, by id, and what was found. Belongs to the window, not the file."""

    pinned: StringProperty(name="Pinned", description="The take to compare with")
    other: StringProperty(name="Other", description="The take that was played last")
    difference: StringProperty(name="Difference", description="How far they are apart")


class RHETOR_OT_compare_take(OnTake, bpy.types.Operator):
    """Keep this take to compare others with: play another one, then flip between the two"""

    bl_idname = "rhetor.compare_take"
    bl_label = "Compare"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        """Pin it, or take the pin away."""
        entry = self.found(context)
        if entry is None:
            return {"CANCELLED"}
        state = context.window_manager.rhetor_comparison
        state.pinned = "" if state.pinned == entry.id else entry.id
        state.other = state.difference = ""
        return {"FINISHED"}


class RHETOR_OT_flip_takes(bpy.types.Operator):
    """Let the other one of the two takes play. Works while the animation plays"""

    bl_idname = "rhetor.flip_takes"
    bl_label = "Flip"
    bl_options: ClassVar[set[str]] = {"UNDO_GROUPED", "INTERNAL"}
    bl_undo_group = "rhetor.flip_takes"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Two takes are compared."""
        if compared(context) is None:
            cls.poll_message_set(say("Pin a take to compare with, then play another one"))
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Play the one that does not."""
        pinned, other = compared(context)
        playing = active_take(picked_character(context))
        wanted = other if playing is not None and playing.id == pinned.id else pinned
        try:
            takes.play(wanted, PARTS[BOTH], context.scene)
        except RigError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def compared(context: Any) -> tuple[takes.TakeEntry, takes.TakeEntry] | None:
    """The pinned take and the other one; None where there are not two."""
    character = picked_character(context)
    state = context.window_manager.rhetor_comparison
    if character is None or not state.other:
        return None
    pinned, other = (takes.find_take(character, take) for take in (state.pinned, state.other))
    return None if pinned is None or other is None else (pinned, other)


def note_played(context: Any, character: Character, entry: takes.TakeEntry) -> None:
    """A take has been played: where another one is pinned, it is compared with that."""
    state = context.window_manager.rhetor_comparison
    pinned = takes.find_take(character, state.pinned) if state.pinned else None
    if pinned is None or entry.id == pinned.id:
        return
    scale_length = context.scene.unit_settings.scale_length
    state.other = entry.id
    state.difference = compare(character, pinned, entry, scale_length).label


CLASSES = (RHETOR_PG_comparison, RHETOR_OT_compare_take, RHETOR_OT_flip_takes)


def register() -> None:
    """Add `WindowManager.rhetor_comparison`."""
    bpy.types.WindowManager.rhetor_comparison = PointerProperty(type=RHETOR_PG_comparison)


def unregister() -> None:
    """Remove it."""
    del bpy.types.WindowManager.rhetor_comparison
