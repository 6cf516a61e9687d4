# SPDX-License-Identifier: GPL-3.0-or-later
"""A trimmed strip asks for the part of its recording that it plays, at every frame rate."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rhetor.addon.core.strip_span import StripSpan, heard_part
from rhetor.addon.core.timing import FrameClock

RATES = [(24, 1.001), (24, 1.0), (25, 1.0), (30, 1.001), (30, 1.0), (60, 1.001), (60, 1.0)]
rates = st.sampled_from(RATES)
lengths = st.integers(1, 400_000)
starts = st.integers(-10_000, 500_000)


def exact_second(frame: int, content_first: int, rate: tuple[int, float]) -> Fraction:
    return (frame - content_first) * Fraction(rate[1]).limit_denominator(10_000) / rate[0]


def test_a_whole_strip_is_the_whole_recording() -> None:
    part = heard_part(StripSpan(10, 228, 10.0, 228.0), 24, 1.0)
    assert part is not None
    assert (part.start_frame, part.frame_count, part.start_s) == (10, 218, 0.0)


@given(rates, starts, lengths, st.data())
def test_trimming_moves_nothing(
    rate: tuple[int, float], start: int, length: int, data: st.DataObject
) -> None:
    """A frame plays the same second of the recording however the strip is trimmed."""
    left = data.draw(st.integers(0, length - 1))
    right = data.draw(st.integers(0, length - 1 - left))
    span = StripSpan(start + left, start + length - right, float(start), float(start + length))
    part = heard_part(span, *rate)
    assert part is not None
    assert (part.start_frame, part.after) == (start + left, start + length - right)
    assert abs(part.start_s - float(exact_second(start + left, start, rate))) < 1e-6
    last_s = part.start_s + (part.frame_count - 1) / FrameClock(*rate).rate_hz
    assert abs(last_s - float(exact_second(part.after - 1, start, rate))) < 1e-6


@given(rates, starts, lengths, st.integers(-5000, 5000))
def test_moving_changes_the_frames_and_not_the_part(
    rate: tuple[int, float], start: int, length: int, by: int
) -> None:
    def at(offset: int) -> StripSpan:
        first = start + offset
        return StripSpan(first + 3, first + 3 + length, float(first), float(first + 3 + length))

    here, there = heard_part(at(0), *rate), heard_part(at(by), *rate)
    assert here is not None and there is not None
    assert there.start_frame - here.start_frame == by
    assert there.frame_count == here.frame_count
    assert there.start_s == pytest.approx(here.start_s, abs=1e-9)


@given(rates, starts, st.floats(-0.999, 0.999), st.integers(2, 5000))
def test_content_between_frames_keeps_whole_frames(
    rate: tuple[int, float], start: int, shift: float, length: int
) -> None:
    """Sound of a video may begin between frames: the keys stay on frames, the sound is in time."""
    content = start + shift
    part = heard_part(StripSpan(start, start + length, content, content + length), *rate)
    assert part is not None and isinstance(part.start_frame, int)
    assert part.start_s >= 0.0
    heard = content + part.start_s * FrameClock(*rate).rate_hz
    assert abs(heard - part.start_frame) < 1e-5


@given(rates, lengths)
def test_a_request_has_as_many_frames_as_the_strip(rate: tuple[int, float], length: int) -> None:
    part = heard_part(StripSpan(1, 1 + length, 1.0, 1.0 + length), *rate)
    assert part is not None
    clock = FrameClock(*rate, start_frame=1)
    assert clock.frame_count(part.duration_s(clock)) == length


@given(rates, st.floats(-3.0, 3.0))
def test_a_recording_that_is_delayed_begins_later(
    rate: tuple[int, float], skipped_s: float
) -> None:
    part = heard_part(StripSpan(100, 400, 100.0, 400.0, skipped_s), *rate)
    assert part is not None and part.start_s >= 0.0
    clock = FrameClock(*rate, start_frame=100)
    assert part.start_s == pytest.approx(
        clock.seconds_at(part.start_frame) + skipped_s, abs=1e-9
    ) or part.start_s == pytest.approx(0.0, abs=1e-6)
    assert part.after == 400


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_meta_strip_cuts_off_what_is_outside(first: int, after: int) -> None:
    assume(first < after)
    span = StripSpan(100, 200, 90.0, 210.0).within(first, after)
    part = heard_part(span, 24, 1.0)
    inside = range(max(first, 100), min(after, 200))
    assert (part is None) == (len(inside) == 0)
    if part is not None:
        assert range(part.start_frame, part.after) == inside
        assert part.start_s == pytest.approx((part.start_frame - 90) / 24)


def test_a_handle_pulled_beyond_the_content_adds_nothing() -> None:
    part = heard_part(StripSpan(50, 300, 100.0, 200.0), 25, 1.0)
    assert part is not None
    assert (part.start_frame, part.after, part.start_s) == (100, 200, 0.0)
    assert heard_part(StripSpan(50, 80, 100.0, 200.0), 25, 1.0) is None
