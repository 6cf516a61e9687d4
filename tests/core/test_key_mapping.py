# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit weights become key values: by names, by fitted weights, by visemes solved together."""

import numpy as np
import pytest

from rhetor.addon.core.bounded_fit import fit_bounded
from rhetor.addon.core.key_mapping import KeyMapping, same_names
from rhetor.addon.core.key_names import suggest
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.protocol.errors import RigError

JAW = EXPRESSION_NAMES.index("jawOpen")
CLOSE = EXPRESSION_NAMES.index("mouthClose")
_NAMES = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")
META = [f"viseme_{name}" for name in _NAMES]


@pytest.fixture
def expression() -> np.ndarray:
    """(T, 52) a mouth that wanders smoothly, as far as in speech."""
    rng = np.random.default_rng(3)
    walk = np.cumsum(rng.normal(size=(400, 52)), axis=0) / 6
    return (np.sin(walk) + 1) / 8


def test_keys_of_the_same_names_copy_the_weights(expression):
    mapping = same_names(["Basis", "jawOpen", "Fat", "browInnerUp"])
    assert mapping.names == ("jawOpen", "browInnerUp")
    wanted = expression[:, [JAW, EXPRESSION_NAMES.index("browInnerUp")]]
    assert np.array_equal(mapping.targets(expression), wanted)


def test_values_stay_in_the_sliders_ranges(expression):
    mapping = same_names(EXPRESSION_NAMES).with_ranges(np.tile([-1.0, 0.1], (52, 1)))
    assert mapping.targets(expression).max() == 0.1
    percent = same_names(EXPRESSION_NAMES).with_ranges(np.tile([0.0, 100.0], (52, 1)))
    assert np.allclose(percent.targets(expression), 100.0 * expression)


def test_a_key_for_two_directions_takes_both_signs(expression):
    weights = np.zeros((52, 1))
    weights[EXPRESSION_NAMES.index("jawLeft")] = 1.0
    weights[EXPRESSION_NAMES.index("jawRight")] = -1.0
    mapping = KeyMapping(("jaw_LR",), weights, ranges=np.array([[-1.0, 1.0]]))
    left, right = (EXPRESSION_NAMES.index(name) for name in ("jawLeft", "jawRight"))
    wanted = expression[:, left] - expression[:, right]
    assert np.allclose(mapping.targets(expression)[:, 0], wanted) and wanted.min() < 0


def test_the_fit_meets_the_conditions_of_an_optimum():
    """Inside the bounds the slope is zero, at a bound it points outwards."""
    rng = np.random.default_rng(0)
    basis = rng.random((12, 30)) * (rng.random((12, 30)) < 0.3)
    wanted = rng.random((200, 30))
    most = rng.uniform(0.1, 1.0, 12)
    weights = fit_bounded(basis, wanted, most)
    slope = (wanted - weights @ basis) @ basis.T - 0.01 - 0.02 * weights
    assert np.all(weights >= 0) and np.all(weights <= most + 1e-12)
    inside = (weights > 1e-6) & (weights < most - 1e-6)
    assert inside.any() and np.abs(slope[inside]).max() < 5e-3
    assert slope[weights <= 1e-6].max() < 5e-3 and slope[weights >= most - 1e-6].min() > -5e-3


def test_a_viseme_comes_back_as_itself():
    """The mouth that a key shows is told by this key above all, not smeared over its kin."""
    mapping = suggest(META).mapping
    values = mapping.targets(mapping.shows)
    for name in ("PP", "FF", "TH", "CH", "aa", "I", "O", "U"):  # those that lips tell apart
        own = mapping.names.index(f"viseme_{name}")
        others = np.delete(values[own], own)
        assert values[own, own] > 0.6 and others.max() < 0.25, (name, values[own])
    plain = mapping.shows @ mapping.shows.T
    assert (values > 0.05).sum() < 0.5 * (plain > 0.05).sum(), "sparser than shares of units"


def test_visemes_open_the_mouth_as_far_as_the_take_does(expression):
    mapping = suggest(META).mapping
    mouth = expression.copy()
    mouth[:, CLOSE] = 0.0
    opening = mapping.targets(mouth) @ mapping.shows[:, JAW]
    assert np.corrcoef(opening, mouth[:, JAW])[0, 1] > 0.98
    sealed = mouth.copy()
    sealed[:, CLOSE] = sealed[:, JAW]  # the jaw is down, the lips are kept closed
    assert (mapping.targets(sealed) @ mapping.shows[:, JAW]).max() < 0.12


def test_visemes_move_as_smoothly_as_the_take(expression):
    mapping = suggest(META).mapping
    steps = np.abs(np.diff(mapping.targets(expression), axis=0)).max()
    assert steps < 6 * np.abs(np.diff(expression, axis=0)).max()


def test_units_that_bones_show_can_be_taken_away(expression):
    mapping = suggest([*META, "browInnerUp"]).mapping.without_units(["jawOpen"])
    assert "jawOpen" not in mapping.reached and "browInnerUp" in mapping.reached
    wider = expression.copy()
    wider[:, JAW] += 0.3
    kept = same_names(EXPRESSION_NAMES).without_units(["jawOpen"])
    assert np.array_equal(kept.targets(wider), kept.targets(expression))


def test_json_keeps_everything_by_name(expression):
    mapping = suggest([*META, "eyeBlink_L", 'qu"ote']).mapping.with_ranges(
        np.tile([-0.5, 2.0], (15, 1))
    )
    again = KeyMapping.from_json(mapping.to_json())
    assert again.names == mapping.names
    assert np.allclose(again.targets(expression), mapping.targets(expression), atol=1e-5)
    assert again.to_json() == mapping.to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "other", "version": 1, "keys": []}',
        '{"format": "rhetor-mapping", "version": 2, "keys": []}',
        '{"format": "rhetor-mapping", "version": 1, "keys": [{"name": "a", "units": {"no": 1}}]}',
        '{"format": "rhetor-mapping", "version": 1, "keys": [{"name": "a"}, {"name": "a"}]}',
        '{"format": "rhetor-mapping", "version": 1, "keys": [{"name": "a", "range": [0]}]}',
        '{"format": "rhetor-mapping", "version": 1, "keys": [{"name": "a", "range": [0, NaN]}]}',
    ],
)
def test_what_is_no_mapping_is_refused_with_advice(text):
    with pytest.raises(RigError) as refusal:
        KeyMapping.from_json(text)
    assert refusal.value.hint


def test_only_keys_that_a_mesh_has_are_kept():
    mapping = suggest(META).mapping.only(["viseme_aa", "viseme_O", "else"])
    assert mapping.names == ("viseme_aa", "viseme_O") and mapping.shows.shape == (2, 52)
