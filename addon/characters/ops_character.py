# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up a character of one's own in one click."""

from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty

from ...engine.protocol.errors import RhetorError
from ..words import say
from .character_setup import set_up


class RHETOR_OT_set_up_character(bpy.types.Operator):
    """Find the bones and shape keys of this character that can take a performance"""

    bl_idname = "rhetor.set_up_character"
    bl_label = "Set Up Character"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    afresh: BoolProperty(
        name="Start Anew",
        description="Forget what was chosen and fitted for this character before",
        default=False,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        """A character is picked."""
        reason = "" if context.scene.rhetor.head is not None else "Pick a character first"
        if context.mode not in {"OBJECT", "POSE"}:
            reason = "Switch to Object Mode first"
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    def execute(self, context: Any) -> set[str]:
        """Look, store what was found, and tell."""
        try:
            summary = set_up(context.scene.rhetor.head, self.afresh)
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        for text in (*summary.missing, *summary.notes):
            self.report({"WARNING"}, say(text))
        self.report({"INFO"}, say(summary.line))
        return {"FINISHED"}


CLASSES = (RHETOR_OT_set_up_character,)
