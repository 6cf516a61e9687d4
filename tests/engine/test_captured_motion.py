# SPDX-License-Identifier: GPL-3.0-or-later
"""From any frame rate to 30 fps: times are exact, gaps are bridged, nothing folds back."""

import math

import numpy as np
import pytest

from rhetor.engine.dataset.build_settings import BuildSettings
from rhetor.engine.dataset.captured_motion import CapturedMotion, sample_count
from rhetor.engine.dataset.clip_cutting import PhoneTimes, cut_motions, make_clip
from rhetor.engine.dataset.listing import Source
from rhetor.engine.head.channels import EXPRESSION_NAMES

JAW = EXPRESSION_NAMES.index("jawOpen")
NOBODY = Source("name", None, "landmarks", None, "somebody", "en", "own")


def motion(frames, fps, start_s=0.0):
    """Smooth curves of time, so that any frame rate shows the same motion."""
    t = np.arange(frames) / fps
    pose = np.zeros((frames, 6), np.float32)
    pose[:, 0], pose[:, 1] = 0.1 * np.sin(2 * np.pi * 1.3 * t), 0.2 * np.cos(2 * np.pi * 0.4 * t)
    pose[:, 3] = 50 + 5 * np.sin(2 * np.pi * 0.5 * t)
    expression = np.zeros((frames, 52), np.float32)
    expression[:, JAW] = 0.4 + 0.3 * np.sin(2 * np.pi * 3 * t)
    return CapturedMotion(
        fps=fps,
        pose=pose,
        expression=expression,
        identity=np.zeros(50, np.float32),
        pose_ok=np.ones(frames, bool),
        face_ok=np.ones(frames, bool),
        known=np.ones(52, bool),
        lip_gap_mm=(10 * expression[:, JAW]).astype(np.float32),
        error_px=np.full(frames, 1.0, np.float32),
        face_px=np.full(frames, 200.0, np.float32),
        frozen=np.zeros(frames, bool),
        start_s=start_s,
    )


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0])
def test_every_rate_gives_the_same_motion_at_30_fps(fps):
    seconds = 8.0
    made = motion(round(seconds * fps), fps).at_model_rate()
    exact = motion(made.frame_count, 30.0)
    assert made.frame_count == math.floor((round(seconds * fps) - 1) / fps * 30 + 1e-6) + 1
    inner = slice(3, -3)
    np.testing.assert_allclose(made.pose[inner, :3], exact.pose[inner, :3], atol=2.5e-3)
    np.testing.assert_allclose(made.expression[inner], exact.expression[inner], atol=0.025)
    assert abs(np.median(made.pose[:, 3])) < 0.2  # about the person's own mean place


def test_an_hour_does_not_drift():
    fps = 30000 / 1001
    frames = round(3600 * fps)
    made = motion(frames, fps).at_model_rate()
    exact = motion(made.frame_count, 30.0)
    np.testing.assert_allclose(made.pose[-300:-3, 0], exact.pose[-300:-3, 0], atol=2e-3)


def test_unseen_frames_are_bridged_and_said_to_be():
    captured = motion(100, 25.0)
    captured.pose_ok[40:44] = captured.face_ok[40:44] = False
    captured.pose[40:44] = 99.0
    captured.lip_gap_mm[40:44] = np.nan
    made = captured.at_model_rate()
    assert np.abs(made.pose[:, :3]).max() < 0.25
    lost = ~made.pose_ok
    assert lost[48:53].all() and lost.sum() <= 6
    assert np.isnan(made.lip_gap_mm[lost]).all() and np.isfinite(made.lip_gap_mm[~lost]).all()


@pytest.mark.parametrize("frames", [1, 2, 3, 29, 30, 31, 899, 1000, 3601])
def test_sound_has_as_many_frames_as_its_features(frames):
    assert math.ceil(sample_count(frames) * 30.0 / 16000) == frames


def clicks(seconds, at_s):
    samples = np.zeros(round(seconds * 16000), np.int16)
    samples[np.round(np.array(at_s) * 16000).astype(int)] = 10000
    return samples


@pytest.mark.parametrize(("offset_frames", "fps"), [(0.0, 25.0), (-2.0, 25.0), (1.5, 29.97)])
def test_sound_is_moved_by_the_offset(offset_frames, fps):
    """A click at 2 s is heard offset_frames of the source later, counted from the piece's start."""
    start_s, click_s = 1.0, 2.0
    samples = clicks(6.0, [click_s])
    phones = PhoneTimes(np.float32([click_s]), np.float32([2.5]), np.array(["aa"]))
    piece = motion(round(4 * fps), fps, start_s)
    clip = make_clip(NOBODY, piece, samples, phones, offset_frames / fps)
    expected_s = click_s - start_s + offset_frames / fps
    assert abs(np.argmax(clip.samples) / 16000 - expected_s) < 1 / 16000
    assert clip.phone_start_s[0] == pytest.approx(expected_s, abs=1e-4)
    assert len(clip.samples) == sample_count(clip.frame_count)


def test_a_clip_ends_where_its_sound_does():
    clip = make_clip(NOBODY, motion(250, 25.0), clicks(6.0, [1.0]), PhoneTimes.none(), 0.0)
    assert clip.frame_count in (180, 181)
    late = make_clip(NOBODY, motion(250, 25.0), clicks(12.0, [1.0]), PhoneTimes.none(), 0.5)
    assert late.frame_count == 299 - 15  # nothing was heard in the first half second
    assert np.argmax(late.samples) / 16000 == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(late.pose[0, 0], motion(299, 30.0).pose[15, 0], atol=2e-3)


def test_pieces_are_cut_and_parted():
    settings = BuildSettings(val_share=0.2, gap_s=1.0, max_clip_s=30.0)
    pieces = cut_motions([motion(2500, 25.0), motion(500, 25.0, 110.0)], "", settings)
    total_s = 110.0 + 499 / 25
    ends = [(p.motion.start_s, p.motion.start_s + p.motion.duration_s, p.split) for p in pieces]
    border = total_s * 0.8
    assert all(end <= border - 0.49 for _, end, split in ends if split == "train")
    assert all(start >= border + 0.49 - 0.04 for start, _, split in ends if split == "val")
    assert max(end - start for start, end, _ in ends) <= 30.05
    assert {split for *_, split in ends} == {"train", "val"}
    held = cut_motions([motion(100, 25.0)], "val", settings)
    assert [p.split for p in held] == ["val"] and held[0].motion.frame_count == 100
