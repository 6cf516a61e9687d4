# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouths of people as a target: read, standardised, kept in time with the sound, learnt."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rhetor.engine.dataset.person_clip import PersonClip, save_person_clip
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.training.speech_batches import BatchConfig, roughened_mel
from rhetor.engine.training.speech_mouth_report import (
    MouthProbeConfig,
    compare_hearings,
    hear_29_bands,
    mean_correlation,
    without_time_course,
)
from rhetor.engine.training.speech_mouths import MOUTH_TARGETS, load_mouths, standardised

GAP, JAW, SMILE = (MOUTH_TARGETS.index(name) for name in ("lip_gap", "jaw_open", "smile"))


def humming_person(
    seed: int, seconds: float = 3.0, rights: str = "own", largest_mm: float = 10.0
) -> PersonClip:
    """Somebody whose lips open as wide as the hum is loud. Frames of the last third are lost."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * 30)
    knots = rng.uniform(0.0, 1.0, int(seconds * 5) + 2)
    times = np.arange(frames) / 30
    opening = np.interp(times * 5, np.arange(len(knots)), knots)
    loud = np.interp(np.arange(int(seconds * 16000)) / 16000, times, opening)
    sound = loud * np.sin(2 * np.pi * 220 * np.arange(len(loud)) / 16000)
    sound += 0.01 * rng.standard_normal(len(sound))
    expression = np.zeros((frames, len(EXPRESSION_NAMES)), np.float32)
    expression[:, EXPRESSION_NAMES.index("jawOpen")] = 0.5 * opening
    known = np.array([name in ("jawOpen", "mouthPucker") for name in EXPRESSION_NAMES])
    seen = np.arange(frames) < frames * 2 // 3
    return PersonClip(
        samples=(np.clip(sound, -1, 1) * 12000).astype(np.int16),
        pose=np.zeros((frames, 6), np.float32),
        expression=expression,
        identity=np.zeros(50, np.float32),
        pose_ok=seen,
        face_ok=seen,
        known=known,
        lip_gap_mm=np.where(seen, largest_mm * opening, np.nan).astype(np.float32),
        phone_start_s=np.zeros(0, np.float32),
        phone_end_s=np.zeros(0, np.float32),
        phone=np.zeros(0, "U3"),
        speaker=f"hummer_{seed % 2}",
        language="en",
        source="hums",
        rights=rights,
        offset_frames=0.0,
        reprojection_px=1.0,
    )


def test_mouths_are_standardised_by_speaker_and_masked() -> None:
    people = [humming_person(s, largest_mm=4.0 if s % 2 else 12.0) for s in range(4)]
    mouths = standardised(people)
    assert len(mouths) == 4
    for speaker in ("hummer_0", "hummer_1"):
        own = [m for m in mouths if m.speaker == speaker]
        gap = np.concatenate([m.target[m.known[:, GAP], GAP] for m in own])
        assert abs(gap.mean()) < 0.01 and abs(gap.std() - 1) < 0.02
    known = mouths[0].known
    assert known[:60, [GAP, JAW]].all() and not known[60:].any()
    assert not known[:, SMILE].any()  # the tracking cannot tell it
    assert not known[:, MOUTH_TARGETS.index("pucker")].any()  # it never moves
    assert np.isfinite(mouths[0].target).all()


def test_target_is_in_time_with_the_sound() -> None:
    clip = humming_person(3)
    mouth = standardised([clip])[0]
    times = np.array([-0.1, 0.0, 0.51, 1.0, 9.0])
    target, known = mouth.at(times)
    assert known[:, GAP].tolist() == [False, True, True, True, False]
    between = 0.7 * mouth.target[15, GAP] + 0.3 * mouth.target[16, GAP]
    np.testing.assert_allclose(target[2, GAP], between, atol=1e-5)


def test_recordings_that_may_not_be_given_away_are_refused(tmp_path: Path) -> None:
    save_person_clip(tmp_path / "a.npz", humming_person(1, rights="open"))
    assert len(load_mouths([tmp_path])) == 1
    save_person_clip(tmp_path / "b.npz", humming_person(2, rights="research"))
    with pytest.raises(DatasetError, match="rights"):
        load_mouths([tmp_path])
    with pytest.raises(DatasetError, match="no clips"):
        load_mouths([tmp_path / "none"])


def test_another_throat_moves_the_formants_up() -> None:
    mel = torch.full((1, 64, 200), -9.0)
    mel[:, 20] = 0.0
    plain = {"telephone_share": 0.0, "throat_share": 0.0}
    moved = {"telephone_share": 0.0, "throat_share": 1.0}

    def peaks(shares: dict[str, float]) -> set[int]:
        found = set()
        for seed in range(12):
            rng = np.random.default_rng(seed)
            rough = roughened_mel(mel.clone(), rng, BatchConfig(**shares))
            found.add(int(rough[0, 10:32].median(dim=1).values.argmax()) + 10)
        return found

    assert len(peaks(plain)) < len(peaks(moved))
    assert min(peaks(moved)) < 20 < max(peaks(moved))


def test_a_small_network_learns_the_mouth_from_the_sound_alone(tmp_path: Path) -> None:
    """The guess follows the lips of clips it never saw; half a clip late it does not."""
    train = standardised([humming_person(seed) for seed in range(24)])
    held_out = standardised([humming_person(100 + seed) for seed in range(6)])
    config = MouthProbeConfig(width=16, steps=120, crop_s=1.2, learning_rate=5e-3)
    found = compare_hearings({"mel": hear_29_bands}, train, {"hums": held_out}, config)
    metrics = found["mel"]["hums"]
    assert metrics["lip_gap"] > 0.8 and metrics["jaw_open"] > 0.8
    assert metrics["lip_gap_rolled"] < 0.4
    assert metrics["lip_gap_without_time_course"] > 0.7


def test_29_bands_follow_the_pitch() -> None:
    low, high = (
        hear_29_bands((0.1 * np.sin(2 * np.pi * f * np.arange(16000) / 16000)).astype(np.float32))
        for f in (300.0, 3000.0)
    )
    assert low.shape == high.shape == (50, 29)
    assert low[25].argmax() < high[25].argmax()


def test_correlation_is_pearsons_and_the_shared_course_is_taken_off() -> None:
    rng = np.random.default_rng(0)
    course = 5 * np.sin(np.arange(90) / 9)
    guesses, truths = rng.standard_normal((2, 40, 90))
    pairs = [(course + g, course + t) for g, t in zip(guesses, truths, strict=True)]
    expected = np.mean([np.corrcoef(g, t)[0, 1] for g, t in pairs])
    np.testing.assert_allclose(mean_correlation(pairs), expected, atol=1e-9)
    assert mean_correlation(pairs) > 0.8
    assert abs(mean_correlation(without_time_course(pairs))) < 0.1
    assert without_time_course(pairs[:4]) == []
    assert mean_correlation([(np.zeros(9), np.arange(9.0))]) == 0.0
