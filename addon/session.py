# SPDX-License-Identifier: GPL-3.0-or-later
"""What Rhetor remembers while Blender runs: the engine's process, the job, the last outcome.

The only mutable singleton, `current`. It holds no data-block: the scene is looked up afresh when
a take is written. With a window a timer pumps the engine's messages; in the background, where
timers never fire, `drain` waits.
"""

from __future__ import annotations

import atexit
import contextlib
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..engine.protocol.errors import CancelledError, RhetorError
from .client import Call, Client
from .scene_read import Order
from .scene_write import Performance, Written

if TYPE_CHECKING:
    from .scene_doctor import Report

PUMP_INTERVAL_S = 0.1
REST_AFTER_S = 600.0
"""An engine that nobody has asked for so long is ended: it holds much memory."""

READY_STAGE = "Starting the engine"
_PROGRAM = "Rhetor for Blender"
_CALM_MODES = ("OBJECT", "POSE")
_SHOWN_IN = ("VIEW_3D", "PREFERENCES")

ProgressCallback = Callable[[float, str], None]


class Phase(Enum):
    """What the panel has to show."""

    IDLE = "idle"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


class Session:
    """One engine process, at most one job, and what came of the last."""

    def __init__(self) -> None:
        self.phase = Phase.IDLE
        self.fraction = 0.0
        self.stage = ""
        self.error: RhetorError | None = None
        self.written: Written | None = None
        self.unwritten: Performance | None = None
        self.engine_findings: tuple[str, ...] = ()
        self.engine_warnings: list[str] = []
        self.scene_report: Report | None = None
        self._client: Client | None = None
        self._python: Path | None = None
        self._call: Call | None = None
        self._examination: Call | None = None
        self._order: Order | None = None
        self._used_s = 0.0

    @property
    def is_working(self) -> bool:
        """Whether a job is under way."""
        return self.phase is Phase.WORKING

    def warm_up(self, python: Path) -> None:
        """Start the engine so that it is ready sooner; returns at once."""
        self._engine(python).start()

    @property
    def is_examining(self) -> bool:
        """Whether the engine is being looked at."""
        return self._examination is not None

    @property
    def engine_line(self) -> str:
        """Version and device of the running engine; "" where none runs or is ready."""
        hello = self._client.hello if self._client is not None else None
        if hello is None:
            return ""
        return f"Engine {hello.engine_version} on {hello.device or 'no device'}"

    def submit(self, order: Order, python: Path) -> None:
        """Send an order to the engine, starting it if needed; returns at once."""
        client = self._engine(python)
        self.phase, self.error, self.written, self.unwritten = Phase.WORKING, None, None, None
        self.fraction = 0.0
        self.stage = "Asking the engine" if client.is_ready else READY_STAGE
        self.engine_warnings.clear()
        try:
            self._call = client.animate(order.request)
        except RhetorError as error:
            self.fail(error)
            raise
        self._order = order

    def pump(self) -> Performance | None:
        """Take in what the engine has sent; the finished performance, once. Never waits.

        Raises RhetorError where the job ended without a take.
        """
        if self._client is not None:
            self._client.pump()
            self._collect_examination()
        return self._collect()

    def drain(self, on_progress: ProgressCallback | None = None) -> Performance:
        """Wait for the job's performance. Raises RhetorError where there is none."""
        while self.is_working:
            performance = self.pump()
            if performance is not None:
                return performance
            if on_progress is not None:
                on_progress(self.fraction, self.stage)
            time.sleep(PUMP_INTERVAL_S / 4)
        raise self.error or CancelledError("Cancelled.")

    def cancel(self) -> None:
        """Ask the job to stop; `pump` sees the end of it. A take that waits is dropped."""
        if self._client is not None and self._call is not None:
            self._client.cancel(self._call)
            self.stage = "Cancelling"
        elif self.is_working:
            self.unwritten, self.phase = None, Phase.IDLE

    def succeed(self, written: Written) -> None:
        """A take has been written."""
        self.phase, self.written, self.unwritten = Phase.DONE, written, None
        self.error = self.scene_report = None

    def fail(self, error: RhetorError) -> None:
        """The job ended without keys; a cancelled one leaves no error behind."""
        self._call = self._order = None
        self.error = None if isinstance(error, CancelledError) else error
        self.phase = Phase.IDLE if self.error is None else Phase.FAILED

    def wait_ready(self, python: Path) -> None:
        """Start the engine and wait until it can work. Raises RhetorError where it cannot."""
        self._engine(python).wait_ready()

    def examine(self, python: Path) -> None:
        """Let the engine look at itself; `engine_findings` has what it found. Returns at once."""
        self._examination = self._engine(python).call("doctor")
        self.engine_findings = ("Looking at the engine",)

    def rest(self) -> None:
        """End an idle engine's process; what it has made stays."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def stop(self) -> None:
        """End the engine's process and forget the job. Asks nothing of Blender."""
        client, self._client = self._client, None
        self._call = self._order = self._examination = None
        if client is not None:
            client.close()
        if self.is_working:
            self.phase = Phase.IDLE

    def rest_in_s(self) -> float | None:
        """Seconds until the engine may be ended; None where none runs."""
        if self._client is None or not self._client.is_running:
            return None
        if self.is_working or self.is_examining:
            return REST_AFTER_S
        return REST_AFTER_S - (time.monotonic() - self._used_s)

    def _engine(self, python: Path) -> Client:
        self._used_s = time.monotonic()
        if self._client is not None and self._python != python:
            self.stop()
        if self._client is None:
            self._client = Client(python, program=_PROGRAM, on_log=self._hear)
            self._python = python
        return self._client

    def _collect(self) -> Performance | None:
        call, order = self._call, self._order
        if call is None or order is None:
            return None
        if not call.is_done:
            if not call.is_cancelled:
                self.fraction = call.fraction
                self.stage = call.stage or self.stage
            return None
        try:
            self.unwritten = Performance(order, call.take())
        except RhetorError as error:
            self.fail(error)
            raise
        self._call = self._order = None
        self._used_s = time.monotonic()
        return self.unwritten

    def _collect_examination(self) -> None:
        if self._examination is None or not self._examination.is_done:
            return
        call, self._examination = self._examination, None
        try:
            checks = call.result().result["checks"]
        except RhetorError as error:
            self.engine_findings = (error.message, error.hint)
            return
        bad = [f"{c['name']}: {c['finding']} {c['hint']}" for c in checks if not c["is_good"]]
        self.engine_findings = (self.engine_line, *(bad or [f"All {len(checks)} checks passed"]))

    def _hear(self, level: str, text: str) -> None:
        if level == "warning" and text not in self.engine_warnings:
            self.engine_warnings.append(text)


current = Session()


def watch() -> None:
    """Pump the engine's messages from a timer until the job is over."""
    if not bpy.app.timers.is_registered(_tick):
        # Persistent: opening another file must not leave the job without an end.
        bpy.app.timers.register(_tick, first_interval=PUMP_INTERVAL_S, persistent=True)
    if not bpy.app.timers.is_registered(_rest):
        bpy.app.timers.register(_rest, first_interval=REST_AFTER_S, persistent=True)


def _rest() -> float | None:
    """End an engine that has been idle for long; the next job starts another."""
    left_s = current.rest_in_s()
    if left_s is not None and left_s > 0.0:
        return left_s
    current.rest()
    return None


def _tick() -> float | None:
    with contextlib.suppress(RhetorError):  # the panel tells
        current.pump()
    if current.is_working and current.unwritten is not None:
        if not may_write():
            current.fraction, current.stage = 1.0, "Leave this mode to finish"
            redraw()
            return PUMP_INTERVAL_S * 5
        _write()
    redraw()
    return PUMP_INTERVAL_S if current.is_working or current.is_examining else None


def may_write() -> bool:
    """Whether an undo step for keys can be made now: edit modes keep undo stacks of their own."""
    if bpy.app.is_job_running("RENDER"):
        return False
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        return bpy.context.mode in _CALM_MODES


def _write() -> None:
    # Where it fails, the operator has reported it and told the session.
    with (
        contextlib.suppress(RuntimeError),
        bpy.context.temp_override(window=bpy.context.window_manager.windows[0]),
    ):
        bpy.ops.rhetor.write_take("EXEC_DEFAULT", True)


def redraw() -> None:
    """Let panels and status bar show what has changed."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in _SHOWN_IN:
                area.tag_redraw()
        if all(operator.bl_idname.startswith("RHETOR_OT_") for operator in window.modal_operators):
            # Without a text of its own it is redrawn; another operator's text is left alone.
            with bpy.context.temp_override(window=window):
                window.workspace.status_text_set_internal(None)


def register() -> None:
    """Nothing starts here: the engine starts when it is first needed."""
    atexit.register(current.stop)


def unregister() -> None:
    """End the engine and the timer."""
    atexit.unregister(current.stop)
    for timer in (_tick, _rest):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    current.stop()
