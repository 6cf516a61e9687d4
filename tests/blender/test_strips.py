# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips of the sequencer as voices, and animation that follows them."""

import pytest


@pytest.fixture(scope="module")
def told(blender, speech):
    if blender.version == "4.2":
        pytest.skip("this build of Blender 4.2 has no sound, so it makes no sound strips")
    return {"version": blender.version, **blender.run("strips", speech)}


def test_a_strip_asks_for_what_it_plays_where_it_plays(told):
    whole = {"start_frame": 101, "start_s": 0.0, "max_seconds": 2.0}
    assert told["whole"] == {**whole, "name": "vöice 声.wav", "strip": "line"}
    trimmed = told["trimmed"]
    assert trimmed["start_frame"] == 111
    assert trimmed["start_s"] == pytest.approx(10 / 24)
    assert trimmed["max_seconds"] == pytest.approx(33 / 24)


def test_what_cannot_be_heard_is_refused_with_advice(told):
    for case in ("muted", "muted channel"):
        assert "line is muted" in told[case] and "Unmute" in told[case]
    assert told["poll without"] == [True, False, False]
    gone, silent, nobody = told["not there"]
    assert "nowhere.wav" in gone and "Choose its file" in gone
    assert "no sound" in silent and "no strip nobody" in nobody
    if told["version"] == "5.2":
        assert "speed of its own" in told["retimed"] and "retiming" in told["retimed"]


def test_the_take_begins_at_the_left_handle_and_no_second_strip_comes(told):
    assert told["no second strip"] and told["first key"] == [111.0, 134.0]


def test_a_meta_strip_cuts_off_and_mutes(told):
    meta = told["meta"]
    assert meta["cut off"]["start_frame"] == 121
    assert meta["cut off"]["start_s"] == pytest.approx(20 / 24)
    assert meta["cut off"]["max_seconds"] == pytest.approx(10 / 24)
    assert "muted" in meta["muted"] and "Nothing of line is heard" in meta["outside"]


def test_the_sequencer_may_show_another_scene(told):
    if told["version"] >= "5.0":
        other = told["other scene"]
        assert other["asked"]["strip"] == "elsewhere" and other["asked"]["start_frame"] == 7
        assert "different frame rates" in other["rates"]
