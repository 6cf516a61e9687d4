# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel of a head's looks: who it is, its colours, its hair."""

import random
from typing import Any, ClassVar

import bpy
from bpy.props import IntProperty

from ...engine.head.model import draw_identity
from ...engine.protocol.errors import RhetorError
from ..panel_text import draw_error, draw_text
from ..presets import RHETOR_PT_looks_presets
from ..styles.style_choice import LARGEST_SEED
from ..words import say
from .looks_settings import TRAITS, change_looks, head_model, obstacle
from .rig import Rig, find_rig

_COLOURS = ("skin", "iris", "hair")
_SWATCH_SCALE = 0.9


def _rig(context: Any) -> Rig | None:
    return find_rig(context.scene.rhetor.head)


class _OnHead:
    """What the operators on looks have in common."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """A head of ours is picked, and can be changed."""
        rig = _rig(context)
        if rig is None:
            cls.poll_message_set(say("Create or pick a head of Rhetor first"))
            return False
        if reason := obstacle(rig):
            cls.poll_message_set(say(reason))
            return False
        return True


class RHETOR_OT_random_face(_OnHead, bpy.types.Operator):
    """Give the head a random face; chosen colors stay"""

    bl_idname = "rhetor.random_face"
    bl_label = "Random Face"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    seed: IntProperty(
        name="Seed",
        description="The same number gives the same face",
        min=1,
        max=LARGEST_SEED,
        default=1,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Draw a number; it can be changed afterwards."""
        self.seed = random.randint(1, 9999)
        return self.execute(context)

    def execute(self, context: Any) -> set[str]:
        """Bake the face in."""
        change_looks(_rig(context), identity=tuple(draw_identity(self.seed).tolist()))
        return {"FINISHED"}


class RHETOR_OT_average_face(_OnHead, bpy.types.Operator):
    """Give the head the average face; chosen colors stay"""

    bl_idname = "rhetor.average_face"
    bl_label = "Average"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        """Bake the face in."""
        change_looks(_rig(context), identity=None)
        return {"FINISHED"}


class RHETOR_PT_looks(bpy.types.Panel):
    """The face, colors and hair of the head."""

    bl_idname = "RHETOR_PT_looks"
    bl_label = "Looks"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    bl_order = 1

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Only our own heads can change."""
        return _rig(context) is not None

    def draw_header_preset(self, _context: Any) -> None:
        """Faces to choose from."""
        RHETOR_PT_looks_presets.draw_panel_header(self.layout)

    def draw(self, context: Any) -> None:
        """Whole faces, colours, then one slider for each trait."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        rig = _rig(context)
        try:
            head_model()
        except RhetorError as error:
            draw_error(layout, context, error)
            return
        reason = obstacle(rig)
        if reason:
            draw_text(layout, context, reason, "INFO")
        row = layout.row(align=True)
        row.operator("rhetor.random_face", icon="FILE_REFRESH")
        row.operator("rhetor.average_face")
        looks = rig.armature.rhetor_looks
        column = layout.column()
        column.enabled = not reason
        _draw_colours(column, looks)
        traits = column.column(align=True)
        for name in TRAITS:
            traits.prop(looks, name, slider=True)


def _draw_colours(layout: Any, looks: Any) -> None:
    for name in _COLOURS:
        column = layout.column(align=True)
        column.prop(looks, name)
        row = column.row(align=True)
        row.use_property_split = False
        row.scale_y = _SWATCH_SCALE
        row.prop(looks, f"{name}_palette", expand=True, icon_only=True)
    layout.prop(looks, "has_hair")


CLASSES = (RHETOR_OT_random_face, RHETOR_OT_average_face, RHETOR_PT_looks)
