# SPDX-License-Identifier: GPL-3.0-or-later
"""`rhetor serve`: the worker process. Speaks docs/protocol.md on its standard input and output.

The main thread loads the networks and then runs the jobs; a second thread reads the pipe, so that
a cancel or the death of the other end is seen in the middle of a job.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from io import BufferedReader, BufferedWriter
from typing import NoReturn

from .handlers import Handlers
from .jobs import Job, JobQueue, readable
from .protocol.errors import CheckpointError, ProtocolError, RhetorError
from .protocol.frames import read_frame, write_frame
from .protocol.messages import (
    PROTOCOL_VERSION,
    Cancel,
    Failure,
    Hello,
    Log,
    Message,
    Request,
    check_version,
    from_frame,
    to_frame,
)
from .provenance import engine_version
from .styles import installed_styles
from .threads import limit_threads

EXIT_OK = 0
EXIT_PROTOCOL = 2
EXIT_PIPE = 3

_log = logging.getLogger(__name__)


def serve() -> NoReturn:
    """Serve one client until it closes the pipe; never returns."""
    stdin, stdout = protect_stdio()
    limit_threads()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    if not sys.stdin.isatty():
        # Ctrl-C in Blender's terminal reaches the worker too; it ends by end-of-file instead.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    outbox = Outbox(stdout)
    handlers, jobs = Handlers(), JobQueue()
    reader = threading.Thread(target=_read, args=(stdin, outbox, handlers, jobs), daemon=True)
    reader.start()
    outbox.send(_hello(outbox, handlers))
    jobs.run()


def protect_stdio() -> tuple[BufferedReader, BufferedWriter]:
    """Binary streams on the real standard input and output; stray prints go to stderr instead.

    Call before anything that may print: descriptor 1 becomes stderr, descriptor 0 empty.
    """
    stdin_fd, stdout_fd = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        for fd in (stdin_fd, stdout_fd):
            msvcrt.setmode(fd, os.O_BINARY)
    os.dup2(2, 1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    sys.stdout = sys.stderr
    return os.fdopen(stdin_fd, "rb"), os.fdopen(stdout_fd, "wb")


class Outbox:
    """Sends whole messages from any thread."""

    def __init__(self, stream: BufferedWriter):
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Send one message; where nobody reads any more, the process ends."""
        with self._lock:
            try:
                write_frame(self._stream, to_frame(message))
            except OSError:
                leave(EXIT_PIPE)


def leave(code: int) -> NoReturn:
    """End the process at once, from any thread, whatever the others are doing."""
    sys.stderr.flush()
    os._exit(code)


def _hello(outbox: Outbox, handlers: Handlers) -> Hello:
    """Load and warm up the networks, then describe this worker.

    An engine that cannot load still says hello: each request then tells why it fails.
    """
    device = ""
    try:
        device = handlers.engine().warm_up()
    except Exception as error:
        outbox.send(Log("warning", str(readable(error))))
    try:
        styles = tuple(entry.to_json() for entry in installed_styles())
    except CheckpointError:  # warm_up has told
        styles = ()
    version = engine_version()
    return Hello(
        PROTOCOL_VERSION, f"rhetor {version}", version, device, handlers.names, styles=styles
    )


def _read(stdin: BufferedReader, outbox: Outbox, handlers: Handlers, jobs: JobQueue) -> None:
    """Reader thread: the handshake, then requests and cancels until end-of-file."""
    try:
        greeting = _next_message(stdin)
        if not isinstance(greeting, Hello):
            raise ProtocolError("The first message was not a hello.")
        check_version(greeting.protocol, greeting.program)
        while True:
            message = _next_message(stdin)
            if isinstance(message, Request):
                _dispatch(message, outbox, handlers, jobs)
            elif isinstance(message, Cancel):
                jobs.cancel(message.id)
    except RhetorError as error:
        outbox.send(Failure.of(None, error))
        leave(EXIT_PROTOCOL)
    except OSError:
        leave(EXIT_PIPE)
    except BaseException:
        # Without its reader the worker would be deaf: better to end than to linger.
        _log.exception("The reader failed")
        leave(EXIT_PROTOCOL)


def _next_message(stdin: BufferedReader) -> Message | None:
    frame = read_frame(stdin)
    if frame is None:
        leave(EXIT_OK)
    return from_frame(frame)


def _dispatch(request: Request, outbox: Outbox, handlers: Handlers, jobs: JobQueue) -> None:
    job = Job(request, outbox.send)
    try:
        if request.method in handlers.immediate:
            job.run(handlers.immediate[request.method])
        elif request.method in handlers.queued:
            jobs.submit(job, handlers.queued[request.method])
        else:
            raise ProtocolError(
                f"This engine has no method {request.method!r}.",
                "Update the engine to the add-on's release.",
            )
    except RhetorError as error:
        outbox.send(Failure.of(request.id, error))
