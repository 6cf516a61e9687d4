# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles in Blender: the menu, and what happens to a scene whose style is not there."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def told(blender, speech, tmp_path_factory):
    folder = tmp_path_factory.mktemp("стили É")
    return blender.run(
        "style_menu",
        speech,
        folder / "szene.blend",
        RHETOR_STYLES=str(folder / "styles"),
        RHETOR_ENGINE_PYTHON="/nowhere/python",
    )


def test_the_menu_follows_the_disk(told):
    assert told["first"] == told["shipped"][0] == "neutral" and len(told["shipped"]) >= 5
    assert told["came"] == ["anna"]
    assert told["label"] == "Anna É" and told["description"] == "As Anna É speaks"
    assert told["picture"] == [32, 32]


def test_a_scene_keeps_a_style_that_is_missing_and_animate_refuses_it(told):
    gone = told["gone"]
    assert gone["label"] == "anna (missing)" and gone["grey"]
    assert "anna is not installed" in gone["refusal"] and "import its file" in gone["refusal"]
    assert "anna is not installed" in gone["order"] and "lively" in gone["order"]
    assert told["back"] == "Anna again"


def test_a_style_that_does_not_fit_says_why(told):
    assert told["broken"]["label"] == "Old (not usable)"
    assert "speech features 'another'" in told["broken"]["description"]
    assert "choose another one" in told["broken"]["refusal"]
    assert "Neutral" in told["paper"]


def test_styles_are_imported_and_removed(told):
    said = told["operators"]
    assert "part of Rhetor" in said["remove shipped"]
    assert said["imported as"] == "lively_2", "a shipped style keeps its name"
    assert "text.safetensors cannot be used" in said["import text"]
    assert "no file /nowhere/x.safetensors" in said["import nothing"]
    assert "not a style file" in said["import weights"]
    assert "nobody is not installed" in said["use unknown"]


def test_dropped_files_are_taken(told, speech):
    dropped = told["dropped"]
    assert Path(dropped["recording"]).resolve() == speech.resolve() and dropped["is relative"]
    assert "is not a sound file" in dropped["refused"]
    assert ".flac" in dropped["handlers"]["rhetor.use_recording"]
    assert dropped["handlers"]["rhetor.import_style"] == ".safetensors"
