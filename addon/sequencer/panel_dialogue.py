# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel of the dialogue: a table of strips and their speakers."""

from typing import Any, ClassVar

import bpy

from .. import compat
from ..panel_text import draw_text
from .dialogue_settings import find_speaker

_BUTTON_HEIGHT = 1.3
_ROWS = 4


class RHETOR_UL_lines(bpy.types.UIList):
    """A row for each line: whether it is animated, its strip, who speaks it."""

    bl_idname = "RHETOR_UL_lines"

    def draw_item(
        self,
        context: Any,
        layout: Any,
        _data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
    ) -> None:
        """Draw one line; a muted strip is not spoken."""
        editor = compat.sequencer_scene(context).sequence_editor
        strip = None if editor is None else compat.all_sequencer_strips(editor).get(item.strip)
        row = layout.row(align=True)
        row.use_property_split = False
        row.prop(item, "use", text="")
        names = row.split(factor=0.5, align=True)
        names.active = item.use and strip is not None and not strip.mute
        names.label(text=item.strip, icon=_icon_of(strip))
        names.prop(item, "character", text="")


class RHETOR_PT_dialogue(bpy.types.Panel):
    """Several strips for several characters."""

    bl_idname = "RHETOR_PT_dialogue"
    bl_label = "Dialogue"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    bl_order = 2

    def draw(self, context: Any) -> None:
        """The table, the speaker of the chosen line, the button."""
        layout = self.layout
        dialogue = context.scene.rhetor_dialogue
        layout.use_property_split = True
        layout.use_property_decorate = False
        if not len(dialogue.lines):
            draw_text(layout, context, "Put the recordings into the sequencer, one after another.")
            layout.operator("rhetor.fill_dialogue", icon="SEQ_SEQUENCER")
            return
        row = layout.row()
        row.template_list(
            "RHETOR_UL_lines", "", dialogue, "lines", dialogue, "active_line", rows=_ROWS
        )
        column = row.column(align=True)
        column.operator("rhetor.fill_dialogue", text="", icon="FILE_REFRESH")
        column.operator("rhetor.edit_dialogue", text="", icon="REMOVE").what = "ACTIVE"
        column.operator("rhetor.edit_dialogue", text="", icon="X").what = "ALL"
        _draw_speaker(layout, dialogue)
        row = layout.row()
        row.scale_y = _BUTTON_HEIGHT
        row.operator("rhetor.animate_dialogue", icon="PLAY")


def _draw_speaker(layout: Any, dialogue: Any) -> None:
    """How the character of the chosen line performs, in all its lines."""
    if dialogue.active_line >= len(dialogue.lines):
        return
    root = dialogue.lines[dialogue.active_line].character
    speaker = None if root is None else find_speaker(dialogue, root)
    if speaker is None:
        return
    column = layout.column(heading=root.name)
    column.prop(speaker, "listens")
    column.prop(speaker, "style")
    column.prop(speaker, "seed")


def _icon_of(strip: Any | None) -> str:
    if strip is None:
        return "ERROR"
    return "MUTE_IPO_OFF" if strip.mute else "SOUND"


CLASSES = (RHETOR_UL_lines, RHETOR_PT_dialogue)
