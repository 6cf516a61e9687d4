# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a head in the scene."""

from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ...engine.head.model import draw_identity
from ...engine.protocol.errors import RhetorError
from ..styles.style_choice import LARGEST_SEED
from ..words import say
from .head_looks import Looks
from .looks_settings import head_model
from .rig import build_rig
from .swatches import PALETTES, swatches


def _palette(pigment: str, label: str) -> Any:
    def items(_operator: Any, _context: Any) -> list[Any]:
        return swatches.items(pigment)

    return EnumProperty(name=label, description="A natural color", items=items)


class RHETOR_OT_create_head(bpy.types.Operator):
    """Add a head that Rhetor can animate, with a rig and the 52 ARKit shape keys"""

    bl_idname = "rhetor.create_head"
    bl_label = "Create Head"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    identity_seed: IntProperty(
        name="Face Seed",
        description="0 is the average face; any other number another person",
        min=0,
        max=LARGEST_SEED,
        default=0,
    )
    skin: _palette("skin", "Skin")
    iris: _palette("iris", "Eyes")
    hair_colour: _palette("hair", "Hair Color")
    hair: BoolProperty(name="Hair", description="With hair on the head", default=True)

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Bones can only be made outside other modes."""
        if context.mode != "OBJECT":
            cls.poll_message_set(say("Switch to Object Mode first"))
            return False
        return True

    def draw(self, _context: Any) -> None:
        """The choices, in the panel after it has run."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "identity_seed")
        for name in ("skin", "iris", "hair_colour"):
            layout.prop(self, name)
        layout.prop(self, "hair")

    def execute(self, context: Any) -> set[str]:
        """Build the head at the 3D cursor and pick it for the next performance."""
        try:
            rig = build_rig(
                context, head_model(), looks=self._looks(), location=context.scene.cursor.location
            )
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        context.scene.rhetor.head = rig.armature
        return {"FINISHED"}

    def _looks(self) -> Looks:
        seed = self.identity_seed
        return Looks(
            identity=tuple(draw_identity(seed).tolist()) if seed else None,
            skin=PALETTES["skin"].get(self.skin),
            iris=PALETTES["iris"].get(self.iris),
            hair=PALETTES["hair"].get(self.hair_colour),
            has_hair=self.hair,
        )


CLASSES = (RHETOR_OT_create_head,)
