# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of faces on cases whose answer is known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from rhetor.engine.evaluation.face_geometry import FaceGeometry
from rhetor.engine.evaluation.face_metrics import (
    Face,
    TrackedFace,
    course_statistics,
    face_figures,
    face_statistics,
    mouth_statistics,
    silent_frames,
    window_edges,
    window_sums,
)
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.head.model import load_head

JAW = EXPRESSION_NAMES.index("jawOpen")
BROW = EXPRESSION_NAMES.index("browInnerUp")
BLINK = EXPRESSION_NAMES.index("eyeBlinkLeft")
FRAMES = 360


@pytest.fixture(scope="module")
def geometry() -> FaceGeometry:
    return FaceGeometry.of(load_head())


def talk(seed: int = 0, frames: int = FRAMES) -> np.ndarray:
    """(T, 52) jaw and brow that move at random, band-limited."""
    rng = np.random.default_rng(seed)
    result = np.zeros((frames, 52), np.float32)
    noise = gaussian_filter1d(rng.normal(size=(frames, 2)), 2.5, axis=0)
    result[:, [JAW, BROW]] = np.clip(0.35 + 0.4 * noise, 0.0, 1.0)
    return result


def tracked(expression: np.ndarray, geometry: FaceGeometry, **more) -> TrackedFace:
    return TrackedFace(
        Face.of(expression, geometry),
        more.pop("ok", np.ones(len(expression), bool)),
        more.pop("known", np.ones(52, bool)),
        **more,
    )


def figures(made: np.ndarray, real: TrackedFace, geometry: FaceGeometry) -> dict[str, float]:
    statistics = face_statistics(Face.of(made, geometry), real, geometry)
    return {name: item.value for name, item in face_figures([statistics]).items()}


def test_the_same_face_has_no_error(geometry):
    real = talk()
    found = figures(real, tracked(real, geometry), geometry)
    for name in ("lve_mm", "lve_mm2", "lve_moving_mm", "mve_mm", "lvd_mm_s", "mod_mm", "fdd_mm2"):
        assert found[name] == pytest.approx(0.0, abs=1e-6)
    assert found["lip_r"] == pytest.approx(1.0)
    assert found["jaw_r"] == pytest.approx(1.0)
    assert found["lip_spread_ratio"] == pytest.approx(1.0)
    assert abs(found["lip_lag_ms"]) < 1.0
    assert abs(found["lip_r_rolled"]) < 0.35


def test_vertex_errors_are_those_of_the_mesh(geometry):
    """A jaw that is opened by 0.1 too much, against the vertices that the head itself gives."""
    real = talk()
    made = real.copy()
    made[:, JAW] += 0.1
    found = figures(made, tracked(real, geometry), geometry)
    head = geometry.head
    apart = head.vertices("face", expression=made[0]) - head.vertices("face", expression=real[0])
    lips = np.linalg.norm(apart[head.landmarks["lips"]], axis=1)
    assert found["lve_mm"] == pytest.approx(lips.max(), rel=1e-3)
    assert found["lve_mm2"] == pytest.approx(lips.max() ** 2, rel=1e-3)
    assert found["lve_moving_mm"] == pytest.approx(0.0, abs=1e-3)  # only the rest differs
    assert found["mve_mm"] == pytest.approx(
        np.linalg.norm(apart[geometry.rows], axis=1).mean(), rel=1e-3
    )
    assert found["lvd_mm_s"] == pytest.approx(0.0, abs=1e-3)  # a constant error has no speed
    gap = head.lip_gap_mm(made) - head.lip_gap_mm(real)
    assert found["mod_mm"] == pytest.approx(np.abs(gap).mean(), rel=1e-4)


@pytest.mark.parametrize("frames", [-3, 1, 4])
def test_a_shift_is_found_as_lag(geometry, frames):
    """Lips that come k frames late lag by k / 30 s."""
    long = talk(frames=FRAMES + 20)
    real, made = long[10 : 10 + FRAMES], long[10 - frames : 10 - frames + FRAMES]
    found = figures(made, tracked(real, geometry), geometry)
    assert found["lip_lag_ms"] == pytest.approx(frames * 1000.0 / 30.0, abs=3.0)


def test_a_lag_between_frames_is_found(geometry):
    """Half a frame late, by interpolation of smooth curves."""
    at = np.arange(FRAMES) / 30.0
    real, made = np.zeros((2, FRAMES, 52), np.float32)
    for curve, when in ((real, at), (made, at - 0.5 / 30.0)):
        curve[:, JAW] = 0.4 + 0.15 * (np.sin(9.0 * when) + np.sin(14.3 * when + 1.0))
    found = figures(made, tracked(real, geometry), geometry)
    assert found["lip_lag_ms"] == pytest.approx(16.7, abs=2.0)


def test_noise_has_no_correlation_and_a_still_face_none_at_all(geometry):
    real = tracked(talk(0, 3000), geometry)
    noise = face_statistics(Face.of(talk(1, 3000), geometry), real, geometry)
    estimate = face_figures([noise])["lip_r"]
    assert abs(estimate.value) < 0.15
    low, high = estimate.interval
    assert low < 0.0 < high
    still = figures(np.zeros((3000, 52), np.float32), real, geometry)
    assert still["lip_r"] == 0.0
    assert still["lip_spread_ratio"] == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(still["lip_lag_ms"])


def test_half_the_amplitude_is_half_the_spread(geometry):
    real = talk()
    made = real.copy()
    made[:, JAW] = 0.5 * real[:, JAW] + 0.1
    found = figures(made, tracked(real, geometry), geometry)
    assert found["lip_r"] == pytest.approx(1.0, abs=1e-4)
    assert found["lip_spread_ratio"] == pytest.approx(0.5, rel=1e-3)


def test_a_dead_upper_face_has_the_dynamics_of_the_real_one_as_error(geometry):
    real = talk()
    made = real.copy()
    made[:, BROW] = 0.0
    found = figures(made, tracked(real, geometry), geometry)
    moved = np.square(geometry.displacement_mm(real)[:, geometry.upper]).sum(-1).std(0)
    left = np.square(geometry.displacement_mm(made)[:, geometry.upper]).sum(-1).std(0)
    assert found["fdd_mm2"] == pytest.approx((moved - left).mean(), rel=1e-3)
    assert found["fdd_mm2"] > 0.0
    assert figures(real, tracked(made, geometry), geometry)["fdd_mm2"] < 0.0


def test_untracked_frames_and_unknown_channels_do_not_count(geometry):
    real = talk()
    made = real.copy()
    made[100:150, JAW] = 1.0
    made[:, BLINK] = 1.0
    ok = np.ones(FRAMES, bool)
    ok[100:150] = False
    known = np.ones(52, bool)
    known[BLINK] = False
    found = figures(made, tracked(real, geometry, ok=ok, known=known), geometry)
    assert found["lve_mm"] == pytest.approx(0.0, abs=1e-6)
    assert found["lip_r"] == pytest.approx(1.0)
    assert figures(made, tracked(real, geometry), geometry)["lve_mm"] > 0.1


def test_openings_not_measured_do_not_count(geometry):
    real = tracked(talk(), geometry)
    real.face.gap_mm[50:] = np.nan
    made = Face.of(talk(), geometry)
    made.gap_mm[50:] = 30.0
    found = face_figures([face_statistics(made, real, geometry)])
    assert found["mod_mm"].value == pytest.approx(0.0, abs=1e-6)
    assert found["lip_r"].value == pytest.approx(1.0)


def mouth(gap: list[float], phones: list[tuple[str, float, float]]) -> dict[str, float]:
    names, starts, ends = zip(*phones, strict=True)
    gap_mm = np.array(gap, np.float32)
    face = Face(np.zeros((len(gap), 52), np.float32), gap_mm)
    real = TrackedFace(
        face, np.ones(len(gap), bool), np.ones(52, bool), names, list(starts), list(ends)
    )
    found = face_figures([mouth_statistics(gap_mm, real)])
    return {name: item.value for name, item in found.items()}


def test_closures_are_counted():
    """Frames 3, 4 closed; 10 … 12 open: of two closures one is made."""
    gap = [6.0] * 3 + [0.4] * 2 + [6.0] * 25
    found = mouth(gap, [("p", 0.1, 0.17), ("aa", 0.17, 0.33), ("m", 0.33, 0.4)])
    assert found["closure_rate"] == pytest.approx(0.5)
    assert found["false_closure_rate"] == 0.0


def test_a_closed_vowel_is_a_false_closure():
    found = mouth([0.2] * 30, [("aa", 0.2, 0.5), ("ih", 0.5, 0.8)])
    assert found["false_closure_rate"] == 1.0
    assert "closure_rate" not in found


def test_silence_is_judged_within_the_pause():
    """Lips that close within the pause's first tenth of a second are right to do so."""
    gap = [5.0] * 13 + [0.1] * 17
    found = mouth(gap, [("aa", 0.0, 0.333), ("sil", 0.333, 1.0)])
    assert found["silence_gap_mm"] == pytest.approx(0.1, abs=1e-3)
    assert found["silence_shut_share"] == 1.0
    open_mouth = mouth([5.0] * 30, [("aa", 0.0, 0.333), ("sil", 0.333, 1.0)])
    assert open_mouth["silence_gap_mm"] == pytest.approx(5.0)
    assert open_mouth["silence_shut_share"] == 0.0


def test_silence_without_phones_is_what_the_clip_says():
    mask = np.array([True, False, True])
    face = Face(np.zeros((3, 52), np.float32), np.zeros(3, np.float32))
    real = TrackedFace(face, np.ones(3, bool), np.ones(52, bool), silent=mask)
    assert silent_frames(real, 3).tolist() == [True, False, True]


def test_the_common_time_course_is_removed(geometry):
    """Sentences that share their course: the plain control is high, the honest one is not."""
    at = np.linspace(0.0, 3.0, 90)
    course = 0.4 + 0.25 * np.sin(2 * np.pi * at)
    own = [0.05 * talk(seed, 90)[:, JAW] / 0.1 for seed in range(24)]
    faces = []
    for part in own:
        expression = np.zeros((90, 52), np.float32)
        expression[:, JAW] = np.clip(course + 0.3 * (part - part.mean()), 0.0, 1.0)
        faces.append(Face.of(expression, geometry))
    real = [TrackedFace(f, np.ones(90, bool), np.ones(52, bool)) for f in faces]
    same = face_figures(course_statistics(faces, real))
    assert same["lip_r_course_removed"].value == pytest.approx(1.0)
    assert abs(same["lip_r_course_control"].value) < 0.2
    # A face that knows nothing but the course has nothing left.
    expression = np.zeros((90, 52), np.float32)
    expression[:, JAW] = course
    common = [Face.of(expression, geometry)] * 24
    assert face_figures(course_statistics(common, real))["lip_r_course_removed"].value == 0.0
    plain = face_figures(
        [face_statistics(c, r, geometry) for c, r in zip(common, real, strict=True)]
    )
    assert plain["lip_r"].value > 0.5


def test_clips_of_unlike_length_are_no_sentence_corpus(geometry):
    faces = [Face.of(talk(0, 90 + 5 * i), geometry) for i in range(12)]
    real = [TrackedFace(f, np.ones(len(f.gap_mm), bool), np.ones(52, bool)) for f in faces]
    assert course_statistics(faces, real) == []


def test_windows_hold_every_frame_once():
    assert window_edges(90).tolist() == [0]
    assert window_edges(130).tolist() == [0]
    assert window_edges(140).tolist() == [0, 90]
    sums = window_sums(np.ones((230, 1)), np.arange(230) % 2 == 0)
    assert sums.sum(0).tolist() == [115.0, 115.0]
