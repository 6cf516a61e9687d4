# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts, lost faces, jumps and frozen pictures on made-up tracks."""

import numpy as np
import pytest

from rhetor.engine.tracking.landmark_track import LandmarkTrack
from rhetor.engine.tracking.shots import (
    CutDetector,
    frozen_frames,
    split_by_time,
    tracking_jumps,
    usable_ranges,
)


def talking(frames=300, fps=30.0, seed=0):
    """A face about 200 px wide that sways by a few pixels, with the noise of a tracker."""
    rng = np.random.default_rng(seed)
    face = rng.uniform(-100, 100, (60, 3))
    time_s = np.arange(frames) / fps
    sway = np.stack([30 * np.sin(2 * time_s), 12 * np.sin(3 * time_s), 0 * time_s], axis=1)
    points = 300 + face + sway[:, None] + rng.normal(0, 0.2, (frames, 60, 3))
    return points.astype(np.float32)


def track(points, ok=None, fps=30.0):
    ok = np.ones(len(points), bool) if ok is None else ok
    return LandmarkTrack(points, np.arange(60, dtype=np.int32), ok, fps, (640, 480))


def test_a_steady_recording_is_one_piece():
    assert usable_ranges(track(talking())) == [(0, 300)]
    assert len(tracking_jumps(track(talking()))) == 0


def test_a_lost_face_splits_only_where_it_is_lost_for_long():
    ok = np.ones(300, bool)
    ok[50:58] = False  # 0.27 s
    ok[150:170] = False  # 0.67 s
    ok[290:] = False
    assert usable_ranges(track(talking(), ok)) == [(0, 150), (170, 290)]
    assert usable_ranges(track(talking(), np.zeros(300, bool))) == []


@pytest.mark.parametrize("step", [(120, 0), (25, 10), (0, -30)])
def test_a_cut_to_another_place_splits(step):
    points = talking()
    points[120:, :, :2] += step
    assert usable_ranges(track(points)) == [(0, 120), (120, 300)]


def test_a_change_of_size_splits():
    points = talking()
    points[200:] = 300 + (points[200:] - 300) * 1.4
    assert usable_ranges(track(points)) == [(0, 200), (200, 300)]


def test_a_fast_nod_is_no_cut():
    points = talking()
    ramp = np.clip((np.arange(300) - 100) / 6, 0, 1)  # 60 px, a third of the face, in 0.2 s
    points[:, :, 1] += 60 * (3 * ramp**2 - 2 * ramp**3)[:, None]
    assert usable_ranges(track(points)) == [(0, 300)]


def test_a_frozen_picture_is_told_and_a_still_head_is_not():
    points = talking()
    points[100:160] = points[100]
    frozen = frozen_frames(track(points))
    assert frozen[101:159].all() and not frozen[:99].any() and not frozen[161:].any()
    still = np.repeat(talking(1), 300, axis=0)
    still += np.random.default_rng(1).normal(0, 0.05, still.shape).astype(np.float32)
    assert not frozen_frames(track(still)).any()


def test_pictures_of_one_shot_are_no_cuts_and_another_scene_is():
    rng = np.random.default_rng(0)
    room, street = (rng.integers(0, 255, (3,)) for _ in range(2))

    def picture(colour, x):
        image = np.full((180, 320, 3), colour, np.uint8)
        image[40:140, x : x + 80] = (210, 160, 130)
        return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)

    cuts = CutDetector()
    pictures = [picture(room, 60 + 4 * i) for i in range(20)]
    pictures += [picture(street, 120 - 4 * i) for i in range(20)]
    assert [i for i, image in enumerate(pictures) if cuts.is_cut(image)] == [20]


def test_time_split_leaves_a_gap_and_covers_the_rest():
    parts = split_by_time([(0.0, 40.0), (45.0, 100.0)], 100.0, 0.2, 1.0)
    assert parts == [(0.0, 40.0, "train"), (45.0, 79.5, "train"), (80.5, 100.0, "val")]
    assert split_by_time([(0.0, 5.0)], 5.0, 0.0, 1.0) == [(0.0, 5.0, "train")]
    inside = split_by_time([(79.6, 80.4)], 100.0, 0.2, 1.0)
    assert inside == []
