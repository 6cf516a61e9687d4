# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of shape keys of a character of one's own, from fitting to keys."""

import json

import pytest


@pytest.fixture(scope="module")
def told(default_blender, engine_python, speech, tmp_path_factory):
    from rhetor.engine.character_fit.reference import reference_head
    from rhetor.engine.protocol.face_landmarks import FACE_LANDMARKS

    folder = tmp_path_factory.mktemp("mäpping 試")
    places = dict(zip(FACE_LANDMARKS, reference_head().landmarks.tolist(), strict=True))
    landmarks = folder / "landmarks.json"
    landmarks.write_text(json.dumps(places), "utf-8")
    return default_blender.run(
        "own_mapping", speech, landmarks, folder, RHETOR_ENGINE_PYTHON=str(engine_python)
    )


def test_names_that_say_nothing_lead_to_the_fit(told):
    assert "Fit by Shape" in told["suggest"]
    assert told["fit without landmarks"]
    assert "Set those that are expressions to 0" in told["fit in use"]


def test_the_fit_undoes_the_disguise(told):
    assert told["fit"]["mae"] < 0.002 and told["fit"]["keys"] == 52
    assert told["explained"]["jawOpen"] > 0.95
    assert told["teeth"] == ["Schlüssel 3", "Schlüssel 7"], "meshes with the same keys go along"
    assert told["fit again"] == [True, True]


def test_the_table_can_be_edited(told):
    edit = told["edit"]
    assert edit["changed"] == pytest.approx(0.5)
    assert edit["added"] == pytest.approx(1.0)
    assert edit["removed"] and edit["cleared"] and edit["back"] and edit["fit is forgotten"]


def test_a_unit_is_tried_without_leaving_a_trace(told):
    test = told["test"]
    assert test["shown"] == pytest.approx(1.0, abs=0.05)
    assert test["others"] == 0 and test["closed"] < 0.02 and test["restored"]


def test_presets_and_files_keep_the_table(told):
    presets = told["presets"]
    assert len(presets["names"]) == 1 and presets["left"] == []
    assert presets["loaded"] and presets["imported"] and presets["unchanged"]
    assert "other shape keys" in presets["other keys"]
    assert "no mapping" in presets["foreign"]
    assert "cannot be read" in presets["nowhere"] and "no preset" in presets["gone"]


def test_a_take_moves_the_fitted_keys(told):
    assert told["take"]["curves"] == 52
    assert told["take"]["moving"] > 20


def test_where_it_looks_decides_how_it_is_read(told):
    assert told["facing"] == [True, True]


def test_landmarks_can_be_cleared(told):
    assert told["landmarks"] == {"before": 22, "after": 0, "poll": False}
