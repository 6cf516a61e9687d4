# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators of the dialogue's table: fill it, animate it."""

from typing import Any, ClassVar

import bpy
from bpy.props import EnumProperty

from .. import compat, prefs, session
from ..characters.character import find_character
from ..core.casting import Spoken, cast
from ..jobs.order_giver import OrderGiver
from ..words import say
from .dialogue import Dialogue, characters_of, read_dialogue
from .dialogue_play import mute_unspoken
from .sound_strips import sound_strips


class RHETOR_OT_fill_dialogue(bpy.types.Operator):
    """Add a line for every sound strip of the sequencer, and guess who speaks it by names and
    channels. Lines that are there stay as they are"""

    bl_idname = "rhetor.fill_dialogue"
    bl_label = "Fill from Sequencer"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is a sequencer with strips."""
        editor = compat.sequencer_scene(context).sequence_editor
        if editor is None or not len(compat.sequencer_strips(editor)):
            cls.poll_message_set(say("Add sound strips to the sequencer first"))
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Keep what a person has chosen; drop lines whose strip is gone."""
        dialogue = context.scene.rhetor_dialogue
        strips = sound_strips(compat.sequencer_scene(context))
        if not strips:
            self.report(
                {"ERROR"}, say("The sequencer has no sound strip. Add the recordings there.")
            )
            return {"CANCELLED"}
        kept = {row.strip: (row.character, row.use) for row in dialogue.lines}
        characters = characters_of(context.scene)
        roots = [character.root for character in characters]
        spoken = [
            Spoken(
                strip.channel,
                (strip.name, strip.channel_name, strip.file.stem),
                _number(roots, kept.get(strip.name, (None, True))[0]),
            )
            for strip in strips
        ]
        guessed = cast(spoken, [character.name for character in characters])
        dialogue.lines.clear()
        for strip, speaker in zip(strips, guessed, strict=True):
            row = dialogue.lines.add()
            row.strip = strip.name
            row.use = kept.get(strip.name, (None, True))[1]
            row.character = None if speaker is None else roots[speaker]
        dialogue.active_line = min(dialogue.active_line, len(dialogue.lines) - 1)
        open_lines = sum(speaker is None for speaker in guessed)
        said = f", {open_lines} without a speaker" if open_lines else ""
        self.report({"INFO"}, say(f"{len(strips)} lines{said}"))
        return {"FINISHED"}


class RHETOR_OT_edit_dialogue(bpy.types.Operator):
    """Change the table of lines; strips and animation stay as they are"""

    bl_idname = "rhetor.edit_dialogue"
    bl_label = "Remove Lines"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    what: EnumProperty(
        name="What",
        description="What is taken away",
        items=[
            ("ACTIVE", "Remove Line", "Remove the chosen line from the table"),
            ("ALL", "Remove All Lines", "Empty the table"),
        ],
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is a line."""
        if not len(context.scene.rhetor_dialogue.lines):
            cls.poll_message_set(say("There is no line"))
            return False
        return True

    @classmethod
    def description(cls, _context: Any, properties: Any) -> str:
        """What this very button does."""
        item = properties.bl_rna.properties["what"].enum_items[properties.what]
        return say(f"{item.description}; strips and animation stay as they are")

    def execute(self, context: Any) -> set[str]:
        """Remove them from the table."""
        dialogue = context.scene.rhetor_dialogue
        if self.what == "ALL":
            dialogue.lines.clear()
        else:
            dialogue.lines.remove(dialogue.active_line)
        dialogue.active_line = max(0, min(dialogue.active_line, len(dialogue.lines) - 1))
        return {"FINISHED"}


class RHETOR_OT_animate_dialogue(OrderGiver, bpy.types.Operator):
    """Let every character speak its lines and listen to the others, as strips of the NLA. Only
    what has changed since the last time is made again"""

    bl_idname = "rhetor.animate_dialogue"
    bl_label = "Animate Dialogue"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There are lines, and an engine."""
        reason = ""
        if not any(row.use for row in context.scene.rhetor_dialogue.lines):
            reason = "Press Fill from Sequencer, and tick the lines to animate"
        elif not prefs.engine_python_setting(context):
            reason = "Install the engine first: the button is at the top of this tab"
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    def submit(self, context: Any) -> bool:
        """All that is not there yet; who does not speak any more is muted."""
        dialogue = read_dialogue(context)
        orders = dialogue.missing_orders(prefs.device(context))
        _mute_unspoken(context, dialogue)
        dialogue.fit_blends()
        session.current.submit_all(orders, prefs.engine_python(context))
        for said in dialogue.overlaps():
            self.report({"WARNING"}, say(said))
        done = "Everything is up to date" if not orders else f"Performances to make: {len(orders)}"
        self.report({"INFO"}, say(done))
        return True


def _mute_unspoken(context: Any, dialogue: Dialogue) -> None:
    editor = compat.sequencer_scene(context).sequence_editor
    strips = compat.all_sequencer_strips(editor)
    spoken = dialogue.spoken
    for character in characters_of(context.scene):
        own = [strips[name] for name in spoken.get(character.root, ())]
        for owner in character.owners:
            mute_unspoken(owner, own)


def _number(roots: list[Any], item: Any) -> int | None:
    character = find_character(item)
    return None if character is None else roots.index(character.root)


CLASSES = (RHETOR_OT_fill_dialogue, RHETOR_OT_edit_dialogue, RHETOR_OT_animate_dialogue)
