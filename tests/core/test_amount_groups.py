# SPDX-License-Identifier: GPL-3.0-or-later
"""Every channel of a take belongs to exactly one amount."""

from collections import Counter

import numpy as np

from rhetor.addon.core.amount_groups import (
    AMOUNTS,
    FACE_AMOUNTS,
    GROUPS,
    amount_of,
    amount_of_weights,
)
from rhetor.addon.core.retarget import face_curves, head_curves
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.protocol.take import Take


def test_every_channel_of_a_take_has_its_amount():
    count = len(EXPRESSION_NAMES)
    take = Take(30.0, np.zeros((2, 6)), np.zeros((2, count)), EXPRESSION_NAMES, np.zeros(50), {})
    curves = [*head_curves(take, "head"), *face_curves(take, EXPRESSION_NAMES)]
    scaled = Counter(amount_of(curve.data_path) for curve in curves)
    assert set(scaled) == set(AMOUNTS)
    assert all(amount_of(c.data_path, c.group) == amount_of(c.data_path) for c in curves)
    assert scaled["head_rotation"] == scaled["head_location"] == 3
    assert sum(scaled[amount] for amount in FACE_AMOUNTS) == count
    assert scaled["gaze"] == 8 and scaled["brows"] == 5 and scaled["eyelids"] == 6


def test_foreign_channels_are_left_alone():
    assert amount_of('pose.bones["hand"].rotation_euler', "hand") is None
    for path in ("location", 'pose.bones["head"].scale', 'key_blocks["Fat"].value', "eval_time"):
        assert amount_of(path) is None


def test_the_group_decides_where_names_say_nothing():
    assert amount_of('key_blocks["V_Open"].value', GROUPS["mouth"]) == "mouth"
    assert amount_of('pose.bones["jaw"].rotation_quaternion', GROUPS["mouth"]) == "mouth"
    assert amount_of('key_blocks["browDownLeft"].value', "My own group") == "brows"


def test_a_key_goes_with_the_units_that_move_it_most():
    weights = np.zeros(len(EXPRESSION_NAMES))
    weights[EXPRESSION_NAMES.index("eyeBlinkLeft")] = 1.0
    weights[EXPRESSION_NAMES.index("eyeBlinkRight")] = 1.0
    weights[EXPRESSION_NAMES.index("cheekSquintLeft")] = -1.5
    assert amount_of_weights(weights) == "eyelids"
