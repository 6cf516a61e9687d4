# SPDX-License-Identifier: GPL-3.0-or-later
"""From a take to keys, on every Blender."""


def test_every_key_is_exact_at_every_frame_rate(blender, speech):
    result = blender.run("keys", speech)
    assert result["curves"] == [58]
    assert result["key_error"] < 1e-6
    assert result["angle_error"] < 1e-4
    assert result["offset_error"] < 1e-6


def test_a_take_gets_its_own_action_sound_and_range(blender, speech):
    result = blender.run("takes", speech)
    assert result["title"] == f"{speech.stem} neutral s7"
    assert result["sound"] == (blender.version != "4.2")
