# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on a character's takes: play, duplicate, remove, restore settings, move to the NLA."""

import json
from typing import Any, ClassVar

import bpy
from bpy.props import EnumProperty

from ...engine.protocol.errors import RigError
from ..characters.character import FACE, HEAD
from ..keys_write import WrittenPart
from ..sequencer.voice import restore_voice
from ..words import say
from . import edits, playback, takes
from .on_takes import BOTH, PARTS, OnTake, picked_character, stored
from .ops_compare import note_played

_OPTIONS = {"REGISTER", "UNDO", "INTERNAL"}


class RHETOR_OT_play_take(OnTake, bpy.types.Operator):
    """Let this take play; the others stay in the file"""

    bl_idname = "rhetor.play_take"
    bl_label = "Play Take"
    bl_options: ClassVar[set[str]] = _OPTIONS

    part: EnumProperty(
        name="Part",
        description="What the take moves",
        items=[
            (BOTH, "Head and Face", "The whole take"),
            (HEAD, "Head", "The head's motion; the face keeps the take it has"),
            (FACE, "Face", "The face; the head keeps the take it has"),
        ],
        default=BOTH,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, _context: Any, properties: Any) -> str:
        """What this very button does."""
        items = properties.bl_rna.properties["part"].enum_items
        return say(f"Let this take play. {items[properties.part].description}")

    def execute(self, context: Any) -> set[str]:
        """Let its actions play."""
        entry = self.found(context)
        if entry is None:
            return {"CANCELLED"}
        try:
            displaced = takes.play(entry, PARTS[self.part], context.scene)
        except RigError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        for text in displaced.news:
            self.report({"INFO"}, say(text))
        note_played(context, picked_character(context), entry)
        return {"FINISHED"}


class RHETOR_OT_duplicate_take(OnTake, bpy.types.Operator):
    """Make a copy of this take and let it play, so that its keys can be edited"""

    bl_idname = "rhetor.duplicate_take"
    bl_label = "Duplicate Take"
    bl_options: ClassVar[set[str]] = _OPTIONS

    def execute(self, context: Any) -> set[str]:
        """Copy its actions, then let them play."""
        entry = self.found(context)
        if entry is None:
            return {"CANCELLED"}
        copy = takes.duplicate(picked_character(context), entry)
        try:
            takes.play(copy, PARTS[BOTH], context.scene)
        except RigError as error:
            takes.remove(copy)
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class RHETOR_OT_remove_take(OnTake, bpy.types.Operator):
    """Delete this take's keys from the file"""

    bl_idname = "rhetor.remove_take"
    bl_label = "Remove Take"
    bl_options: ClassVar[set[str]] = _OPTIONS

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask first where somebody has worked on it."""
        entry = self.found(context)
        if entry is None:
            return {"CANCELLED"}
        if not any(map(edits.is_edited, entry.actions)):
            return self.execute(context)
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Remove Take",
            message=f"{entry.name} has been edited by hand.",
            confirm_text="Remove",
            icon="WARNING",
        )

    def execute(self, context: Any) -> set[str]:
        """Remove its actions; undo brings them back."""
        entry = self.found(context)
        if entry is None:
            return {"CANCELLED"}
        name = entry.name
        try:
            takes.remove(entry)
        except RigError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        self.report({"INFO"}, say(f"{name} was removed"))
        return {"FINISHED"}


class RHETOR_OT_restore_settings(OnTake, bpy.types.Operator):
    """Set recording, style, seed and start as they were for this take, to make a variation of it"""

    bl_idname = "rhetor.restore_settings"
    bl_label = "Use Its Settings"
    bl_options: ClassVar[set[str]] = _OPTIONS

    def execute(self, context: Any) -> set[str]:
        """Read them from the take's action."""
        entry = self.found(context)
        if entry is None:
            return {"CANCELLED"}
        settings = context.scene.rhetor
        restore_voice(settings, entry.main)
        settings.style_name, settings.preset = stored(entry, "style"), stored(entry, "preset")
        settings.seed = int(stored(entry, "seed"))
        settings.eyes = bool(json.loads(stored(entry, "settings", "{}")).get("eyes", True))
        self.report({"INFO"}, say(f"The settings are those of {entry.name}"))
        return {"FINISHED"}


class RHETOR_OT_take_to_nla(OnTake, bpy.types.Operator):
    """Let what plays become NLA strips, one for the head and one for the face, whose influence can
    be keyed; or let it be the active action again"""

    bl_idname = "rhetor.take_to_nla"
    bl_label = "Move to NLA"
    bl_options: ClassVar[set[str]] = _OPTIONS

    def execute(self, context: Any) -> set[str]:
        """There, or back; the head of one take and the face of another stay as they are."""
        scene, entries = context.scene, takes.takes_of(picked_character(context))
        playing = [part for entry in entries for part in entry.parts if part.plays]
        parts = [WrittenPart(part.owner, part.action, part.slot) for part in playing]
        if not parts:
            self.report({"ERROR"}, say("No take plays."))
            return {"CANCELLED"}
        try:
            if all(playback.plays_as_strip(part.owner) for part in parts):
                playback.play_active(parts, (scene.frame_start, scene.frame_end))
            else:
                playback.play_as_strips(parts)
        except RigError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (
    RHETOR_OT_play_take,
    RHETOR_OT_duplicate_take,
    RHETOR_OT_remove_take,
    RHETOR_OT_restore_settings,
    RHETOR_OT_take_to_nla,
)
