# SPDX-License-Identifier: GPL-3.0-or-later
"""Long recordings as windows: where they lie, and how their motions join without a seam."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..space import blend_poses

FADE_FRAMES = 64
"""Frames over which a difference in the initial pose is let go, 2.1 s at 30 fps."""

_SPEED_FRAMES = 2
_SPEED_FADE = 8
"""A difference in speed is let go sooner (a quarter of a second), so it leads to no detour."""


def window_starts(frame_count: int, window: int, overlap: int) -> list[int]:
    """First frame of each window; successive ones share `overlap` frames or more.

    The last window ends with the recording (right-aligned), so every window sees real audio; a
    recording shorter than a window gives one window that starts at 0.
    """
    last = max(0, frame_count - window)
    starts = list(range(0, last, window - overlap))
    return [*starts, last]


def ease_from(
    pose: npt.NDArray[np.float32],
    start: npt.NDArray[np.float32],
    step: npt.NDArray[np.float32] | None = None,
) -> None:
    """Make a (T, 6) motion begin exactly at the pose `start` (6,), in place.

    The difference to the motion's own first frame fades out along half a cosine. step: (6,) change
    per frame that comes before `start`; given, the motion goes on with it and takes up its own
    speed within the same time.
    """
    count = min(FADE_FRAMES, len(pose))
    at = np.arange(count, dtype=np.float32)[:, None]
    fade = (0.5 + 0.5 * np.cos(np.pi * at / FADE_FRAMES)).astype(np.float32)
    change = fade * (start - pose[0])
    if step is not None and len(pose) > _SPEED_FRAMES:
        own = (pose[_SPEED_FRAMES] - pose[0]) / _SPEED_FRAMES
        change += (step - own) * at * fade**_SPEED_FADE
    pose[:count] += change
    pose[0] = start


def join_window(
    motion: npt.NDArray[np.float32], done: int, window: npt.NDArray[np.float32], start: int
) -> int:
    """Write a window's poses into `motion` (T, 6) from frame `start`; return the frames now done.

    Frames start … done - 1 hold the windows before. The new window begins at the very pose that
    stands at `start`, and takes over along a raised cosine until `done`.
    """
    end = min(start + len(window), len(motion))
    shared = done - start
    if shared > 1:
        share = 0.5 - 0.5 * np.cos(np.pi * np.arange(shared) / shared)
        motion[start:done] = blend_poses(motion[start:done], window[:shared], share)
    motion[done:end] = window[shared : end - start]
    return end
