# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators of the main job: read, submit, write. All work is done elsewhere."""

import random
from dataclasses import replace
from typing import Any, ClassVar

import bpy
from bpy.props import IntProperty

from ..engine.protocol.errors import CancelledError, RhetorError
from . import prefs, scene_read, scene_write, session, style_menu
from .identify import BlockId
from .props import LARGEST_SEED


class RHETOR_OT_animate(bpy.types.Operator):
    """Listen to the recording and key the head's performance on a new action"""

    bl_idname = "rhetor.animate"
    bl_label = "Animate"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Everything is filled in and nothing is under way."""
        reason = _missing_setting(context)
        if session.current.is_working:
            reason = "Rhetor is at work"
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """With a window: start, and return at once."""
        if bpy.app.background:
            return self.execute(context)
        if not self._submit(context):
            return {"CANCELLED"}
        session.watch()
        bpy.ops.rhetor.stop_with_escape("INVOKE_DEFAULT")
        return {"FINISHED"}

    def execute(self, context: Any) -> set[str]:
        """From scripts and in the background: return when the keys are written."""
        if not self._submit(context):
            return {"CANCELLED"}
        try:
            session.current.drain()
        except CancelledError:
            return {"CANCELLED"}
        except RhetorError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return _write(self)

    def _submit(self, context: Any) -> bool:
        try:
            order = scene_read.read_order(context, prefs.device(context))
            session.current.submit(order, prefs.engine_python(context))
        except RhetorError as error:
            session.current.fail(error)
            self.report({"ERROR"}, str(error))
            return False
        return True


class RHETOR_OT_write_take(bpy.types.Operator):
    """Key the finished take on the head, and put its recording in the sequencer"""

    bl_idname = "rhetor.write_take"
    bl_label = "Write Take"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """There is a take that has not been written."""
        if session.current.unwritten is None:
            cls.poll_message_set("There is no finished take")
        return session.current.unwritten is not None

    def execute(self, _context: Any) -> set[str]:
        """Write, or say why not and keep the take."""
        try:
            written = scene_write.write_performance(session.current.unwritten)
        except RhetorError as error:
            session.current.fail(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except Exception as error:
            session.current.fail(RhetorError(f"The take could not be written ({error})."))
            raise
        session.current.succeed(written)
        for warning in written.warnings:
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, f"{written.title}: {written.length}")
        return {"FINISHED"}


class RHETOR_OT_redirect_take(bpy.types.Operator):
    """Write the finished take to the head that is picked now"""

    bl_idname = "rhetor.redirect_take"
    bl_label = "Write Take to This Head"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is a take without a head, and a head to write it to."""
        reason = "" if context.scene.rhetor.head is not None else "Pick a head first"
        if session.current.unwritten is None:
            reason = "There is no finished take"
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: Any) -> set[str]:
        """Point the kept take at the picked head, then write it."""
        settings = context.scene.rhetor
        kept = session.current.unwritten
        try:
            character = scene_read.required_character(settings.head)
        except RhetorError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        order = replace(
            kept.order,
            scene=BlockId.of(context.scene),
            character=BlockId.of(character.root),
            start_frame=settings.start_frame,
        )
        session.current.unwritten = replace(kept, order=order)
        return _write(self)


class RHETOR_OT_cancel(bpy.types.Operator):
    """Stop the engine's work; nothing is written"""

    bl_idname = "rhetor.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """Something is under way."""
        if not session.current.is_working:
            cls.poll_message_set("Rhetor is not at work")
        return session.current.is_working

    def execute(self, _context: Any) -> set[str]:
        """Ask the engine to stop."""
        session.current.cancel()
        return {"FINISHED"}


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
    if not settings.audio:
        return "Choose a recording first"
    if settings.head is None:
        return "Create or pick a head first"
    if not prefs.engine_python_setting(context):
        return "Name the engine's Python in Preferences, Add-ons, Rhetor"
    return style_menu.obstacle(settings.style_name, settings.preset)


def _write(operator: bpy.types.Operator) -> set[str]:
    """Run the writing operator: one undo step, unless the caller groups its calls into one."""
    try:
        return bpy.ops.rhetor.write_take("EXEC_DEFAULT", True)
    except RuntimeError:
        operator.report({"ERROR"}, str(session.current.error))
        return {"CANCELLED"}


CLASSES = (
    RHETOR_OT_animate,
    RHETOR_OT_write_take,
    RHETOR_OT_redirect_take,
    RHETOR_OT_cancel,
    RHETOR_OT_randomise_seed,
)
