# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning a style from videos: a second engine process beside the one that animates.

`current` lives as long as Blender and holds no data-block. What is being learnt is also noted on
disk: the engine keeps its intermediate results, so that a later session can go on with it.
"""

from __future__ import annotations

import atexit
import contextlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from ...engine.protocol.errors import CancelledError, ConfigError, RhetorError, WorkerError
from ...engine.styles import material_dir, styles_dir
from ..call import Call
from ..client import Client
from ..core.time_left import TimeLeft, duration_label
from ..core.unfinished import Notebook, StyleOrder
from ..identify import BlockId
from ..jobs import timers
from ..jobs.jobs import Phase
from ..session import PUMP_INTERVAL_S, READY_STAGE
from .style_menu import menu

NOTES = "unfinished"
START_WITHIN_S = 180.0
"""A patient process on a busy computer."""

STOP_WITHIN_S = 10.0
"""A step of training is longer than one of animating."""

LOOK_AGAIN_S = 2.0
_PROGRAM = "Rhetor for Blender, learning"

ProgressCallback = Callable[[float, str], None]


class Learning:
    """At most one style being learnt, and what came of the last."""

    def __init__(self) -> None:
        self.phase = Phase.IDLE
        self.fraction = 0.0
        self.stage = ""
        self.order: StyleOrder | None = None
        self.scene: BlockId | None = None
        self.error: RhetorError | None = None
        self.warnings: list[str] = []
        self._client: Client | None = None
        self._call: Call | None = None
        self._pace = TimeLeft()
        self._notebook: Notebook | None = None
        self._unfinished: tuple[StyleOrder, ...] = ()
        self._looked_at_s = float("-inf")

    @property
    def is_working(self) -> bool:
        """Whether a style is being learnt."""
        return self.phase is Phase.WORKING

    @property
    def time_left(self) -> str:
        """For the panel: "about 5 min left", or "" where nobody can know yet."""
        seconds = self._pace.seconds() if self.is_working else None
        return "" if seconds is None else f"about {duration_label(seconds)} left"

    @property
    def unfinished(self) -> tuple[StyleOrder, ...]:
        """Styles that were begun, here or in an earlier session, and that nobody is at now."""
        now_s = time.monotonic()
        if now_s - self._looked_at_s > LOOK_AGAIN_S:
            self._looked_at_s = now_s
            self._unfinished = self._read_notes()
        return self._unfinished

    def submit(self, order: StyleOrder, python: Path, scene: BlockId | None = None) -> None:
        """Begin or resume an order; returns at once. Raises RhetorError where it cannot begin.

        scene: where the style is to be chosen when it is finished.
        """
        if self.is_working:
            raise ConfigError("A style is being learned already.", "Wait for it, or stop it.")
        self.order, self.scene, self.error = order, scene, None
        self.fraction, self.stage = 0.0, READY_STAGE
        self.warnings.clear()
        self._pace = TimeLeft()
        try:
            self._note(order)
            self._client = Client(
                python,
                program=_PROGRAM,
                on_log=self._hear,
                start_timeout_s=START_WITHIN_S,
                kill_after_s=STOP_WITHIN_S,
                is_patient=True,
            )
            self._call = self._client.call("new_style", _params(order))
        except RhetorError as error:
            self._fail(error)
            raise
        self.phase = Phase.WORKING

    def pump(self) -> bool:
        """Take in what the engine has sent; True once when the style is finished. Never waits.

        Raises RhetorError where it ended without a style.
        """
        call = self._call
        if self._client is None or call is None:
            return False
        self._client.pump()
        if not call.is_done:
            self._follow(call)
            return False
        try:
            call.result()
        except RhetorError as error:
            self._fail(error)
            raise
        self._succeed()
        return True

    def drain(self, on_progress: ProgressCallback | None = None) -> None:
        """Wait for the style. Raises RhetorError where there is none."""
        while not self.pump():
            if not self.is_working:
                raise self.error or CancelledError("Cancelled.")
            if on_progress is not None:
                on_progress(self.fraction, self.stage)
            time.sleep(PUMP_INTERVAL_S)

    def cancel(self) -> None:
        """Ask the engine to stop; `pump` sees the end of it. What was done so far is kept."""
        if self._client is not None and self._call is not None:
            self._client.cancel(self._call)
            self.stage = "Stopping"

    def discard(self, name: str) -> None:
        """Forget an unfinished order, and delete what was made for it."""
        self._notes().finish(name)
        shutil.rmtree(material_dir(name), ignore_errors=True)
        self._looked_at_s = float("-inf")
        if self.order is not None and self.order.name == name and not self.is_working:
            self.phase, self.order, self.error = Phase.IDLE, None, None

    def stop(self) -> None:
        """End the engine's process; the order can be resumed. Asks nothing of Blender."""
        if self.is_working:
            self.phase = Phase.IDLE
        self._let_go()
        if self._notebook is not None:
            self._notebook.pause()

    def _follow(self, call: Call) -> None:
        if call.is_cancelled:
            return
        self.fraction, self.stage = call.fraction, call.stage or self.stage
        if call.stage:
            self._pace.see(self.fraction, time.monotonic())

    def _succeed(self) -> None:
        assert self.order is not None
        self._let_go()
        self._notes().finish(self.order.name)
        self._looked_at_s = float("-inf")
        self.phase, self.fraction = Phase.DONE, 1.0
        menu.refresh()

    def _fail(self, error: RhetorError) -> None:
        self._let_go()
        self._notes().pause()
        self._looked_at_s = float("-inf")
        self.error = None if isinstance(error, CancelledError) else error
        self.phase = Phase.IDLE if self.error is None else Phase.FAILED

    def _let_go(self) -> None:
        """End the process; it holds much memory and is not needed again soon."""
        client, self._client, self._call = self._client, None, None
        if client is not None:
            client.close()

    def _note(self, order: StyleOrder) -> None:
        try:
            is_ours = self._notes().begin(order)
        except OSError as error:
            raise WorkerError(
                f"The folder of the styles cannot be written ({error.strerror}).",
                f"Check the folder {styles_dir()}.",
            ) from error
        if not is_ours:
            raise ConfigError(
                f"Another Blender is learning the style {order.label}.", "Wait for it, or stop it."
            )

    def _read_notes(self) -> tuple[StyleOrder, ...]:
        """Unfinished orders; one whose style is there has lost its listener at the very end."""
        orders = self._notes().unfinished()
        complete = {entry.name for entry in menu.entries}
        for order in orders:
            if order.name in complete:
                self._notes().finish(order.name)
        return tuple(order for order in orders if order.name not in complete)

    def _notes(self) -> Notebook:
        folder = styles_dir() / NOTES
        if self._notebook is None or self._notebook.folder != folder:
            self._notebook = Notebook(folder)
        return self._notebook

    def _hear(self, level: str, text: str) -> None:
        if level == "warning" and text not in self.warnings:
            self.warnings.append(text)


current = Learning()


def tracking_dir(name: str) -> Path:
    """Where the engine puts pictures and plots of how the face was followed."""
    return material_dir(name) / "dataset"


def _params(order: StyleOrder) -> dict[str, Any]:
    return {
        "videos": list(order.videos),
        "name": order.name,
        "label": order.label,
        "description": order.description,
    }


def watch() -> None:
    """Pump the engine's messages from a timer until the style is there."""
    if not bpy.app.timers.is_registered(_tick):
        # Persistent: opening another file must not leave the engine without a listener.
        bpy.app.timers.register(_tick, first_interval=PUMP_INTERVAL_S, persistent=True)


def choose_finished() -> None:
    """Choose the finished style in the scene that asked for it, if that is open and can take it.

    Where it cannot, the panel offers a button.
    """
    window = bpy.context.window_manager.windows[0]
    scene = None if current.scene is None else current.scene.find(bpy.data.scenes)
    if scene is None or scene != window.scene or timers.hindrance():
        return
    with contextlib.suppress(RuntimeError), bpy.context.temp_override(window=window):
        bpy.ops.rhetor.use_style("EXEC_DEFAULT", True, name=current.order.name)


def _tick() -> float | None:
    with contextlib.suppress(RhetorError):  # the panel tells
        if current.pump():
            choose_finished()
    timers.redraw()
    return PUMP_INTERVAL_S * 2 if current.is_working else None


def register() -> None:
    """Nothing starts here."""
    atexit.register(current.stop)


def unregister() -> None:
    """End the engine and the timer."""
    atexit.unregister(current.stop)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    current.stop()
