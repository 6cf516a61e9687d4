# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker process with its pipes and its two threads. No bpy, no torch in here.

One thread reads messages into a queue, one keeps the tail of stderr; both end with the process.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from ..engine.protocol.errors import ProtocolError, RhetorError, WorkerError
from ..engine.protocol.frames import ByteReader, read_frame, write_frame
from ..engine.protocol.messages import Message, from_frame, to_frame

_EXIT_WAIT_S = 1.0
_STDERR_LINES = 40
_STDERR_SHOWN = 3
_PATIENT_NICENESS = 10


class EngineEndedError(WorkerError):
    """The process ended without being asked to."""


class WorkerProcess:
    """One life of the worker.

    events: its messages, and last of all the error that says how it ended. is_patient: leave the
    processor to others where they want it. Raises WorkerError where the program cannot be started.
    """

    def __init__(self, command: Sequence[str], is_patient: bool = False) -> None:
        self.events: queue.SimpleQueue[Message | RhetorError] = queue.SimpleQueue()
        self._stderr_tail: deque[str] = deque(maxlen=_STDERR_LINES)
        python = Path(command[0])
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=python.parent,
                env={k: v for k, v in os.environ.items() if not k.upper().startswith("PYTHON")},
                creationflags=_creation_flags(is_patient),
            )
        except OSError as error:
            raise WorkerError(
                f"The engine's Python cannot be started: {python} ({error.strerror}).",
                "Check its path in the preferences.",
            ) from error
        if is_patient and hasattr(os, "setpriority"):
            with contextlib.suppress(OSError):  # before it has threads, so that all inherit it
                os.setpriority(os.PRIO_PROCESS, self._process.pid, _PATIENT_NICENESS)
        self._stdin, self._stdout, self._stderr = (
            _opened(pipe)
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self._threads = [
            threading.Thread(target=target, name=f"rhetor {name}", daemon=True)
            for name, target in (("stderr", self._keep_stderr), ("reader", self._read))
        ]
        for thread in self._threads:
            thread.start()

    def send(self, message: Message) -> None:
        """Send a message; where the process is gone, the reader tells about it."""
        with contextlib.suppress(OSError):
            write_frame(self._stdin, to_frame(message))

    def stop(self, grace_s: float) -> None:
        """End the process and all that belongs to it; by end-of-file where there is grace."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread, pipe in zip(self._threads, (self._stderr, self._stdout), strict=True):
            # A stranger that inherited the pipe could keep it open; do not wait for that one.
            thread.join(_EXIT_WAIT_S)
            if not thread.is_alive():
                pipe.close()

    def stderr_hint(self) -> str:
        """The last lines that the process wrote to stderr."""
        lines = [line for line in self._stderr_tail if line.strip()]
        return f"It said last: {' | '.join(lines[-_STDERR_SHOWN:])}" if lines else ""

    def _keep_stderr(self) -> None:
        for line in self._stderr:
            self._stderr_tail.append(line.decode("utf-8", "replace").rstrip())

    def _read(self) -> None:
        stdout = cast(ByteReader, self._stdout)  # a BufferedReader; typeshed says IO
        try:
            while (frame := read_frame(stdout)) is not None:
                message = from_frame(frame)
                if message is not None:
                    self.events.put(message)
            self.events.put(self._death())
        except ProtocolError as error:
            hint = error.hint or self.stderr_hint()
            self.events.put(ProtocolError(error.message, hint))

    def _death(self) -> EngineEndedError:
        try:
            code: int | None = self._process.wait(_EXIT_WAIT_S)
            self._threads[0].join(_EXIT_WAIT_S)
        except subprocess.TimeoutExpired:
            code = None
        hint = (
            self.stderr_hint() or "Check Engine in the preferences, or `rhetor doctor`, tells more."
        )
        return EngineEndedError(f"The engine {_manner(code)}.", hint)


def _manner(code: int | None) -> str:
    """How a process ended that nobody asked to."""
    if code is None:
        return "closed its connection"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed (signal {-code})"


def _creation_flags(is_patient: bool) -> int:
    """Flags that exist on Windows only: no console window, and less of the processor."""
    names = ["CREATE_NO_WINDOW", *(["BELOW_NORMAL_PRIORITY_CLASS"] if is_patient else [])]
    return sum(getattr(subprocess, name, 0) for name in names)


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
