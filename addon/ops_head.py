# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a head in the scene."""

from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ..engine.head.model import draw_identity, load_head
from ..engine.protocol.errors import RhetorError
from .materials import HAIR_COLOURS
from .rig import build_rig

_OWN = "OWN"
_HAIR_ITEMS = [
    (_OWN, "Dark Brown", ""),
    *((name, name.capitalize(), "") for name in HAIR_COLOURS),
]


class RHETOR_OT_create_head(bpy.types.Operator):
    """Add a head that Rhetor can animate, with a rig and the 52 ARKit shape keys"""

    bl_idname = "rhetor.create_head"
    bl_label = "Create Head"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    identity_seed: IntProperty(
        name="Face",
        description="0 is the average face; any other number another person",
        min=0,
        default=0,
    )
    hair: BoolProperty(name="Hair", description="With hair", default=True)
    hair_colour: EnumProperty(name="Hair Color", description="Also of the brows", items=_HAIR_ITEMS)

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Bones can only be made outside other modes."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Switch to Object Mode first")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Build the head at the 3D cursor and pick it for the next performance."""
        try:
            rig = build_rig(
                context,
                load_head(),
                identity=draw_identity(self.identity_seed) if self.identity_seed else None,
                hair=self.hair,
                hair_colour=None if self.hair_colour == _OWN else self.hair_colour,
                location=context.scene.cursor.location,
            )
        except RhetorError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.scene.rhetor.head = rig.armature
        return {"FINISHED"}


CLASSES = (RHETOR_OT_create_head,)
