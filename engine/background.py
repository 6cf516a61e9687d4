# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work in processes of their own: progress, cancelling at once, nobody left behind.

The parent sends one JSON object of parameters and then only holds the pipe open: a child whose
parent dies, in whatever way, sees the end of the pipe and ends too. The child answers with JSON
lines on its standard output; what its libraries print goes to a log file.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from .jobs import readable
from .launch import launch_arguments, own_name
from .protocol.errors import RhetorError, WorkerError
from .stages import ProgressCallback

POLL_S = 0.05
_LOG_TAIL_LINES = 3

Warn = Callable[[str], None]
Work = Callable[[Mapping[str, Any], ProgressCallback, Warn], Mapping[str, Any]]
"""Parameters, progress and warnings in; a JSON object out."""


class BackgroundWork:
    """One child process that runs the `main` of a module, which calls `serve_work`.

    fraction, stage: what it last told. log: file that takes what it prints. python: another
    interpreter than this process has.
    """

    def __init__(
        self, module: str, params: Mapping[str, Any], log: Path, python: str | None = None
    ) -> None:
        self.fraction = 0.0
        self.stage = ""
        self.result: Mapping[str, Any] | None = None
        self._warnings: deque[str] = deque()
        self._error: RhetorError | None = None
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [python or sys.executable, *launch_arguments(own_name(module))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin: IO[bytes] = self._process.stdin
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.daemon = True
        self._reader.start()
        try:
            self._stdin.write(json.dumps(dict(params)).encode() + b"\n")
            self._stdin.flush()
        except OSError:
            pass  # it died at once: `is_done` tells why

    def is_done(self, warn: Warn) -> bool:
        """Whether it has ended well; passes its warnings on. Raises what went wrong in it."""
        ended = not self._reader.is_alive()
        while self._warnings:
            warn(self._warnings.popleft())
        if self._error is not None:
            raise self._error
        if ended and self.result is None:
            raise WorkerError(
                f"A part of the work ended unexpectedly: {self._log_tail()}",
                f"Start it again: it goes on where it was. The log is {self._log}.",
            )
        return self.result is not None

    def stop(self, grace_s: float = 0.0) -> None:
        """End the process, whatever it is doing; within grace_s it may end its own children."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _read(self, stdout: IO[bytes]) -> None:
        with stdout:
            for line in stdout:
                message = json.loads(line)
                if "fraction" in message:
                    self.fraction, self.stage = message["fraction"], message["stage"]
                elif "warning" in message:
                    self._warnings.append(message["warning"])
                elif "error" in message:
                    self._error = RhetorError.from_wire(message["error"])
                elif "result" in message:
                    self.result = message["result"]
        self._process.wait()

    def _log_tail(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = " ".join(line.strip() for line in lines[-_LOG_TAIL_LINES:] if line.strip())
        return tail or f"exit code {self._process.returncode}"


def run_together(works: Sequence[BackgroundWork], progress: ProgressCallback, warn: Warn) -> None:
    """Wait for all; `progress` gets the mean fraction and the stage of the slowest.

    Whatever one of them or `progress` raises ends all of them and goes on to the caller.
    """
    try:
        while True:
            done = [work.is_done(warn) for work in works]
            slowest = min(works, key=lambda work: work.fraction)
            progress(sum(work.fraction for work in works) / len(works), slowest.stage)
            if all(done):
                return
            time.sleep(POLL_S)
    finally:
        for work in works:
            work.stop()


def serve_work(work: Work, at_stop: Callable[[], None] = lambda: None) -> NoReturn:
    """The child's side: run `work` on the parameters from standard input, tell how it goes.

    at_stop: what is left to do when the parent wants an end.
    """
    stdin, stdout = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # prints of any library go to the log
    sys.stdout = sys.stderr
    lock = threading.Lock()

    def tell(message: Mapping[str, Any]) -> None:
        with lock:
            try:
                stdout.write(json.dumps(dict(message)).encode() + b"\n")
                stdout.flush()
            except OSError:
                os._exit(1)  # nobody listens any more

    params = json.loads(stdin.readline())
    threading.Thread(target=_end_with, args=(stdin, at_stop), daemon=True).start()
    told_s, told_stage = 0.0, ""

    def progress(fraction: float, stage: str) -> None:
        nonlocal told_s, told_stage
        if stage != told_stage or time.monotonic() - told_s >= POLL_S:
            told_s, told_stage = time.monotonic(), stage
            tell({"fraction": fraction, "stage": stage})

    try:
        result = work(params, progress, lambda text: tell({"warning": text}))
        tell({"fraction": 1.0, "stage": told_stage})
        tell({"result": dict(result)})
        code = 0
    except Exception as error:
        tell({"error": readable(error).to_wire()})
        code = 1
    sys.stderr.flush()
    os._exit(code)  # no waiting for threads of libraries


def _end_with(stdin: IO[bytes], at_stop: Callable[[], None]) -> None:
    """End this process when the parent has gone."""
    stdin.read()
    try:
        at_stop()
    finally:
        os._exit(1)
