# SPDX-License-Identifier: GPL-3.0-or-later
"""Traits: what a slider says is what the face measures, and nothing else changes with it."""

import numpy as np
import pytest

from rhetor.engine.head.model import DEFAULT_HEAD_PATH, draw_identity, load_head
from rhetor.engine.head.traits import BROAD_TRAITS, TraitSpace
from rhetor.engine.protocol.errors import HeadError

pytestmark = pytest.mark.skipif(not DEFAULT_HEAD_PATH.is_file(), reason="the head is not built")
TONE_STEP = 1e-4


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def traits(head):
    return TraitSpace(head.traits, head.log_tone)


def test_traits_are_deviations_of_drawn_people(traits):
    assert set(traits.values(None).values()) == {0.0}
    people = [traits.values(np.random.default_rng(n).normal(size=50)) for n in range(400)]
    for name in traits.names:
        assert np.std([person[name] for person in people]) == pytest.approx(1.0, abs=0.15), name


def test_one_trait_changes_and_the_others_and_the_skin_stay(head, traits):
    identity = draw_identity(5)
    before = traits.values(identity)
    for name in traits.names:
        changed = traits.changed(identity, name, 1.5)
        after = traits.values(changed)
        assert after[name] == pytest.approx(1.5, abs=1e-4)
        kept = BROAD_TRAITS if name in BROAD_TRAITS else traits.names
        for other in set(kept) - {name}:
            assert after[other] == pytest.approx(before[other], abs=1e-4), (name, other)
        tones = head.skin_tone(changed), head.skin_tone(identity)
        np.testing.assert_allclose(*tones, atol=TONE_STEP)


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("mouth_width", "lip_corner_left", "lip_corner_right"),
        ("lip_fullness", "lip_outer_upper_middle", "lip_outer_lower_middle"),
    ],
)
def test_a_trait_is_what_the_face_measures(head, traits, name, left, right):
    def measured(value):
        identity = traits.changed(None, name, value)
        ends = [head.landmark(end, None, identity).mean(0) for end in (left, right)]
        return float(np.linalg.norm(ends[0] - ends[1]))

    small, middle, large = (measured(value) for value in (-2.0, 0.0, 2.0))
    assert large - middle == pytest.approx(middle - small, rel=0.1)
    assert large - small > 2.0, "mm"


def test_extremes_end_where_the_model_ends(traits):
    far = traits.changed(None, "face_width", 50.0)
    assert np.abs(far).max() <= 8.0


def test_an_unknown_trait_is_refused(traits):
    with pytest.raises(HeadError, match="no trait 'charm'"):
        traits.changed(None, "charm", 1.0)
    with pytest.raises(HeadError, match="50 coefficients"):
        traits.values(np.zeros(3))
