# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a take once more from its stored request: to compare it, or as a new take."""

from typing import Any, ClassVar

import bpy

from .. import prefs, session
from ..identify import BlockId
from ..jobs.order_giver import OrderGiver
from ..scene_read import Order
from ..sequencer.voice import voice_strip
from .on_takes import OnTake, picked_character, stored
from .reproduction import stored_request


class _RunsAgain(OnTake, OrderGiver):
    """Submits a stored request as it is."""

    compares = False

    def submit(self, context: Any) -> bool:
        """One order, as it is stored on the take."""
        entry = self.found(context)
        if entry is None:
            return False
        order = Order(
            stored_request(entry),
            BlockId.of(context.scene),
            BlockId.of(picked_character(context).root),
            int(stored(entry, "start_frame")),
            strip=voice_strip(entry.main),
            compared_with=entry.id if self.compares else "",
        )
        session.current.submit(order, prefs.engine_python(context))
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
