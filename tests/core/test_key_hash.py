# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest

from rhetor.addon.core.key_hash import KeyedCurve, hash_keys


def curve(path="a", index=0, value=0.5, shape=b"", frames=3):
    keys = np.full((frames, 2), value, np.float32)
    keys[:, 0] = np.arange(frames)
    return KeyedCurve(path, index, keys, shape)


def test_the_order_of_curves_does_not_matter():
    assert hash_keys([curve("a"), curve("b")]) == hash_keys([curve("b"), curve("a")])


def test_moving_all_of_it_does_not_matter_but_moving_a_part_does():
    moved = [replace(one, coordinates=one.coordinates + np.float32([7, 0])) for one in two()]
    assert hash_keys(moved) == hash_keys(two())
    assert hash_keys([moved[0], two()[1]]) != hash_keys(two())


def two():
    return [curve("a"), curve("b")]


@pytest.mark.parametrize(
    "other",
    [
        curve("b"),
        curve(index=1),
        curve(value=np.nextafter(np.float32(0.5), np.float32(1))),
        curve(frames=4),
        curve(shape=b"x"),
    ],
    ids=["path", "index", "last bit", "one key more", "handles"],
)
def test_every_difference_shows(other):
    assert hash_keys([curve()]) != hash_keys([other])
    assert hash_keys([curve(), other]) != hash_keys([curve()])
