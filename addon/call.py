# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to the worker, from its sending to its reply or error. No bpy, no torch in here."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..engine.protocol.errors import RhetorError, WorkerError
from ..engine.protocol.messages import Progress, Reply, unpack_take
from ..engine.protocol.take import Take

ProgressCallback = Callable[[float, str], None]
DoneCallback = Callable[["Call"], None]


class Call:
    """One request under way; changes only inside the client's `pump` and `wait`.

    fraction, stage: its progress. error: why it failed, None before and otherwise.
    """

    def __init__(
        self, call_id: int, on_progress: ProgressCallback | None, on_done: DoneCallback | None
    ) -> None:
        self.id = call_id
        self.fraction = 0.0
        self.stage = ""
        self.error: RhetorError | None = None
        self._reply: Reply | None = None
        self._on_progress = on_progress
        self._on_done = on_done
        self._kill_at_s: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether a reply or an error is there."""
        return self._reply is not None or self.error is not None

    @property
    def is_cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._kill_at_s is not None

    @property
    def is_overdue(self) -> bool:
        """Whether it was asked to stop, did not, and its time is over."""
        return self._kill_at_s is not None and time.monotonic() > self._kill_at_s

    def result(self) -> Reply:
        """The reply of a call that is done; raises its error."""
        if self.error is not None:
            raise self.error
        if self._reply is None:
            raise WorkerError("The engine has not answered yet.")
        return self._reply

    def take(self) -> Take:
        """The take of a done "animate" call; raises its error."""
        return unpack_take(self.result())

    def stop_by(self, deadline_s: float) -> None:
        """Mark it as cancelled; `is_overdue` after the deadline (monotonic seconds)."""
        self._kill_at_s = deadline_s

    def advance(self, progress: Progress) -> None:
        """Take in a progress message."""
        self.fraction, self.stage = progress.fraction, progress.stage
        if self._on_progress is not None and not self.is_cancelled:
            self._on_progress(self.fraction, self.stage)

    def settle(self, outcome: Reply | RhetorError) -> None:
        """End it with a reply or an error."""
        if isinstance(outcome, Reply):
            self._reply = outcome
        else:
            self.error = outcome
        if self._on_done is not None:
            self._on_done(self)
