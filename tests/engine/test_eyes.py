# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks and gaze look human in number and shape, and repeat."""

from __future__ import annotations

import numpy as np
import pytest

from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.head.model import DEFAULT_HEAD_PATH, load_head
from rhetor.engine.pgface.eyes import EYE_CURVES, FULL_GAZE_DEG, blink_and_gaze

RATE = 30.0
MINUTES = 20


def _still(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Prosody that speaks 2.5 s of every 3.5 s, and a head at rest."""
    prosody = np.zeros((frames, 4), np.float32)
    prosody[:, 1] = (np.arange(frames) % 105) < 75
    return prosody, np.zeros((frames, 6), np.float32)


@pytest.fixture(scope="module")
def long_clip() -> dict[str, np.ndarray]:
    frames = int(MINUTES * 60 * RATE)
    return blink_and_gaze(frames, RATE, 5, *_still(frames))


def _onsets(lid: np.ndarray) -> np.ndarray:
    return np.flatnonzero((lid[1:] > 0.4) & (lid[:-1] <= 0.4)) + 1


def test_curves_are_eye_units_within_limits(long_clip):
    assert tuple(long_clip) == EYE_CURVES
    assert set(EYE_CURVES) <= set(EXPRESSION_NAMES)
    for curve in long_clip.values():
        assert curve.shape == (int(MINUTES * 60 * RATE),) and curve.dtype == np.float32
        assert np.isfinite(curve).all() and curve.min() >= 0.0 and curve.max() <= 1.0


def test_fifteen_to_twenty_blinks_a_minute_at_uneven_intervals(long_clip):
    onsets = _onsets(long_clip["eyeBlinkLeft"])
    assert 15.0 <= len(onsets) / MINUTES <= 20.0
    intervals = np.diff(onsets) / RATE
    assert intervals.min() > 0.25
    assert 0.3 < np.log(intervals).std() < 1.0


def test_a_blink_closes_fast_and_opens_slower(long_clip):
    lid = long_clip["eyeBlinkLeft"]
    shapes = [lid[k - 3 : k + 10] for k in _onsets(lid) if 3 < k < len(lid) - 10]
    peaks = np.array([shape.max() for shape in shapes])
    assert (peaks > 0.85).all()
    above = np.array([(shape > 0.08).sum() for shape in shapes])
    assert 5 <= np.median(above) <= 9
    fall = np.array([np.abs(np.diff(s)).max() for s in shapes if s.argmax() > 0])
    rising = np.mean([np.diff(shape).max() for shape in shapes])
    falling = np.mean([-np.diff(shape).min() for shape in shapes])
    assert rising > 1.2 * falling and fall.max() < 1.0


def test_eyes_blink_together_within_a_frame(long_clip):
    left, right = (_onsets(long_clip[f"eyeBlink{side}"]) for side in ("Left", "Right"))
    assert len(left) == len(right)
    assert np.abs(left - right).max() <= 1
    assert (left != right).any()


def test_blinks_prefer_the_ends_of_phrases(long_clip):
    phase = (_onsets(long_clip["eyeBlinkLeft"]) % 105) / RATE
    near_the_end = np.abs(phase - 2.5) < 0.25
    assert near_the_end.mean() > 1.5 * (0.5 / 3.5)


def test_gaze_holds_and_jumps(long_clip):
    side = (long_clip["eyeLookOutLeft"] - long_clip["eyeLookInLeft"]) * FULL_GAZE_DEG["side"]
    steps = np.abs(np.diff(side))
    assert (steps < 0.01).mean() > 0.9  # fixations
    jumps = np.flatnonzero(steps > 1.0)
    assert 10 < len(jumps) / MINUTES < 120  # saccades
    assert 0.5 < (np.abs(side) < 3.0).mean() < 0.95  # mostly on the listener
    assert np.abs(side).max() <= 22.0


def test_both_eyes_look_the_same_way(long_clip):
    np.testing.assert_array_equal(long_clip["eyeLookOutLeft"], long_clip["eyeLookInRight"])
    np.testing.assert_array_equal(long_clip["eyeLookUpLeft"], long_clip["eyeLookUpRight"])
    assert (long_clip["eyeLookOutLeft"] * long_clip["eyeLookInLeft"]).max() == 0.0


def test_eyes_stay_on_the_target_when_the_head_turns():
    prosody, pose = _still(60)
    pose[30:, 1] = np.radians(8.0)  # towards the character's left
    pose[30:, 0] = np.radians(5.0)  # nose down
    still = blink_and_gaze(60, RATE, 2, *_still(60))
    turned = blink_and_gaze(60, RATE, 2, prosody, pose)

    def direction(eyes):
        yaw = (eyes["eyeLookOutLeft"] - eyes["eyeLookInLeft"]) * FULL_GAZE_DEG["side"]
        up = eyes["eyeLookUpLeft"] * FULL_GAZE_DEG["up"]
        return yaw, up - eyes["eyeLookDownLeft"] * FULL_GAZE_DEG["down"]

    (yaw, up), (still_yaw, still_up) = direction(turned), direction(still)
    np.testing.assert_allclose(yaw[:30], still_yaw[:30], atol=1e-4)
    assert ((yaw - still_yaw)[35:] > -9.0).all() and ((yaw - still_yaw)[35:] < -4.0).all()
    assert ((up - still_up)[35:] > 2.5).all()


def test_lids_follow_a_downward_gaze():
    prosody, pose = _still(30)
    pose[:, 0] = np.radians(-14.0)  # nose up: the eyes go down to stay on the listener
    lids = blink_and_gaze(30, RATE, 2, prosody, pose)
    assert lids["eyeLookDownLeft"].min() > 0.4
    assert lids["eyeBlinkLeft"].min() > 0.03


def test_same_seed_same_eyes_other_seed_other_eyes():
    prosody, pose = _still(900)
    one, again, other = (blink_and_gaze(900, RATE, seed, prosody, pose) for seed in (1, 1, 2))
    assert all((one[name] == again[name]).all() for name in EYE_CURVES)
    assert np.abs(one["eyeBlinkLeft"] - other["eyeBlinkLeft"]).max() > 0.5


def test_a_longer_recording_begins_with_the_same_eyes(long_clip):
    prosody, pose = _still(600)
    short = blink_and_gaze(600, RATE, 5, prosody, pose)
    for name in EYE_CURVES:
        np.testing.assert_allclose(short[name][:560], long_clip[name][:560], atol=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_short_clips(frames):
    eyes = blink_and_gaze(frames, RATE, 0, *_still(frames))
    assert all(curve.shape == (frames,) for curve in eyes.values())


@pytest.mark.skipif(not DEFAULT_HEAD_PATH.exists(), reason="the default head is not built")
def test_full_gaze_is_what_the_default_head_does():
    for eye in load_head().eyes:
        for name, pitch, yaw in eye.gaze:
            way = "up" if "Up" in name else "down" if "Down" in name else "side"
            angle = np.degrees(abs(pitch) + abs(yaw))
            assert angle == pytest.approx(FULL_GAZE_DEG[way], abs=2.0)
