# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of this machine for a Blender in a root of its own, which has no torch.

Inside, a small program stands where the engine's Python would be; each start of it becomes a start
of the real interpreter out here, with pipes between the two.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
from pathlib import Path

_PROGRAM = """#!/usr/bin/python3
import json, os, socket, sys, threading
link = socket.socket(socket.AF_UNIX)
link.connect({address!r})
link.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
def send():
    while data := os.read(0, 65536):
        link.sendall(data)
    link.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while data := link.recv(65536):
    while data:
        data = data[os.write(1, data):]
os._exit(0)
"""


class EngineRelay:
    """`python` is the program to name as the engine's Python; ended by `close`."""

    def __init__(self, folder: Path, engine_python: Path, **environment: str) -> None:
        self._engine_python = engine_python
        self._environment = {**os.environ, **environment}
        self._engines: list[subprocess.Popen[bytes]] = []
        address = folder / "engine.socket"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(address))
        self._server.listen(4)
        self.python = folder / "engine-python"
        self.python.write_text(_PROGRAM.format(address=str(address)))
        self.python.chmod(0o755)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End the engines that were started."""
        self._server.close()
        for engine in self._engines:
            engine.kill()
            engine.wait()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                link, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        received = link.makefile("rb", buffering=0)
        arguments = json.loads(received.readline())
        engine = subprocess.Popen(
            [str(self._engine_python), *arguments],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._engines.append(engine)
        threading.Thread(target=_pass_on, args=(received, engine), daemon=True).start()
        assert engine.stdout is not None
        with contextlib.suppress(OSError):  # Blender has let go
            while data := os.read(engine.stdout.fileno(), 65536):
                link.sendall(data)
        link.close()


def _pass_on(received: object, engine: subprocess.Popen[bytes]) -> None:
    assert engine.stdin is not None
    with contextlib.suppress(OSError):
        while data := received.read(65536):  # type: ignore[attr-defined]
            engine.stdin.write(data)
            engine.stdin.flush()
    with contextlib.suppress(OSError):
        engine.stdin.close()
