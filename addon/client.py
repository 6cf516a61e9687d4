# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process as Blender sees it: start, call, cancel, kill. No bpy, no torch in here.

Everything, callbacks too, happens on the caller's thread inside `pump` (from a timer) or `wait`
(without a user interface), so nothing here needs a lock; the threads are in process.py.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..engine.launch import launch_arguments
from ..engine.protocol.errors import CancelledError, ProtocolError, RhetorError, WorkerError
from ..engine.protocol.frames import Array
from ..engine.protocol.messages import (
    PROTOCOL_VERSION,
    Cancel,
    Failure,
    Hello,
    Log,
    Message,
    Progress,
    Reply,
    Request,
    check_version,
)
from ..engine.protocol.requests import AnimateRequest, request_params
from .call import Call, DoneCallback, ProgressCallback
from .process import WorkerProcess

SERVE_ARGUMENTS = launch_arguments("rhetor.engine", "serve")
"""This extension's own engine, whatever else the engine's environment holds."""

START_TIMEOUT_S = 60.0
"""Ready in 5 s is usual; a cold disk and a virus scanner can make the first start slow."""

KILL_AFTER_S = 3.0
"""How long a cancelled call may go on before its process is killed."""

_CLOSE_GRACE_S = 1.0
_POLL_S = 0.1

LogCallback = Callable[[str, str], None]


class Client:
    """Calls to one worker process, started on demand and again after it ended.

    python: the engine's own interpreter. program: who is calling, for messages. on_log: gets level
    ("info", "warning") and text of what the worker has to say. is_patient: let others have the
    processor first. For one thread.
    """

    def __init__(
        self,
        python: Path,
        *,
        program: str = "rhetor client",
        on_log: LogCallback | None = None,
        arguments: Sequence[str] = SERVE_ARGUMENTS,
        start_timeout_s: float = START_TIMEOUT_S,
        kill_after_s: float = KILL_AFTER_S,
        is_patient: bool = False,
    ) -> None:
        self.hello: Hello | None = None
        self._command = (str(python.absolute()), *arguments)
        self._program = program
        self._on_log = on_log
        self._start_timeout_s = start_timeout_s
        self._kill_after_s = kill_after_s
        self._is_patient = is_patient
        self._worker: WorkerProcess | None = None
        self._calls: dict[int, Call] = {}
        self._last_id = 0
        self._ready_by_s = 0.0
        self._endings: list[threading.Thread] = []

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def is_running(self) -> bool:
        """Whether there is a process, as far as the last `pump` has seen."""
        return self._worker is not None

    @property
    def is_ready(self) -> bool:
        """Whether the process has said that it is ready to work; `hello` describes it."""
        return self.hello is not None

    def start(self) -> None:
        """Start the process unless it runs; returns at once. Raises WorkerError if it cannot."""
        self.pump()  # a process that died unseen is seen now, and replaced
        if self._worker is None:
            self._worker = WorkerProcess(self._command, self._is_patient)
            self._ready_by_s = time.monotonic() + self._start_timeout_s
            self._worker.send(Hello(PROTOCOL_VERSION, self._program))

    def call(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        arrays: Mapping[str, Array] | None = None,
        on_progress: ProgressCallback | None = None,
        on_done: DoneCallback | None = None,
    ) -> Call:
        """Send a request, starting the process if needed; returns at once.

        Raises WorkerError or ProtocolError where it cannot be sent; later failures end the call.
        """
        self.start()
        assert self._worker is not None
        self._last_id += 1
        request = Request(self._last_id, method, dict(params or {}), dict(arrays or {}))
        self._worker.send(request)
        call = Call(self._last_id, on_progress, on_done)
        self._calls[call.id] = call
        return call

    def animate(
        self,
        request: AnimateRequest,
        on_progress: ProgressCallback | None = None,
        on_done: DoneCallback | None = None,
    ) -> Call:
        """Ask for a take; see `call`."""
        return self.call("animate", request_params(request), None, on_progress, on_done)

    def cancel(self, call: Call) -> None:
        """Ask a call to stop; where it does not within the time set, its process is killed."""
        if self._worker is not None and not call.is_done and not call.is_cancelled:
            call.stop_by(time.monotonic() + self._kill_after_s)
            self._worker.send(Cancel(call.id))

    def pump(self) -> None:
        """Take in all that has arrived and run the callbacks; never waits. Call from a timer."""
        while (worker := self._worker) is not None:
            try:
                event = worker.events.get_nowait()
            except queue.Empty:
                break
            self._take_in(event)
        self._check_deadlines()

    def wait(self, call: Call, timeout_s: float | None = None) -> Reply:
        """Pump until a call is done; returns its reply or raises its error.

        Raises WorkerError after timeout_s; the call goes on then.
        """
        self._pump_until(lambda: call.is_done, timeout_s)
        return call.result()

    def wait_ready(self, timeout_s: float | None = None) -> Hello:
        """Start the process and pump until it is ready. Raises why it is not."""
        self.start()
        failure: list[RhetorError] = []
        probe = Call(0, None, lambda ended: failure.append(ended.error or WorkerError("Ended.")))
        self._calls[probe.id] = probe
        try:
            self._pump_until(lambda: self.is_ready or bool(failure), timeout_s)
        finally:
            self._calls.pop(probe.id, None)
        if self.hello is None:
            raise failure[0]
        return self.hello

    def close(self) -> None:
        """End the process and fail what is under way. Nothing is left behind; may be repeated."""
        self.let_go()
        for ending in self._endings:
            ending.join()
        self._endings.clear()

    def let_go(self) -> None:
        """As `close`, without waiting for the end of the process."""
        self._end(WorkerError("The engine was closed."), _CLOSE_GRACE_S)

    def _pump_until(self, is_over: Callable[[], bool], timeout_s: float | None) -> None:
        give_up_s = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        while not is_over():
            if time.monotonic() > give_up_s:
                raise WorkerError(f"The engine has not answered within {timeout_s:g} s.")
            if self._worker is None:
                raise WorkerError("The engine is not running.")
            with contextlib.suppress(queue.Empty):
                self._take_in(self._worker.events.get(timeout=_POLL_S))
            self._check_deadlines()

    def _take_in(self, event: Message | RhetorError) -> None:
        if isinstance(event, RhetorError):
            self._end(event)
        elif isinstance(event, Hello):
            try:
                check_version(event.protocol, event.program)
            except ProtocolError as error:
                self._end(error)
            else:
                self.hello = event
        elif isinstance(event, Log):
            if self._on_log is not None:
                self._on_log(event.level, event.text)
        elif isinstance(event, Failure) and event.id is None:
            self._end(event.to_error())
        elif isinstance(event, Progress):
            if event.id in self._calls:
                self._calls[event.id].advance(event)
        elif isinstance(event, Reply | Failure):
            call = self._calls.pop(event.id or 0, None)
            if call is not None:
                call.settle(event if isinstance(event, Reply) else event.to_error())

    def _check_deadlines(self) -> None:
        if self._worker is None:
            return
        if self.hello is None and time.monotonic() > self._ready_by_s:
            self._end(
                WorkerError(
                    f"The engine was not ready within {self._start_timeout_s:g} s.",
                    self._worker.stderr_hint(),
                )
            )
        elif any(call.is_overdue for call in self._calls.values()):
            self._end(WorkerError("The engine did not stop and was killed.", "Start again."))

    def _end(self, reason: RhetorError, grace_s: float = 0.0) -> None:
        """Stop the process and settle all calls: cancelled ones as such, others with the reason.

        The process may take a while to end, for which the caller's thread does not wait.
        """
        worker, self._worker, self.hello = self._worker, None, None
        if worker is not None:
            self._endings = [ending for ending in self._endings if ending.is_alive()]
            ending = threading.Thread(target=worker.stop, args=(grace_s,), daemon=True)
            ending.start()
            self._endings.append(ending)
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.settle(CancelledError("Cancelled.") if call.is_cancelled else reason)
