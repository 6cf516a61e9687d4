# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines come and go without hiding their neighbours."""

from hypothesis import given
from hypothesis import strategies as st

from rhetor.addon.core.blending import LEAST_FRAMES, blends


def test_far_apart_lines_take_their_time() -> None:
    assert blends([(1, 40), (100, 150)], 8) == [(8, 8), (8, 8)]
    assert blends([], 8) == [] and blends([(5, 6)], 8) == [(8, 8)]


def test_neighbours_share_the_gap_and_a_cut_is_short() -> None:
    assert blends([(1, 40), (47, 90), (90, 120)], 8) == [(8, 4), (3, 2), (2, 8)]


@given(
    st.lists(st.tuples(st.integers(-50, 400), st.integers(1, 90)), max_size=8), st.integers(2, 20)
)
def test_no_line_reaches_further_into_another_than_the_least(
    lines: list[tuple[int, int]], most: int
) -> None:
    spans = sorted((start, start + length) for start, length in lines)
    found = blends(spans, most)
    assert len(found) == len(spans)
    assert all(LEAST_FRAMES <= frames <= most for pair in found for frames in pair)
    for number in range(len(spans) - 1):
        gap = spans[number + 1][0] - spans[number][1]
        used = found[number][1] + found[number + 1][0]
        assert used <= max(gap, 2 * LEAST_FRAMES) + 1
