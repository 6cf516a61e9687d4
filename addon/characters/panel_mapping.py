# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of shape keys: which key follows which units, and the ways to fill it in."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import bpy

from ...engine.protocol.face_landmarks import FACE_LANDMARKS
from .. import session
from ..panel_text import draw_text
from ..words import say
from .face_read import read_landmarks
from .mapping_presets import preset_names
from .mapping_settings import (
    active_face,
    active_key,
    edited_character,
    factor_property,
    follows,
    mapping_of,
    shown_by,
    units_of,
)
from .ops_fit import POORLY_SHOWN

_ROWS = 6
_MOST_UNITS_SHOWN = 2
_MOST_NAMES_SHOWN = 6


class RHETOR_UL_mapping(bpy.types.UIList):
    """Shape keys, and which units each follows."""

    bl_idname = "RHETOR_UL_mapping"

    def draw_item(
        self,
        _context: Any,
        layout: Any,
        _keys: Any,
        block: Any,
        _icon: int,
        view: Any,
        _active_property: str,
        _index: int = 0,
        _flag: int = 0,
    ) -> None:
        """Draw one key."""
        face = active_face(view.id_data)
        row = layout.split(factor=0.4)
        row.label(text=block.name, icon="SHAPEKEY_DATA", translate=False)
        text = "" if face is None else _units_text(mapping_of(face), block.name)
        row.label(text=text, translate=False)

    def filter_items(self, _context: Any, keys: Any, name: str) -> tuple[list[int], list[int]]:
        """By name; the basis and, where it is asked for, unused keys are hidden."""
        blocks = getattr(keys, name)
        shown = bpy.types.UI_UL_list.filter_items_by_name(
            self.filter_name, self.bitflag_filter_item, blocks, reverse=self.use_filter_invert
        ) or [self.bitflag_filter_item] * len(blocks)
        used = self._used_names()
        for index, block in enumerate(blocks):
            if index == 0 or (used is not None and block.name not in used):
                shown[index] = 0
        return shown, []

    def _used_names(self) -> set[str] | None:
        character = edited_character(bpy.context)
        if character is None or not character.root.rhetor_mapping.only_used:
            return None
        mapping, face = None, active_face(character.root)
        mapping = None if face is None else mapping_of(face)
        return set() if mapping is None else {n for n in mapping.names if follows(mapping, n)}


class RHETOR_MT_mapping(bpy.types.Menu):
    """What can be done with the table as a whole."""

    bl_idname = "RHETOR_MT_mapping"
    bl_label = "Shape Key Table Specials"

    def draw(self, _context: Any) -> None:
        """Draw the entries."""
        layout = self.layout
        layout.operator("rhetor.save_mapping_preset", text="Save Preset...", icon="ADD")
        layout.operator("rhetor.import_mapping", text="Import Mapping...", icon="IMPORT")
        layout.operator("rhetor.export_mapping", text="Export Mapping...", icon="EXPORT")
        layout.separator()
        layout.menu("RHETOR_MT_remove_mapping_preset", icon="TRASH")
        layout.separator()
        layout.operator("rhetor.clear_landmarks")


class RHETOR_MT_mapping_presets(bpy.types.Menu):
    """The presets to choose from."""

    bl_idname = "RHETOR_MT_mapping_presets"
    bl_label = "Presets"

    def draw(self, _context: Any) -> None:
        """One entry for each, or how to make the first."""
        names = preset_names()
        for name in names:
            operator = self.layout.operator(
                "rhetor.load_mapping_preset", text=name, translate=False
            )
            operator.name = name
        if not names:
            self.layout.label(text="Save one from the menu beside the table")


class RHETOR_MT_remove_mapping_preset(bpy.types.Menu):
    """The presets that can be removed."""

    bl_idname = "RHETOR_MT_remove_mapping_preset"
    bl_label = "Remove Preset"

    def draw(self, _context: Any) -> None:
        """One entry for each."""
        for name in preset_names():
            operator = self.layout.operator(
                "rhetor.remove_mapping_preset", text=name, translate=False
            )
            operator.name = name


class RHETOR_PT_character_keys(bpy.types.Panel):
    """Which shape key follows what."""

    bl_idname = "RHETOR_PT_character_keys"
    bl_label = "Shape Keys"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_character"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Only where there are shape keys."""
        character = edited_character(context)
        face = None if character is None else active_face(character.root)
        return face is not None and face.mesh.data.shape_keys is not None

    def draw_header_preset(self, _context: Any) -> None:
        """The presets, as elsewhere in Blender."""
        self.layout.menu("RHETOR_MT_mapping_presets", text="", icon="PRESET")

    def draw(self, context: Any) -> None:
        """The table, the chosen key, the ways to fill it, the test."""
        layout = self.layout
        root = edited_character(context).root
        _draw_table(layout, root)
        _draw_key(layout, context, root)
        _draw_filling(layout, context, root)
        column = layout.column(align=True)
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(root.rhetor_mapping, "test_unit")
        column.prop(root.rhetor_mapping, "test_amount")


def _draw_table(layout: Any, root: Any) -> None:
    view, settings = root.rhetor_mapping, root.rhetor_character
    if len(settings.faces) > 1:
        layout.prop(settings, "active_face", text="Mesh")
    row = layout.row()
    keys = active_face(root).mesh.data.shape_keys
    row.template_list("RHETOR_UL_mapping", "", keys, "key_blocks", view, "active_key", rows=_ROWS)
    column = row.column(align=True)
    column.operator("rhetor.add_mapping_unit", text="", icon="ADD")
    column.operator("rhetor.clear_mapping_key", text="", icon="REMOVE")
    column.separator()
    column.menu("RHETOR_MT_mapping", text="", icon="DOWNARROW_HLT")
    column.separator()
    column.prop(view, "only_used", text="", icon="FILTER")


def _draw_key(layout: Any, context: Any, root: Any) -> None:
    """The units that the chosen key follows, each with its factor."""
    key = active_key(root)
    if key is None:
        return
    mapping = mapping_of(active_face(root))
    column = layout.column(align=True)
    for unit in units_of(mapping, key.name):
        row = column.row(align=True)
        row.prop(root.rhetor_mapping, factor_property(unit))
        row.operator("rhetor.remove_mapping_unit", text="", icon="X").unit = unit
    shown = shown_by(mapping, key.name)
    if shown:
        text = ", ".join(f"{unit} {value:.1f}" for unit, value in shown.items())
        draw_text(layout, context, f"Part of a viseme set. At 1 it shows {text}.", "INFO")


def _draw_filling(layout: Any, context: Any, root: Any) -> None:
    """Ways to fill in the table, and what came of the last fit."""
    marked = len(read_landmarks(active_face(root).mesh))
    column = layout.column(align=True)
    column.operator("rhetor.suggest_mapping", icon="SORTALPHA")
    question = session.current.question
    if question is not None:
        column.progress(factor=question.fraction, text=say(question.stage or "Asking the engine"))
    else:
        column.operator("rhetor.fit_mapping", icon="MOD_SHRINKWRAP")
    row = layout.row(align=True)
    row.operator("rhetor.guess_landmarks", text="Guess", icon="VIEWZOOM")
    row.operator("rhetor.mark_landmarks", text="Mark", icon="RESTRICT_SELECT_OFF")
    layout.label(text=say(f"{marked} of {len(FACE_LANDMARKS)} landmarks"), icon="EMPTY_AXIS")
    poor = _poorly_shown(root.rhetor_mapping.fitted)
    if poor:
        more = len(poor) - _MOST_NAMES_SHOWN
        names = ", ".join(poor[:_MOST_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
        draw_text(
            layout, context, f"The keys show these units in part or not at all: {names}.", "INFO"
        )


def _units_text(mapping: Any, key: str) -> str:
    """The strongest units that a key follows."""
    units = units_of(mapping, key) or shown_by(mapping, key)
    order = sorted(units, key=lambda unit: -abs(units[unit]))
    text = ", ".join(f"{unit} {units[unit]:.2f}" for unit in order[:_MOST_UNITS_SHOWN])
    return f"{text} ..." if len(order) > _MOST_UNITS_SHOWN else text


@lru_cache(maxsize=16)
def _poorly_shown(fitted: str) -> tuple[str, ...]:
    shares = json.loads(fitted) if fitted else {}
    return tuple(unit for unit, share in shares.items() if share < POORLY_SHOWN)


CLASSES = (
    RHETOR_UL_mapping,
    RHETOR_MT_mapping,
    RHETOR_MT_mapping_presets,
    RHETOR_MT_remove_mapping_preset,
    RHETOR_PT_character_keys,
)
