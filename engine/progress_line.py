# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of a command for the person at the terminal, on stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TextIO

_WIDTH = 24


class ProgressLine:
    """One line that is drawn over on a terminal; in a log file, one line for each stage."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty()
        self._drawn = ""

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clear()

    def show(self, fraction: float, stage: str) -> None:
        """Draw the fraction done in [0, 1] and the stage's name."""
        if self._live:
            filled = round(fraction * _WIDTH)
            bar = "█" * filled + "·" * (_WIDTH - filled)
            self._draw(f"{bar} {fraction:4.0%} {stage}")
        elif stage != self._drawn:
            self._drawn = stage
            print(stage, file=self._stream, flush=True)

    def note(self, text: str) -> None:
        """Print a line that stays."""
        self._clear()
        print(text, file=self._stream, flush=True)

    def _draw(self, line: str) -> None:
        print("\r" + line.ljust(len(self._drawn)), end="", file=self._stream, flush=True)
        self._drawn = line

    def _clear(self) -> None:
        if self._live and self._drawn:
            print("\r" + " " * len(self._drawn) + "\r", end="", file=self._stream, flush=True)
            self._drawn = ""
