# SPDX-License-Identifier: GPL-3.0-or-later
"""Units fitted onto other faces: what is known is found again, what cannot be is said."""

import dataclasses
import importlib.util

import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.spatial.transform import Rotation

from rhetor.engine.character_fit.alignment import similarity_between
from rhetor.engine.character_fit.fit import fit_mapping
from rhetor.engine.character_fit.guess import guess_landmarks
from rhetor.engine.character_fit.solve import sparse_weights
from rhetor.engine.character_fit.surface import Surface, nearest_places
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.head.model import DEFAULT_HEAD_PATH, FACE, draw_identity, load_head
from rhetor.engine.protocol.errors import ProtocolError, RigError
from rhetor.engine.protocol.face_landmarks import FACE_LANDMARKS, mirrored
from rhetor.engine.protocol.face_shape import FaceShape, pack_face, unpack_face
from rhetor.engine.tracking.anchors import load_anchors

pytestmark = pytest.mark.skipif(
    not DEFAULT_HEAD_PATH.exists(), reason="the head has not been built: run build.py setup"
)
UNIT = {name: row for row, name in enumerate(EXPRESSION_NAMES)}
TURN = Rotation.from_euler("xyz", [20, 150, -70], degrees=True).as_matrix()


def elsewhere(points, scale=0.013):
    """The same in other axes and another unit."""
    return scale * (points @ TURN.T) + [3.0, 1.0, 2.0]


@dataclasses.dataclass(frozen=True)
class Known:
    """Our own head in disguise, in mm and face space."""

    points: np.ndarray
    triangles: np.ndarray
    units: np.ndarray
    landmarks: dict

    def face(self, mix, names=None):
        """Its keys are the mix (M, 52) of its units."""
        keys = [elsewhere(self.points + delta) for delta in np.tensordot(mix, self.units, 1)]
        return self.with_keys(keys, names)

    def with_keys(self, keys, names=None):
        names = names or [f"key {number}" for number in range(len(keys))]
        marked = {name: elsewhere(place) for name, place in self.landmarks.items()}
        rest = elsewhere(self.points)
        deltas = [key - rest for key in keys]
        return FaceShape.of(rest, self.triangles, names, deltas, marked)


@pytest.fixture(scope="module")
def own():
    return disguised(None)


def disguised(identity):
    head = load_head()
    from rhetor.engine.character_fit.reference import FACE_MESH_POINTS

    points = head.vertices(FACE, identity).astype(float)
    fans = [(p[0], p[k], p[k + 1]) for p in head.face.faces() for k in range(1, len(p) - 1)]
    placed = load_anchors(head).on_vertices(points)
    dense = head.face.shapes.dense().astype(float)
    units = dense[[head.face.keys.index(name) for name in EXPRESSION_NAMES]]
    landmarks = {n: placed[list(FACE_MESH_POINTS[n])].mean(axis=0) for n in FACE_LANDMARKS}
    return Known(points, np.array(fans), units, landmarks)


def clustered(known, cell_mm):
    """A coarser mesh: all vertices within a cell become one."""
    _, first = np.unique(np.floor(known.points / cell_mm), axis=0, return_inverse=True)
    first = first.ravel()
    count = np.bincount(first)[:, None]

    def means(values):
        return np.stack([np.bincount(first, values[:, k]) for k in range(3)], axis=1) / count

    triangles = first[known.triangles]
    a, b, c = triangles.T
    kept = triangles[(a != b) & (b != c) & (a != c)]
    units = np.stack([means(unit) for unit in known.units])
    return Known(means(known.points), kept, units, known.landmarks)


def shuffled_mix(rng):
    """Keys that are units of other sizes in another order, and the weights that undo this."""
    order, size = rng.permutation(52), rng.uniform(0.75, 2.0, 52)
    mix = np.zeros((52, 52))
    mix[np.arange(52), order] = size
    return mix, np.linalg.inv(mix)


def test_renamed_and_scaled_keys_are_found_again(own, capsys):
    mix, true = shuffled_mix(np.random.default_rng(1))
    fit = fit_mapping(own.face(mix))
    error = np.abs(fit.weights - true)
    with capsys.disabled():
        print(f"\n  the same head in other axes: MAE {error.mean():.1e}, most {error.max():.1e}")
    assert error.mean() < 1e-3
    assert np.delete(error, UNIT["tongueOut"], axis=0).max() < 0.03
    assert fit.explained.min() > 0.8


def test_another_person_with_a_coarser_mesh_is_understood(capsys, seed=3):
    rng = np.random.default_rng(seed)
    other = clustered(disguised(draw_identity(seed)), 3.0)
    noisy = dataclasses.replace(other, points=other.points + rng.normal(0, 0.1, other.points.shape))
    mix, true = shuffled_mix(rng)
    fit = fit_mapping(noisy.face(mix))
    error = np.abs(fit.weights - true)
    right = (fit.weights.argmax(axis=1) == true.argmax(axis=1)).mean()
    with capsys.disabled():
        count = len(other.points)
        print(
            f"\n  person {seed}, {count} vertices, noise: MAE {error.mean():.4f}, right {right:.0%}"
        )
    assert right > 0.95
    assert error.mean() < 0.01


def test_a_unit_that_is_split_over_two_keys_is_put_together(own, capsys):
    """The left half of each mouth unit is one key, the right half another, twice as strong."""
    side = 1.0 / (1.0 + np.exp(-own.points[:, 0] / 4.0))[:, None]
    split = ["jawOpen", "mouthFunnel", "mouthPucker", "cheekPuff", "browInnerUp"]
    keys, true = [], np.zeros((52, 0))
    for unit in EXPRESSION_NAMES:
        delta = own.units[UNIT[unit]]
        halves = [(side, 1.0), (1.0 - side, 2.0)] if unit in split else [(1.0, 1.0)]
        for share, size in halves:
            keys.append(elsewhere(own.points + size * share * delta))
            column = np.zeros((52, 1))
            column[UNIT[unit]] = 1.0 / size
            true = np.hstack([true, column])
    fit = fit_mapping(own.with_keys(keys))
    error = np.abs(fit.weights - true)
    with capsys.disabled():
        print(f"\n  split units: MAE {error.mean():.1e}, most {error.max():.1e}")
    assert error[[UNIT[unit] for unit in split]].max() < 0.05
    assert error.mean() < 0.002


def test_one_key_for_both_sides_serves_each_by_half(own):
    rows = [UNIT["eyeBlinkLeft"], UNIT["eyeBlinkRight"]]
    blink = np.zeros((1, 52))
    blink[0, rows] = 1.0
    fit = fit_mapping(own.face(blink, ["Blink"]))
    assert fit.weights[rows, 0].sum() == pytest.approx(1.0, abs=0.1)


def test_the_lids_of_large_eyes_close(own):
    """A cartoon whose eyes and mouth are larger: the same keys, so all weights are 1."""

    def drawn(points):
        moved = points.copy()
        places = ((29.0, -85.0, 38.0), (-29.0, -85.0, 38.0), (0.0, -95.0, -30.0))
        stretches = ((0.35, 0, 0.9), (0.35, 0, 0.9), (0.5, 0, 0.3))
        for centre, stretch in zip(places, stretches, strict=True):
            away = points - centre
            near = np.exp(-np.square(away / [30.0, 40.0, 23.0]).sum(axis=-1, keepdims=True))
            moved += near * away * stretch
        return moved

    points = drawn(own.points)
    units = np.stack([drawn(own.points + unit) - points for unit in own.units])
    landmarks = {name: drawn(place[None])[0] for name, place in own.landmarks.items()}
    fit = fit_mapping(Known(points, own.triangles, units, landmarks).face(np.eye(52)))
    weights = np.diag(fit.weights)
    assert 0.7 < weights[UNIT["eyeBlinkLeft"]] < 1.3
    assert 0.8 < weights[UNIT["jawOpen"]] < 1.2
    assert np.abs(fit.weights - np.eye(52)).mean() < 0.006


def test_what_no_key_can_show_is_said_and_no_mouth_key_blinks(own):
    kept = [row for name, row in UNIT.items() if not name.startswith("eyeBlink")]
    fit = fit_mapping(own.face(np.eye(52)[kept], [EXPRESSION_NAMES[row] for row in kept]))
    blink = UNIT["eyeBlinkLeft"]
    assert fit.explained[UNIT["jawOpen"]] > 0.97
    assert fit.explained[blink] < 0.8
    used = {EXPRESSION_NAMES[kept[key]] for key in np.flatnonzero(fit.weights[blink])}
    assert not [name for name in used if name.startswith(("mouth", "jaw", "tongue"))]


def test_keys_of_the_body_are_left_alone(own):
    """A body hangs below the head; one key fattens it and swells the jaw a little."""
    below = own.points * [3.0, 1.0, 4.0] - [0.0, 0.0, 900.0]
    points = np.concatenate([own.points, below])
    triangles = np.concatenate([own.triangles, own.triangles + len(own.points)])
    units = np.concatenate([own.units, np.zeros_like(own.units)], axis=1)
    whole = Known(points, triangles, units, own.landmarks)
    fatter = np.concatenate([0.3 * own.units[UNIT["jawOpen"]], 0.1 * below])
    keys = [elsewhere(points + delta) for delta in (fatter, units[UNIT["jawOpen"]])]
    fit = fit_mapping(whole.with_keys(keys, ["fat", "open"]))
    assert not fit.weights[:, 0].any()
    assert fit.weights[UNIT["jawOpen"], 1] == pytest.approx(1.0, abs=0.02)


def test_landmarks_that_cannot_be_right_are_refused_with_advice(own):
    face = own.face(np.eye(52))
    places = dict(face.landmarks)

    def said(**changes):
        marked = {name: place for name, place in (places | changes).items() if place is not None}
        with pytest.raises(RigError) as error:
            fit_mapping(dataclasses.replace(face, landmarks=marked))
        assert error.value.hint
        return error.value.message

    assert "Tip of the chin" in said(chin=None)
    assert "and 1 more" in said(chin=None, nose_tip=None)
    assert "in one place" in said(chin=places["lip_lower"])
    assert "crossed: Upper edge" in said(
        lip_upper=places["lip_lower"], lip_lower=places["lip_upper"]
    )
    assert "far from its place: Outer end of the left brow" in said(
        brow_outer_left=places["chin"] * 0.9 + 0.1 * places["nose_tip"]
    )
    swapped = {name: places[mirrored(name)] for name in places}
    assert "swapped" in said(**swapped)
    line = {n: np.float32([0.1 * k, 0, 0]) for k, n in enumerate(places)}
    assert "on one line" in said(**line)


def test_faces_that_cannot_be_used_are_refused(own):
    face = own.face(np.eye(52)[:1])
    with pytest.raises(RigError, match="no shape keys"):
        fit_mapping(own.with_keys([]))
    with pytest.raises(RigError, match="no face where"):
        far = {name: place + np.float32(50.0) for name, place in face.landmarks.items()}
        fit_mapping(dataclasses.replace(face, landmarks=far))
    with pytest.raises(RigError, match="not numbers"):
        dataclasses.replace(face, vertices=face.vertices * np.float32(np.nan))
    with pytest.raises(ProtocolError):
        dataclasses.replace(face, triangles=face.triangles + len(face.vertices))
    with pytest.raises(RigError, match="no faces"):
        dataclasses.replace(face, triangles=face.triangles[:0])


def test_a_face_travels_unchanged(own):
    face = own.face(np.eye(52)[:3], ["a", "ß", "声"])
    back = unpack_face(*pack_face(face))
    assert back.key_names == ("a", "ß", "声")
    assert all(np.array_equal(back.key(k)[1], face.key(k)[1]) for k in range(3))
    assert back.landmarks.keys() == face.landmarks.keys()
    params, arrays = pack_face(face)
    with pytest.raises(ProtocolError):
        unpack_face(params, {name: value for name, value in arrays.items() if name != "moved"})


def test_without_mediapipe_landmarks_are_to_be_marked(own, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(RigError, match="MediaPipe") as error:
        guess_landmarks(own.face(np.eye(52)[:1]))
    assert "Mark the landmarks yourself" in error.value.hint


@pytest.mark.skipif(importlib.util.find_spec("mediapipe") is None, reason="needs MediaPipe")
def test_landmarks_are_found_by_themselves(own, capsys):
    """Our head in metres, looking along +X; the eyes are pieces of the same mesh."""
    head = load_head()
    eyes = [head.parts[eye.name] for eye in head.eyes]
    points = [own.points, *(eye.neutral for eye in eyes)]
    triangles, start = [own.triangles], len(own.points)
    for eye in eyes:
        faces = eye.faces()
        fans = [(p[0], p[k], p[k + 1]) for p in faces for k in range(1, len(p) - 1)]
        triangles.append(np.array(fans) + start)
        start += len(eye.neutral)
    aside = 0.001 * np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    places = np.concatenate(points) @ aside + [0.2, 5.0, 1.6]
    opened = places.copy()
    opened[: len(own.points)] += own.units[UNIT["jawOpen"]] @ aside
    face = FaceShape.of(places, np.concatenate(triangles), ["open"], [opened - places], {})
    found = guess_landmarks(face)
    aim = {name: place @ aside + [0.2, 5.0, 1.6] for name, place in own.landmarks.items()}
    miss = {name: 1000 * np.linalg.norm(found[name] - aim[name]) for name in FACE_LANDMARKS}
    with capsys.disabled():
        worst = max(miss, key=miss.get)
        print(f"\n  guessed: mean {np.mean([*miss.values()]):.1f} mm, {worst} {miss[worst]:.1f} mm")
    assert np.mean([*miss.values()]) < 5.0
    assert max(miss.values()) < 15.0


def test_sparse_weights_are_the_bounded_least_squares():
    rng = np.random.default_rng(5)
    keys, units = rng.normal(size=(60, 9)), rng.normal(size=(60, 4))
    may_use = np.ones((4, 9), bool)
    may_use[2, :5] = False
    found = sparse_weights(keys, units, may_use, 10.0)
    for row in range(4):
        used = np.flatnonzero(may_use[row])
        assert found[row, used] == pytest.approx(nnls(keys[:, used], units[:, row])[0], abs=1e-5)
    assert not found[2, :5].any()
    bounded = sparse_weights(keys, 5.0 * units, may_use, 0.2)
    assert bounded.max() == pytest.approx(0.2) and bounded.min() == 0.0
    assert (sparse_weights(keys, units, may_use, 10.0, 0.2) > 0).sum() < (found > 0).sum()


def test_nearest_places_are_the_nearest():
    rng = np.random.default_rng(6)
    surface = Surface(rng.normal(size=(12, 3)), np.array([(0, 1, 2), (3, 4, 5), (6, 7, 8)]))
    points = rng.normal(size=(40, 3))
    near = nearest_places(points, surface)
    steps = np.linspace(0.0, 1.0, 60)
    s, t = (grid.ravel() for grid in np.meshgrid(steps, steps))
    weights = np.stack([1 - s - t, s, t], axis=1)[s + t <= 1.0]
    dense = np.einsum("nk,fkc->fnc", weights, surface.corners).reshape(-1, 3)
    brute = np.linalg.norm(points[:, None] - dense[None], axis=2).min(axis=1)
    assert (near.distance <= brute + 1e-9).all() and near.distance == pytest.approx(brute, abs=0.05)
    assert near.barycentric.min() >= 0.0
    assert np.einsum("pk,pkc->pc", near.barycentric, surface.corners[near.triangle]) == (
        pytest.approx(near.places)
    )


def test_a_similarity_is_undone():
    points = np.random.default_rng(7).normal(size=(9, 3))
    similarity = similarity_between(elsewhere(points), points)
    assert similarity.places(elsewhere(points)) == pytest.approx(points)
    assert similarity.scale == pytest.approx(1 / 0.013)
