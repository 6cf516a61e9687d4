# SPDX-License-Identifier: GPL-3.0-or-later
"""The character: what Blender shows is the head model, on every version and without Rhetor."""

import ctypes.util

import pytest

QUANTISATION_MM = 0.02


def test_the_character_is_the_head_model(blender):
    result = blender.run("rig_build", timeout_s=300)
    assert result["names"] and result["ranges"]
    assert result["parents"] == {
        "root": None, "neck": "root", "head": "neck", "eye.L": "head", "eye.R": "head",
    }  # fmt: skip
    assert result["pose_rotation_error"] < 1e-5
    assert result["pose_translation_error_mm"] < 1e-3
    assert max(result["errors_mm"].values()) < QUANTISATION_MM
    assert max(result["mean_errors_mm"].values()) < QUANTISATION_MM
    assert result["hair_red_over_blue"] == pytest.approx(0.14 / 0.13, rel=0.02), "it stays grey"
    assert result["identity_cleared"] and result["found"] and result["stranger"]


def test_a_damaged_character_is_refused_with_advice(default_blender):
    wrong_order, missing_key, missing_bone = default_blender.run("rig_build", timeout_s=300)[
        "refusals"
    ]
    assert "XYZ" in wrong_order and "ZXY" in wrong_order
    assert "jawOpen" in missing_key
    assert "'head'" in missing_bone


def test_a_saved_character_needs_neither_rhetor_nor_python(blender, path_of):
    blend, expected = path_of("head.blend"), path_of("shapes.npz")
    blender.run("rig_save", blend, expected, timeout_s=300)
    result = blender.run("rig_open", blend, expected, timeout_s=300)
    assert not result["installed"] and result["meshes"]
    assert result["error_m"] < 1e-6
    assert result["drivers"] >= 10 and result["python_drivers"] == 0
    assert result["moved_m"]["face"] > 0.005, "the jaw opens"
    for eye in ("eye.L", "eye.R"):
        assert result["moved_m"][eye] > 0.002, "the eyes turn"


@pytest.mark.parametrize("engine", ["cycles", "workbench"])
def test_a_portrait_shows_the_head(blender, engine, path_of):
    if engine == "workbench" and ctypes.util.find_library("EGL") is None:
        pytest.skip("Workbench needs libEGL to render without a display")
    result = blender.run("rig_portrait", engine, path_of("portrait.png"), timeout_s=400)
    assert min(*result["low"]) > 0.02 and max(*result["high"]) < 0.99, "the head is in the frame"
    assert result["high"][1] - result["low"][1] > 0.5, "and fills it"
    assert (result["lights"], result["cameras"]) == (4, 1), "a second stage replaces the first"
    assert result["fps"] == pytest.approx(29.97)
    red, green, blue = result["cheek"]
    assert 0.9 > red > green > blue > 0.05, "skin is skin-coloured and lit"
    assert result["contrast"] > 0.08
