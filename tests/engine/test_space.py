# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations of face space against their definition, and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rhetor.engine import space

angle = st.floats(-1.5, 1.5)
angles = st.tuples(angle, st.floats(-3.1, 3.1), st.floats(-3.1, 3.1)).map(np.array)
NOSE, CROWN = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def test_positive_angles_turn_as_the_convention_says() -> None:
    pitch, yaw, roll = (space.euler_to_matrix(a) for a in np.eye(3) * 0.3)
    assert (pitch @ NOSE)[2] < -0.2  # nose down
    assert (yaw @ NOSE)[0] > 0.2  # nose to the character's left
    assert (roll @ CROWN)[0] < -0.2  # crown to the character's right
    np.testing.assert_allclose(roll @ NOSE, NOSE, atol=1e-12)


@given(angles)
def test_matrix_is_the_stated_product(a: np.ndarray) -> None:
    pitch, yaw, roll = a
    expected = (
        Rotation.from_rotvec([0, 0, yaw])
        * Rotation.from_rotvec([pitch, 0, 0])
        * Rotation.from_rotvec([0, -roll, 0])
    ).as_matrix()
    np.testing.assert_allclose(space.euler_to_matrix(a), expected, atol=1e-12)


@given(angles)
def test_euler_round_trip(a: np.ndarray) -> None:
    np.testing.assert_allclose(space.matrix_to_euler(space.euler_to_matrix(a)), a, atol=1e-9)


@given(st.sampled_from([-np.pi / 2, np.pi / 2]), angle, angle)
def test_round_trip_of_the_rotation_survives_gimbal_lock(p: float, y: float, r: float) -> None:
    matrix = space.euler_to_matrix(np.array([p, y, r]))
    again = space.euler_to_matrix(space.matrix_to_euler(matrix))
    np.testing.assert_allclose(again, matrix, atol=1e-6)


@given(angles, angles)
def test_quaternion_product_is_composition(a: np.ndarray, b: np.ndarray) -> None:
    q = space.multiply_quaternions(space.euler_to_quaternion(a), space.euler_to_quaternion(b))
    expected = space.euler_to_matrix(a) @ space.euler_to_matrix(b)
    np.testing.assert_allclose(space.quaternion_to_matrix(q), expected, atol=1e-12)


@given(angles, angles, st.floats(0, 1))
def test_slerp_moves_at_even_speed_along_the_shortest_way(
    a: np.ndarray, b: np.ndarray, share: float
) -> None:
    start, end = space.euler_to_quaternion(a), space.euler_to_quaternion(b)
    middle = space.slerp_quaternions(start, end, np.array(share))

    def between(q: np.ndarray, r: np.ndarray) -> float:
        return float(2 * np.arccos(np.clip(abs(q @ r), 0, 1)))

    assert np.linalg.norm(middle) == pytest.approx(1.0)
    assert between(start, middle) == pytest.approx(share * between(start, end), abs=1e-5)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_blend_keeps_its_ends_and_stays_between(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(0, 0.2, (2, 20, 6)) * (1, 1, 1, 30, 30, 30)).astype(np.float32)
    share = np.linspace(0, 1, 20)
    mixed = space.blend_poses(a, b, share)
    np.testing.assert_array_equal(mixed[0], a[0])
    np.testing.assert_array_equal(mixed[-1], b[-1])
    same = space.blend_poses(a, a, share)
    np.testing.assert_allclose(same, a, atol=2e-5)


def test_angular_speed_of_a_steady_turn() -> None:
    pose = np.zeros((50, 6))
    pose[:, 1] = np.arange(50) * 0.02
    np.testing.assert_allclose(space.angular_speed(pose), 0.02, atol=1e-9)


def test_camera_transforms_become_face_space() -> None:
    """A head that faces the camera, nods by 0.2 and comes 30 mm nearer."""
    matrix = np.tile(np.eye(4), (3, 1, 1))
    c, s = np.cos(0.2), np.sin(0.2)
    matrix[1, :3, :3] = [[1, 0, 0], [0, c, -s], [0, s, c]]  # about the image's X: nose down
    matrix[:, 2, 3] = (-50.0, -50.0, -47.0)  # cm; the camera looks along -Z
    pose = space.camera_to_pose(matrix, mm_per_unit=10.0)
    np.testing.assert_allclose(pose[0], 0.0, atol=1e-12)
    np.testing.assert_allclose(pose[1, :3], (0.2, 0, 0), atol=1e-12)
    np.testing.assert_allclose(pose[2, 3:], (0, -30, 0), atol=1e-9)  # -Y is forward
