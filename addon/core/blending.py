# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the faces of lines of one speaker may take to come and go."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

LEAST_FRAMES = 2
"""Even lines that follow each other at once are blended so long: less would be seen as a jump."""


def blends(spans: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Frames before and after each line in which it is blended in and out.

    spans: first frame of each line and the frame after its last, in time. At most `most`, and two
    neighbours share the time between them, so that neither hides what the other says.
    """
    gaps = [other[0] - one[1] for one, other in pairwise(spans)]
    before = [most, *(_clamped(gap // 2, most) for gap in gaps)]
    after = [*(_clamped(gap - gap // 2, most) for gap in gaps), most]
    return list(zip(before, after, strict=False))[: len(spans)]


def _clamped(frames: int, most: int) -> int:
    return min(max(frames, LEAST_FRAMES), most)
