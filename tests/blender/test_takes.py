# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes are kept apart by character, played with one click, mixed, removed and made again."""

import shutil

import pytest


@pytest.fixture(scope="module")
def told(blender, speech, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prises É")
    other = shutil.copy(speech, folder / "autre.wav")
    return {"speech": str(speech), **blender.run("audition", speech, other, folder / "t.blend")}


def test_the_newest_take_plays_and_the_first_can_be_called_back(told):
    assert told["names"] == ["vöice 声 calm s4", "autre lively s5"], "in the order of making"
    assert min(told["apart"]) > 0.1, "the two takes differ, or this test shows nothing"
    plays = {"autre lively s5": ["FACE", "HEAD"], "vöice 声 calm s4": []}
    assert told["new plays"] == plays
    assert max(told["first"]) < 1e-4


def test_the_head_of_one_goes_with_the_face_of_another(told):
    assert max(told["mixed"]) < 1e-4
    assert told["mixed plays"] == {"autre lively s5": ["HEAD"], "vöice 声 calm s4": ["FACE"]}


def test_a_row_of_the_list_plays_its_take(told):
    assert max(told["list"]["apart"]) < 1e-4
    assert told["list"]["active"] == "vöice 声 calm s4"
    assert len(set(told["list"]["no take"])) == 1, "what is no take cannot be chosen"


def test_two_takes_are_compared_and_flipped(told):
    compared = told["compared"]
    (degrees, head_frame), (mm, mouth_frame) = compared["degrees"], compared["mm"]
    assert compared["said"] == (
        f"Head up to {degrees:.1f}° apart (frame {head_frame}), "
        f"mouth {mm:.1f} mm (frame {mouth_frame})"
    )
    both = ["FACE", "HEAD"]
    assert compared["flips"] == [
        {"vöice 声 calm s4": both, "autre lively s5": []},
        {"vöice 声 calm s4": [], "autre lively s5": both},
    ]


def test_a_copy_can_be_edited_and_tells_so(told):
    copy = told["duplicated"]
    assert copy["name"] == f"{copy['of']} copy" and copy["plays"] == ["FACE", "HEAD"]
    assert copy["last"] and copy["edited"] == [False, False]
    assert not copy["scaled"], "amounts are no edits of keys"
    assert copy["changed"] == [True, False]
    assert not copy["changed back"] and copy["other line"]


def test_a_take_plays_as_strips_whose_influence_is_keyed(told):
    strips = told["strips"]
    assert strips["plays"] == ["FACE", "HEAD"] and max(strips["same"]) < 1e-6
    head, face = strips["faded"]
    assert head < 1e-6 and face < 1e-6, "the head rests, the face goes on"
    assert strips["swapped"] != strips["tracks"] and strips["still keyed"] == 2
    assert strips["mixed"] == [1, 1], "a head and a face of different takes stay so"
    assert max(strips["back"]) < 1e-6 and strips["left over"] == 0


def test_a_take_brings_its_settings_back(told):
    assert told["restored"] == [told["speech"], 4, "calm", 1, True, "plus"]


def test_characters_and_files_keep_their_takes(told):
    assert told["other head"] == {"own": 1, "untouched": True}
    assert told["reopened"] == told["names"]


def test_a_removed_take_is_gone_until_undo(told):
    removed = told["removed"]
    assert removed["left"] == ["autre lively s5"]
    assert removed["actions"] == (1 if removed["slots"] else 2)
    assert "no longer in the file" in removed["said"] and removed["undone"] == 2


def test_amounts_scale_a_take_and_nothing_else(blender, speech):
    told = blender.run("amounts", speech, timeout_s=240)
    for case in ("half", "doubled", "closed", "brows"):
        scaled = told[case]
        assert scaled["moves"] > 0.005, "the take does not move this, so nothing is shown"
        assert scaled["scaled"] < 1e-5 and scaled["others"] < 1e-6, (case, scaled)
        assert scaled["back"] < 1e-6 and scaled["trace"] == 0, (case, scaled)
    assert told["trace before"] == 0 and told["keys kept"]
    assert told["findings"] == [], "what amounts do is no fault"
    assert max(told["without Rhetor"]) < 1e-5
    applied = told["applied"]
    assert applied["same"] < 1e-5 and applied["trace"] == 0 and applied["factor"] < 1e-6
    assert applied["undone"] < 1e-6 and applied["reset"] < 1e-6
    line = told["line"]
    assert line["shown"] == [0, 2] and line["moves"] > 0.01 and line["half"] < 1e-6
    check_own_character(told["own character"])


def check_own_character(told) -> None:
    assert told["amounts"][0] == ["head_rotation", "head_location"]
    assert told["amounts"][1] == ["mouth", "brows"]
    assert told["opens"] > 0.05 and abs(told["half"] - 0.5) < 1e-5
    said, seen = told["compared"]
    assert seen > 1.0 and abs(said - seen) < 1e-2
    assert told["turns"] > 0.01 and told["still"] < 1e-3, "still is how it was set up"
