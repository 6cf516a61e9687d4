# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a recording can be used in one piece: no cut, no lost face, no jump of the tracking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .landmark_track import LandmarkTrack

Range = tuple[int, int]
"""First frame, and the one after the last."""


@dataclass(frozen=True)
class ShotSettings:
    """max_gap_s: a face lost for longer splits. jump: move of the face's centre from one frame to
    the next, in face widths, that no head makes. scale: likewise the ratio of its sizes. step,
    lonely: a smaller move is a cut too where it is so many times larger than those before and
    after it, because a head gains and loses its speed over several frames."""

    max_gap_s: float = 0.3
    jump: float = 0.35
    scale: float = 1.25
    step: float = 0.06
    lonely: float = 6.0


def face_boxes(track: LandmarkTrack) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Centre (T, 2) and size (T,) in px of the face: the root of its box's area."""
    points = track.points[..., :2].astype(np.float64)
    low, high = points.min(axis=1), points.max(axis=1)
    return points.mean(axis=1), np.sqrt(np.prod(np.maximum(high - low, 1e-6), axis=1))


def tracking_jumps(
    track: LandmarkTrack, settings: ShotSettings | None = None
) -> npt.NDArray[np.int64]:
    """Frames at which the face is somewhere else than it can have moved since it was last seen."""
    limits = settings or ShotSettings()
    centre, size = face_boxes(track)
    seen = np.flatnonzero(track.ok)
    if len(seen) < 2:
        return np.zeros(0, np.int64)
    before, after = seen[:-1], seen[1:]
    # A face that was hidden for some frames may have moved on meanwhile.
    steps = np.sqrt(np.minimum(after - before, 4))
    move = np.linalg.norm(centre[after] - centre[before], axis=1) / size[before]
    ratio = np.abs(np.log(size[after] / size[before]))
    jumped = (move > limits.jump * steps) | (ratio > np.log(limits.scale) * steps)
    beside = np.maximum(np.append(0.0, move[:-1]), np.append(move[1:], 0.0))
    jumped |= (move > limits.step * steps) & (move > limits.lonely * np.maximum(beside, 0.004))
    found: npt.NDArray[np.int64] = after[jumped]
    return found


class CutDetector:
    """Tells cuts of a film from motion: the colours of the whole picture change at once.

    Compared are histograms of 512 colours on every few pixels.
    """

    def __init__(self, threshold: float = 0.45) -> None:
        self._threshold = threshold
        self._last: npt.NDArray[np.float64] | None = None

    def is_cut(self, image: npt.NDArray[np.uint8]) -> bool:
        """Whether the picture (H, W, 3) is of another shot than the one before."""
        rows, columns = max(1, image.shape[0] // 72), max(1, image.shape[1] // 128)
        few = (image[::rows, ::columns] >> 5).reshape(-1, 3).astype(np.int64)
        colours = np.bincount(few @ np.array([64, 8, 1]), minlength=512) / len(few)
        before, self._last = self._last, colours
        # Half the sum of differences: the share of pixels that have another colour now.
        return before is not None and 0.5 * float(np.abs(colours - before).sum()) > self._threshold


def usable_ranges(track: LandmarkTrack, settings: ShotSettings | None = None) -> list[Range]:
    """Pieces without a cut in which the face is never lost for longer than max_gap_s."""
    limits = settings or ShotSettings()
    seen = np.flatnonzero(track.ok)
    if len(seen) == 0:
        return []
    most = limits.max_gap_s * track.fps
    breaks = set(tracking_jumps(track, limits).tolist())
    ranges: list[Range] = []
    start = int(seen[0])
    for before, after in zip(seen[:-1].tolist(), seen[1:].tolist(), strict=True):
        if after - before - 1 > most or after in breaks:
            ranges.append((start, before + 1))
            start = after
    return [*ranges, (start, int(seen[-1]) + 1)]


def frozen_frames(track: LandmarkTrack, still_s: float = 1.0) -> npt.NDArray[np.bool_]:
    """(T,) where the picture stands still for longer than still_s: no tracker is that exact."""
    points = track.points[..., :2]
    same = np.abs(np.diff(points, axis=0)).max(axis=(1, 2)) < 1e-3
    same &= track.ok[1:] & track.ok[:-1]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    frozen = np.zeros(len(points), bool)
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        frozen[start : stop + 1] = stop - start > still_s * track.fps
    return frozen


def split_by_time(
    ranges: list[tuple[float, float]], total_s: float, val_share: float, gap_s: float
) -> list[tuple[float, float, str]]:
    """Pieces (start, end) in seconds parted in train and val: the last share is held out.

    A gap is left out between both, so that nothing is heard or seen in both.
    """
    if val_share <= 0:
        return [(start, end, "train") for start, end in ranges]
    border = total_s * (1.0 - val_share)
    parts = []
    for start, end in ranges:
        if start < border - gap_s / 2:
            parts.append((start, min(end, border - gap_s / 2), "train"))
        if end > border + gap_s / 2:
            parts.append((max(start, border + gap_s / 2), end, "val"))
    return parts
