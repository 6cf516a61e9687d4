# SPDX-License-Identifier: GPL-3.0-or-later
"""The Rhetor tab in the 3D view's sidebar. Shows what is known; computes nothing."""

from typing import Any, ClassVar

import bpy

from . import session
from .installation.first_run import draw_first_run
from .jobs.panel_jobs import draw_outcome, draw_queue
from .presets import RHETOR_PT_settings_presets
from .sequencer.voice import draw_voice
from .styles.panel_styles import draw_style
from .words import say

_BUTTON_HEIGHT = 1.6


class RHETOR_PT_main(bpy.types.Panel):
    """Recording, head, style, Animate."""

    bl_idname = "RHETOR_PT_main"
    bl_label = "Rhetor"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"

    def draw_header_preset(self, _context: Any) -> None:
        """Settings to choose from."""
        RHETOR_PT_settings_presets.draw_panel_header(self.layout)

    def draw(self, context: Any) -> None:
        """Settings above, the button and what came of it below."""
        layout = self.layout
        settings = context.scene.rhetor
        layout.use_property_split = True
        layout.use_property_decorate = False
        if draw_first_run(layout, context):
            return
        column = layout.column()
        draw_voice(column, context)
        column.prop(settings, "head")
        if settings.head is None:
            column.operator("rhetor.create_head", icon="OUTLINER_OB_ARMATURE")
        column = layout.column()
        draw_style(column, context)
        row = column.row(align=True)
        row.prop(settings, "seed")
        row.operator("rhetor.randomise_seed", text="", icon="FILE_REFRESH")
        _draw_action(layout)
        if session.current.running is not None:
            draw_queue(layout, context, session.current.running)
        draw_outcome(layout, context)


class RHETOR_PT_advanced(bpy.types.Panel):
    """What most people leave alone."""

    bl_idname = "RHETOR_PT_advanced"
    bl_label = "Advanced"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    bl_order = 9

    def draw(self, context: Any) -> None:
        """Networks, eyes, another head, the engine."""
        layout = self.layout
        settings = context.scene.rhetor
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "preset")
        layout.prop(settings, "eyes")
        layout.prop(settings, "existing")
        if settings.head is not None:
            layout.operator("rhetor.create_head", text="Create Another Head")
        if session.current.engine_line:
            layout.label(text=say(session.current.engine_line))


def _draw_action(layout: Any) -> None:
    """The big button; while something runs, it lets more join the line."""
    row = layout.row()
    row.scale_y = _BUTTON_HEIGHT
    if session.current.is_working:
        row.operator("rhetor.animate", text="Add to Queue", icon="ADD")
    else:
        row.operator("rhetor.animate", icon="PLAY")


CLASSES = (RHETOR_PT_main, RHETOR_PT_advanced)
