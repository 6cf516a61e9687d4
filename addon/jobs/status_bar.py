# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress at the right end of Blender's status bar, and Escape to stop the running job."""

from typing import Any, ClassVar

import bpy

from .. import session
from ..panel_text import joined
from ..styles import learning
from ..words import say

_WIDTH_UNITS = 14.0


class RHETOR_OT_stop_with_escape(bpy.types.Operator):
    """Stop the work when Escape is pressed"""

    bl_idname = "rhetor.stop_with_escape"
    bl_label = "Stop with Escape"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Listen for as long as there is work."""
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Take Escape, and leave every other event to whom it is meant for."""
        if not session.current.is_working:
            return {"FINISHED", "PASS_THROUGH"}
        # The value first: for the type of some other events, such as a drop, Blender has no name.
        wanted = event.value == "PRESS" and event.type == "ESC"
        if not wanted or context.screen.is_animation_playing:  # Escape stops playing first
            return {"PASS_THROUGH"}
        session.current.cancel()
        return {"RUNNING_MODAL"}


def draw(header: Any, _context: Any) -> None:
    """What is under way, with a button to stop it."""
    job = session.current.running
    if job is not None:
        text = joined(job.stage, job.time_left, _line_label())
        _draw_job(header.layout, job.fraction, text, "rhetor.cancel")
    if learning.current.is_working and learning.current.order is not None:
        learner = learning.current
        text = f"{learner.order.label}: {say(learner.stage)}"
        operator = "rhetor.cancel_style"
        _draw_job(header.layout, learner.fraction, text, operator)


def _line_label() -> str:
    """How many wait; "" where none does."""
    waiting = len(session.current.waiting)
    return f"{waiting} waiting" if waiting else ""


def _draw_job(layout: Any, fraction: float, text: str, operator: str) -> None:
    row = layout.row(align=True)
    row.ui_units_x = _WIDTH_UNITS
    row.progress(factor=fraction, text=text)
    row.operator(operator, text="", icon="X")


CLASSES = (RHETOR_OT_stop_with_escape,)


def register() -> None:
    """Add to the status bar."""
    bpy.types.STATUSBAR_HT_header.append(draw)


def unregister() -> None:
    """Leave the status bar as it was."""
    bpy.types.STATUSBAR_HT_header.remove(draw)
