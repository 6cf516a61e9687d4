# SPDX-License-Identifier: GPL-3.0-or-later
"""Who speaks is guessed from names and channels, and what a person has said stays."""

from hypothesis import given
from hypothesis import strategies as st

from rhetor.addon.core.casting import Spoken, cast

HEADS = ["Rhetor Head", "Rhetor Head.001"]


def on(channel: int, *texts: str, speaker: int | None = None) -> Spoken:
    return Spoken(channel, texts or ("line",), speaker)


def test_each_channel_is_one_speaker() -> None:
    assert cast([on(2), on(3), on(2), on(3)], HEADS) == [0, 1, 0, 1]


def test_names_come_first_and_take_their_channel_along() -> None:
    strips = [on(1, "BEN_take3.wav"), on(1, "line 2"), on(2, "line 3")]
    assert cast(strips, ["Anna", "Ben"]) == [1, 1, 0]
    assert cast([on(1, "x", "Channel 1", "anna-hello")], ["Anna Rig", "Ben Rig"]) == [0]


def test_numbers_and_words_that_all_share_name_nobody() -> None:
    strips = [on(4, "head 001"), on(5, "head 001")]
    assert cast(strips, HEADS) == [0, 1]


def test_a_channel_on_which_two_are_named_stays_open() -> None:
    strips = [on(1, "anna"), on(1, "ben"), on(1, "line")]
    assert cast(strips, ["Anna", "Ben"]) == [0, 1, None]


def test_one_character_speaks_all_and_without_any_nobody_does() -> None:
    assert cast([on(1), on(2), on(3)], ["Anna"]) == [0, 0, 0]
    assert cast([on(1), on(2)], []) == [None, None]


def test_more_channels_than_characters_leave_the_rest_open() -> None:
    assert cast([on(1), on(2), on(3)], ["Anna", "Ben"]) == [0, 1, None]


@given(
    st.lists(
        st.builds(
            on, st.integers(1, 4), st.text(max_size=8), speaker=st.none() | st.integers(0, 2)
        ),
        max_size=8,
    )
)
def test_what_a_person_has_said_stays(strips: list[Spoken]) -> None:
    guessed = cast(strips, ["Anna", "Ben", "Cleo"])
    for strip, speaker in zip(strips, guessed, strict=True):
        assert strip.speaker in (None, speaker)
        assert speaker is None or 0 <= speaker < 3
