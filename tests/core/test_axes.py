# SPDX-License-Identifier: GPL-3.0-or-later
"""The mapping between face space and the head bone."""

import numpy as np
import pytest

from rhetor.addon.core.axes import BONE_FROM_FACE, bone_channels, pose_from_bone, rotation_matrix

NOSE, CROWN, LEFT = np.array([0.0, -1, 0]), np.array([0.0, 0, 1]), np.array([1.0, 0, 0])


def euler_zxy(x: float, y: float, z: float) -> np.ndarray:
    """What Blender evaluates for the order 'ZXY': Z first, then X, then Y, in the bone's axes."""

    def about(axis: int, angle: float) -> np.ndarray:
        first, second = (axis + 1) % 3, (axis + 2) % 3
        matrix = np.eye(3)
        matrix[[first, second], [first, second]] = np.cos(angle)
        matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
        return matrix

    return about(1, y) @ about(0, x) @ about(2, z)


def test_signs_are_those_of_face_space():
    assert (rotation_matrix(0.3, 0, 0) @ NOSE)[2] < 0, "positive pitch: nose down"
    assert (rotation_matrix(0, 0.3, 0) @ NOSE)[0] > 0, "positive yaw: to the character's left"
    assert (rotation_matrix(0, 0, 0.3) @ CROWN)[0] < 0, "positive roll: crown to the right"


def test_bone_axes_are_left_up_forward():
    assert np.allclose(BONE_FROM_FACE @ LEFT, [1, 0, 0])
    assert np.allclose(BONE_FROM_FACE @ CROWN, [0, 1, 0])
    assert np.allclose(BONE_FROM_FACE @ NOSE, [0, 0, 1])
    assert np.linalg.det(BONE_FROM_FACE) == pytest.approx(1.0)


def test_bone_euler_is_the_face_rotation():
    rng = np.random.default_rng(4)
    for angles in rng.uniform(-0.8, 0.8, (50, 3)):
        _, euler = bone_channels([*angles, 0, 0, 0])
        in_face = BONE_FROM_FACE.T @ euler_zxy(*euler[0]) @ BONE_FROM_FACE
        assert np.allclose(in_face, rotation_matrix(*angles), atol=1e-12)


def test_location_is_in_metres_along_the_bone_axes():
    location, _ = bone_channels([0, 0, 0, 10, 20, 30])
    assert np.allclose(location, [[0.010, 0.030, -0.020]])


def test_round_trip_keeps_every_channel():
    pose = np.random.default_rng(0).normal(size=(40, 6)) * [0.3, 0.3, 0.3, 20, 20, 20]
    location, rotation = bone_channels(pose)
    assert location.shape == rotation.shape == (40, 3)
    assert np.allclose(pose_from_bone(location, rotation), pose)
