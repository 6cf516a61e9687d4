# SPDX-License-Identifier: GPL-3.0-or-later
"""A take survives FBX, glTF and USD: what is read back shows the same face and head."""

import pytest

CLOSE_ENOUGH_MM = 0.01
"""Files hold float32; a thousandth of what an eye can tell."""

CASES = ("FBX action", "GLTF action", "USD strips")
DEFAULT_CASES = ("FBX action", "GLTF strips", "USD action")
"""What is written of a take that is the active action, and of one that the NLA mixes."""


@pytest.fixture(scope="module")
def told(blender, speech, tmp_path_factory):
    folder = tmp_path_factory.mktemp("expédié 出")
    cases = DEFAULT_CASES if blender.is_default else CASES
    return blender.run("exports", speech, folder, *cases)


@pytest.mark.parametrize("file_format", ["FBX", "GLTF", "USD"])
def test_every_vertex_comes_back(told, file_format):
    assert told["moves_mm"]["face"] > 5.0 and told["moves_mm"]["eye.L"] > 5.0
    (case,) = [case for case in told["cases"] if case.startswith(file_format)]
    print(case, told["cases"][case]["mm"])
    apart = told["cases"][case]["mm"]
    assert set(apart) == set(told["moves_mm"]) and max(apart.values()) < CLOSE_ENOUGH_MM, apart
    assert told["cases"][case]["extra"] == [], "only the character is written"


def test_the_scene_stays_as_it_is(told):
    assert told["untouched"]
