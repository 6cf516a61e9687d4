# SPDX-License-Identifier: GPL-3.0-or-later
"""The Rhetor tab in the 3D view's sidebar. Shows what is known; computes nothing."""

from typing import Any, ClassVar

import bpy

from . import session
from .panel_styles import draw_style
from .panel_text import draw_error, draw_text
from .session import Phase

_BUTTON_HEIGHT = 1.6


class RHETOR_PT_main(bpy.types.Panel):
    """Recording, head, style, Animate."""

    bl_idname = "RHETOR_PT_main"
    bl_label = "Rhetor"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"

    def draw(self, context: Any) -> None:
        """Settings above, the button and what came of it below."""
        layout = self.layout
        settings = context.scene.rhetor
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(settings, "audio")
        column.prop(settings, "head")
        if settings.head is None:
            column.operator("rhetor.create_head", icon="OUTLINER_OB_ARMATURE")
        column = layout.column()
        draw_style(column, context)
        row = column.row(align=True)
        row.prop(settings, "seed")
        row.operator("rhetor.randomise_seed", text="", icon="FILE_REFRESH")
        column.prop(settings, "start_frame")
        _draw_action(layout)
        _draw_outcome(layout, context)


class RHETOR_PT_advanced(bpy.types.Panel):
    """What most people leave alone."""

    bl_idname = "RHETOR_PT_advanced"
    bl_label = "Advanced"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    bl_order = 1

    def draw(self, context: Any) -> None:
        """Networks, eyes, another head, the engine."""
        layout = self.layout
        settings = context.scene.rhetor
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "preset")
        layout.prop(settings, "eyes")
        if settings.head is not None:
            layout.operator("rhetor.create_head", text="Create Another Head")
        if session.current.engine_line:
            layout.label(text=session.current.engine_line)


def _draw_action(layout: Any) -> None:
    """The big button, or while it works how far it is."""
    if not session.current.is_working:
        row = layout.row()
        row.scale_y = _BUTTON_HEIGHT
        row.operator("rhetor.animate", icon="PLAY")
        return
    row = layout.row(align=True)
    row.scale_y = _BUTTON_HEIGHT
    row.progress(factor=session.current.fraction, text=session.current.stage)
    row.operator("rhetor.cancel", text="", icon="X")


def _draw_outcome(layout: Any, context: Any) -> None:
    """The last take, or what went wrong and what to do."""
    current = session.current
    if current.phase is Phase.DONE and current.written is not None:
        column = layout.column(align=True)
        column.label(text=current.written.title, icon="CHECKMARK")
        column.label(text=current.written.length, icon="BLANK1")
        for warning in (*current.engine_warnings, *current.written.warnings):
            draw_text(layout, context, warning, "INFO")
    elif current.phase is Phase.FAILED and current.error is not None:
        box = draw_error(layout, context, current.error)
        if current.unwritten is not None:
            box.operator("rhetor.redirect_take")


CLASSES = (RHETOR_PT_main, RHETOR_PT_advanced)
