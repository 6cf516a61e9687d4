# SPDX-License-Identifier: GPL-3.0-or-later
"""The looks of a head: sliders, colours, hair; live, undone, copied and saved."""

import pytest

LIVE_MS = 50


def test_looks_change_at_once_and_belong_to_one_head(blender, path_of):
    result = blender.run("looks", path_of("looks.blend"), timeout_s=300)
    assert max(result["errors_m"].values()) < 2e-5, "the meshes are the model's, keys included"
    assert result["jaw"] == 0.5, "the animated values stay"
    assert result["trait"] == pytest.approx(0.8, abs=1e-3)
    assert result["cost_ms"] < LIVE_MS
    assert all(result["bald"]) and result["hair_hidden"] == [False, False]
    assert result["blue_eyes"] > 0.1
    assert result["face_kept"], "text that is no face changes nothing"

    undone = result["undo"]
    assert undone["moved_m"] > 0.002 and undone["undone_m"] < 1e-7
    assert undone["trait"] == pytest.approx(0.8, abs=1e-3)

    copies = result["copies"]
    assert copies["apart"] and copies["original_moved_m"] == copies["original_painted"] == 0.0
    assert copies["copy_painted"] > 0.1
    assert copies["traits"] == pytest.approx([0.8, -0.8], abs=1e-3)

    assert result["twins"] == pytest.approx([0.4, 0.4], abs=1e-3), "linked duplicates stay alike"
    assert result["sculpted_moved_m"] < 0.004, "what was sculpted stays and moves with the face"

    assert "Edit Mode" in result["in_edit_mode"] and result["refused"]
    assert result["reopened"]["trait"] == pytest.approx(0.8, abs=1e-3)
    assert result["reopened"]["palette"] == "blue"
