# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel of a character that is not our own head: what is set up, and its bones."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import bpy

from ..core.key_mapping import KeyMapping
from ..core.key_names import missing_in_all
from ..panel_text import draw_text
from ..words import say
from .character import find_character
from .character_settings import BONES, KEYS
from .mapping_settings import follows, mapping_of


class RHETOR_PT_character(bpy.types.Panel):
    """Set up a character of one's own."""

    bl_idname = "RHETOR_PT_character"
    bl_label = "Character"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    bl_order = 3

    def draw(self, context: Any) -> None:
        """What is set up, or the button that does it."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        item = context.scene.rhetor.head
        if item is None:
            draw_text(layout, context, "Pick a character under Head to set it up.", "INFO")
            return
        character = find_character(item)
        if (
            character is not None
            and character.is_own_head
            and all(owner.is_editable for owner in character.owners)
        ):
            draw_text(layout, context, "Rhetor's own head: nothing to set up.", "CHECKMARK")
            return
        text = "Set Up Character" if character is None else "Set Up Again"
        layout.operator("rhetor.set_up_character", text=text, icon="ARMATURE_DATA")
        if character is not None:
            _draw_faces(layout, context, character.root)
            _draw_bones(layout, character.root)


def _draw_faces(layout: Any, context: Any, root: Any) -> None:
    """The meshes that take part, and what their keys cannot show."""
    faces = [face for face in root.rhetor_character.faces if face.mesh is not None]
    for face in faces:
        mapping = mapping_of(face)
        used = sum(follows(mapping, name) for name in mapping.names)
        text = say(f"{face.mesh.name}: {used} shape keys")
        layout.label(text=text, icon="CHECKMARK" if used else "ERROR", translate=False)
    lacking = _lacking(tuple(face.mapping for face in faces))
    if lacking:
        names = ", ".join(lacking)
        draw_text(layout, context, f"No shape key is for {names}.", "INFO")


def _draw_bones(layout: Any, root: Any) -> None:
    settings = root.rhetor_character
    column = layout.column()
    if root.type == "ARMATURE":
        _draw_roles(column, settings, root.data)
    else:
        column.prop(settings, "moves_object")
    column = layout.column()
    column.prop(settings, "forward")
    column.prop(settings, "up")
    column.prop(settings, "pose_scale")


def _draw_roles(column: Any, settings: Any, bones: Any) -> None:
    """Who is who among the bones."""
    column.prop_search(settings, "head_bone", bones, "bones")
    column.prop_search(settings, "neck_bone", bones, "bones")
    if settings.neck_bone:
        column.prop(settings, "neck_share")
    column.prop(settings, "eyes")
    if settings.eyes != KEYS:
        column.prop_search(settings, "eye_left_bone", bones, "bones")
        column.prop_search(settings, "eye_right_bone", bones, "bones")
    column.prop(settings, "jaw")
    if settings.jaw == BONES:
        column.prop_search(settings, "jaw_bone", bones, "bones")
        column.prop(settings, "jaw_angle")


@lru_cache(maxsize=16)
def _lacking(mappings: tuple[str, ...]) -> tuple[str, ...]:
    """What no mesh can show."""
    found = [KeyMapping.from_json(text) for text in mappings if text]
    return missing_in_all(found) if found else ()


CLASSES = (RHETOR_PT_character,)
