# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that ask the engine something: with a window they wait without blocking it."""

from __future__ import annotations

import time
from typing import Any

import bpy

from ...engine.protocol.errors import CancelledError, RhetorError
from ...engine.protocol.face_shape import FaceShape, pack_face
from ...engine.protocol.messages import Reply
from .. import prefs, session
from ..call import Call
from ..session import PUMP_INTERVAL_S
from ..words import say


class FaceQuestion:
    """Sends a face to a method of the engine and takes in the answer, as one undo step.

    method: the engine's. `face` gives what is sent, `take_in` does something with the answer; both
    may raise RhetorError.
    """

    method = ""

    def face(self, context: Any) -> FaceShape:
        """What is asked about."""
        raise NotImplementedError

    def take_in(self, context: Any, reply: Reply) -> None:
        """The answer is here."""
        raise NotImplementedError

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """With a window: ask, and wait with a timer."""
        if bpy.app.background:
            return self.execute(context)
        if not self._ask(context):
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(PUMP_INTERVAL_S, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Look for the answer now and then; Esc stops waiting."""
        if event.type == "ESC" and event.value == "PRESS":
            session.current.stop_asking(self._call)
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        session.current.listen()
        if context.area is not None:
            context.area.tag_redraw()
        if not self._call.is_done:
            return {"PASS_THROUGH"}
        self._end_waiting(context)
        return self._finish(context)

    def execute(self, context: Any) -> set[str]:
        """From scripts and in the background: return with the answer."""
        if not self._ask(context):
            return {"CANCELLED"}
        while not self._call.is_done:
            session.current.listen()
            time.sleep(PUMP_INTERVAL_S / 4)
        return self._finish(context)

    def cancel(self, context: Any) -> None:
        """Another file is opened: nobody waits any more."""
        session.current.stop_asking(self._call)
        self._end_waiting(context)

    def _ask(self, context: Any) -> bool:
        self._call: Call
        try:
            params, arrays = pack_face(self.face(context))
            python = prefs.engine_python(context)
            self._call = session.current.ask(python, self.method, params, arrays)
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return False
        return True

    def _end_waiting(self, context: Any) -> None:
        context.window_manager.event_timer_remove(self._timer)

    def _finish(self, context: Any) -> set[str]:
        try:
            self.take_in(context, self._call.result())
        except CancelledError:
            return {"CANCELLED"}
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        if context.area is not None:
            context.area.tag_redraw()
        return {"FINISHED"}
