# SPDX-License-Identifier: GPL-3.0-or-later
"""What Rhetor remembers while Blender runs: the engine's process, the line of jobs, outcomes.

The only mutable singleton, `current`. It holds no data-block: the scene is looked up afresh when
a take is written. With a window timers.py pumps the engine's messages; in the background, where
timers never fire, `drain` waits.
"""

from __future__ import annotations

import atexit
import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..engine.protocol.errors import CancelledError, RhetorError, WorkerError
from .call import Call
from .jobs.jobs import Failure, Job, JobLine, Phase
from .process import EngineEndedError
from .scene_read import Order
from .scene_write import Performance, Written
from .warm_engine import WarmEngine

if TYPE_CHECKING:
    from .check.scene_doctor import Report

PUMP_INTERVAL_S = 0.1
READY_STAGE = "Starting the engine"
STARTED_AGAIN = "The engine stopped and was started again."

ProgressCallback = Callable[[float, str], None]


class Session(WarmEngine):
    """One engine process, a line of jobs, and what came of those that ended.

    warnings: what the person should know about the last take that was written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scene_report: Report | None = None
        self.warnings: tuple[str, ...] = ()
        self._line = JobLine()
        self._call: Call | None = None

    @property
    def is_working(self) -> bool:
        """Whether a job is under way."""
        return self._line.running is not None

    @property
    def is_engine_busy(self) -> bool:
        """Whether somebody waits for the engine."""
        return self.is_working or super().is_engine_busy

    @property
    def phase(self) -> Phase:
        """Whether there is work, or how the last job ended."""
        return self._line.phase

    @property
    def running(self) -> Job | None:
        """The job that is under way."""
        return self._line.running

    @property
    def waiting(self) -> tuple[Order, ...]:
        """The orders in line behind it, next first."""
        return self._line.waiting

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Orders that came to nothing, until the person has seen them."""
        return self._line.failures

    @property
    def error(self) -> RhetorError | None:
        """Why the last order failed; None where none did."""
        return self.failures[-1].error if self.failures else None

    @property
    def written(self) -> Written | None:
        """The last take that was written."""
        return self._line.written

    @property
    def unwritten(self) -> Performance | None:
        """The finished take of the running job, which waits to be written."""
        return self.running.performance if self.running is not None else None

    @property
    def fraction(self) -> float:
        """How far the running job is, in [0, 1]."""
        return self.running.fraction if self.running is not None else 0.0

    @property
    def stage(self) -> str:
        """What is being done."""
        return self.running.stage if self.running is not None else ""

    def has(self, order: Order) -> bool:
        """Whether the very same order runs or waits."""
        return order in self.waiting or (self.running is not None and self.running.order == order)

    def submit(self, order: Order, python: Path) -> None:
        """Start an order, or let it join the line; see `submit_all`."""
        self.submit_all([order], python)

    def submit_all(self, orders: Iterable[Order], python: Path) -> None:
        """Start the first order, starting the engine if needed, and let the rest wait in line.

        Returns at once. Raises ConfigError where the line is too long; what goes wrong with an
        order later is in `failures`.
        """
        self._line.add(orders, python)
        self._begin_next()

    def pump(self) -> Performance | None:
        """Take in what the engine has sent; a job's finished performance, once. Never waits.

        It is to be written by `write_finished`; the next job starts then.
        """
        self._pump_engine()
        job, call = self.running, self._call
        if job is None or call is None:
            return None
        if not call.is_done:
            if not call.is_cancelled:
                job.advance(call.fraction, call.stage or job.stage, time.monotonic())
            return None
        self._call = None
        try:
            job.performance = Performance(job.order, call.take())
        except EngineEndedError as error:
            self._revive(job, error)
        except RhetorError as error:
            self._end(error)
        self._used_s = time.monotonic()
        return job.performance

    def wait(self, on_progress: ProgressCallback | None = None) -> Performance:
        """Wait for the running job's performance. Raises RhetorError where there is none."""
        job = self.running
        while job is not None and self.running is job:
            performance = self.pump()
            if performance is not None:
                return performance
            if on_progress is not None:
                on_progress(job.fraction, job.stage)
            time.sleep(PUMP_INTERVAL_S / 4)
        raise (job and job.error) or CancelledError("Cancelled.")

    def drain(self, on_progress: ProgressCallback | None = None) -> tuple[Written, ...]:
        """Wait for all jobs and write their takes in order; `failures` has what went wrong."""
        written = []
        while self.is_working:
            with contextlib.suppress(RhetorError):  # kept as a failure
                self.wait(on_progress)
                if write_finished() and self.written is not None:
                    written.append(self.written)
        return tuple(written)

    def cancel(self) -> None:
        """Ask the running job to stop; `pump` sees the end of it. A take that waits is dropped."""
        if self._client is not None and self._call is not None:
            self._client.cancel(self._call)
            assert self.running is not None
            self.running.stage = "Cancelling"
        elif self.is_working:
            self._end(CancelledError("Cancelled."))

    def cancel_all(self) -> None:
        """Empty the line, and ask the running job to stop."""
        self._line.clear()
        self.cancel()

    def remove_waiting(self, index: int) -> None:
        """Take an order out of the line. Raises IndexError where there is none."""
        self._line.remove(index)

    def succeed(self, written: Written) -> None:
        """The running job's take has been written; the next job begins."""
        self._line.finish(written)
        self.warnings = (*self.engine_warnings, *written.warnings)
        self.scene_report = None
        self._begin_next()

    def settle(self, index: int, written: Written) -> None:
        """The take that a failure kept has been written after all."""
        self._line.settle(index, written)
        self.warnings = written.warnings
        self.scene_report = None

    def fail_to_write(self, error: RhetorError) -> None:
        """The running job's take could not be written; it is kept, and the next job begins."""
        self._end(error)

    def fail(self, error: RhetorError, order: Order | None = None) -> None:
        """Note that something asked for cannot be done. What runs goes on."""
        self._line.refuse(error, order)

    def forget_failure(self, index: int) -> None:
        """The person has seen it. Raises IndexError where there is none."""
        self._line.forget(index)

    def stop(self) -> None:
        """End the engine's process and forget all jobs. Asks nothing of Blender."""
        super().stop()
        self._call = None
        self._line.clear()
        self._line.fail(CancelledError("Cancelled."))

    def _begin_next(self) -> None:
        while (job := self._line.begin_next()) is not None:
            self.engine_warnings.clear()
            self._ask(job)

    def _ask(self, job: Job) -> None:
        """Send the running job to the engine."""
        try:
            client = self._engine(job.python)
            job.stage = "Asking the engine" if client.is_ready else READY_STAGE
            self._call = client.animate(job.order.request)
        except RhetorError as error:
            self._line.fail(error)

    def _revive(self, job: Job, error: EngineEndedError) -> None:
        """The engine died under a job: once is an accident, twice is a reason to give up."""
        if job.restarts:
            self._end(
                WorkerError(
                    f"The engine was started again and stopped again: {error.message}",
                    "Free some memory, or choose the CPU in the preferences, then animate again. "
                    + error.hint,
                )
            )
            return
        job.start_again(STARTED_AGAIN)
        self.engine_warnings.append(STARTED_AGAIN)
        self._ask(job)
        job.stage = STARTED_AGAIN
        self._begin_next()  # where it cannot be started any more

    def _end(self, error: RhetorError) -> None:
        self._line.fail(error)
        self._begin_next()


current = Session()


def write_finished() -> bool:
    """Key the finished take of the running job as one undo step; whether that went well.

    Where it does not, the operator has reported why and told the session.
    """
    with (
        contextlib.suppress(RuntimeError),
        bpy.context.temp_override(window=bpy.context.window_manager.windows[0]),
    ):
        return bool(bpy.ops.rhetor.write_take("EXEC_DEFAULT", True) == {"FINISHED"})
    return False


def register() -> None:
    """Nothing starts here: the engine starts when it is first needed."""
    atexit.register(current.stop)


def unregister() -> None:
    """End the engine."""
    atexit.unregister(current.stop)
    current.stop()
