# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens from time to time while there is a window: pump, write, redraw, let go.

Timers never fire in the background; `Session.drain` does the work there.
"""

from __future__ import annotations

import bpy

from .. import session
from ..session import PUMP_INTERVAL_S, current
from ..warm_engine import REST_AFTER_S

_CALM_MODES = ("OBJECT", "POSE")
_SHOWN_IN = {"VIEW_3D": "UI", "SEQUENCE_EDITOR": "UI", "PREFERENCES": "WINDOW"}
"""Editors, and the region of each that shows jobs: drawing a 3D view itself can take long."""

_DRAG = "TRANSFORM_OT_"
_ESCAPE = "RHETOR_OT_stop_with_escape"


def watch() -> None:
    """Pump the engine's messages from a timer until all jobs are over."""
    if not bpy.app.timers.is_registered(_tick):
        # Persistent: opening another file must not leave the jobs without an end.
        bpy.app.timers.register(_tick, first_interval=PUMP_INTERVAL_S, persistent=True)
    if not bpy.app.timers.is_registered(_rest):
        bpy.app.timers.register(_rest, first_interval=REST_AFTER_S, persistent=True)


def hindrance() -> str:
    """What keeps an undo step for keys from being made now, for people; "" where nothing does."""
    windows = bpy.context.window_manager.windows
    if bpy.app.is_job_running("RENDER"):
        return "Waiting for the render"
    if any(op.bl_idname.startswith(_DRAG) for window in windows for op in window.modal_operators):
        return "Waiting for the mouse"
    with bpy.context.temp_override(window=windows[0]):
        # Edit modes keep undo stacks of their own.
        return "" if bpy.context.mode in _CALM_MODES else "Leave this mode to finish"


def redraw() -> None:
    """Let panels and status bar show what has changed."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if region.type == _SHOWN_IN.get(area.type):
                    region.tag_redraw()
        if all(operator.bl_idname.startswith("RHETOR_OT_") for operator in window.modal_operators):
            # Without a text of its own it is redrawn; another operator's text is left alone.
            with bpy.context.temp_override(window=window):
                window.workspace.status_text_set_internal(None)


def _tick() -> float | None:
    current.pump()
    job = current.running
    if job is not None and job.performance is not None:
        if reason := hindrance():
            job.fraction, job.stage = 1.0, reason
            redraw()
            return PUMP_INTERVAL_S * 5
        session.write_finished()
    if current.is_working:
        _listen_for_escape()
    redraw()
    return PUMP_INTERVAL_S if current.is_working or current.is_examining else None


def _listen_for_escape() -> None:
    """Let Escape stop the work; opening a file ends the listener, so it may have to begin again."""
    windows = bpy.context.window_manager.windows
    if any(op.bl_idname == _ESCAPE for window in windows for op in window.modal_operators):
        return
    with bpy.context.temp_override(window=windows[0]):
        bpy.ops.rhetor.stop_with_escape("INVOKE_DEFAULT")


def _rest() -> float | None:
    """End an engine that has been idle for long; the next job starts another."""
    left_s = current.rest_in_s()
    if left_s is not None and left_s > 0.0:
        return left_s
    current.rest()
    return None


def unregister() -> None:
    """End the timers."""
    for timer in (_tick, _rest):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
