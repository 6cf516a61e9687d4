# SPDX-License-Identifier: GPL-3.0-or-later
"""What the articulation targets promise, whatever is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetor.engine.dataset.articulation import (
    GAP_MM,
    articulate,
    articulate_styles,
    closure_frames,
    open_frames,
)
from rhetor.engine.dataset.face_clips import lip_gaps_mm, silent_frames
from rhetor.engine.dataset.facial_style import PERSONALITIES, mean_style
from rhetor.engine.dataset.phone_track import PhoneTrack
from rhetor.engine.dataset.phones import PHONES
from rhetor.engine.dataset.visemes import CLOSURES, VOWELS
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.head.model import DEFAULT_HEAD_PATH, load_head
from rhetor.engine.protocol.errors import DatasetError

RATE = 30.0
JAW, CLOSE, PUCKER = (
    EXPRESSION_NAMES.index(name) for name in ("jawOpen", "mouthClose", "mouthPucker")
)
MOUTH = [i for i, n in enumerate(EXPRESSION_NAMES) if n.startswith(("mouth", "jaw", "tongue"))]

spoken = st.lists(
    st.tuples(st.sampled_from([p for p in PHONES if p != "sil"]), st.floats(0.03, 0.25)),
    min_size=1,
    max_size=25,
)
styles = st.sampled_from(list(PERSONALITIES.values()))


def _track(phones, lead=0.4, tail=0.8, start=0.0) -> PhoneTrack:
    rows = [("sil", lead), *phones, ("sil", tail)]
    end = start + np.cumsum([length for _, length in rows])
    names = tuple(name for name, _ in rows)
    stress = np.array([1 if name in VOWELS else -1 for name in names])
    begin = np.concatenate([[start], end[:-1]])
    accents = np.where(stress == 1, 0.9, 0.0)
    return PhoneTrack(begin, end, names, stress, np.ones(len(names)), accents)


def _frames(track: PhoneTrack) -> int:
    return int(np.ceil(float(track.end_s[-1]) * RATE))


def _curve(name: str, weights: np.ndarray) -> np.ndarray:
    return weights[:, EXPRESSION_NAMES.index(name)]


def _opening_mm(weights: np.ndarray) -> np.ndarray:
    """Lip opening by the stated effects of the units; they are compared with the head below."""
    gap = -GAP_MM["jawOpen"] * weights[:, CLOSE]
    for name, effect in GAP_MM.items():
        sides = [n for n in (name, f"{name}Left", f"{name}Right") if n in EXPRESSION_NAMES]
        gap = gap + effect * np.mean([_curve(side, weights) for side in sides], axis=0)
    return gap


@settings(max_examples=60, deadline=None)
@given(spoken, styles)
def test_weights_are_finite_within_limits_and_do_not_jump(phones, style):
    track = _track(phones)
    weights = articulate(track, _frames(track), style)
    assert weights.shape == (_frames(track), 52) and weights.dtype == np.float32
    assert np.isfinite(weights).all()
    assert weights.min() >= 0.0 and weights.max() <= 1.0
    assert np.abs(np.diff(weights, axis=0)).max() < 0.55


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(CLOSURES)),
    st.sampled_from(["aa", "ae", "iy", "uw", "s", "sh"]),
    st.sampled_from(["aa", "ow", "iy", "uw", "r"]),
    st.floats(0.04, 0.15),
    st.floats(0.0, 1.0 / RATE),
    styles,
)
def test_lips_meet_on_every_closure_for_two_frames(phone, before, after, length, offset, style):
    track = _track([(before, 0.09), (phone, length), (after, 0.09)], lead=0.4 + offset)
    weights = articulate(track, _frames(track), style)
    closed = closure_frames(track, _frames(track), RATE)
    assert closed.sum() >= 2
    assert _opening_mm(weights)[closed].max() < 0.1
    assert weights[closed, EXPRESSION_NAMES.index("mouthLowerDownLeft")].max() < 0.01


@settings(max_examples=40, deadline=None)
@given(spoken, styles)
def test_silence_brings_the_mouth_to_rest(phones, style):
    track = _track(phones, tail=1.0)
    weights = articulate(track, _frames(track), style)
    rest = articulate(_track([], lead=0.5, tail=0.5), 30, style)[15]
    silent = silent_frames(track, _frames(track)) > 0
    after_speech = silent & (np.arange(len(silent)) / RATE > track.start_s[-1])
    assert after_speech.sum() >= 20
    assert np.abs((weights - rest)[after_speech][:, MOUTH]).max() < 0.06
    assert weights[after_speech, JAW].max() < 0.02


@settings(max_examples=30, deadline=None)
@given(spoken, st.integers(1, 40))
def test_later_speech_gives_the_same_curves_later(phones, shift):
    track = _track(phones)
    later = _track(phones, start=shift / RATE)
    frames = _frames(track)
    np.testing.assert_allclose(
        articulate(later, frames + shift)[shift:], articulate(track, frames), atol=2e-3
    )


def test_open_vowels_open_more_than_close_ones():
    def widest(vowel):
        track = _track([("t", 0.06), (vowel, 0.16), ("t", 0.06)])
        return _opening_mm(articulate(track, _frames(track))).max()

    assert widest("aa") > widest("ae") > widest("iy") > widest("uw") > 2.0
    assert widest("aa") > 1.2 * widest("iy")
    assert 8.0 < widest("aa") < 18.0


def test_stress_loudness_and_length_open_the_mouth():
    def widest(length=0.12, stress=1, loudness=1.0):
        track = _track([("t", 0.06), ("aa", length), ("t", 0.06)])
        stresses, loud = track.stress.copy(), np.ones(5)
        stresses[2], loud[2] = stress, loudness
        track = PhoneTrack(track.start_s, track.end_s, track.phone, stresses, loud)
        return articulate(track, _frames(track))[:, JAW].max()

    assert widest(stress=1) > widest(stress=2) > widest(stress=0)
    assert widest(loudness=2.0) > widest() > widest(loudness=0.3)
    assert widest(length=0.2) > widest(length=0.1) > widest(length=0.05)


def test_rounding_begins_before_its_vowel_and_the_jaw_before_the_sound():
    track = _track([("s", 0.12), ("uw", 0.15), ("t", 0.07)])
    pucker = articulate(track, _frames(track))[:, PUCKER]
    onset = round(float(track.start_s[2]) * RATE)
    assert pucker[onset - 3] > 0.25 * pucker.max()
    track = _track([("t", 0.08), ("aa", 0.16), ("t", 0.08)])
    jaw = articulate(track, _frames(track))[:, JAW]
    middle = (float(track.start_s[2]) + 0.08) * RATE
    assert 0.5 <= middle - jaw.argmax() <= 2.5


def test_teeth_meet_the_lip_on_f_and_v():
    for phone in ("f", "v"):
        track = _track([("ah", 0.1), (phone, 0.05), ("iy", 0.1)])
        weights = articulate(track, _frames(track))
        middle = round((float(track.start_s[2]) + 0.025) * RATE)
        assert _curve("mouthRollLower", weights)[middle - 1 : middle + 2].max() > 0.4


def test_accents_raise_the_brows_and_nothing_else_does():
    track = _track([("t", 0.1), ("aa", 0.2), ("t", 0.1)])
    lively = PERSONALITIES["lively"]
    raised = articulate(track, _frames(track), lively)
    quiet = PhoneTrack(track.start_s, track.end_s, track.phone, track.stress)
    calm = articulate(quiet, _frames(track), lively)
    assert _curve("browInnerUp", raised).max() > 0.3
    assert _curve("browInnerUp", calm).max() == 0.0
    np.testing.assert_allclose(raised[:, MOUTH], calm[:, MOUTH], atol=1e-6)


def test_personalities_differ_as_named():
    track = _track([("b", 0.08), ("aa", 0.15), ("t", 0.07), ("iy", 0.12)])
    faces = articulate_styles(track, _frames(track), list(PERSONALITIES.values()))
    by_name = dict(zip(PERSONALITIES, faces, strict=True))
    assert by_name["lively"][:, JAW].max() > 1.2 * by_name["calm"][:, JAW].max()
    smile = {name: _curve("mouthSmileLeft", face)[0] for name, face in by_name.items()}
    assert smile["lively"] > smile["calm"] > smile["formal"]
    left, right = (_curve(f"mouthSmile{side}", by_name["lively"]) for side in ("Left", "Right"))
    assert (right > left).all()
    mean = articulate(track, _frames(track), mean_style())
    assert by_name["calm"][:, JAW].max() < mean[:, JAW].max() < by_name["lively"][:, JAW].max()


def test_unknown_phones_are_refused():
    with pytest.raises(DatasetError, match="qq"):
        _track([("qq", 0.1)])


@pytest.mark.skipif(not DEFAULT_HEAD_PATH.exists(), reason="the default head is not built")
def test_stated_lip_openings_are_those_of_the_default_head():
    assert lip_gaps_mm(load_head()) == pytest.approx(GAP_MM, abs=0.6)


@pytest.mark.skipif(not DEFAULT_HEAD_PATH.exists(), reason="the default head is not built")
@pytest.mark.parametrize("name", PERSONALITIES)
def test_openings_in_mm_on_the_default_head(name):
    head = load_head()
    phones = [("ah", 0.09), ("m", 0.07), ("aa", 0.16), ("t", 0.06), ("ow", 0.14), ("b", 0.05)]
    phones += [("ae", 0.15), ("p", 0.08), ("iy", 0.1), ("f", 0.08), ("ay", 0.2), ("d", 0.06)]
    track = _track(phones)
    weights = articulate(track, _frames(track), PERSONALITIES[name])
    gap = head.lip_gap_mm(weights)
    closed = closure_frames(track, len(gap), RATE)
    assert gap[closed].max() <= 0.5 and gap[closed].min() >= -2.5
    for index in np.flatnonzero([phone in ("aa", "ae", "ay") for phone in track.phone]):
        a, b = (int(t * RATE) for t in (track.start_s[index], track.end_s[index]))
        assert 5.0 <= gap[a : b + 1].max() <= 21.0
    assert gap[open_frames(track, len(gap), RATE)].min() > 3.0
    assert gap[silent_frames(track, len(gap)) > 0].max() <= 1.0
