# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a recording a strip of the sequencer lets be heard, and on which frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .timing import FrameClock

_TINY_FRAMES = 1e-6


@dataclass(frozen=True)
class StripSpan:
    """Where a sound strip lies, in frames of its scene.

    first, after: the first frame that is heard, and the one after the last. content_first: where
    the strip's own content begins, between frames perhaps, heard or not; content_after: where it
    ends. skipped_s: seconds of the recording that lie before that content.
    """

    first: int
    after: int
    content_first: float
    content_after: float
    skipped_s: float = 0.0

    def within(self, first: int, after: int) -> StripSpan:
        """What is left of it between two frames, as a meta strip cuts off its strips."""
        return StripSpan(
            max(self.first, first),
            min(self.after, after),
            self.content_first,
            self.content_after,
            self.skipped_s,
        )


@dataclass(frozen=True)
class HeardPart:
    """frame_count whole frames from start_frame on, the first at start_s of the recording."""

    start_frame: int
    frame_count: int
    start_s: float

    def duration_s(self, clock: FrameClock) -> float:
        """Seconds that the frames cover."""
        return self.frame_count / clock.rate_hz

    @property
    def after(self) -> int:
        """The frame after the last."""
        return self.start_frame + self.frame_count


def heard_part(span: StripSpan, fps: int, fps_base: float) -> HeardPart | None:
    """The part of its recording that a strip plays; None where nothing of it is heard.

    Convention: a frame f plays second (f - content_first) · fps_base / fps + skipped_s, however
    the strip is trimmed. Frames before the recording's first second are left out.
    """
    rate_hz = fps / fps_base
    earliest = span.content_first - span.skipped_s * rate_hz
    start = max(span.first, math.ceil(max(span.content_first, earliest) - _TINY_FRAMES))
    after = min(span.after, math.ceil(span.content_after - _TINY_FRAMES))
    if after <= start:
        return None
    start_s = (start - span.content_first) / rate_hz + span.skipped_s
    return HeardPart(start, after - start, max(start_s, 0.0))
