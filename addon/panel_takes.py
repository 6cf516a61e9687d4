# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel of takes: hear and see one after another, mix heads and faces, make one again."""

import json
from typing import Any, ClassVar

import bpy
from bpy.props import EnumProperty, StringProperty

from . import takes
from .character import FACE, HEAD, Character, find_character
from .keys_write import PROVENANCE_PREFIX

_BOTH = "BOTH"
_PARTS = {
    _BOTH: frozenset((HEAD, FACE)),
    HEAD: frozenset((HEAD,)),
    FACE: frozenset((FACE,)),
}
_PART_ICONS = {HEAD: "BONE_DATA", FACE: "SHAPEKEY_DATA"}


class _OnTakes:
    """What the operators on takes have in common."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """A head is picked."""
        if _character(context) is None:
            cls.poll_message_set("Create or pick a head first")
            return False
        return True

    def _found(self, context: Any) -> takes.TakeEntry | None:
        entry = takes.find_take(_character(context), self.take)
        if entry is None:
            self.report({"ERROR"}, "This take is no longer in the file.")
        return entry


class RHETOR_OT_play_take(_OnTakes, bpy.types.Operator):
    """Let this take play; the others stay in the file"""

    bl_idname = "rhetor.play_take"
    bl_label = "Play Take"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    take: StringProperty(name="Take", description="Which take", options={"SKIP_SAVE", "HIDDEN"})
    part: EnumProperty(
        name="Part",
        description="What the take moves",
        items=[
            (_BOTH, "Head and Face", "The whole take"),
            (HEAD, "Head", "The head's motion; the face keeps the take it has"),
            (FACE, "Face", "The face; the head keeps the take it has"),
        ],
        default=_BOTH,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, _context: Any, properties: Any) -> str:
        """What this very button does."""
        items = properties.bl_rna.properties["part"].enum_items
        return f"Let this take play. {items[properties.part].description}"

    def execute(self, context: Any) -> set[str]:
        """Assign its actions."""
        entry = self._found(context)
        if entry is None:
            return {"CANCELLED"}
        try:
            takes.play(entry, _PARTS[self.part])
        except AttributeError as error:  # an NLA strip is being edited, or the head is linked
            self.report({"ERROR"}, f"The take cannot be assigned here ({error}).")
            return {"CANCELLED"}
        return {"FINISHED"}


class RHETOR_OT_remove_take(_OnTakes, bpy.types.Operator):
    """Delete this take's keys from the file"""

    bl_idname = "rhetor.remove_take"
    bl_label = "Remove Take"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    take: StringProperty(name="Take", description="Which take", options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: Any) -> set[str]:
        """Remove its actions; undo brings them back."""
        entry = self._found(context)
        if entry is None:
            return {"CANCELLED"}
        name = entry.name
        takes.remove(entry)
        self.report({"INFO"}, f"{name} was removed")
        return {"FINISHED"}


class RHETOR_OT_restore_settings(_OnTakes, bpy.types.Operator):
    """Set recording, style, seed and start as they were for this take, to make it again or a
    variation of it"""

    bl_idname = "rhetor.restore_settings"
    bl_label = "Use Its Settings"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    take: StringProperty(name="Take", description="Which take", options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: Any) -> set[str]:
        """Read them from the take's action."""
        entry = self._found(context)
        if entry is None:
            return {"CANCELLED"}
        settings = context.scene.rhetor
        stored = {key: _stored(entry, key) for key in ("audio", "style", "preset", "start_frame")}
        settings.audio, settings.style_name = stored["audio"], stored["style"]
        settings.preset, settings.start_frame = stored["preset"], stored["start_frame"]
        settings.seed = int(_stored(entry, "seed"))
        settings.eyes = bool(json.loads(_stored(entry, "settings")).get("eyes", True))
        self.report({"INFO"}, f"The settings are those of {entry.name}")
        return {"FINISHED"}


class RHETOR_PT_takes(bpy.types.Panel):
    """All takes of the head."""

    bl_idname = "RHETOR_PT_takes"
    bl_label = "Takes"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is at least one."""
        character = _character(context)
        return character is not None and bool(takes.takes_of(character))

    def draw(self, context: Any) -> None:
        """A row for each, and what the playing one was made of."""
        column = self.layout.column(align=True)
        entries = takes.takes_of(_character(context))
        for entry in entries:
            _draw_take(column, entry)
        for entry in entries:
            if HEAD in entry.plays:
                _draw_details(self.layout, entry)


def _draw_take(layout: Any, entry: takes.TakeEntry) -> None:
    row = layout.row(align=True)
    whole = entry.plays == _PARTS[_BOTH]
    icon = "RADIOBUT_ON" if whole else "RADIOBUT_OFF"
    _play_button(row, entry, _BOTH, text=entry.name, icon=icon, depress=whole)
    for part, symbol in _PART_ICONS.items():
        _play_button(row, entry, part, text="", icon=symbol, depress=part in entry.plays)
    row.operator("rhetor.remove_take", text="", icon="X").take = entry.id


def _play_button(row: Any, entry: takes.TakeEntry, part: str, **look: Any) -> None:
    button = row.operator("rhetor.play_take", **look)
    button.take, button.part = entry.id, part


def _draw_details(layout: Any, entry: takes.TakeEntry) -> None:
    row = layout.row()
    row.label(text=f"{_stored(entry, 'style').capitalize()}, seed {_stored(entry, 'seed')}")
    row.operator("rhetor.restore_settings").take = entry.id


def _stored(entry: takes.TakeEntry, key: str) -> Any:
    return entry.main[PROVENANCE_PREFIX + key]


def _character(context: Any) -> Character | None:
    character = find_character(context.scene.rhetor.head)
    return character if character is not None and character.owners else None


CLASSES = (
    RHETOR_OT_play_take,
    RHETOR_OT_remove_take,
    RHETOR_OT_restore_settings,
    RHETOR_PT_takes,
)
