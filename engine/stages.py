# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a job: one progress bar over all of them, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

ProgressCallback = Callable[[float, str], None]
"""Called with the fraction done in [0, 1] and the stage's name; may raise CancelledError."""


class Stages:
    """Runs named stages one after another; `times_s` holds the seconds of each that has ended.

    shares: stages in order with the part of the whole that each is expected to take.
    """

    def __init__(self, shares: Mapping[str, float], progress: ProgressCallback):
        self._shares = shares
        self._total = sum(shares.values())
        self._progress = progress
        self._done = 0.0
        self.times_s: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[float], None]]:
        """Enter a stage; yields the callback that the stage tells its own fraction in [0, 1]."""
        share = self._shares[name]
        start = self._done

        def report(fraction: float) -> None:
            inside = min(max(fraction, 0.0), 1.0)
            self._progress((start + share * inside) / self._total, name)

        report(0.0)
        started_s = time.perf_counter()
        yield report
        self.times_s[name] = time.perf_counter() - started_s
        self._done = start + share
        report(1.0)
