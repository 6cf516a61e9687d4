# SPDX-License-Identifier: GPL-3.0-or-later
"""A take survives FBX, glTF and USD: what is read back shows the same face and head."""

import pytest

CLOSE_ENOUGH_MM = 0.01
"""Files hold float32; a thousandth of what an eye can tell."""

FORMATS = ("FBX", "USD", "GLTF")


def mixed_in_nla(blender) -> str:
    """The format that also writes strips: glTF, which takes its time over it, is tried once."""
    return "GLTF" if blender.is_default else "USD"


@pytest.fixture(scope="module")
def told(blender, speech, tmp_path_factory):
    folder = tmp_path_factory.mktemp("expédié 出")
    return blender.run("exports", speech, folder, mixed_in_nla(blender), *FORMATS)


@pytest.mark.parametrize("case", [*(f"{name} action" for name in FORMATS), "strips"])
def test_every_vertex_comes_back(blender, told, case):
    case = f"{mixed_in_nla(blender)} {case}" if case == "strips" else case
    print(told[case]["mm"])
    assert told["moves_mm"]["face"] > 5.0 and told["moves_mm"]["eye.L"] > 5.0
    apart = told[case]["mm"]
    assert set(apart) == set(told["moves_mm"]) and max(apart.values()) < CLOSE_ENOUGH_MM, apart
    assert told[case]["extra"] == [], "only the character is written"


def test_the_scene_stays_as_it_is(told):
    assert told["untouched"]
