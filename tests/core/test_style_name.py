# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a person types becomes a name that a style file can have."""

from hypothesis import given
from hypothesis import strategies as st

from rhetor.addon.core.style_name import style_name
from rhetor.engine.styles import is_valid_name


def test_a_name_resembles_its_label():
    assert style_name("Anna Müller, 2nd take", ()) == "anna_muller_2nd_take"
    assert style_name("  Ömer  ", ()) == "omer"


def test_a_label_without_latin_letters_still_gets_a_name():
    assert style_name("Анна", ()) == "style"
    assert style_name("!!!", ("style",)) == "style_2"


def test_a_taken_name_gets_the_next_free_number():
    assert style_name("Anna", ("anna", "anna_2")) == "anna_3"


def test_a_device_of_windows_is_no_name():
    assert style_name("CON", ()) == "con_style"


@given(st.text(max_size=120), st.sets(st.sampled_from(["style", "a", "b", "style_2"])))
def test_every_label_gives_a_valid_name_that_is_free(label, taken):
    name = style_name(label, taken)
    assert is_valid_name(name) and name not in taken


def test_the_longest_label_leaves_room_for_a_number():
    taken = {style_name("x" * 200, ())}
    assert is_valid_name(style_name("x" * 200, taken))
