# SPDX-License-Identifier: GPL-3.0-or-later
"""What was on the character before a take: it goes on, under the take or over it."""

import pytest

PUSH_DOWN, LEAVE = "PUSH_DOWN", "LEAVE"


@pytest.fixture(scope="module")
def told(blender, speech):
    return blender.run("existing_action", speech)


@pytest.mark.parametrize("policy", [PUSH_DOWN, LEAVE])
def test_a_body_animation_goes_on_as_it_was(told, policy):
    assert told[policy]["moves"] > 0.01, "the body stands still, so nothing is shown"
    for written in ("first", "second"):
        body, take = told[policy][written]
        assert body < 1e-6 and take < 1e-6, (policy, written)
    assert told[policy]["findings"] == []


@pytest.mark.parametrize("policy", [PUSH_DOWN, LEAVE])
def test_undo_takes_the_take_away_and_redo_brings_it_back(told, policy):
    body, tracks = told[policy]["undone"]
    assert body < 1e-6 and tracks[0] == told[policy]["own"]
    assert [track[0] for track in tracks[1:]] == ["Breathing"]
    body, same = told[policy]["redone"]
    assert body < 1e-6 and same


def test_the_action_lies_where_the_setting_says(told):
    own = told[PUSH_DOWN]["own"]
    active, *tracks = told[PUSH_DOWN]["tracks"]
    assert active != own and [track[0] for track in tracks] == ["Breathing", own]
    own = told[LEAVE]["own"]
    active, *tracks = told[LEAVE]["tracks"]
    assert active == own and [track[0] for track in tracks] == ["Breathing", "Rhetor take"]
    assert not any(own in text for text in told[LEAVE]["warnings"]), "nothing is hidden yet"
    assert any("under the take" in text for text in told[PUSH_DOWN]["warnings"])


def test_keys_on_the_same_bone_are_told(told):
    pushed, left = told[PUSH_DOWN]["contested"], told[LEAVE]["contested"]
    assert any("except for head" in text for text in pushed["said"]) and pushed["found"] == []
    assert any("hides the take's head" in text for text in left["said"])
    assert any("has keys for the head too" in text for text in left["found"])
