# SPDX-License-Identifier: GPL-3.0-or-later
"""The line of jobs: one runs, others wait, some have failed. No bpy in here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from ...engine.protocol.errors import CancelledError, ConfigError, RhetorError
from ..core.time_left import TimeLeft, duration_label

if TYPE_CHECKING:
    from ..scene_read import Order
    from ..scene_write import Performance, Written

LONGEST_LINE = 1000
"""Orders that may wait; more are a script's mistake."""

_PACE_AFTER_S = 3.0


class Phase(Enum):
    """What the panel has to show."""

    IDLE = "idle"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


class Job:
    """One order on its way through the engine.

    fraction: how far it is, in [0, 1]. restarts: how often the engine died under it and was
    started again. performance: the finished take while it waits to be written. error: why there
    will be none; a CancelledError where the person wanted it so.
    """

    def __init__(self, order: Order, python: Path) -> None:
        self.order = order
        self.python = python
        self.fraction = 0.0
        self.stage = ""
        self.restarts = 0
        self.performance: Performance | None = None
        self.error: RhetorError | None = None
        self._pace = TimeLeft(_PACE_AFTER_S)

    def advance(self, fraction: float, stage: str, now_s: float) -> None:
        """Take in how far it is, at a time of a monotonic clock."""
        self.fraction, self.stage = fraction, stage
        self._pace.see(fraction, now_s)

    def start_again(self, stage: str) -> None:
        """Go back to the beginning."""
        self.restarts += 1
        self.fraction, self.stage = 0.0, stage
        self._pace = TimeLeft(_PACE_AFTER_S)

    @property
    def line(self) -> str:
        """What is being done and for how long still."""
        return ", ".join(filter(None, (self.stage, self.time_left)))

    @property
    def time_left(self) -> str:
        """For people: "about 20 s left", or "" where nobody can know yet."""
        seconds = self._pace.seconds() if self.performance is None else None
        return "" if seconds is None else f"about {duration_label(seconds)} left"


@dataclass(frozen=True)
class Failure:
    """An order that came to nothing, and why.

    order: None where not even an order could be made. performance: the take where there is one
    that could not be written; it is kept until the person decides.
    """

    error: RhetorError
    order: Order | None = None
    performance: Performance | None = None

    @property
    def title(self) -> str:
        """Which order; "" where there was none."""
        return "" if self.order is None else self.order.title


class JobLine:
    """One job at a time in the order of arrival; the failure of one does not stop the rest."""

    def __init__(self) -> None:
        self.running: Job | None = None
        self.failures: tuple[Failure, ...] = ()
        self.written: Written | None = None
        self._waiting: list[Job] = []
        self._last = Phase.IDLE

    @property
    def waiting(self) -> tuple[Order, ...]:
        """The orders that have not begun, next first."""
        return tuple(job.order for job in self._waiting)

    @property
    def phase(self) -> Phase:
        """WORKING, or how the last job ended."""
        return Phase.WORKING if self.running is not None else self._last

    def add(self, orders: Iterable[Order], python: Path) -> None:
        """Let orders join the line. Raises ConfigError where it is too long; none joins then."""
        new = [Job(order, python) for order in orders]
        if len(self._waiting) + len(new) > LONGEST_LINE:
            raise ConfigError(
                f"More than {LONGEST_LINE} jobs cannot wait.", "Let some finish, or cancel them."
            )
        if self.running is None and new:
            self.forget_outcomes()
        self._waiting += new

    def begin_next(self) -> Job | None:
        """The job that begins now; None where one runs or none waits."""
        if self.running is not None or not self._waiting:
            return None
        self.running = self._waiting.pop(0)
        return self.running

    def remove(self, index: int) -> None:
        """Take one out of the waiting. Raises IndexError where there is none."""
        del self._waiting[index]

    def clear(self) -> None:
        """Take all out of the waiting."""
        self._waiting.clear()

    def finish(self, written: Written) -> None:
        """The running job's take has been written."""
        self.running, self.written, self._last = None, written, Phase.DONE

    def fail(self, error: RhetorError) -> None:
        """The running job ends without keys; a take that it made is kept."""
        if (job := self.running) is None:
            return
        job.error = error
        if isinstance(error, CancelledError):
            self._last = Phase.DONE if self.written is not None else Phase.IDLE
        else:
            self.refuse(error, job.order, job.performance)
        self.running = None

    def refuse(
        self, error: RhetorError, order: Order | None = None, kept: Performance | None = None
    ) -> None:
        """Note a failure; what runs goes on."""
        if self.running is None:
            self.forget_outcomes()
        self.failures = (*self.failures, Failure(error, order, kept))
        self._last = Phase.FAILED

    def forget(self, index: int) -> Failure:
        """Take a failure off the list and return it. Raises IndexError where there is none."""
        failure = self.failures[index]
        self.failures = tuple(f for f in self.failures if f is not failure)
        if not self.failures and self._last is Phase.FAILED:
            self._last = Phase.IDLE
        return failure

    def settle(self, index: int, written: Written) -> None:
        """A kept take has been written after all."""
        self.forget(index)
        self.written, self._last = written, Phase.DONE

    def forget_outcomes(self) -> None:
        """Something new begins: drop old news, but no take that could still be written."""
        self.failures = tuple(f for f in self.failures if f.performance is not None)
        self.written, self._last = None, Phase.IDLE
