# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a take once more from its stored request: to compare it, or as a new take."""

from typing import Any, ClassVar

import bpy

from ..engine.protocol.errors import RhetorError
from . import prefs, session, timers
from .identify import BlockId
from .on_takes import OnTake, picked_character, stored
from .reproduction import stored_request
from .scene_read import Order
from .voice import voice_strip
from .words import say


class _RunsAgain(OnTake):
    """Submits a stored request as it is, and returns at once where there is a window."""

    compares = False

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """With a window: start, and return at once."""
        if bpy.app.background:
            return self.execute(context)
        if not self._submit(context):
            return {"CANCELLED"}
        timers.watch()
        return {"FINISHED"}

    def execute(self, context: Any) -> set[str]:
        """From scripts and in the background: return when it is done."""
        before = session.current.failures
        if not self._submit(context):
            return {"CANCELLED"}
        written = session.current.drain()
        for failure in session.current.failures:
            if failure not in before:
                self.report({"ERROR"}, say(failure.error))
        return {"FINISHED"} if written else {"CANCELLED"}

    def _submit(self, context: Any) -> bool:
        entry = self.found(context)
        if entry is None:
            return False
        try:
            order = Order(
                stored_request(entry),
                BlockId.of(context.scene),
                BlockId.of(picked_character(context).root),
                int(stored(entry, "start_frame")),
                strip=voice_strip(entry.main),
                compared_with=entry.id if self.compares else "",
            )
            session.current.submit(order, prefs.engine_python(context))
        except RhetorError as error:
            session.current.fail(error)
            self.report({"ERROR"}, say(error))
            return False
        return True


class RHETOR_OT_reproduce_take(_RunsAgain, bpy.types.Operator):
    """Run this take once more from what is stored on it and compare every key, to the last bit.
    Nothing is changed"""

    bl_idname = "rhetor.reproduce_take"
    bl_label = "Reproduce"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    compares = True


class RHETOR_OT_make_take_again(_RunsAgain, bpy.types.Operator):
    """Run this take once more from what is stored on it, as a new take"""

    bl_idname = "rhetor.make_take_again"
    bl_label = "Make Again"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}


CLASSES = (RHETOR_OT_reproduce_take, RHETOR_OT_make_take_again)
