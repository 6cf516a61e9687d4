# SPDX-License-Identifier: GPL-3.0-or-later
"""The synthetic performer: ranges of real heads, tied to speech, unlike each other, drawn anew."""

from __future__ import annotations

import numpy as np
import pytest

from rhetor.engine.dataset.performer import keyed_curve, minimum_jerk, perform
from rhetor.engine.dataset.personality import PERSONALITIES
from rhetor.engine.dataset.speech_events import Phones, SpeechEvents, find_events
from rhetor.engine.evaluation.pose_metrics import (
    PersonalityClassifier,
    alignment_gain,
    beat_alignment,
    motion_figures,
    seam_jump,
)


def make_speech(seed: int, seconds: float = 40.0) -> tuple[Phones, np.ndarray]:
    """Phones and prosody of invented speech: phrases of syllables, some of them accented."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[float, float, str, int]] = []
    prosody = np.zeros((int(seconds * 30), 4), dtype=np.float32)
    at = 0.6
    while at < seconds - 4.0:
        for _ in range(rng.integers(6, 16)):
            stress = int(rng.random() < 0.4)
            length = 0.12 + 0.08 * stress + 0.04 * rng.random()
            rows.append((at, at + 0.07, "t", -1))
            rows.append((at + 0.07, at + 0.07 + length, "ae", stress))
            frames = slice(int((at + 0.07) * 30), int((at + 0.07 + length) * 30) + 1)
            prosody[frames, 0] = rng.normal(0.8 * stress, 0.4)
            prosody[frames, 1] = 1.0
            prosody[frames, 2] = 0.6 + 0.3 * stress + 0.05 * rng.random()
            at += 0.07 + length
        pause = rng.uniform(0.3, 1.2)
        rows.append((at, at + pause, "sil", -1))
        at += pause
    start, end, name, stress = zip(*rows, strict=True)
    phones = Phones(
        np.array(start, np.float32),
        np.array(end, np.float32),
        np.array(name),
        np.array(stress, np.int8),
    )
    return phones, prosody


@pytest.fixture(scope="module")
def speeches() -> list[tuple[SpeechEvents, np.ndarray]]:
    return [(find_events(*speech), speech[1]) for speech in map(make_speech, range(12))]


@pytest.fixture(scope="module")
def shows(speeches: list[tuple[SpeechEvents, np.ndarray]]) -> dict[str, list[np.ndarray]]:
    return {
        name: [perform(events, who, seed) for seed, (events, _) in enumerate(speeches)]
        for name, who in PERSONALITIES.items()
    }


def test_same_seed_same_performance(speeches: list[tuple[SpeechEvents, np.ndarray]]) -> None:
    events, _ = speeches[0]
    who = PERSONALITIES["lively"]
    np.testing.assert_array_equal(perform(events, who, 3), perform(events, who, 3))
    other = np.degrees(perform(events, who, 3) - perform(events, who, 4))[:, :3]
    assert np.abs(other).mean() > 1.0


def test_ranges_are_those_of_people(shows: dict[str, list[np.ndarray]]) -> None:
    """Deviation, step and spectrum within what was measured on recorded speakers."""
    for name, poses in shows.items():
        figures = motion_figures(poses)
        assert figures.deviation.max() < 8.0, name
        assert figures.deviation.max() > 0.8, name
        assert 0.05 < figures.step[0] < 0.6, name
        assert figures.step.max() < 0.6, name
        assert 0.45 < figures.bands[0] < 0.97, name
        assert figures.bands[2] < 0.06, name
        assert max(np.abs(p[:, 3:]).max() for p in poses) < 40.0, name


def test_amplitude_and_axes_tell_personalities_apart(shows: dict[str, list[np.ndarray]]) -> None:
    deviation = {name: motion_figures(poses).deviation for name, poses in shows.items()}
    step = {name: motion_figures(poses).step.sum() for name, poses in shows.items()}
    assert step["lively"] == max(step.values())
    assert deviation["lively"][1] > 2.0 * deviation["calm"][1]  # wide turns
    assert deviation["formal"][0] > 1.5 * deviation["formal"][1:].max()  # nods, nothing else
    assert deviation["thoughtful"][2] > 1.4 * deviation["calm"][2]  # tilts


def test_a_classifier_knows_them(
    shows: dict[str, list[np.ndarray]], speeches: list[tuple[SpeechEvents, np.ndarray]]
) -> None:
    unseen = {
        name: [perform(events, who, 100 + k) for k, (events, _) in enumerate(speeches)]
        for name, who in PERSONALITIES.items()
    }
    classifier = PersonalityClassifier(shows)
    assert classifier.accuracy(unseen) > 0.8
    wrong = {name: unseen[other] for name, other in zip(unseen, [*unseen][::-1], strict=True)}
    assert classifier.accuracy(wrong) < 0.2


def test_beats_fall_on_speech(
    shows: dict[str, list[np.ndarray]], speeches: list[tuple[SpeechEvents, np.ndarray]]
) -> None:
    for name in ("lively", "formal"):
        own, others = alignment_gain(shows[name], [prosody for _, prosody in speeches])
        assert own > others + 0.02, name


def test_silence_is_quiet_but_not_frozen() -> None:
    none = Phones(*(np.zeros(0, t) for t in (np.float32, np.float32, "U3", np.int8)))
    silent = find_events(none, np.zeros((900, 4), dtype=np.float32))
    speaking = find_events(*make_speech(1, 30.0))
    for name, who in PERSONALITIES.items():
        idle = motion_figures([perform(silent, who, s) for s in range(3)])
        busy = motion_figures([perform(speaking, who, s) for s in range(3)])
        assert 0.002 < idle.step.mean() < 0.5 * busy.step.mean(), name


def test_rising_pitch_raises_the_chin() -> None:
    phones, prosody = make_speech(5)
    falling = find_events(phones, prosody)
    rising_prosody = prosody.copy()
    for end in falling.phrase_end_s:
        last = slice(int(end * 30) - 8, int(end * 30) + 1)
        rising_prosody[last, 0] = 2.5
    rising = find_events(phones, rising_prosody)
    assert rising.rises.mean() > 0.8 > falling.rises.mean()
    who = PERSONALITIES["lively"]
    ends = (falling.phrase_end_s * 30).astype(int) + 6

    def pitch(events: SpeechEvents) -> float:
        return float(np.mean([perform(events, who, s)[ends, 0] for s in range(12)]))

    assert np.degrees(pitch(rising)) < np.degrees(pitch(falling)) - 1.0  # up is negative


def test_translation_follows_the_neck(shows: dict[str, list[np.ndarray]]) -> None:
    pose = np.concatenate(shows["thoughtful"])
    roll_to_x = np.corrcoef(pose[:, 2], pose[:, 3])[0, 1]
    pitch_to_y = np.corrcoef(pose[:, 0], pose[:, 4])[0, 1]
    assert roll_to_x < -0.3  # crown to the right moves the head to the right, -X
    assert pitch_to_y < -0.2  # nose down moves the head forward, -Y


def test_keyed_curve_passes_its_keys_at_rest() -> None:
    keys = [np.array([0.0]), np.array([2.0]), np.array([-1.0])]
    curve = keyed_curve(61, [0.0, 1.0, 2.0], keys)[:, 0]
    np.testing.assert_allclose(curve[[0, 30, 60]], [0, 2, -1], atol=1e-9)
    assert abs(curve[31] - curve[30]) < 0.01
    u = np.linspace(0, 1, 101)
    assert (np.diff(minimum_jerk(u)) >= 0).all()


def test_metrics_on_made_up_motion() -> None:
    t = np.arange(900) / 30
    slow = np.zeros((900, 6))
    slow[:, 1] = np.radians(4.0) * np.sin(2 * np.pi * 0.2 * t)
    fast = slow.copy()
    fast[:, 1] += np.radians(1.0) * np.sin(2 * np.pi * 4.0 * t)
    figures = motion_figures([slow])
    assert figures.deviation[1] == pytest.approx(4.0 / np.sqrt(2), rel=0.01)
    assert figures.bands[0] > 0.99
    assert motion_figures([fast]).bands[2] == pytest.approx(1 / 17, rel=0.1)
    assert beat_alignment(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 1.0
    assert beat_alignment(np.array([1.0]), np.array([3.0])) < 1e-6
    jumping = slow.copy()
    jumping[300:, 1] += np.radians(2.0)
    assert seam_jump(jumping, [300]) > 3.0
    assert seam_jump(slow, [300]) < 2.0
