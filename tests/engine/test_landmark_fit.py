# SPDX-License-Identifier: GPL-3.0-or-later
"""The fit of the head to landmarks: projections of a head whose answer is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.head.model import DEFAULT_HEAD_PATH, HeadModel, draw_identity, load_head
from rhetor.engine.protocol.errors import DatasetError, HeadError
from rhetor.engine.space import angular_speed
from rhetor.engine.tracking.anchors import (
    DEFAULT_ANCHORS_PATH,
    LandmarkAnchors,
    load_anchors,
    save_anchors,
)
from rhetor.engine.tracking.camera import Camera, slopes
from rhetor.engine.tracking.fit import filled, fit_track, fit_tracks
from rhetor.engine.tracking.landmark_track import LandmarkTrack
from rhetor.engine.tracking.pose_fit import fit_pose, from_angles

pytestmark = pytest.mark.skipif(not DEFAULT_HEAD_PATH.is_file(), reason="the head is not built")

Array = npt.NDArray[np.float64]

SIZE = (1024, 1024)
FRAMES = 60
DISTANCE_MM = 900.0
# fmt: off
SPARSE = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
    10, 152, 33, 263, 1, 4, 168, 234, 454, 159, 145, 386, 374, 105, 334, 70, 300, 468, 473,
)
# fmt: on
"""Lips, and a few points of eyes, brows and outline."""


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return load_head()


@pytest.fixture(scope="module")
def anchors(head: HeadModel) -> LandmarkAnchors:
    return load_anchors(head)


def bumps(frames: int, period: int, height: float) -> Array:
    """Rises and falls between 0 and height."""
    return height * 0.5 * (1.0 - np.cos(2.0 * np.pi * np.arange(frames) / period))


def speaking(frames: int = FRAMES) -> Array:
    """(T, 52) jaw, lips, smile, brows and a blink."""
    moves = {
        "jawOpen": bumps(frames, 14, 0.4),
        "mouthPucker": bumps(frames, 23, 0.5),
        "mouthSmileLeft": bumps(frames, 40, 0.6),
        "mouthSmileRight": bumps(frames, 40, 0.6),
        "browInnerUp": bumps(frames, 33, 0.7),
    }
    expression = np.zeros((frames, len(EXPRESSION_NAMES)))
    for name, values in moves.items():
        expression[:, EXPRESSION_NAMES.index(name)] = values
    for side in ("Left", "Right"):
        expression[30:35, EXPRESSION_NAMES.index(f"eyeBlink{side}")] = (0.4, 0.9, 1.0, 0.7, 0.2)
    return expression


def nodding(frames: int = FRAMES) -> Array:
    """(T, 6) rad and mm."""
    wave = np.sin(np.arange(frames)[:, None] / np.array([9.0, 13.0, 17.0, 11.0, 19.0, 15.0]))
    return wave * np.array([0.12, 0.2, 0.08, 8.0, 15.0, 6.0])


def seen(
    head: HeadModel,
    anchors: LandmarkAnchors,
    pose: Array,
    expression: Array,
    *,
    identity: npt.NDArray[np.float32] | None = None,
    noise_px: float = 0.0,
    seed: int = 0,
) -> LandmarkTrack:
    """What a tracker sees of the posed head: 468 points and the middles of the irises."""
    camera = Camera.guessed(SIZE, 1.5)
    rigid = from_angles(pose[:, :3], pose[:, 3:] + [0.0, DISTANCE_MM, 0.0])
    shape = np.stack([anchors.on_vertices(head.vertices("face", identity, e)) for e in expression])
    irises = []
    for name in ("eye.R", "eye.L"):
        eye = next(eye for eye in head.eyes if eye.name == name)
        middle = head.eye_pivot(name, identity) - [0.0, 0.85 * eye.radius_mm, 0.0]
        irises.append(np.tile(middle, (len(pose), 5, 1)))
    points = rigid.apply(np.concatenate([shape, *irises], axis=1).astype(np.float64))
    depth = (points[..., 1:2] - rigid.place[:, None, 1:2]) * camera.focal_px / DISTANCE_MM
    landmarks = np.concatenate([camera.pixels(slopes(points)), depth], axis=-1)
    landmarks += np.random.default_rng(seed).normal(0.0, noise_px, landmarks.shape)
    return LandmarkTrack(
        landmarks.astype(np.float32),
        np.arange(478, dtype=np.int32),
        np.ones(len(pose), bool),
        30.0,
        SIZE,
    )


def only(track: LandmarkTrack, numbers: tuple[int, ...]) -> LandmarkTrack:
    """The track with some of its landmarks."""
    index = np.array(numbers, np.int32)
    return replace(track, points=track.points[:, index], index=index)


def test_anchors_lie_where_the_head_says(head: HeadModel, anchors: LandmarkAnchors) -> None:
    places = anchors.on_vertices(head.face.neutral)
    assert np.allclose(anchors.barycentric.sum(1), 1.0, atol=1e-5)
    assert anchors.barycentric.min() >= -1e-6
    for number, name in ((4, "nose_tip"), (200, "chin"), (291, "lip_corner_left")):
        named = head.face.neutral[head.landmarks[name][0]]
        assert np.linalg.norm(places[number] - named) < 3.0, name
    assert places[263, 0] > 20.0 > -20.0 > places[33, 0]  # 263 is the character's left
    assert places[386, 2] > places[374, 2] and places[10, 2] > places[152, 2]
    mirrored = places[[61, 33, 105, 78]] * [-1.0, 1.0, 1.0]
    assert np.abs(mirrored - places[[291, 263, 334, 308]]).max() < 1.0


def test_anchors_of_modes_are_modes_of_anchors(head: HeadModel, anchors: LandmarkAnchors) -> None:
    shapes = head.face.shapes
    assert shapes is not None
    dense = anchors.on_vertices(shapes.dense())
    assert np.allclose(anchors.on_basis(shapes), dense, atol=1e-4)


def test_anchors_of_another_head_are_refused(
    head: HeadModel, anchors: LandmarkAnchors, tmp_path: Path
) -> None:
    path = tmp_path / "anchors.npz"
    save_anchors(path, anchors, head, "test")
    assert np.array_equal(load_anchors(head, path).vertices, anchors.vertices)
    grown = replace(head.face, neutral=head.face.neutral * np.float32(1.02))
    other = replace(head, parts={**head.parts, "face": grown})
    with pytest.raises(HeadError, match="shape has changed"):
        load_anchors(other, path)
    turned = replace(head.face, corners=head.face.corners[::-1].copy())
    with pytest.raises(HeadError, match="another head"):
        load_anchors(replace(head, parts={**head.parts, "face": turned}), path)
    path.write_bytes(DEFAULT_ANCHORS_PATH.read_bytes()[:500])
    with pytest.raises(HeadError, match="cannot be read"):
        load_anchors(head, path)


@settings(max_examples=25, deadline=None)
@given(
    angles=st.tuples(*[st.floats(-0.45, 0.45)] * 3),
    place=st.tuples(st.floats(-150, 150), st.floats(450, 2500), st.floats(-100, 100)),
    focal=st.floats(0.8, 3.0),
)
def test_pose_is_found_from_any_side(
    angles: tuple[float, ...], place: tuple[float, ...], focal: float
) -> None:
    rng = np.random.default_rng(3)
    shape = rng.uniform((-60.0, -120.0, -40.0), (60.0, 0.0, 80.0), (40, 3))
    true = from_angles(np.array([angles]), np.array([place]))
    points = true.apply(shape)
    relief = (points[..., 1] - true.place[:, None, 1]) / true.place[:, None, 1]
    found = fit_pose(slopes(points), relief, shape, np.ones(40))
    assert np.abs(found.angles() - angles).max() < 1e-4
    assert np.abs(found.place - place).max() < 0.5
    camera = Camera.guessed(SIZE, focal)
    assert np.allclose(camera.rays(camera.pixels(slopes(points))), slopes(points))


def test_known_motion_is_found(head: HeadModel, anchors: LandmarkAnchors) -> None:
    identity, pose, expression = draw_identity(1), nodding(), speaking()
    track = seen(head, anchors, pose, expression, identity=identity, noise_px=1.0)
    fitted = fit_track(track, head, anchors)
    error = np.degrees(fitted.pose[:, :3] - pose[:, :3])
    assert error.std(0).max() < 0.5  # noise; a constant lean belongs to the identity
    assert np.abs(error.mean(0)).max() < 2.5
    assert (fitted.pose[:, [3, 5]] - pose[:, [3, 5]]).std(0).max() < 1.0
    assert fitted.expression.min() >= 0.0 and fitted.expression.max() <= 1.0
    assert np.isfinite(fitted.identity).all()
    for name in ("jawOpen", "mouthPucker", "mouthSmileLeft", "browInnerUp", "eyeBlinkRight"):
        column = EXPRESSION_NAMES.index(name)
        r = np.corrcoef(fitted.expression[:, column], expression[:, column])[0, 1]
        assert r > 0.85, name
    known = np.abs(fitted.expression - expression)[:, fitted.known]
    assert known.mean() < 0.06
    assert np.nanmax(fitted.reprojection_px) < 2.5


def test_lips_of_the_head_follow_the_landmarks(head: HeadModel, anchors: LandmarkAnchors) -> None:
    track = seen(head, anchors, nodding(), speaking(), identity=draw_identity(2), noise_px=0.3)
    fitted = fit_track(track, head, anchors)
    gap = head.lip_gap_mm(fitted.expression, fitted.identity)
    assert np.corrcoef(gap, fitted.lip_gap_mm)[0, 1] > 0.97
    true = head.lip_gap_mm(speaking(), draw_identity(2))
    assert gap[true < 0.5].max() < 1.5  # touching lips touch
    assert np.abs(gap - true).mean() < 1.0


def test_the_jaw_does_not_nod_the_head(head: HeadModel, anchors: LandmarkAnchors) -> None:
    still = np.zeros((FRAMES, 6))
    expression = np.zeros((FRAMES, len(EXPRESSION_NAMES)))
    expression[:, EXPRESSION_NAMES.index("jawOpen")] = bumps(FRAMES, 20, 0.6)
    fitted = fit_track(seen(head, anchors, still, expression), head, anchors)
    jaw = fitted.expression[:, EXPRESSION_NAMES.index("jawOpen")]
    assert jaw.max() == pytest.approx(0.6, abs=0.1)
    assert np.degrees(np.ptp(fitted.pose[:, 0])) < 0.1
    assert np.degrees(angular_speed(fitted.pose)).max() < 0.05


def test_a_nod_does_not_open_the_mouth(head: HeadModel, anchors: LandmarkAnchors) -> None:
    expression = np.zeros((FRAMES, len(EXPRESSION_NAMES)))
    fitted = fit_track(seen(head, anchors, nodding(), expression), head, anchors)
    assert fitted.expression[:, EXPRESSION_NAMES.index("jawOpen")].max() < 0.03
    assert np.abs(np.degrees(fitted.pose[:, :3] - nodding()[:, :3])).max() < 0.5


def test_a_raised_left_corner_is_the_characters_left(
    head: HeadModel, anchors: LandmarkAnchors
) -> None:
    expression = np.zeros((FRAMES, len(EXPRESSION_NAMES)))
    left, right = (EXPRESSION_NAMES.index(f"mouthSmile{side}") for side in ("Left", "Right"))
    expression[:, left] = bumps(FRAMES, 20, 0.8)
    fitted = fit_track(seen(head, anchors, nodding() * 0.2, expression), head, anchors)
    assert fitted.expression[:, left].max() > 0.5 > 0.15 > fitted.expression[:, right].max()


def test_missing_frames_are_bridged_and_flagged(head: HeadModel, anchors: LandmarkAnchors) -> None:
    track = seen(head, anchors, nodding(), speaking())
    ok, points = track.ok.copy(), track.points.copy()
    ok[20:26] = False
    points[20:26] = np.nan
    fitted = fit_track(replace(track, ok=ok, points=points), head, anchors)
    assert np.array_equal(fitted.pose_ok, ok) and np.array_equal(fitted.face_ok, ok)
    assert np.isfinite(fitted.pose).all() and np.isfinite(fitted.expression).all()
    assert np.isnan(fitted.lip_gap_mm[~ok]).all() and np.isfinite(fitted.lip_gap_mm[ok]).all()
    whole = fit_track(track, head, anchors)
    assert np.degrees(np.abs(fitted.pose - whole.pose)[ok, :3]).max() < 1.0


def test_a_sparse_track_is_enough_for_the_mouth(head: HeadModel, anchors: LandmarkAnchors) -> None:
    expression = speaking()
    track = seen(head, anchors, nodding() * 0.2, expression, noise_px=0.5)
    fitted = fit_track(only(track, SPARSE), head, anchors)
    jaw = EXPRESSION_NAMES.index("jawOpen")
    assert np.corrcoef(fitted.expression[:, jaw], expression[:, jaw])[0, 1] > 0.85
    assert not fitted.known[EXPRESSION_NAMES.index("cheekSquintLeft")]
    assert np.degrees(fitted.pose[:, :3] - 0.2 * nodding()[:, :3]).std(0).max() < 0.8


def test_one_wild_landmark_moves_little(head: HeadModel, anchors: LandmarkAnchors) -> None:
    track = seen(head, anchors, nodding(), speaking())
    wild = track.points.copy()
    wild[10:15, [13, 50, 300]] += 60.0
    plain, hurt = (fit_track(t, head, anchors) for t in (track, replace(track, points=wild)))
    assert np.degrees(np.abs(plain.pose - hurt.pose)[:, :3]).max() < 0.3


def test_tracks_of_one_person_share_a_face(head: HeadModel, anchors: LandmarkAnchors) -> None:
    one = seen(head, anchors, nodding(), speaking(), identity=draw_identity(4))
    other = seen(head, anchors, -nodding(), speaking()[::-1].copy(), identity=draw_identity(4))
    fits = fit_tracks([one, other], head, anchors)
    assert np.array_equal(fits[0].identity, fits[1].identity)
    assert np.array_equal(fits[0].own, fits[1].own)
    assert len(fits) == 2 and fits[1].pose.shape == (FRAMES, 6)
    with pytest.raises(DatasetError, match="differ"):
        fit_tracks([one, only(other, SPARSE)], head, anchors)


def test_too_little_of_a_face_is_refused(head: HeadModel, anchors: LandmarkAnchors) -> None:
    track = seen(head, anchors, nodding(10), np.zeros((10, len(EXPRESSION_NAMES))))
    with pytest.raises(DatasetError, match="landmarks"):
        fit_track(only(track, tuple(range(12))), head, anchors)
    with pytest.raises(DatasetError, match="too few frames"):
        fit_track(replace(track, ok=np.zeros(10, bool)), head, anchors)
    with pytest.raises(DatasetError, match="no track"):
        fit_tracks([], head, anchors)


@settings(max_examples=50, deadline=None)
@given(mask=st.lists(st.booleans(), min_size=2, max_size=30).filter(any))
def test_filling_keeps_what_was_seen_and_stays_between(mask: list[bool]) -> None:
    ok = np.array(mask)
    values = np.random.default_rng(len(mask)).normal(size=(len(ok), 2, 3))
    broken = np.where(ok[:, None, None], values, np.nan)
    result = filled(broken, ok)
    assert np.array_equal(result[ok], values[ok])
    assert result.min() >= values[ok].min() - 1e-12
    assert result.max() <= values[ok].max() + 1e-12
