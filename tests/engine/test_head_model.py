# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's data structures and its file, on a head small enough to check by hand."""

import dataclasses
import json

import numpy as np
import pytest

from rhetor.engine.head.archive import write_archive
from rhetor.engine.head.basis import Basis
from rhetor.engine.head.channels import EXPRESSION_NAMES, HEAD_MODEL_ID
from rhetor.engine.head.model import HeadModel, draw_identity, load_head, save_head
from rhetor.engine.head.parts import Binding, Corrective, Eye, Part, Tint, gaze_rotation
from rhetor.engine.protocol.errors import HeadError

SQUARE = np.array([[0, 0, 0], [10, 0, 0], [10, 0, 10], [0, 0, 10]], np.float32)


def tint(count):
    return Tint(
        np.ones((count, 3), np.float32),
        np.full(count, 0.5, np.float32),
        np.zeros(count, np.float32),
        np.zeros((count, 3), np.float32),
    )


def part(name, kind, **changes):
    values = {
        "name": name,
        "kind": kind,
        "neutral": SQUARE,
        "corners": np.array([0, 1, 2, 3], np.int32),
        "sizes": np.array([4], np.int32),
        "slots": ("skin",),
        "face_slots": np.zeros(1, np.int32),
        "keys": (),
        "shapes": None,
        "identity": None,
        "binding": None,
        "tint": tint(4),
        "attributes": {"gloss": np.arange(4, dtype=np.float32) / 4},
        "bone_weights": np.tile([0.0, 0.25, 0.75], (4, 1)).astype(np.float32),
        "subdivision": (0, 1),
    }
    return Part(**{**values, **changes})


@pytest.fixture
def head():
    rng = np.random.default_rng(3)
    modes = np.zeros((50, 4, 3))
    modes[0, 1] = [1.0, 2.0, 3.0]
    modes[1] = rng.normal(size=(4, 3))
    shapes = np.zeros((3, 4, 3))
    shapes[0, 2, 2] = -20.0
    shapes[1, 3, 2] = 4.0
    shapes[2, 0, 1] = 8.0
    face = part(
        "face",
        "face",
        keys=("jawOpen", "mouthClose", "both"),
        shapes=Basis.from_dense(shapes),
        identity=Basis.from_dense(modes, same_vertices=True),
    )
    bound = Binding(np.array([[0, 1, 2]], np.int32), np.array([[0, 1, 0]], np.float32), 4)
    eye = Eye(
        "eye.L",
        np.array([5, 0, 5], np.float32),
        12.0,
        (("eyeLookDownLeft", 0.3, 0.0), ("eyeLookOutLeft", 0.0, 0.5)),
        np.zeros((50, 3), np.float32),
    )
    return HeadModel(
        id=HEAD_MODEL_ID,
        parts={
            "face": face,
            "eye.L": part("eye.L", "eye", bone_weights=None),
            "hair": part("hair", "hair", binding=bound),
        },
        correctives=(Corrective("both", "product", (("jawOpen", 1), ("mouthClose", 1))),),
        eyes=(eye,),
        bones={bone: np.zeros(3, np.float32) for bone in ("root", "neck", "head")},
        landmarks={
            "lip_inner_upper_middle": np.array([2, 3], np.int32),
            "lip_inner_lower_middle": np.array([0, 1], np.int32),
        },
        log_tone=np.zeros((51, 3), np.float32) - 1.0,
        hair_colour=np.array([0.1, 0.2, 0.3], np.float32),
        iris_colour=np.array([0.3, 0.2, 0.1], np.float32),
        traits={"jaw_width": np.eye(50, dtype=np.float32)[1]},
        provenance={"source": "test"},
    )


def test_expressions_add_up_and_correctives_multiply(head):
    moved = head.vertices("face", None, {"jawOpen": 0.5, "mouthClose": 0.25})
    np.testing.assert_allclose(moved[2], [10, 0, 0], atol=1e-3)
    np.testing.assert_allclose(moved[3], [0, 0, 11], atol=1e-3)
    np.testing.assert_allclose(moved[0], [0, 8 * 0.5 * 0.25, 0], atol=1e-3)


def test_array_and_mapping_agree_and_frames_broadcast(head):
    weights = np.zeros((7, len(EXPRESSION_NAMES)), np.float32)
    weights[:, EXPRESSION_NAMES.index("jawOpen")] = np.linspace(0, 1, 7)
    np.testing.assert_allclose(
        head.vertices("face", None, weights[3]), head.vertices("face", None, {"jawOpen": 0.5})
    )
    gaps = head.lip_gap_mm(weights)
    assert gaps.shape == (7,)
    for frame in range(7):
        assert gaps[frame] == pytest.approx(float(head.lip_gap_mm(weights[frame])), abs=1e-4)
    assert gaps[0] == pytest.approx(10.0) and gaps[-1] == pytest.approx(0.0, abs=1e-3)


def test_hair_follows_the_vertices_it_is_bound_to(head):
    identity = np.zeros(50, np.float32)
    identity[0] = 2.0
    np.testing.assert_allclose(
        head.vertices("hair", identity) - SQUARE, np.tile([2, 4, 6], (4, 1)), atol=1e-3
    )


def test_gaze_turns_the_eye_to_the_characters_left(head):
    forward = np.array([0.0, -1.0, 0.0])
    assert (gaze_rotation(0.0, 0.5) @ forward)[0] > 0.4
    assert (gaze_rotation(0.5, 0.0) @ forward)[2] < -0.4
    turned = head.vertices("eye.L", None, {"eyeLookOutLeft": 1.0}) - head.eye_pivot("eye.L")
    rest = SQUARE - head.eye_pivot("eye.L")
    np.testing.assert_allclose(turned, rest @ gaze_rotation(0.0, 0.5).T, atol=1e-4)


def test_colours_follow_tone_and_hair(head):
    np.testing.assert_allclose(
        head.colours("face")[0], [*(np.exp(-1.0) + 0.5 * head.hair_colour), 1.0], rtol=1e-5
    )
    red = head.colours("face", dataclasses.replace(head.pigments(), hair=np.array([1.0, 0.0, 0.0])))
    np.testing.assert_allclose(red[0, :3] - np.exp(-1.0), [0.5, 0.0, 0.0], atol=1e-5)


def test_basis_keeps_every_mode_within_half_a_step():
    modes = np.random.default_rng(0).normal(0, 8, (6, 40, 3))
    modes[2] = 0.0
    modes[3, 5:] = 0.0
    for same in (False, True):
        basis = Basis.from_dense(modes, same_vertices=same)
        assert np.abs(basis.dense() - modes).max() <= basis.scale.max() / 2 + 1e-5
        weights = np.linspace(-1, 1, 6)
        np.testing.assert_allclose(
            basis.combine(weights), np.tensordot(weights, modes, 1), atol=0.01
        )


def test_bump_is_zero_at_both_ends():
    bump = Corrective("middle", "bump", (("eyeBlinkLeft", 1),))
    values = [bump.value({"eyeBlinkLeft": w}) for w in (0.0, 0.5, 1.0)]
    assert values == [0.0, 1.0, 0.0]
    with pytest.raises(HeadError):
        Corrective("odd", "sum", (("jawOpen", 1),))


def test_file_gives_the_same_head_back(head, tmp_path):
    save_head(head, tmp_path / "head.npz")
    again = load_head(tmp_path / "head.npz")
    assert again.correctives == head.correctives
    assert again.provenance == head.provenance
    assert again.eyes[0].gaze == head.eyes[0].gaze
    identity = draw_identity(4)
    for name in head.parts:
        for expression in (None, {"jawOpen": 0.7, "eyeLookDownLeft": 1.0}):
            np.testing.assert_allclose(
                again.vertices(name, identity, expression),
                head.vertices(name, identity, expression),
                atol=0.011,
            )
    assert again.parts["face"].faces() == [[0, 1, 2, 3]]
    np.testing.assert_allclose(
        again.parts["face"].bone_weights, head.parts["face"].bone_weights, atol=1e-6
    )
    save_head(again, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "head.npz").read_bytes()


def test_broken_and_foreign_files_are_refused(head, tmp_path):
    path = tmp_path / "head.npz"
    with pytest.raises(HeadError, match="missing"):
        load_head(path)
    save_head(head, path)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[whole.index(SQUARE.tobytes()) + 9] ^= 0xFF
    for content in (b"", b"not a zip", whole[: len(whole) // 2], bytes(damaged)):
        path.write_bytes(content)
        with pytest.raises(HeadError):
            load_head(path)
    np.savez(path, vertices=np.zeros(3))
    with pytest.raises(HeadError, match="not a head model"):
        load_head(path)
    np.save(tmp_path / "plain.npy", np.zeros(3))
    with pytest.raises(HeadError):
        load_head(tmp_path / "plain.npy")
    save_head(dataclasses.replace(head, id="somebody-else"), path)
    with pytest.raises(HeadError, match="somebody-else"):
        load_head(path)


def test_incomplete_and_pickled_files_are_refused(head, tmp_path):
    path = tmp_path / "head.npz"
    write_archive(path, {"id": HEAD_MODEL_ID, "parts": [{"name": "face"}]}, {})
    with pytest.raises(HeadError, match="incomplete"):
        load_head(path)
    header = np.frombuffer(json.dumps({"format": "rhetor-head"}).encode(), np.uint8)
    np.savez(path, header=header, evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(HeadError, match="damaged"):
        load_head(path)


def test_inconsistent_parts_are_refused():
    with pytest.raises(HeadError):
        part("face", "face", corners=np.array([0, 1, 2, 9], np.int32))
    with pytest.raises(HeadError):
        part("face", "face", neutral=np.full((4, 3), np.nan, np.float32))
    with pytest.raises(HeadError):
        part("face", "face", keys=("jawOpen",))


def test_wrong_questions_are_answered_clearly(head):
    with pytest.raises(HeadError, match="no expression"):
        head.vertices("face", None, {"smile": 1.0})
    with pytest.raises(HeadError, match="52"):
        head.vertices("face", None, np.zeros(51))
    with pytest.raises(HeadError, match="50"):
        head.vertices("face", np.zeros(3))
    with pytest.raises(HeadError, match="no part"):
        head.vertices("hat")


def test_drawn_identities_are_calm_and_repeatable():
    drawn = np.stack([draw_identity(seed) for seed in range(200)])
    assert np.abs(drawn).max() < 1.7001
    assert 0.7 < drawn.std() < 0.9
    np.testing.assert_array_equal(drawn[7], draw_identity(7))
