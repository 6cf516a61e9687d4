# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a job will still take, from how it went in the last minutes."""

from collections import deque

WINDOW_S = 120.0
FIRST_AFTER_S = 10.0
_LEAST_GAIN = 0.002
_MINUTE_S = 60.0


class TimeLeft:
    """Estimates from the pace of a sliding window: a resumed job skips what was done before.

    Fractions are in [0, 1], times in seconds of a monotonic clock. first_after_s: how long to look
    before a first estimate.
    """

    def __init__(self, first_after_s: float = FIRST_AFTER_S) -> None:
        self._first_after_s = first_after_s
        self._seen: deque[tuple[float, float]] = deque()

    def see(self, fraction: float, now_s: float) -> None:
        """Take in how far the job is."""
        while self._seen and now_s - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()
        if not self._seen or now_s - self._seen[-1][0] >= 1.0:
            self._seen.append((now_s, fraction))

    def seconds(self) -> float | None:
        """Time left; None where too little has been seen."""
        if len(self._seen) < 2:
            return None
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        if last_s - first_s < self._first_after_s or last - first < _LEAST_GAIN:
            return None
        return (1.0 - last) * (last_s - first_s) / (last - first)


def duration_label(seconds: float) -> str:
    """A duration as a person would say it: 40 s, 5 min, 1 h 10 min."""
    if seconds < _MINUTE_S:
        return f"{max(5, round(seconds / 5) * 5)} s"
    minutes = round(seconds / _MINUTE_S)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(round(minutes / 10) * 10, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
