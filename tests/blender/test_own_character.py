# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that are not ours: found out in one click, and shown a take as it is."""

import subprocess
from pathlib import Path

import pytest

SPEECH = Path(__file__).resolve().parents[2] / "assets" / "demo" / "speech.flac"
EXACT_RAD = 1e-4


@pytest.fixture(scope="module")
def recorded(engine_python, tmp_path_factory):
    """A take of three spoken seconds, as the engine makes it."""
    path = tmp_path_factory.mktemp("take") / "spoken.npz"
    command = [engine_python, "-m", "rhetor.engine", "animate", SPEECH, "--seconds", "3"]
    subprocess.run([*command, "-o", path], check=True, timeout=120, capture_output=True)
    return path


@pytest.fixture(scope="module")
def told(blender, recorded):
    return blender.run("own_character", SPEECH, recorded, "", timeout_s=240)


@pytest.mark.parametrize("rig", ["vroid", "centimetres", "visemes_only", "bones_for_all"])
def test_head_and_mouth_show_the_take(told, rig):
    shown = told[rig]
    assert shown["turn_error"] < EXACT_RAD
    likeness, reach = shown["mouth"]
    assert likeness > 0.95 and 0.7 < reach < 1.3, "it opens when ours does, and as far"
    assert shown.get("others", 0.0) == 0.0, "bones that have no part in it moved"


def test_every_rotation_mode_shows_the_same_head(told):
    modes = told["centimetres"]["modes"]
    assert len(modes) == 8 and max(modes.values()) < EXACT_RAD, modes


def test_an_amount_scales_the_turn_in_every_rotation_mode(told):
    shown = told["centimetres"]
    assert all(0.47 < half < 0.53 for half in shown["halved"].values()), shown["halved"]
    assert max(shown["stopped"].values()) < EXACT_RAD
    assert told["bones_for_all"]["stopped"] < EXACT_RAD, "the pose from before is left"


def test_a_rig_in_centimetres_that_looks_along_z_is_understood(told):
    forward, up, scale = told["centimetres"]["axes"]
    assert (forward, up) == ("Z", "Y") and 90 < scale < 110
    assert told["centimetres"]["keys"] == [52, 2], "each mesh has its own keys"
    assert told["centimetres"]["takes"] == 8
    assert told["centimetres"]["findings"] == []


def test_a_head_without_bones_is_checked_too(told):
    assert told["visemes_only"]["findings"] == []
    (held,) = told["visemes_only"]["held"]
    assert "delta_" in held and "Something else moves the head" in held


def test_eyes_by_bones_look_the_same_way(told):
    for rig in ("vroid", "centimetres", "bones_for_all"):
        assert told[rig]["eyes"] < EXACT_RAD
    assert told["centimetres"]["eyes by"] == "BOTH", "the keys move the lids, not the eyeballs"


def test_the_head_moves_as_far_as_the_characters_size_asks(told):
    assert max(told["vroid"]["moves"]) < 1e-2, "mm, in both kinds of location axes"


def test_a_head_that_does_not_follow_its_neck_turns_as_far(told):
    assert told["vroid"]["alone"] < EXACT_RAD


def test_what_was_found_and_what_is_missing_is_told(told):
    said = told["vroid"]["said"]
    assert "Head J_Bip_C_Head, neck J_Bip_C_Neck." in said and "Eyes J_Adj_L_FaceEye" in said
    assert "6 shape keys of Face (VRM vowels, VRM)" in said and told["vroid"]["keys"] == 6
    assert "raising the brows" in said and "blinking" not in said and "opening" not in said
    said = told["bones_for_all"]["said"]
    assert "Jaw jaw." in said and "opening the mouth" not in said and "blinking" in said
    assert "connected" in said, "the head cannot move to and fro"
    assert "1 shape keys of Mask are driven" in said
    assert told["bones_for_all"]["keys"] == 1 and told["bones_for_all"]["driven"] == pytest.approx(
        0.25
    )


def test_a_duplicate_is_a_character_of_its_own(told):
    assert told["bones_for_all"]["copy"] == {"own mesh": True, "own parts": True}


def test_rigify_controls_turn_the_head_whatever_it_follows(default_blender, recorded):
    told = default_blender.run("rigify_rig", SPEECH, recorded, "", timeout_s=300)
    assert told["bones"] == ["head", "neck", "-Y", "Z"]
    for follow in (0.0, 0.4, 1.0):
        shown = told[f"follow {follow}"]
        assert shown["head"] < EXACT_RAD and shown["DEF-spine.006"] < EXACT_RAD
        assert shown["neck"] > 0.01, "the neck has only its share"


@pytest.fixture(scope="module")
def linked(blender, speech, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bibliothèque")
    files = [folder / name for name in ("tête.blend", "guest.blend", "shot.blend")]
    return {"version": blender.version, **blender.run("linked", speech, *files, timeout_s=240)}


def test_a_linked_character_is_refused_with_advice(linked):
    for said in (linked["own"]["linked"], linked["own"]["before set-up"]):
        assert "Make a library override" in said and "Set Up Character" in said


@pytest.mark.parametrize("case", ["own", "other True", "other False"])
def test_an_override_that_is_set_up_takes_keys_and_keeps_them(linked, case):
    told = linked[case]
    assert told["written"] == 24 and told["shown"] < 1e-6
    assert "was overridden as well" in told["notes"][0]
    turning = {name for name, angle in told["turned"].items() if angle > 1e-3}
    assert turning == ({"head", "eye.L", "eye.R"} if case == "own" else {"head"})
    forgets = case == "other False" and linked["version"].startswith("5")
    assert told["kept"] != forgets
    assert any("does not keep the set-up" in note for note in told["notes"]) == forgets
    if told["kept"]:
        assert told["takes"] == 1
