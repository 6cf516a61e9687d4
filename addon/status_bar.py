# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress at the right end of Blender's status bar, and Escape to stop the main job."""

from typing import Any, ClassVar

import bpy

from . import learning, session

_WIDTH_UNITS = 9.0
_LONG_WORK_WIDTH_UNITS = 11.0


class RHETOR_OT_stop_with_escape(bpy.types.Operator):
    """Stop the work when Escape is pressed"""

    bl_idname = "rhetor.stop_with_escape"
    bl_label = "Stop with Escape"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Listen for as long as the job takes."""
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Take Escape, and leave every other event to whom it is meant for."""
        if not session.current.is_working:
            return {"FINISHED", "PASS_THROUGH"}
        wanted = event.type == "ESC" and event.value == "PRESS"
        if not wanted or context.screen.is_animation_playing:  # Escape stops playing first
            return {"PASS_THROUGH"}
        session.current.cancel()
        return {"FINISHED"}


def draw(header: Any, _context: Any) -> None:
    """What is under way, with a button to stop it."""
    if session.current.is_working:
        current = session.current
        _draw_job(header.layout, current.fraction, current.stage, "rhetor.cancel", _WIDTH_UNITS)
    if learning.current.is_working and learning.current.order is not None:
        learner = learning.current
        text = f"{learner.order.label}: {learner.stage}"
        operator = "rhetor.cancel_style"
        _draw_job(header.layout, learner.fraction, text, operator, _LONG_WORK_WIDTH_UNITS)


def _draw_job(layout: Any, fraction: float, text: str, operator: str, width: float) -> None:
    row = layout.row(align=True)
    row.ui_units_x = width
    row.progress(factor=fraction, text=text)
    row.operator(operator, text="", icon="X")


CLASSES = (RHETOR_OT_stop_with_escape,)


def register() -> None:
    """Add to the status bar."""
    bpy.types.STATUSBAR_HT_header.append(draw)


def unregister() -> None:
    """Leave the status bar as it was."""
    bpy.types.STATUSBAR_HT_header.remove(draw)
