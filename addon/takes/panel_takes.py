# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel of takes: play one after another, mix heads and faces, compare, make again."""

import contextlib
import time
from typing import Any

import bpy
from bpy.props import IntProperty

from ...engine.protocol.errors import RigError
from ..characters.character import FACE, HEAD, find_character
from ..keys_write import TAKE_MARK
from ..panel_text import draw_text
from ..words import say
from . import edits, takes
from .on_takes import BOTH, PARTS, active_take, picked_character, stored
from .ops_compare import compared, note_played
from .playback import plays_as_strip

_PART_ICONS = {HEAD: "BONE_DATA", FACE: "SHAPEKEY_DATA"}
_ROWS = 4


class RHETOR_UL_takes(bpy.types.UIList):
    """The character's takes, out of all actions, in the order in which they were made."""

    bl_idname = "RHETOR_UL_takes"

    def filter_items(self, context: Any, data: Any, propname: str) -> tuple[list[int], list[int]]:
        """Which actions are takes of the character, and where each of them goes."""
        actions = getattr(data, propname)
        entries = _entries(context)
        shown = {entry.main: place for place, entry in enumerate(entries)}
        flags = self._named(actions) if self.filter_name else [self.bitflag_filter_item]
        if len(flags) != len(actions):
            flags = [self.bitflag_filter_item] * len(actions)
        flags = [
            flag if action in shown else 0 for flag, action in zip(flags, actions, strict=True)
        ]
        later = iter(range(len(entries), len(actions)))
        return flags, [shown[action] if action in shown else next(later) for action in actions]

    def draw_item(
        self, context: Any, layout: Any, _data: Any, item: Any, _icon: Any, _holder: Any, _prop: str
    ) -> None:
        """Its name, to be changed in place, and on what it plays."""
        entry = takes.find_take(picked_character(context), item.get(TAKE_MARK, ""))
        if entry is None:
            return
        row = layout.row(align=True)
        row.prop(entry.main, "name", text="", emboss=False)
        if any(map(edits.known_edited, entry.actions)):
            row.label(text="", icon="GREASEPENCIL")
        for part, symbol in _PART_ICONS.items():
            if part in {one.part for one in entry.parts}:
                plays = part in entry.plays
                _play_button(row, entry, part, text="", icon=symbol, depress=plays)

    def _named(self, actions: Any) -> list[int]:
        names = bpy.types.UI_UL_list.filter_items_by_name
        return list(names(self.filter_name, self.bitflag_filter_item, actions, "name"))


class RHETOR_MT_take(bpy.types.Menu):
    """What else can be done with the take that plays."""

    bl_idname = "RHETOR_MT_take"
    bl_label = "Take"

    def draw(self, context: Any) -> None:
        """Operators on the take that plays."""
        layout = self.layout
        active = active_take(picked_character(context))
        layout.operator("rhetor.restore_settings", icon="OPTIONS")
        layout.operator("rhetor.make_take_again", icon="FILE_REFRESH")
        layout.operator("rhetor.reproduce_take", icon="CHECKMARK")
        layout.separator()
        there = active is not None and all(plays_as_strip(p.owner) for p in active.parts)
        back = "Move Back from NLA" if there else "Move to NLA"
        layout.operator("rhetor.take_to_nla", text=back, icon="NLA")
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("rhetor.export_take", text="Export...", icon="EXPORT")


class RHETOR_PT_takes(bpy.types.Panel):
    """All takes of the head."""

    bl_idname = "RHETOR_PT_takes"
    bl_label = "Takes"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_order = 5

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is at least one."""
        character = picked_character(context)
        return character is not None and takes.has_takes(character)

    def draw(self, context: Any) -> None:
        """The list, what can be done, and what the playing take was made of."""
        layout = self.layout
        row = layout.row()
        row.template_list(
            "RHETOR_UL_takes",
            "",
            bpy.data,
            "actions",
            context.scene,
            "rhetor_active_take",
            rows=_ROWS,
        )
        active = active_take(picked_character(context))
        _draw_buttons(row.column(align=True), context, active)
        if active is not None:
            _draw_details(layout, active)
        _draw_comparison(layout, context, active)


def _draw_buttons(column: Any, context: Any, active: takes.TakeEntry | None) -> None:
    pinned = context.window_manager.rhetor_comparison.pinned
    is_pinned = active is not None and active.id == pinned
    column.operator("rhetor.duplicate_take", text="", icon="DUPLICATE")
    column.operator("rhetor.remove_take", text="", icon="REMOVE")
    pin = "PINNED" if is_pinned else "UNPINNED"
    column.operator("rhetor.compare_take", text="", icon=pin, depress=is_pinned)
    column.menu("RHETOR_MT_take", text="", icon="DOWNARROW_HLT")


def _draw_details(layout: Any, entry: takes.TakeEntry) -> None:
    made = time.strftime(", %d %b %H:%M", time.localtime(entry.made_s)) if entry.made_s else ""
    edited = ", edited" if any(map(edits.known_edited, entry.actions)) else ""
    style, seed = stored(entry, "style"), stored(entry, "seed")
    layout.label(text=say(f"{style.capitalize()}, seed {seed}{made}{edited}"))


def _draw_comparison(layout: Any, context: Any, active: takes.TakeEntry | None) -> None:
    """The two takes side by side, the button that flips, and how far they are apart."""
    state = context.window_manager.rhetor_comparison
    pair = compared(context)
    if pair is None:
        if state.pinned and takes.find_take(picked_character(context), state.pinned) is not None:
            draw_text(
                layout, context, "Play another take to compare it with the pinned one", "PINNED"
            )
        return
    box = layout.box().column(align=True)
    row = box.row(align=True)
    for entry in pair:
        plays = active is not None and entry.id == active.id
        _play_button(row, entry, BOTH, text=entry.name, depress=plays)
    box.operator("rhetor.flip_takes", icon="ARROW_LEFTRIGHT")
    draw_text(box, context, state.difference)


def _play_button(row: Any, entry: takes.TakeEntry, part: str, **look: Any) -> None:
    button = row.operator("rhetor.play_take", **look)
    button.take, button.part = entry.id, part


def _entries(context: Any) -> tuple[takes.TakeEntry, ...]:
    character = picked_character(context)
    return () if character is None else takes.takes_of(character)


def _active_index(scene: Any) -> int:
    """Place of the playing take among all actions; -1 where none plays."""
    character = find_character(scene.rhetor.head)
    entry = None if character is None else active_take(character)
    return -1 if entry is None else int(bpy.data.actions.find(entry.main.name))


def _play_index(scene: Any, index: int) -> None:
    """Play the take at a place among all actions. One that cannot play is left alone."""
    character = find_character(scene.rhetor.head)
    if character is None or not 0 <= index < len(bpy.data.actions):
        return
    entry = takes.find_take(character, bpy.data.actions[index].get(TAKE_MARK, ""))
    if entry is None:
        return
    with contextlib.suppress(RigError):  # the buttons in its row say why
        takes.play(entry, PARTS[BOTH], scene)
        note_played(bpy.context, character, entry)


CLASSES = (RHETOR_UL_takes, RHETOR_MT_take, RHETOR_PT_takes)


def register() -> None:
    """Add `Scene.rhetor_active_take`: choosing a row of the list plays it."""
    bpy.types.Scene.rhetor_active_take = IntProperty(
        name="Take",
        description="The take that plays",
        get=_active_index,
        set=_play_index,
        options={"SKIP_SAVE"},
    )


def unregister() -> None:
    """Remove it."""
    del bpy.types.Scene.rhetor_active_take
