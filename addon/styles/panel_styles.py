# SPDX-License-Identifier: GPL-3.0-or-later
"""The style's row of the main panel, its menu, and the sub-panel in which styles are learnt."""

from typing import Any, ClassVar

import bpy

from ..panel_text import draw_error, draw_text, joined
from ..session import Phase
from ..words import say
from . import learning, style_menu

_THUMBNAIL_SCALE = 4.0
_POPUP_SCALE = 5.0
_THUMBNAIL_SHARE = 0.42
_BUTTON_HEIGHT = 1.3


class RHETOR_MT_styles(bpy.types.Menu):
    """What can be done with styles besides choosing one."""

    bl_idname = "RHETOR_MT_styles"
    bl_label = "Style Specials"

    def draw(self, _context: Any) -> None:
        """Draw the entries."""
        layout = self.layout
        layout.operator("rhetor.new_style", text="New Style from Video...", icon="FILE_MOVIE")
        layout.operator("rhetor.import_style", text="Import Style File...", icon="IMPORT")
        layout.separator()
        layout.operator("rhetor.remove_style", text="Remove Style", icon="TRASH")
        layout.separator()
        layout.operator("rhetor.open_styles_folder", icon="FILE_FOLDER")


class RHETOR_PT_styles(bpy.types.Panel):
    """Learn a person's style from video."""

    bl_idname = "RHETOR_PT_styles"
    bl_label = "Styles"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    bl_order = 4

    def draw_header_preset(self, _context: Any) -> None:
        """How far it is, for when the panel is closed."""
        if learning.current.is_working:
            self.layout.label(text=f"{learning.current.fraction:.0%}")

    def draw(self, context: Any) -> None:
        """What is being learnt and what came of the last, then what was left unfinished."""
        layout = self.layout
        current = learning.current
        if current.is_working:
            _draw_progress(layout, context)
        else:
            row = layout.row()
            row.scale_y = _BUTTON_HEIGHT
            row.operator("rhetor.new_style", text="New Style from Video...", icon="FILE_MOVIE")
            _draw_outcome(layout, context)
        for order in current.unfinished:
            _draw_unfinished(layout, order)


def draw_style(layout: Any, context: Any) -> None:
    """The style of the scene: its menu, picture and description."""
    settings = context.scene.rhetor
    row = layout.row(align=True)
    row.prop(settings, "style")
    row.menu("RHETOR_MT_styles", icon="DOWNARROW_HLT", text="")
    entry = style_menu.menu.entry(settings.style_name)
    reason = style_menu.obstacle(settings.style_name, settings.preset)
    if entry is None or not entry.is_usable or reason:
        draw_text(layout, context, reason, "ERROR")
        return
    split = layout.split(factor=_THUMBNAIL_SHARE)
    split.template_icon_view(
        settings, "style", show_labels=True, scale=_THUMBNAIL_SCALE, scale_popup=_POPUP_SCALE
    )
    draw_text(split.column(), context, entry.description, share=1.0 - _THUMBNAIL_SHARE)


def _draw_progress(layout: Any, context: Any) -> None:
    current = learning.current
    layout.label(text=current.order.label, icon="FILE_MOVIE")
    row = layout.row(align=True)
    row.progress(factor=current.fraction, text=say(current.stage))
    row.operator("rhetor.cancel_style", text="", icon="X")
    column = layout.column(align=True)
    known = joined(f"{current.fraction:.0%}", current.time_left)
    column.label(text=known, icon="TIME")
    _draw_warnings(column, context)
    if learning.tracking_dir(current.order.name).is_dir():
        layout.operator("rhetor.show_tracking", icon="IMAGE_DATA").name = current.order.name


def _draw_outcome(layout: Any, context: Any) -> None:
    current = learning.current
    if current.order is None:
        return
    if current.phase is Phase.DONE:
        layout.label(text=say(f"{current.order.label} is ready"), icon="CHECKMARK")
        _draw_warnings(layout, context)
        row = layout.row(align=True)
        if context.scene.rhetor.style_name != current.order.name:
            row.operator("rhetor.use_style").name = current.order.name
        if learning.tracking_dir(current.order.name).is_dir():
            row.operator("rhetor.show_tracking", icon="IMAGE_DATA").name = current.order.name
    elif current.phase is Phase.FAILED and current.error is not None:
        draw_error(layout, context, current.error)
        _draw_warnings(layout, context)


def _draw_warnings(layout: Any, context: Any) -> None:
    for warning in learning.current.warnings:
        draw_text(layout, context, warning, "INFO")


def _draw_unfinished(layout: Any, order: Any) -> None:
    box = layout.box()
    row = box.row(align=True)
    row.label(text=say(f"{order.label} is not finished"), icon="FILE_MOVIE")
    row.operator("rhetor.discard_style", text="", icon="X", emboss=False).name = order.name
    row = box.row(align=True)
    row.operator("rhetor.resume_style", icon="PLAY").name = order.name
    if learning.tracking_dir(order.name).is_dir():
        row.operator("rhetor.show_tracking", icon="IMAGE_DATA").name = order.name


CLASSES = (RHETOR_MT_styles, RHETOR_PT_styles)
