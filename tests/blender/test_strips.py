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


def test_a_strip_that_moves_while_the_engine_works_is_met_where_it_is(told):
    assert told["moved meanwhile"] == [[118.0, 141.0], [111.0, 134.0]]


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


@pytest.fixture(scope="module")
def followed(blender, speech):
    return blender.run("follow", speech)


def shifted(state, frames):
    """A state in which everything lies so many frames later and shows the same."""
    return {
        key: [v + frames for v in value] if isinstance(value, list) else value + frames
        for key, value in state.items()
        if key != "shown"
    } | {"shown": state["shown"]}


def test_all_keys_follow_the_strip_by_whole_frames(followed):
    start = followed["start"]
    assert start["keys"] == [1.0, 50.0] and start["mine"] == [30.5, 28.25, 33.0]
    assert followed["moved"] == shifted(start, 12)


def test_undo_and_redo_keep_strip_and_keys_together(followed):
    start, undo = followed["start"], followed["undo"]
    assert undo["undo"] == start and undo["redo"] == shifted(start, 12)
    assert undo["early step"] == shifted(start, 19)
    assert undo["early undo"] == shifted(start, 12)
    assert undo["early redo"] == shifted(start, 19)


def test_trimming_a_copy_a_new_name_and_deletion_move_nothing(blender, followed):
    here = shifted(followed["start"], 12)
    assert followed["trimmed"] in (here, None if blender.version == "4.2" else here)
    copied = followed["copied"]
    assert copied["after"] == here and not copied["half is tied"]
    assert copied["half moved"] == here and copied["strip moved"] == shifted(here, -3)
    renamed = followed["renamed"]
    assert renamed["strip is tied"] and not renamed["half is tied"]
    assert renamed["moved"] == shifted(here, 2)
    assert followed["deleted"], "deleting a strip leaves its take"


def test_all_takes_of_a_strip_follow_and_each_its_own(followed):
    assert followed["together"]["moved"] == [4.0, 4.0, -2.0]
    assert followed["together"]["tied late"] == [3.0, 0.0], "a new take is in time already"


def test_strips_of_the_nla_follow_and_never_overlap(followed):
    nla = followed["nla"]
    assert [place[1] for place in nla["before"]] == [101.0, 201.0]
    assert [place[1] for place in nla["moved"]] == [121.0, 201.0]
    assert [place[1] for place in nla["meeting"]] == [181.0, 201.0]
    assert [place[1] for place in nla["together"]] == [681.0, 701.0]
    for case in nla:
        if case != "keys":
            shapes = {(track, last - first, blend) for track, first, last, blend in nla[case]}
            assert shapes == {("Rhetor lines", 49.0, 8.0)}, nla
    assert nla["keys"][0] == nla["keys"][1]


def test_the_strip_of_a_file_takes_the_start_frame_along(blender, followed):
    """A take with the same start makes no second strip."""
    assert followed["placed"] == (None if blender.version == "4.2" else [0, 6, 6.0])


def test_following_costs_next_to_nothing(followed):
    assert followed["cost_us"]["no tied strip"] < 200
    assert followed["cost_us"]["300 strips"] < 20_000
