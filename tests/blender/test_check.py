# SPDX-License-Identifier: GPL-3.0-or-later
"""Check Scene finds what keeps a take from being seen, and nothing in a healthy scene."""

import pytest

SAID = {
    "nothing yet": ("!", "No action plays on the head. Press Animate."),
    "muted_curves": ("!", "All 6 curves of the head are muted"),
    "another_action": ("!", "The head plays My walk, which is not a take. Choose a take"),
    "no_action": ("!", "No action plays on the face"),
    "wrong_slot": ("!", "The slot Other face"),
    "muted_track": ("!", "The NLA track with the take"),
    "weak_action": ("!", "plays with influence 0"),
    "driver_over_keys": ("?", "Drivers overrule the keys of the face: jawOpen"),
    "muted_keys": ("!", "shape keys of"),
    "pinned_key": ("!", "shows only one shape key"),
    "rest_position": ("!", "rest position"),
    "modifier_off": ("!", "does not follow the bones"),
    "constrained": ("?", "acts on the bone head"),
    "rotation_order": ("!", "Set it to ZXY"),
    "other_frames": ("!", "the scene plays 1000 to 1100"),
    "other_rate": ("?", "made for 24 frames per second, the scene plays 60"),
    "hidden": ("!", "is hidden"),
    "something_else": ("!", "Something else moves the face"),
    "not a head": ("!", "Cube is not a character"),
}


@pytest.fixture(scope="module")
def told(blender, speech):
    return blender.run("check", speech, timeout_s=240)


def test_a_healthy_take_has_no_findings(told):
    assert told["healthy"] == []
    assert not [warning for warning in told["warned"] if "sound" not in warning]


@pytest.mark.parametrize("fault", SAID)
def test_each_fault_is_found_with_advice(told, fault):
    if fault == "wrong_slot" and not told["slots"]:
        pytest.skip("this Blender has no slots")
    sign, words = SAID[fault]
    assert any(words in line and line.startswith(sign) for line in told[fault]), told[fault]
    assert all(line.endswith(".") or ")." in line for line in told[fault])


def test_the_report_can_be_pasted(told):
    text = told["text"]
    assert "Blender " in text and "frames per second" in text and "Action: " in text
    assert "Cube is not a character" in text
