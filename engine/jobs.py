# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the worker: one runs at a time, in order; any of them can be cancelled."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from .protocol.errors import CancelledError, ProtocolError, RhetorError, WorkerError
from .protocol.frames import Array
from .protocol.messages import Failure, Log, Message, Progress, Reply, Request

PROGRESS_INTERVAL_S = 0.05
"""Shortest time between two progress messages of one stage."""

Result = tuple[dict[str, Any], Mapping[str, Array]]
"""Result and arrays of a reply."""

_log = logging.getLogger(__name__)


class Job:
    """One request while it waits or runs, as its handler sees it."""

    def __init__(self, request: Request, send: Callable[[Message], None]):
        self.request = request
        self._send = send
        self._cancelled = threading.Event()
        self._stage = ""
        self._reported_s = 0.0

    def cancel(self) -> None:
        """Ask the job to stop; takes effect at its next progress report."""
        self._cancelled.set()

    def progress(self, fraction: float, stage: str) -> None:
        """Report progress. Raises CancelledError once the other end has asked to stop."""
        if self._cancelled.is_set():
            raise CancelledError("Cancelled.")
        now_s = time.monotonic()
        if stage != self._stage or now_s - self._reported_s >= PROGRESS_INTERVAL_S:
            self._stage, self._reported_s = stage, now_s
            self._send(Progress(self.request.id, fraction, stage))

    def warn(self, text: str) -> None:
        """Tell the person something that does not stop the job."""
        self._send(Log("warning", text))

    def run(self, handler: Callable[[Job], Result]) -> None:
        """Run the handler and answer the request, whatever happens."""
        try:
            self.progress(0.0, "")
            result, arrays = handler(self)
            answer: Message = Reply(self.request.id, result, arrays)
        except Exception as error:
            answer = Failure.of(self.request.id, readable(error))
        try:
            self._send(answer)
        except ProtocolError as error:  # an answer over a limit; nothing of it has been sent
            self._send(Failure.of(self.request.id, error))


class JobQueue:
    """Jobs in the order of arrival. Thread-safe; `run` belongs to one thread."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Job, Callable[[Job], Result]]] = queue.SimpleQueue()
        self._open: dict[int, Job] = {}
        self._lock = threading.Lock()

    def submit(self, job: Job, handler: Callable[[Job], Result]) -> None:
        """Queue a job. Raises ProtocolError where its id is still in use."""
        with self._lock:
            if job.request.id in self._open:
                raise ProtocolError(f"Request {job.request.id} is already under way.")
            self._open[job.request.id] = job
        self._waiting.put((job, handler))

    def cancel(self, request_id: int) -> None:
        """Cancel a waiting or running job; an id that is not open is ignored."""
        with self._lock:
            job = self._open.get(request_id)
        if job is not None:
            job.cancel()

    def run(self) -> NoReturn:
        """Run jobs for ever."""
        while True:
            job, handler = self._waiting.get()
            job.run(handler)
            with self._lock:
                del self._open[job.request.id]


def readable(error: Exception) -> RhetorError:
    """The error for the person; an unexpected one goes to the log with its traceback."""
    if isinstance(error, RhetorError):
        return error
    _log.error("Unexpected error", exc_info=error)
    if isinstance(error, MemoryError):
        return WorkerError(
            "The memory of this machine does not suffice.", "Use a shorter recording."
        )
    return WorkerError(
        f"Something unexpected went wrong: {type(error).__name__}: {error}.",
        "The details are in the worker's log.",
    )
