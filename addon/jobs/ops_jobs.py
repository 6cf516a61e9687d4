# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on the line of jobs and on what comes of them: write, cancel, remove, dismiss."""

from dataclasses import replace
from typing import Any, ClassVar

import bpy
from bpy.props import IntProperty

from ...engine.protocol.errors import RhetorError
from .. import scene_read, scene_write, session
from ..identify import BlockId
from ..words import say


class RHETOR_OT_write_take(bpy.types.Operator):
    """Key the finished take on the head, and put its recording in the sequencer"""

    bl_idname = "rhetor.write_take"
    bl_label = "Write Take"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """There is a take that has not been written."""
        if session.current.unwritten is None:
            cls.poll_message_set(say("There is no finished take"))
        return session.current.unwritten is not None

    def execute(self, _context: Any) -> set[str]:
        """Write, or say why not and keep the take."""
        try:
            written = scene_write.write_performance(session.current.unwritten)
        except RhetorError as error:
            session.current.fail_to_write(error)
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        except Exception as error:
            session.current.fail_to_write(RhetorError(f"The take could not be written ({error})."))
            raise
        session.current.succeed(written)
        _tell(self, written)
        return {"FINISHED"}


class _ListOperator:
    """Acts on one entry of a list in the panel."""

    index: IntProperty(
        name="Index",
        description="Which one of the list, from 0",
        min=0,
        options={"SKIP_SAVE"},
    )


class RHETOR_OT_redirect_take(_ListOperator, bpy.types.Operator):
    """Write the finished take to the head that is picked now"""

    bl_idname = "rhetor.redirect_take"
    bl_label = "Write Take to This Head"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is a take without a head, and a head to write it to."""
        reason = "" if context.scene.rhetor.head is not None else "Pick a head first"
        if not any(failure.performance for failure in session.current.failures):
            reason = "There is no finished take"
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    def execute(self, context: Any) -> set[str]:
        """Point the kept take at the picked head, then write it."""
        settings = context.scene.rhetor
        kept = _kept_take(self.index)
        if kept is None:
            self.report({"ERROR"}, say("There is no finished take."))
            return {"CANCELLED"}
        try:
            character = scene_read.required_character(settings.head)
            order = replace(
                kept.order,
                scene=BlockId.of(context.scene),
                character=BlockId.of(character.root),
                start_frame=settings.start_frame
                if kept.order.may_start_elsewhere
                else kept.order.start_frame,
            )
            written = scene_write.write_performance(replace(kept, order=order))
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        session.current.settle(self.index, written)
        _tell(self, written)
        return {"FINISHED"}


class RHETOR_OT_forget_failure(_ListOperator, bpy.types.Operator):
    """Take this message off the list, and with it a take that was kept"""

    bl_idname = "rhetor.forget_failure"
    bl_label = "Dismiss"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """There is one."""
        if not session.current.failures:
            cls.poll_message_set(say("Nothing has failed"))
        return bool(session.current.failures)

    def execute(self, _context: Any) -> set[str]:
        """Forget it."""
        if self.index < len(session.current.failures):
            session.current.forget_failure(self.index)
        return {"FINISHED"}


class _EndsWork:
    """Possible while something is under way."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """Something is under way."""
        if not session.current.is_working:
            cls.poll_message_set(say("Rhetor is not at work"))
        return session.current.is_working


class RHETOR_OT_cancel(_EndsWork, bpy.types.Operator):
    """Stop the job that runs; nothing of it is written, and the next one begins"""

    bl_idname = "rhetor.cancel"
    bl_label = "Cancel"

    def execute(self, _context: Any) -> set[str]:
        """Ask the engine to stop."""
        session.current.cancel()
        return {"FINISHED"}


class RHETOR_OT_cancel_all(_EndsWork, bpy.types.Operator):
    """Stop the job that runs, and forget those that wait"""

    bl_idname = "rhetor.cancel_all"
    bl_label = "Cancel All"

    def execute(self, _context: Any) -> set[str]:
        """Empty the line."""
        session.current.cancel_all()
        return {"FINISHED"}


class RHETOR_OT_remove_waiting(_ListOperator, bpy.types.Operator):
    """Take this job out of the line; it has not begun"""

    bl_idname = "rhetor.remove_waiting"
    bl_label = "Remove from Queue"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """Something waits."""
        if not session.current.waiting:
            cls.poll_message_set(say("No job is waiting"))
        return bool(session.current.waiting)

    def execute(self, _context: Any) -> set[str]:
        """It may have begun since the panel was drawn."""
        if self.index < len(session.current.waiting):
            session.current.remove_waiting(self.index)
        return {"FINISHED"}


def _kept_take(index: int) -> scene_write.Performance | None:
    """The take that a failure of the list has kept; None where it has none."""
    failures = session.current.failures
    return failures[index].performance if index < len(failures) else None


def _tell(operator: bpy.types.Operator, written: scene_write.Written) -> None:
    for warning in written.warnings:
        operator.report({"WARNING"}, say(warning))
    operator.report({"INFO"}, say(f"{written.title}: {written.length}"))


CLASSES = (
    RHETOR_OT_write_take,
    RHETOR_OT_redirect_take,
    RHETOR_OT_forget_failure,
    RHETOR_OT_cancel,
    RHETOR_OT_cancel_all,
    RHETOR_OT_remove_waiting,
)
