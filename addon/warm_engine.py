# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's process, kept warm: started when it is needed, ended when it is idle for long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..engine.protocol.errors import RhetorError
from ..engine.protocol.frames import Array
from .call import Call
from .client import Client

REST_AFTER_S = 600.0
"""An engine that nobody has asked for so long is ended: it holds much memory."""

_PROGRAM = "Rhetor for Blender"


class WarmEngine:
    """One engine process at most, and what is known of it.

    engine_findings: what the last look at it has found, for people; engine_checks: the same as
    JSON objects with name, is_good, finding and hint. engine_warnings: what it had to say about the
    running or the last job.
    """

    def __init__(self) -> None:
        self.engine_findings: tuple[str, ...] = ()
        self.engine_checks: tuple[dict[str, Any], ...] = ()
        self.engine_warnings: list[str] = []
        self._client: Client | None = None
        self._python: Path | None = None
        self._examination: Call | None = None
        self._question: Call | None = None
        self._used_s = 0.0

    @property
    def is_examining(self) -> bool:
        """Whether the engine is being looked at."""
        return self._examination is not None

    @property
    def is_engine_busy(self) -> bool:
        """Whether somebody waits for it."""
        return self.is_examining or self.question is not None

    @property
    def question(self) -> Call | None:
        """What is being asked by `ask`; None where nothing is, or the answer is there."""
        return None if self._question is None or self._question.is_done else self._question

    @property
    def engine_line(self) -> str:
        """Version and device of the running engine; "" where none runs or is ready."""
        hello = self._client.hello if self._client is not None else None
        if hello is None:
            return ""
        return f"Engine {hello.engine_version} on {hello.device or 'no device'}"

    def warm_up(self, python: Path) -> None:
        """Start the engine so that it is ready sooner; returns at once."""
        self._engine(python).start()

    def wait_ready(self, python: Path) -> None:
        """Start the engine and wait until it can work. Raises RhetorError where it cannot."""
        self._engine(python).wait_ready()

    def examine(self, python: Path) -> None:
        """Let the engine look at itself; `engine_findings` has what it found. Returns at once."""
        self._examination = self._engine(python).call("doctor")
        self.engine_findings = ("Looking at the engine",)

    def ask(
        self, python: Path, method: str, params: Mapping[str, Any], arrays: Mapping[str, Array]
    ) -> Call:
        """Ask the engine something that is no job; returns at once. `listen` brings the answer.

        Raises RhetorError where it cannot be asked.
        """
        self._question = self._engine(python).call(method, params, arrays)
        return self._question

    def stop_asking(self, call: Call) -> None:
        """The answer is no longer wanted."""
        if self._client is not None:
            self._client.cancel(call)

    def listen(self) -> None:
        """Take in what the engine has sent. Never waits."""
        self._pump_engine()

    def rest(self) -> None:
        """End an idle engine's process; what it has made stays. Returns at once."""
        client, self._client = self._client, None
        if client is not None:
            client.let_go()

    def stop(self) -> None:
        """End the engine's process and wait for its end. Asks nothing of Blender."""
        client, self._client = self._client, None
        self._examination = self._question = None
        if client is not None:
            client.close()

    def rest_in_s(self) -> float | None:
        """Seconds until the engine may be ended; None where none runs."""
        if self._client is None or not self._client.is_running:
            return None
        if self.is_engine_busy:
            return REST_AFTER_S
        return REST_AFTER_S - (time.monotonic() - self._used_s)

    def _engine(self, python: Path) -> Client:
        self._used_s = time.monotonic()
        if self._client is not None and self._python != python:
            self.rest()
        if self._client is None:
            self._client = Client(python, program=_PROGRAM, on_log=self._hear)
            self._python = python
        return self._client

    def _pump_engine(self) -> None:
        """Take in what the engine has sent. Never waits."""
        if self._client is not None:
            self._client.pump()
            self._collect_examination()

    def _collect_examination(self) -> None:
        if self._examination is None or not self._examination.is_done:
            return
        call, self._examination = self._examination, None
        try:
            checks = call.result().result["checks"]
        except RhetorError as error:
            self.engine_findings = (error.message, error.hint)
            self.engine_checks = (failed_check(error),)
            return
        self.engine_checks = tuple(checks)
        bad = [f"{c['name']}: {c['finding']} {c['hint']}" for c in checks if not c["is_good"]]
        self.engine_findings = (self.engine_line, *(bad or [f"All {len(checks)} checks passed"]))

    def _hear(self, level: str, text: str) -> None:
        if level == "warning" and text not in self.engine_warnings:
            self.engine_warnings.append(text)


def failed_check(error: RhetorError) -> dict[str, Any]:
    """The one finding about an engine that cannot be asked."""
    return {"name": "engine", "is_good": False, "finding": error.message, "hint": error.hint}
