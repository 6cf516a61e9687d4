# SPDX-License-Identifier: GPL-3.0-or-later
"""The main operator: read the scene, submit the order. All work is done elsewhere."""

import random
from typing import Any, ClassVar

import bpy
from bpy.props import IntProperty

from .. import prefs, scene_read, session
from ..sequencer import voice
from ..styles import style_menu
from ..styles.style_choice import LARGEST_SEED
from ..words import say
from .order_giver import OrderGiver

_QUEUE_TIP = (
    "Make this performance when the running one is done. "
    "Each press adds one, with the settings of that moment"
)


class RHETOR_OT_animate(OrderGiver, bpy.types.Operator):
    """Listen to the recording and key the head's performance on a new action"""

    bl_idname = "rhetor.animate"
    bl_label = "Animate"

    @classmethod
    def description(cls, _context: Any, _properties: Any) -> str:
        """What a press does now."""
        return say(_QUEUE_TIP if session.current.is_working else cls.__doc__ or "")

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Everything is filled in; where another job runs, this one waits its turn."""
        reason = _missing_setting(context)
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    def submit(self, context: Any) -> bool:
        """One order, as the settings describe it."""
        order = scene_read.read_order(context, prefs.device(context))
        if session.current.has(order):  # a double click
            self.report({"INFO"}, say("This is in the queue already"))
            return False
        session.current.submit(order, prefs.engine_python(context))
        if session.current.waiting:
            self.report({"INFO"}, say(f"{len(session.current.waiting)} waiting"))
        return True


class RHETOR_OT_randomise_seed(bpy.types.Operator):
    """Choose another seed, for another performance of the same recording"""

    bl_idname = "rhetor.randomise_seed"
    bl_label = "Another Seed"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    seed: IntProperty(
        name="Seed",
        description="The seed to use; -1 draws one",
        min=-1,
        max=LARGEST_SEED,
        default=-1,
        options={"SKIP_SAVE"},
    )

    def execute(self, context: Any) -> set[str]:
        """Four digits are easy to note down."""
        if self.seed < 0:
            self.seed = random.randrange(10_000)
        context.scene.rhetor.seed = self.seed
        return {"FINISHED"}


def _missing_setting(context: Any) -> str:
    """What is to be changed before Animate can work; "" where nothing is."""
    settings = context.scene.rhetor
    if missing_voice := voice.obstacle(context):
        return missing_voice
    if settings.head is None:
        return "Create or pick a head first"
    if not prefs.engine_python_setting(context):
        return "Install the engine first: the button is at the top of this tab"
    return style_menu.obstacle(settings.style_name, settings.preset)


CLASSES = (RHETOR_OT_animate, RHETOR_OT_randomise_seed)
