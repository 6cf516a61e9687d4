# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators that order performances have in common: when they return, and what they report."""

from typing import Any

import bpy

from ...engine.protocol.errors import RhetorError
from .. import session
from ..words import say
from . import timers


class OrderGiver:
    """Submits orders; returns at once where there is a window, else when all is written."""

    def submit(self, context: Any) -> bool:
        """Give the orders to the session; False where there is nothing to wait for.

        Raises RhetorError where they cannot be given.
        """
        raise NotImplementedError

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """With a window: start, and return at once."""
        if bpy.app.background:
            return self.execute(context)
        if not self._try(context):
            return {"CANCELLED"}
        timers.watch()
        return {"FINISHED"}

    def execute(self, context: Any) -> set[str]:
        """From scripts and in the background: return when the keys of all jobs are written."""
        before = session.current.failures
        if not self._try(context):
            return {"CANCELLED"}
        session.current.drain()
        failed = [failure for failure in session.current.failures if failure not in before]
        for failure in failed:
            self.report({"ERROR"}, say(failure.error))
        return {"CANCELLED"} if failed else {"FINISHED"}

    def _try(self, context: Any) -> bool:
        try:
            return self.submit(context)
        except RhetorError as error:
            session.current.fail(error)
            self.report({"ERROR"}, say(error))
            return False
