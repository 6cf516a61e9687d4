# SPDX-License-Identifier: GPL-3.0-or-later
"""A take lands on the right properties of a rig, by name."""

import numpy as np
import pytest

from rhetor.addon.core.retarget import face_curves, head_curves
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.protocol.errors import RigError
from rhetor.engine.protocol.take import Take


@pytest.fixture
def take() -> Take:
    rng = np.random.default_rng(7)
    pose = rng.normal(size=(20, 6)).astype(np.float32)
    expression = rng.random((20, 52)).astype(np.float32)
    return Take(30.0, pose, expression, EXPRESSION_NAMES, np.zeros(50, np.float32))


FACE_GROUPS = {"Mouth", "Brows", "Eyelids", "Gaze"}


def test_head_curves_are_the_bone_channels_of_the_pose(take: Take) -> None:
    curves = {(c.data_path, c.index): c.values for c in head_curves(take, "head")}
    assert len(curves) == 6
    rotation = [curves['pose.bones["head"].rotation_euler', axis] for axis in range(3)]
    location = [curves['pose.bones["head"].location', axis] for axis in range(3)]
    for values, name in zip(rotation, ("pitch", "yaw", "roll"), strict=True):
        assert np.array_equal(values, take.pose_channel(name))
    # The bone looks along its Z and stands along its Y: location = (x, z, -y) in metres.
    for values, (name, sign) in zip(location, (("x", 1), ("z", 1), ("y", -1)), strict=True):
        np.testing.assert_allclose(values, sign * take.pose_channel(name) / 1000, atol=1e-9)
    groups = {c.group for c in head_curves(take, "head")}
    assert groups == {"Head rotation", "Head location"}


def test_expressions_go_to_the_keys_of_the_same_name_in_any_order(take: Take) -> None:
    keys = ["Basis", "own smile", *reversed(EXPRESSION_NAMES)]
    curves = face_curves(take, keys)
    assert len(curves) == 52 and {c.group for c in curves} == FACE_GROUPS
    for curve in curves:
        name = curve.data_path.split('"')[1]
        assert np.array_equal(curve.values, take.expression_channel(name))


def test_missing_keys_are_named_and_the_others_still_written(take: Take) -> None:
    keys = [name for name in EXPRESSION_NAMES if name not in ("tongueOut", "jawLeft")]
    assert len(face_curves(take, keys)) == 50


def test_a_mesh_without_any_of_the_names_is_refused(take: Take) -> None:
    with pytest.raises(RigError, match="none of the expression shape keys"):
        face_curves(take, ["Basis", "A", "E"])


def test_names_are_escaped_in_data_paths(take: Take) -> None:
    assert head_curves(take, 'a"b\\c')[0].data_path.startswith('pose.bones["a\\"b\\\\c"]')
