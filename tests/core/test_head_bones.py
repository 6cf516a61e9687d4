# SPDX-License-Identifier: GPL-3.0-or-later
"""Bones of any make show the take's rotation exactly: proven by a small forward kinematics."""

import numpy as np
import pytest

from rhetor.addon.core import head_bones, quaternions
from rhetor.addon.core.axes import rotation_matrix
from rhetor.addon.core.head_bones import Joint, Neck, facing_of
from rhetor.addon.core.rotation_channels import EULER_MODES, rotation_channels
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.protocol.take import Take

MODES = (*EULER_MODES, "QUATERNION", "AXIS_ANGLE")
FORWARD_AND_UP = [((0, -1, 0), (0, 0, 1)), ((0, 0, 1), (0, 1, 0)), ((1, 0, 0), (0, 0, 1))]


@pytest.fixture
def take() -> Take:
    rng = np.random.default_rng(5)
    walk = np.cumsum(rng.normal(size=(40, 6)), axis=0) / 10
    pose = walk * [0.15, 0.2, 0.1, 10, 10, 10]
    expression = rng.random((40, 52))
    return Take(
        30.0,
        pose.astype(np.float32),
        expression.astype(np.float32),
        EXPRESSION_NAMES,
        np.zeros(50, np.float32),
    )


def rotation_from_channels(prop: str, values: np.ndarray, mode: str) -> np.ndarray:
    """(T, 3, 3) what Blender makes of a bone's channels."""
    if prop == "rotation_quaternion":
        return quaternions.to_matrix(values / np.linalg.norm(values, axis=1, keepdims=True))
    if prop == "rotation_axis_angle":
        half = values[:, :1] / 2
        return quaternions.to_matrix(np.hstack([np.cos(half), np.sin(half) * values[:, 1:]]))
    matrices = np.tile(np.eye(3), (len(values), 1, 1))
    for letter in mode:
        matrices = np.array([about(letter, v) for v in values[:, "XYZ".index(letter)]]) @ matrices
    return matrices


def about(letter: str, angle: float) -> np.ndarray:
    first, second = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[letter]
    matrix = np.eye(3)
    matrix[[first, second], [first, second]] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def any_rotation(rng) -> np.ndarray:
    values = rng.normal(size=4)
    return values / np.linalg.norm(values)


def joint(rng, name: str, mode: str, offset: bool = False) -> Joint:
    axes = any_rotation(rng)
    kept = {"offset": any_rotation(rng), "offset_location": rng.normal(size=3)} if offset else {}
    return Joint(name, axes, mode, axes, **kept)


def turned(joint: Joint, channels: list, mode: str) -> np.ndarray:
    """(T, 3, 3) rotation of a bone in the armature's axes, on a parent at rest."""
    (found,) = [c for c in channels if c.bone == joint.name and c.prop != "location"]
    rest = quaternions.to_matrix(joint.rest)
    return rest @ rotation_from_channels(found.prop, found.values, mode) @ rest.T


def wanted_rotations(take: Take, facing: np.ndarray) -> np.ndarray:
    axes = quaternions.to_matrix(facing)
    poses = take.pose[:, :3].astype(float)
    return np.array([axes @ rotation_matrix(*row) @ axes.T for row in poses])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("forward", "up"), FORWARD_AND_UP)
def test_head_alone_turns_as_the_take(take, mode, forward, up):
    rng = np.random.default_rng(1)
    facing = facing_of(forward, up)
    assert np.allclose(quaternions.to_matrix(facing) @ [0, -1, 0], forward)
    assert np.allclose(quaternions.to_matrix(facing) @ [0, 0, 1], up)
    head = joint(rng, "head", mode)
    channels = head_bones.head_channels(take, facing, head, None, 1.0)
    assert np.allclose(turned(head, channels, mode), wanted_rotations(take, facing), atol=1e-9)


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION"])
@pytest.mark.parametrize("share", [0.0, 0.35, 1.0])
@pytest.mark.parametrize("carries", [0.0, 0.4, 1.0])
def test_neck_and_head_add_up_exactly(take, mode, share, carries):
    rng = np.random.default_rng(2)
    facing = facing_of((0, -1, 0), (0, 0, 1))
    head, low = joint(rng, "head", mode), joint(rng, "neck", "QUATERNION")
    channels = head_bones.head_channels(take, facing, head, Neck(low, share, carries), 1.0)
    neck_turn = turned(low, channels, "QUATERNION")
    wanted = wanted_rotations(take, facing)
    angle = np.arccos(np.clip((np.trace(neck_turn, axis1=1, axis2=2) - 1) / 2, -1, 1))
    whole = np.arccos(np.clip((np.trace(wanted, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert np.allclose(angle, share * whole, atol=1e-6)
    carried = np.array([fraction(matrix, carries) for matrix in neck_turn])
    assert np.allclose(carried @ turned(head, channels, mode), wanted, atol=1e-9)


def fraction(matrix: np.ndarray, share: float) -> np.ndarray:
    part = quaternions.power(quaternions.from_matrix(matrix), share)
    return quaternions.to_matrix(part)


def test_a_pose_that_was_there_before_is_kept_below(take):
    rng = np.random.default_rng(3)
    facing = facing_of((0, -1, 0), (0, 0, 1))
    head, low = joint(rng, "head", "QUATERNION", True), joint(rng, "neck", "QUATERNION", True)
    channels = head_bones.head_channels(take, facing, head, Neck(low, 0.3), 1.0)
    shown = turned(low, channels, "QUATERNION") @ turned(head, channels, "QUATERNION")
    held = [
        quaternions.to_matrix(j.rest)
        @ quaternions.to_matrix(j.offset)
        @ quaternions.to_matrix(j.rest).T
        for j in (low, head)
    ]
    assert np.allclose(shown, wanted_rotations(take, facing) @ held[0] @ held[1], atol=1e-9)


def test_location_is_in_the_bones_axes_and_the_characters_size(take):
    rng = np.random.default_rng(4)
    facing = facing_of((1, 0, 0), (0, 0, 1))
    head = joint(rng, "head", "XYZ", True)
    (moved,) = [
        c for c in head_bones.head_channels(take, facing, head, None, 100.0) if c.prop == "location"
    ]
    shown = (moved.values - head.offset_location) @ quaternions.to_matrix(head.rest).T
    wanted = take.pose[:, 3:] @ quaternions.to_matrix(facing).T / 10
    assert np.allclose(shown, wanted, atol=1e-9)


def test_location_goes_on_the_lowest_bone_that_can_be_moved(take):
    rng = np.random.default_rng(4)
    facing = facing_of((0, -1, 0), (0, 0, 1))
    head, low = joint(rng, "head", "XYZ"), joint(rng, "neck", "XYZ")
    fixed = [Joint(j.name, j.rest, j.mode) for j in (head, low)]
    for top, bottom, mover in (
        (head, low, ["neck"]),
        (head, fixed[1], ["head"]),
        (fixed[0], fixed[1], []),
    ):
        channels = head_bones.head_channels(take, facing, top, Neck(bottom, 0.4), 1.0)
        assert [c.bone for c in channels if c.prop == "location"] == mover


@pytest.mark.parametrize("mode", MODES)
def test_channels_do_not_jump(mode):
    """A head that turns all the way round, twice, past every singularity."""
    angle = np.linspace(0, 4 * np.pi, 400)
    axis = np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8])
    rotation = np.hstack([np.cos(angle / 2)[:, None], np.sin(angle / 2)[:, None] * axis])
    # As a matrix would give them: the sign is lost.
    rotation[rotation[:, 0] < 0] *= -1
    prop, values = rotation_channels(rotation, mode)
    shown = rotation_from_channels(prop, values, mode)
    assert np.allclose(shown, quaternions.to_matrix(rotation), atol=1e-9)
    assert np.abs(np.diff(values, axis=0)).max() < 0.2


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_eyes_look_where_the_units_say(take, side):
    facing = facing_of((0, -1, 0), (0, 0, 1))
    eye = joint(np.random.default_rng(6), "eye", "XYZ")
    values = {"eyeLookUp": (0, 0, np.sin(np.radians(18))), "eyeLookDown": (0, 0, -0.342)}
    out = np.sin(np.radians(26)) * (1 if side == "Left" else -1)
    values |= {"eyeLookOut": (out, 0, 0), "eyeLookIn": (-out, 0, 0)}
    for unit, ahead in values.items():
        expression = np.zeros((1, 52), np.float32)
        expression[0, EXPRESSION_NAMES.index(f"{unit}{side}")] = 1.0
        one = Take(30.0, np.zeros((1, 6)), expression, EXPRESSION_NAMES, np.zeros(50))
        channels = head_bones.eye_channels(one, facing, eye, side)
        sight = turned(eye, [channels], "XYZ")[0] @ [0, -1, 0]
        assert np.allclose(sight[[0, 2]], np.array(ahead)[[0, 2]], atol=1e-3), unit


def test_the_jaw_goes_down_and_to_the_sides():
    facing = facing_of((0, 0, 1), (0, 1, 0))
    jaw = joint(np.random.default_rng(7), "jaw", "AXIS_ANGLE")
    expression = np.zeros((2, 52), np.float32)
    expression[0, EXPRESSION_NAMES.index("jawOpen")] = 1.0
    expression[1, EXPRESSION_NAMES.index("jawLeft")] = 1.0
    take = Take(30.0, np.zeros((2, 6)), expression, EXPRESSION_NAMES, np.zeros(50))
    channels = head_bones.jaw_channels(take, facing, jaw, 0.4)
    chin = turned(jaw, [channels], "AXIS_ANGLE") @ [0, 0, 1]  # it looks along +Z, up is +Y
    assert np.allclose(chin[0], [0, -np.sin(0.4), np.cos(0.4)])
    assert chin[1][0] > 0.1 and abs(chin[1][1]) < 1e-9, "to its own left"
