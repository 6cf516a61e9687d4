# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys are recognised by their names, whoever has named them."""

import re

import numpy as np
import pytest

from rhetor.addon.core.key_names import suggest
from rhetor.engine.head.channels import EXPRESSION_NAMES


def with_letters(name: str, separator: str) -> str:
    return re.sub("(Left|Right)$", lambda side: separator + side[1][0], name)


SPELLINGS = {
    "as they are": lambda name: name,
    "capital": lambda name: name[0].upper() + name[1:],
    "snake": lambda name: re.sub("([A-Z])", lambda m: "_" + m[1].lower(), name),
    "words": lambda name: re.sub("([A-Z])", r" \1", name).title(),
    "_L": lambda name: with_letters(name, "_"),
    ".L": lambda name: with_letters(name, "."),
    "node": lambda name: f"head.{name}",
    "maya": lambda name: f"blendShape1.{name}",
    "prefix": lambda name: f"Face_{name}",
    "copy": lambda name: f"{name}.001",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_arkit_in_all_spellings(spelling):
    names = [SPELLINGS[spelling](name) for name in EXPRESSION_NAMES]
    found = suggest(["Basis", "Fat", *names])
    assert found.mapping.names == tuple(names)
    assert np.array_equal(found.mapping.weights, np.eye(52))
    assert found.standards == ("ARKit",) and found.missing == ()


def units(found, key: str) -> dict[str, float]:
    row = found.mapping.weights[:, found.mapping.names.index(key)]
    return {name: value for name, value in zip(EXPRESSION_NAMES, row, strict=True) if value}


def test_halves_of_a_unit_both_follow_it():
    found = suggest(["browInnerUp_L", "browInnerUp_R", "cheekPuff_L", "cheekPuff_R"])
    assert units(found, "browInnerUp_R") == {"browInnerUp": 1.0}
    assert units(found, "cheekPuff_L") == {"cheekPuff": 1.0}


def test_a_key_for_both_sides_serves_only_where_there_is_none_for_each():
    assert units(suggest(["eyeBlink"]), "eyeBlink") == {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}
    both = suggest(["eyeBlink", "eyeBlink_L", "eyeBlink_R"])
    assert both.mapping.names == ("eyeBlink_L", "eyeBlink_R")


def test_character_creator_names_and_the_eyes_of_its_two_sides():
    names = "Eye_L_Look_L Eye_R_Look_L Brow_Raise_Inner_L Mouth_Down_Lower_R Jaw_Open"
    found = suggest(names.split())
    assert units(found, "Eye_L_Look_L") == {"eyeLookOutLeft": 1.0}
    assert units(found, "Eye_R_Look_L") == {"eyeLookInRight": 1.0}
    assert units(found, "Mouth_Down_Lower_R") == {"mouthLowerDownRight": 1.0}
    assert "Character Creator" in found.standards


META = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")

VISEMES = {
    "Meta visemes": [f"viseme_{name}" for name in META],
    "Microsoft visemes": [f"viseme_{number}" for number in range(22)],
    "VRM vowels": [f"Face.M_F00_000_00_Fcl_MTH_{vowel}" for vowel in "AIUEO"],
    "VRM 1.0 vowels": ["aa", "ih", "ou", "ee", "oh"],
    "MMD vowels": list("あいうえお"),
}


@pytest.mark.parametrize("standard", VISEMES)
@pytest.mark.parametrize("rest", [[], ["eyeBlinkLeft", "eyeBlinkRight", "browInnerUp"]])
def test_viseme_sets_are_known_and_go_with_named_eyes(standard, rest):
    found = suggest([*VISEMES[standard], *rest])
    mapping = found.mapping
    silent = {"viseme_sil", "viseme_0"} & set(VISEMES[standard])
    solved = {name for name, does in zip(mapping.names, mapping.is_solved, strict=True) if does}
    assert solved == set(VISEMES[standard]) - silent
    assert standard in found.standards
    assert ("blinking" in found.missing) == (not rest)
    assert "opening the mouth" not in found.missing and "closing the lips" not in found.missing


@pytest.mark.parametrize("style", ["viseme_{}", "vrc.v_{}", "Viseme{}", "{}"])
def test_meta_visemes_in_all_spellings(style):
    names = [style.format(name) for name in (*META[1:12], "ih", "oh", "ou")]
    assert suggest(names).mapping.is_solved.all()
    assert suggest(names).standards == ("Meta visemes",)


def test_a_mouth_with_all_its_units_needs_no_visemes():
    found = suggest([*EXPRESSION_NAMES, *VISEMES["Meta visemes"]])
    assert found.mapping.names == EXPRESSION_NAMES


def test_single_letters_and_numbers_alone_tell_nothing():
    for names in (["A", "E", "Breast.L", "Fat"], [str(number) for number in range(22)], []):
        found = suggest(names)
        assert found.mapping.names == () and found.standards == ()
        assert "blinking" in found.missing and "opening the mouth" in found.missing


def test_a_smile_goes_on_beside_visemes():
    found = suggest([*VISEMES["Meta visemes"], "mouthSmile", "mouthOpen"])
    assert units(found, "mouthSmile") == {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}
    assert "mouthOpen" not in found.mapping.names
    assert not found.mapping.shows[:, EXPRESSION_NAMES.index("mouthSmileLeft")].any()
