# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of settings and looks, in Blender's own folders."""


def test_presets_keep_settings_and_looks(blender):
    result = blender.run("presets")
    assert result["after"] == result["before"], "own, natural and palette colours come back"
    assert result["before"]["palettes"] == ["OWN", "CUSTOM", "gray"]
    assert result["ada"] != result["before"] and result["ada"]["palettes"][0] == "fair"
    assert result["faces"] == len(result["shipped"]) >= 6, "each is another person"
    assert result["settings"] == ["gone", "paper", False]
    assert result["place"] == ["presets", "rhetor", "looks"] and result["in_user_folder"]
    assert result["removed"] and result["ada_stays"]
