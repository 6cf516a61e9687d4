# SPDX-License-Identifier: GPL-3.0-or-later
"""In the sequencer: animate a character to the strip that is active there.

Sound files that are dropped on the sequencer are left to Blender, which makes strips of them.
"""

from typing import Any, ClassVar

import bpy

from .. import compat, session
from ..jobs.panel_jobs import draw_outcome, draw_queue
from ..styles.panel_styles import draw_style
from ..words import say
from .voice import STRIP

_HAS_SOUND = {"SOUND", "META"}


class RHETOR_OT_animate_strip(bpy.types.Operator):
    """Key the head's performance to what the active sound strip plays, where it plays. The keys
    follow the strip"""

    bl_idname = "rhetor.animate_strip"
    bl_label = "Animate Strip"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """A sound strip is active, and a head is picked."""
        strip = compat.active_sequencer_strip(context)
        reason = "" if context.scene.rhetor.head else "Pick a head in the 3D view's tab Rhetor"
        if strip is None or strip.type not in _HAS_SOUND:
            reason = "Select a sound strip"
        elif strip.mute:
            reason = "The strip is muted"
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """With a window: start, and return at once."""
        return self._animate(context, "INVOKE_DEFAULT")

    def execute(self, context: Any) -> set[str]:
        """From scripts and in the background: return when the keys are written."""
        return self._animate(context, "EXEC_DEFAULT")

    def _animate(self, context: Any, way: str) -> set[str]:
        settings = context.scene.rhetor
        settings.source, settings.strip = STRIP, compat.active_sequencer_strip(context).name
        try:
            return bpy.ops.rhetor.animate(way)
        except RuntimeError as error:
            reason = session.current.error or str(error).strip().removeprefix("Error: ")
            self.report({"ERROR"}, say(reason))
            return {"CANCELLED"}


class RHETOR_PT_sequencer(bpy.types.Panel):
    """The active strip as a voice."""

    bl_idname = "RHETOR_PT_sequencer"
    bl_label = "Rhetor"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Rhetor"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where strips are shown."""
        return context.space_data.view_type in {"SEQUENCER", "SEQUENCER_PREVIEW"}

    def draw(self, context: Any) -> None:
        """Who is to speak the strip, and how."""
        layout = self.layout
        settings = context.scene.rhetor
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(settings, "head")
        draw_style(column, context)
        column.prop(settings, "seed")
        if session.current.running is not None:
            draw_queue(layout, context, session.current.running)
        strip = compat.active_sequencer_strip(context)
        is_sound = strip is not None and strip.type in _HAS_SOUND
        text = f"Animate {strip.name}" if is_sound else "Animate Strip"
        layout.operator("rhetor.animate_strip", text=text, icon="PLAY")
        draw_outcome(layout, context)


def _draw_in_menu(menu: Any, context: Any) -> None:
    strip = compat.active_sequencer_strip(context)
    if strip is not None and strip.type in _HAS_SOUND:
        menu.layout.separator()
        menu.layout.operator("rhetor.animate_strip", text="Animate Strip (Rhetor)", icon="USER")


CLASSES = (RHETOR_OT_animate_strip, RHETOR_PT_sequencer)


def register() -> None:
    """Add to the context menu of strips."""
    bpy.types.SEQUENCER_MT_context_menu.append(_draw_in_menu)


def unregister() -> None:
    """Leave the menu as it was."""
    bpy.types.SEQUENCER_MT_context_menu.remove(_draw_in_menu)
