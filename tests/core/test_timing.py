# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds and frames agree at every rate that people use."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhetor.addon.core.timing import FrameClock, broadcast_rate, rate_label
from rhetor.engine.protocol.take import Take

RATES = {
    "23.976": (24, 1.001),
    "24": (24, 1.0),
    "25": (25, 1.0),
    "29.97": (30, 1.001),
    "30": (30, 1.0),
    "59.94": (60, 1.001),
    "60": (60, 1.0),
}
clocks = st.builds(
    lambda rate, start: FrameClock(*rate, start_frame=start),
    st.sampled_from(sorted(RATES.values())),
    st.integers(-10_000, 200_000),
)


@given(clocks, st.integers(0, 2_000_000))
def test_a_frame_lies_where_exact_arithmetic_puts_it(clock: FrameClock, index: int) -> None:
    exact = index * Fraction(clock.fps_base).limit_denominator(10_000) / clock.fps
    frame = clock.start_frame + index
    assert abs(clock.seconds_at(frame) - float(exact)) < 1e-9 * max(1.0, float(exact))
    assert clock.frame_at(float(exact)) == frame


@given(clocks, st.floats(0.001, 7200.0))
def test_frames_cover_the_whole_duration_and_no_more(clock: FrameClock, duration: float) -> None:
    count = clock.frame_count(duration)
    assert count / clock.rate_hz >= duration - 1e-5
    assert (count - 1) / clock.rate_hz <= duration + 1e-5


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES.keys())
def test_two_hours_do_not_drift(rate: tuple[int, float]) -> None:
    clock = FrameClock(*rate, start_frame=101)
    count = clock.frame_count(7200.0)
    frames = clock.frames(count)
    assert frames[0] == 101 and frames[-1] == clock.last_frame(count)
    assert np.array_equal(np.diff(frames), np.ones(count - 1, np.float32))
    assert abs(clock.seconds_at(float(frames[-1])) + 1 / clock.rate_hz - 7200.0) < 1 / clock.rate_hz


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES.keys())
def test_a_resampled_take_keeps_an_event_at_its_second(rate: tuple[int, float]) -> None:
    """A bump 50 s into the performance stays within half a frame at every rate."""
    clock = FrameClock(*rate)
    at_s = 50.0
    times = np.arange(1800) / 30.0
    pose = np.zeros((1800, 6), np.float32)
    pose[:, 0] = np.exp(-(((times - at_s) / 0.2) ** 2))
    take = Take(30.0, pose, np.zeros((1800, 1), np.float32), ("jawOpen",), np.zeros(0, np.float32))
    resampled = take.resampled(clock.rate_hz)
    assert resampled.frame_count == clock.frame_count(60.0)
    peak = clock.start_frame + int(np.argmax(resampled.pose[:, 0]))
    assert abs(clock.seconds_at(peak) - at_s) <= 0.5 / clock.rate_hz + 1e-6


@pytest.mark.parametrize(("fps", "base"), [(0, 1.0), (24, 0.0), (24, float("nan"))])
def test_a_rate_that_is_none_is_refused(fps: int, base: float) -> None:
    with pytest.raises(ValueError):
        FrameClock(fps, base)


def test_rates_are_written_as_people_write_them() -> None:
    assert [rate_label(f / b) for f, b in RATES.values()] == list(RATES)


@pytest.mark.parametrize("label", RATES)
def test_a_written_rate_gives_the_exact_one(label: str) -> None:
    assert broadcast_rate(float(label)) == RATES[label]


@given(st.floats(1.0, 240.0))
def test_any_other_rate_is_kept(rate_hz: float) -> None:
    fps, base = broadcast_rate(rate_hz)
    assert abs(fps / base - rate_hz) < 0.0051 and 0.5 < base < 1.6


@pytest.mark.parametrize("rate_hz", [0.0, -25.0, float("nan"), float("inf")])
def test_no_rate_is_refused(rate_hz: float) -> None:
    with pytest.raises(ValueError):
        broadcast_rate(rate_hz)
