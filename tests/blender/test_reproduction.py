# SPDX-License-Identifier: GPL-3.0-or-later
"""A take is made again from what is stored on it, to the last bit, or it is said what changed."""

import shutil

import pytest


@pytest.fixture(scope="module")
def told(default_blender, engine_python, speech, tmp_path_factory):
    audio = shutil.copy(speech, tmp_path_factory.mktemp("encore") / "прóба.wav")
    environment = {"RHETOR_ENGINE_PYTHON": str(engine_python)}
    return default_blender.run("reproduce", audio, timeout_s=240, **environment)


def test_the_same_request_makes_the_same_keys(told):
    assert told["same"] == ["прóба lively s3: identical"]
    assert told["takes"] == 1, "a comparison writes nothing"


def test_edits_by_hand_are_told_apart_from_other_results(told):
    title, *said = told["edited"]
    assert title == "прóба lively s3: identical" and "edited by hand" in said[0]


def test_a_take_made_again_is_a_new_one_with_the_same_keys(told):
    assert told["again"] == ["прóба lively s3", "прóба lively s3.001"]
    assert told["hashes"][0] == told["hashes"][1] and told["starts"] == [5, 5]


def test_what_has_changed_is_named(told):
    title, *said = told["changed"]
    assert title == "прóба lively s3: not the same"
    assert "The recording is another one, or has been changed." in said
    assert "These networks are not the same any more: posegan_plus." in said


def test_what_cannot_be_reproduced_says_so(told):
    assert "no longer at" in told["gone"]
    assert "before Rhetor stored all that is needed" in told["old"]
