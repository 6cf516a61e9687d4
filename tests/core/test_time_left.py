# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads about the time that is left."""

import pytest

from rhetor.addon.core.time_left import FIRST_AFTER_S, WINDOW_S, TimeLeft, duration_label


def watched(pairs):
    pace = TimeLeft()
    for now_s, fraction in pairs:
        pace.see(fraction, now_s)
    return pace.seconds()


def test_an_even_pace_is_extrapolated():
    # 1 % each second: at 30 % there are 70 s left.
    assert watched((t, t / 100) for t in range(31)) == pytest.approx(70.0)


def test_nothing_is_said_too_early_or_at_a_standstill():
    assert watched([]) is None
    assert watched([(0.0, 0.0), (FIRST_AFTER_S / 2, 0.5)]) is None
    assert watched((t, 0.4) for t in range(60)) is None


def test_what_a_resumed_job_skips_does_not_count():
    # It jumps to 60 % at once, then does 0.1 % each second: 400 s minus what has passed.
    start = [(0.0, 0.0), (1.0, 0.6)]
    seconds = watched([*start, *((1.0 + t, 0.6 + t / 1000) for t in range(1, 201))])
    assert seconds == pytest.approx(200.0, rel=0.05)


def test_a_change_of_pace_is_followed():
    fast = [(t, t / 200) for t in range(100)]
    slow = [(100 + t, 0.5 + t / 2000) for t in range(int(WINDOW_S) + 2)]
    left = 1.0 - slow[-1][1]
    assert watched([*fast, *slow]) == pytest.approx(left * 2000, rel=0.05)


@pytest.mark.parametrize(
    ("seconds", "label"),
    [
        (0.2, "5 s"),
        (42, "40 s"),
        (59.9, "60 s"),
        (61, "1 min"),
        (330, "6 min"),
        (3600, "1 h"),
        (4300, "1 h 10 min"),
        (3590, "1 h"),
    ],
)
def test_durations_read_like_speech(seconds, label):
    assert duration_label(seconds) == label
