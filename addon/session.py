# SPDX-License-Identifier: GPL-3.0-or-later
"""What Rhetor remembers while Blender runs: the engine's process, the job, the last outcome.

The only mutable singleton, `current`. It holds no data-block: the scene is looked up afresh when
a take is written. With a window a timer pumps the engine's messages; in the background, where
timers never fire, `drain` waits.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import bpy

from ..engine.protocol.errors import CancelledError, RhetorError
from .client import Call, Client
from .scene_read import Order
from .scene_write import Performance, Written

PUMP_INTERVAL_S = 0.1
READY_STAGE = "Starting the engine"
_PROGRAM = "Rhetor for Blender"
_CALM_MODES = ("OBJECT", "POSE")

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
        self.engine_line = ""
        self.engine_warnings: list[str] = []
        self._client: Client | None = None
        self._python: Path | None = None
        self._call: Call | None = None
        self._order: Order | None = None

    @property
    def is_working(self) -> bool:
        """Whether a job is under way."""
        return self.phase is Phase.WORKING

    def warm_up(self, python: Path) -> None:
        """Start the engine so that it is ready sooner; returns at once."""
        self._engine(python).start()

    def submit(self, order: Order, python: Path) -> None:
        """Send an order to the engine, starting it if needed; returns at once."""
        client = self._engine(python)
        self.phase, self.error, self.written, self.unwritten = Phase.WORKING, None, None, None
        self.fraction, self.stage = 0.0, "" if client.is_ready else READY_STAGE
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
            self._describe_engine()
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
        self.error = None

    def fail(self, error: RhetorError) -> None:
        """The job ended without keys; a cancelled one leaves no error behind."""
        self._call = self._order = None
        self.error = None if isinstance(error, CancelledError) else error
        self.phase = Phase.IDLE if self.error is None else Phase.FAILED

    def check_engine(self, python: Path) -> str:
        """Start the engine and wait until it is ready; returns a line that describes it."""
        client = self._engine(python)
        client.wait_ready()
        self._describe_engine()
        return self.engine_line

    def stop(self) -> None:
        """End the engine's process and forget the job."""
        if bpy.app.timers.is_registered(_tick):
            bpy.app.timers.unregister(_tick)
        client, self._client, self._call, self._order = self._client, None, None, None
        if client is not None:
            client.close()
        if self.is_working:
            self.phase = Phase.IDLE

    def _engine(self, python: Path) -> Client:
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
        return self.unwritten

    def _describe_engine(self) -> None:
        hello = self._client.hello if self._client is not None else None
        if hello is not None:
            self.engine_line = f"Engine {hello.engine_version} on {hello.device or 'no device'}"

    def _hear(self, level: str, text: str) -> None:
        if level == "warning" and text not in self.engine_warnings:
            self.engine_warnings.append(text)


current = Session()


def watch() -> None:
    """Pump the engine's messages from a timer until the job is over."""
    if not bpy.app.timers.is_registered(_tick):
        # Persistent: opening another file must not leave the job without an end.
        bpy.app.timers.register(_tick, first_interval=PUMP_INTERVAL_S, persistent=True)


def _tick() -> float | None:
    try:
        current.pump()
    except RhetorError:
        _redraw()
        return None
    if current.unwritten is not None:
        if not _may_write():
            current.stage = "Finished: waiting for you to leave this mode"
            _redraw()
            return PUMP_INTERVAL_S * 5
        _write()
    _redraw()
    return PUMP_INTERVAL_S if current.is_working else None


def _may_write() -> bool:
    """Whether an undo step for keys can be made now: edit modes keep undo stacks of their own."""
    if bpy.app.is_job_running("RENDER"):
        return False
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        return bpy.context.mode in _CALM_MODES


def _write() -> None:
    try:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.rhetor.write_take("EXEC_DEFAULT", True)
    except RuntimeError:
        pass  # the operator has reported it and told the session


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def register() -> None:
    """Nothing starts here: the engine starts when it is first needed."""
    atexit.register(current.stop)


def unregister() -> None:
    """End the engine."""
    atexit.unregister(current.stop)
    current.stop()
