"""The Take: shapes are guarded, resampling neither drifts nor overshoots."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetor.engine.protocol.errors import TakeError
from rhetor.engine.protocol.take import MODEL_RATE_HZ, POSE_CHANNELS, Take

NAMES = ("jawOpen", "mouthClose")


def make_take(frames: int, fps: float = MODEL_RATE_HZ) -> Take:
    t = np.arange(frames) / fps
    pose = np.stack([np.sin(t + k) * 0.1 for k in range(6)], 1).astype(np.float32)
    expression = np.stack([np.abs(np.sin(3 * t)), np.abs(np.cos(2 * t))], 1).astype(np.float32)
    return Take(fps, pose, expression, NAMES, np.zeros(50, np.float32), {"seed": 1})


@given(frames=st.integers(1, 400), fps=st.sampled_from([12, 23.976, 24, 25, 29.97, 30, 50, 60]))
@settings(max_examples=60, deadline=None)
def test_resampling_keeps_duration_and_times(frames: int, fps: float) -> None:
    take = make_take(frames)
    other = take.resampled(fps)
    assert 0 <= other.duration_s - take.duration_s < 1 / fps + 1e-6
    np.testing.assert_allclose(other.times_s, np.arange(other.frame_count) / fps)
    inside = other.times_s <= take.times_s[-1]
    expected = np.sin(other.times_s[inside]) * 0.1
    np.testing.assert_allclose(other.pose_channel("pitch")[inside], expected, atol=5e-4)


def test_frames_that_coincide_are_unchanged() -> None:
    take = make_take(31)
    np.testing.assert_allclose(take.resampled(60).pose[::2], take.pose, atol=1e-7)
    assert take.resampled(30) is take


def test_weights_stay_in_range() -> None:
    take = make_take(50)
    spiky = (np.arange(100).reshape(50, 2) // 2 % 2).astype(np.float32)
    other = Take(30, take.pose, spiky, NAMES, take.identity).resampled(77)
    assert other.expression.min() >= 0 and other.expression.max() <= 1


def test_channels_go_by_name() -> None:
    take = make_take(10)
    for column, name in enumerate(POSE_CHANNELS):
        np.testing.assert_array_equal(take.pose_channel(name), take.pose[:, column])
    np.testing.assert_array_equal(take.expression_channel("mouthClose"), take.expression[:, 1])


@pytest.mark.parametrize("field", ["pose", "expression", "identity"])
def test_not_a_number_is_refused(field: str) -> None:
    take = make_take(5)
    parts = {name: getattr(take, name).copy() for name in ("pose", "expression", "identity")}
    parts[field].flat[0] = np.nan
    with pytest.raises(TakeError, match=field):
        Take(30, parts["pose"], parts["expression"], NAMES, parts["identity"])


def test_shapes_must_agree() -> None:
    take = make_take(5)
    with pytest.raises(TakeError, match="inconsistent"):
        Take(30, take.pose[:4], take.expression, NAMES, take.identity)
    with pytest.raises(TakeError, match="no frames"):
        Take(30, take.pose[:0], take.expression[:0], NAMES, take.identity)
