# SPDX-License-Identifier: GPL-3.0-or-later
"""A dialogue of two characters: lines over listening, made again only where something changed."""

import pytest

NAMES = ["track", "strip", "first", "last", "is muted", "made"]
IDLE, LINES = "Rhetor idle", "Rhetor lines"


@pytest.fixture(scope="module")
def perform(default_blender, speech, engine_python, tmp_path_factory):
    """What a Blender tells of the dialogue; each is asked once."""
    ready = {}

    def run(blender):
        folder = tmp_path_factory.mktemp("dialogue")
        table = ""
        if blender.version == "4.2":  # this build has no sound, so it makes no sound strips
            table = folder / "table.blend"
            default_blender.run("dialogue", speech, engine_python, table, "", "table")
        extent = "full" if blender.is_default else "short"
        blend = folder / "dialogue.blend"
        return blender.run("dialogue", speech, engine_python, blend, table, extent, timeout_s=300)

    def perform(blender):
        if blender.version not in ready:
            ready[blender.version] = run(blender)
        return ready[blender.version]

    return perform


@pytest.fixture(scope="module")
def told(perform, blender):
    return perform(blender)


@pytest.fixture(scope="module")
def told_in_full(perform, default_blender):
    """What does not differ between versions."""
    return perform(default_blender)


def rows(placed, owner):
    return [dict(zip(NAMES, row, strict=True)) for row in placed[owner]]


def places(placed, owner):
    return [(row["track"], row["strip"], row["first"], row["last"]) for row in rows(placed, owner)]


def made(placed):
    """When each performance was made, by owner and strip."""
    return {(owner, row["strip"]): row["made"] for owner in placed for row in rows(placed, owner)}


def remade(before, after):
    old, new = made(before), made(after)
    return {strip for (owner, strip), at in new.items() if old.get((owner, strip)) != at}


def test_each_speaks_on_a_track_above_listening(told):
    assert told["cast"] == {"anna 1": "Anna", "anna 2": "Anna", "ben 1": "Ben", "ben 2": "Ben"}
    first = told["first"]
    assert len(first) == 4, "an armature and a Key data-block each"
    for owner in first:
        (idle, one, two) = places(first, owner)
        assert idle[0] == IDLE and idle[2:] == (3.0, 246.0)
        assert one[0] == two[0] == LINES
        assert one[3] - one[2] == two[3] - two[2] == 63.0
    assert [place[2] for place in places(first, "Anna")] == [3.0, 3.0, 123.0]
    assert [place[2] for place in places(first, "Ben")] == [3.0, 63.0, 183.0]
    assert not any(told["active"])
    assert told["range"] == [11, 238], "from the first word to the last, not the blends around"


def test_who_speaks_moves_the_mouth_and_who_listens_is_alive(told_in_full):
    for shown in told_in_full["shown"].values():
        assert shown["jaw speaks"] > 0.15 and shown["jaw listens"] < 0.05, shown
        assert shown["lid listens"] > 0.8 and shown["degrees listens"] > 0.2, shown
        assert shown["step edges"] < max(shown["step speaks"], 1.0), "nothing jumps at the edges"
        assert shown["jaw step edges"] < shown["jaw step speaks"], shown


def test_nothing_is_made_twice(told):
    assert told["again"] == told["first"]
    assert remade(told["moved"]["again"], told["reopened"]) == set()


def test_only_what_has_changed_is_made_again(told_in_full):
    assert remade(told_in_full["again"], told_in_full["changed"]) == {
        "Ben listening",
        "ben 1",
        "ben 2",
    }
    assert {o: places(told_in_full["changed"], o) for o in told_in_full["changed"]} == {
        o: places(told_in_full["first"], o) for o in told_in_full["first"]
    }


def test_a_muted_strip_mutes_its_line(told_in_full):
    silent, back = told_in_full["muted"]["muted"], told_in_full["muted"]["back"]
    assert {r["strip"] for r in rows(silent, "Ben") if r["is muted"]} == {"ben 1"}
    assert not any(r["is muted"] for owner in back for r in rows(back, owner))
    assert remade(told_in_full["changed"], back) == set()


def test_a_line_that_goes_to_someone_else_is_muted_and_spoken_there(told_in_full):
    after = told_in_full["reassigned"]
    assert {r["strip"] for r in rows(after, "Anna") if r["is muted"]} == {"anna 2"}
    assert "anna 2" in {r["strip"] for r in rows(after, "Ben") if not r["is muted"]}
    assert remade(told_in_full["muted"]["back"], after) == {"anna 2"}


def test_a_line_follows_its_strip_and_only_listening_is_made_for_the_new_length(told):
    before, moved = told["before"], told["moved"]["followed"]
    for owner in before:
        by = {
            m["strip"]: m["first"] - b["first"]
            for b, m in zip(rows(before, owner), rows(moved, owner), strict=True)
        }
        assert by == {strip: 6.0 if strip == "anna 1" else 0.0 for strip in by}
    assert remade(moved, told["moved"]["again"]) == {"Anna listening", "Ben listening"}


def test_lines_that_follow_at_once_are_blended_without_hiding_each_other(told_in_full):
    cut = told_in_full["cut"]
    assert cut["at the cut"] < max(cut["largest"], 1.5), cut
    for owner, overlap in (("Ben", 2 * 8 - 1), ("face.001 keys", 2 * 2 - 1)):
        by_name = {row["strip"]: row for row in rows(cut["placed"], owner)}
        assert by_name["anna 2"]["last"] - by_name["ben 2"]["first"] == overlap, owner


def test_a_strip_can_be_animated_from_the_sequencer(told_in_full):
    """Ben is picked; his take begins and ends with the strip."""
    strip = told_in_full["animate strip"]
    assert strip["can be done"] == [False, True]
    assert strip["keys"] == [191.0, 238.0] and strip["name"] == "ben 2 neutral s0"
    assert strip["voice"] == ["STRIP", "ben 2"] and strip["new strips"] == 0


def test_what_is_missing_is_said(told_in_full):
    empty, nobody, gone = told_in_full["refusals"]
    assert "Fill from Sequencer" in empty
    assert "Nobody speaks anna 1" in nobody and "no sound strip gone" in gone
