# SPDX-License-Identifier: GPL-3.0-or-later
"""The installation as Blender sees it: one process at most, how far it is, how it ended.

The singleton `current` holds no data-block. With a window a timer pumps it; in the background,
where timers never fire, `drain` waits.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import bpy

from ...engine.background import BackgroundWork
from ...engine.protocol.errors import CancelledError, InstallError, RhetorError
from ..core.installation import work
from ..core.installation.home import EngineHome, Installed
from ..core.installation.install import InstallOrder
from ..core.installation.interpreter import is_bundled
from ..core.installation.pins import read_pins

ENGINE_PYTHON_VARIABLE = "RHETOR_ENGINE_PYTHON"
"""Names the Python of an existing environment, where the preferences do not."""

PUMP_INTERVAL_S = 0.1
_STOP_GRACE_S = 1.0
_SHOWN_IN = ("VIEW_3D", "PREFERENCES")
_OTHER_LOG = "rhetor-engine.log"

ProgressCallback = Callable[[float, str], None]


class Task(StrEnum):
    """What the process can do."""

    INSTALL = "install"
    EXAMINE = "examine"
    UNINSTALL = "uninstall"


class Installer:
    """fraction, stage: how far it is. error: why the last task failed. notes: what to know of it.

    finished: the last task that has come to a good end.
    """

    def __init__(self) -> None:
        self.fraction = 0.0
        self.stage = ""
        self.error: RhetorError | None = None
        self.notes: list[str] = []
        self.finished: Task | None = None
        self._task: Task | None = None
        self._work: BackgroundWork | None = None
        self._at_end: Callable[[], None] = _nothing
        self._seen: tuple[Path, int] | None = None
        self._installed: Installed | None = None

    @property
    def is_working(self) -> bool:
        """Whether a process is under way."""
        return self._work is not None

    @property
    def home(self) -> EngineHome:
        """The engine's folder."""
        return EngineHome()

    @property
    def installed(self) -> Installed | None:
        """What is installed; None where nothing is. Reads the disk only when that has changed."""
        home = self.home
        try:
            seen = (home.record, home.record.stat().st_mtime_ns)
        except OSError:
            self._seen = None
            return None
        if seen != self._seen:
            self._seen, self._installed = seen, home.installed()
        if self._installed is not None and not home.python(self._installed).is_file():
            return None
        return self._installed

    @property
    def is_outdated(self) -> bool:
        """Whether this version of Rhetor needs other packages than are installed."""
        installed = self.installed
        return installed is not None and installed.pins != _wanted_pins()

    def install(self, order: InstallOrder) -> None:
        """Begin an installation; returns at once. Raises InstallError where one is under way."""
        self._begin(Task.INSTALL, asdict(order), self.home.log)

    def examine(self, python: Path, at_end: Callable[[], None]) -> None:
        """Try whether an environment can run the engine; at_end is called if it can."""
        self._begin(Task.EXAMINE, {"python": str(python)}, _other_log(), at_end)

    def uninstall(self) -> None:
        """Begin to delete all that was installed; returns at once."""
        self._begin(Task.UNINSTALL, {}, _other_log())

    def pump(self) -> bool:
        """Take in what the process has told; True once when its task is done. Never waits.

        Raises RhetorError where it failed; `error` keeps it.
        """
        process = self._work
        if process is None:
            return False
        try:
            is_done = process.is_done(self.notes.append)
        except RhetorError as error:
            self._let_go()
            self.error = error
            raise
        self.fraction, self.stage = process.fraction, process.stage or self.stage
        if is_done:
            self._let_go()
            self.finished = self._task
            self._at_end()
        return is_done

    def drain(self, on_progress: ProgressCallback | None = None) -> None:
        """Wait for the end of the task. Raises RhetorError where it failed or was cancelled."""
        while not self.pump():
            if not self.is_working:
                raise self.error or CancelledError("Cancelled.")
            if on_progress is not None:
                on_progress(self.fraction, self.stage)
            time.sleep(PUMP_INTERVAL_S)

    def cancel(self) -> None:
        """Stop; what was in use stays in use, and finished downloads are kept."""
        self._let_go()

    def _begin(
        self,
        task: Task,
        params: Mapping[str, Any],
        log: Path,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        if self.is_working:
            raise InstallError("The engine is being installed already.", "Wait for it.")
        self.fraction, self.stage, self.error, self.finished = 0.0, "Starting", None, None
        self.notes.clear()
        self._task, self._at_end = task, at_end
        try:
            self._work = BackgroundWork(
                work.MODULE, {"task": task.value, "order": dict(params)}, log, sys.executable
            )
        except OSError as error:
            self.error = InstallError(
                f"The installation cannot be started: {error}.", f"Check the folder {log.parent}."
            )
            raise self.error from error

    def _let_go(self) -> None:
        process, self._work = self._work, None
        if process is not None:
            process.stop(_STOP_GRACE_S)


def _nothing() -> None:
    pass


current = Installer()


def named_python(preference: str) -> str:
    """The Python of an existing environment that the person has named; "" where none is."""
    return preference or os.environ.get(ENGINE_PYTHON_VARIABLE, "")


def bundled_prefix() -> str:
    """Root of the Python that lies within Blender's own folders; "" where it is another."""
    folders = [
        str(Path(bpy.app.binary_path).parent) if bpy.app.binary_path else "",
        bpy.utils.resource_path("LOCAL"),
        bpy.utils.resource_path("SYSTEM"),
    ]
    return sys.base_prefix if is_bundled(sys.base_prefix, folders) else ""


def watch() -> None:
    """Pump from a timer until the task is over."""
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=PUMP_INTERVAL_S, persistent=True)


def _tick() -> float | None:
    with contextlib.suppress(RhetorError):  # panel and preferences tell
        current.pump()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in _SHOWN_IN:
                area.tag_redraw()
    return PUMP_INTERVAL_S if current.is_working else None


def _other_log() -> Path:
    return Path(tempfile.gettempdir()) / _OTHER_LOG


@cache
def _wanted_pins() -> str:
    return read_pins().fingerprint()


def register() -> None:
    """Nothing starts here."""
    atexit.register(current.cancel)


def unregister() -> None:
    """End the process and the timer."""
    atexit.unregister(current.cancel)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    current.cancel()
