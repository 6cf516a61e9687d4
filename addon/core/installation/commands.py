# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs for the installation: their words go to the log, and none outlives it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK_EVERY_S = 1.0
_UNWANTED = ("PYTHON", "VIRTUAL_ENV", "CONDA", "__PYVENV")
_NEUTRAL = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_TARGET": "", "PIP_PREFIX": ""}
"""What a person may have set for pip that would lead it elsewhere."""


@dataclass(frozen=True)
class Finished:
    """How a program ended, and its words."""

    code: int
    output: str
    errors: str


class Commands:
    """Programs one after another. log: the file that takes what they are and say."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._running: subprocess.Popen[str] | None = None

    def run(
        self,
        command: Sequence[str | Path],
        while_waiting: Callable[[], None] = lambda: None,
        variables: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run a program to its end, whatever that is. Raises OSError where it cannot start."""
        self.note(f"$ {' '.join(map(str, command))}")
        started_s = time.monotonic()
        process = self._running = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**_clean(os.environ), **(variables or {})},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        while True:
            try:
                output, errors = process.communicate(timeout=_LOOK_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                while_waiting()
        self._running = None
        for text in filter(None, (output.strip(), errors.strip())):
            self.note(text)
        self.note(f"exit {process.returncode} after {time.monotonic() - started_s:.1f} s")
        return Finished(process.returncode, output, errors)

    def note(self, text: str) -> None:
        """Add to the log."""
        with contextlib.suppress(OSError), self._log.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {text}\n")

    def kill(self) -> None:
        """End the program that runs now. From another thread."""
        running = self._running
        if running is not None:
            with contextlib.suppress(OSError):
                running.kill()


def _clean(variables: Mapping[str, str]) -> dict[str, str]:
    """The person's variables, without what would change which Python or folder is meant."""
    kept = {k: v for k, v in variables.items() if not k.upper().startswith(_UNWANTED)}
    for name, value in _NEUTRAL.items():
        if value:
            kept[name] = value
        else:
            kept.pop(name, None)
    return kept
