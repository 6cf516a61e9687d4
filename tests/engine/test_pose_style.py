# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's manner is learned from their clips: its size, and whose it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rhetor.engine.dataset.motion_sequences import (
    MotionSequence,
    mirrored,
    strung_together,
    time_warped,
    tracked_sequences,
)
from rhetor.engine.dataset.person_clip import PersonClip
from rhetor.engine.evaluation.pose_metrics import motion_figures
from rhetor.engine.head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from rhetor.engine.posegan.calibration import BANDS, apply_gains, split_bands
from rhetor.engine.posegan.generator import PoseGenerator, preset_config
from rhetor.engine.posegan.match import MatchEncoder
from rhetor.engine.posegan.synthesizer import PoseSynthesizer
from rhetor.engine.protocol.errors import ConfigError, DatasetError
from rhetor.engine.training.pose_batches import MIRRORED, varied
from rhetor.engine.training.pose_calibration import band_energies, fit_gains
from rhetor.engine.training.pose_match import MatchTraining, choice_accuracy, train_match
from rhetor.engine.training.pose_style import (
    PersonMotion,
    PoseStyleTraining,
    person_sequences,
    personalise_pose,
)
from rhetor.engine.training.pose_trainer import PoseTrainer, PoseTraining
from rhetor.engine.training.pose_weights import load_critics, write_critics

QUICK = PoseStyleTraining(
    steps=100, batch=4, rate_generator=2e-3, rate_critic=1e-3, average=0.9, device="cpu"
)


def smooth(rng: np.random.Generator, frames: int, sigma: float) -> np.ndarray:
    """(T, 6) Gaussian noise of unit deviation, smoothed over `sigma` frames."""
    white = rng.standard_normal((frames + 200, 6))
    kernel = np.exp(-0.5 * (np.arange(-60, 61) / sigma) ** 2)
    curve = np.stack([np.convolve(white[:, c], kernel, "same") for c in range(6)], axis=1)
    return curve[100 : 100 + frames] / np.sqrt((kernel**2).sum())


def make_sequence(
    seed: int, frames: int, size_deg: tuple[float, float, float], name: str = "somebody"
) -> MotionSequence:
    """Motion that stirs when the invented voice is loud, of given deviation per angle."""
    rng = np.random.default_rng(seed)
    audio = rng.normal(0.0, 1.0, (frames, 33)).astype(np.float32)
    loud = np.clip(0.5 + 0.5 * smooth(rng, frames, 9.0)[:, :1], 0.0, 1.2)
    audio[:, 31:32] = loud
    slow, quick = smooth(rng, frames, 30.0), smooth(rng, frames, 5.0)
    scale = np.concatenate([np.radians(size_deg), [1.0, 1.0, 1.0]])
    pose = (slow + 0.5 * loud * quick) * scale + np.array([0.1, -0.2, 0.05, 3.0, 2.0, 1.0])
    return MotionSequence(audio, pose.astype(np.float32), name, True, "test")


def make_clip(sequence: MotionSequence, ok: np.ndarray | None = None) -> PersonMotion:
    frames = sequence.frame_count
    clip = PersonClip(
        samples=np.zeros(frames * 533, np.int16),
        pose=sequence.pose,
        expression=np.zeros((frames, len(EXPRESSION_NAMES)), np.float32),
        identity=np.zeros(IDENTITY_SIZE, np.float32),
        pose_ok=np.ones(frames, bool) if ok is None else ok,
        face_ok=np.ones(frames, bool),
        known=np.ones(len(EXPRESSION_NAMES), bool),
        lip_gap_mm=np.zeros(frames, np.float32),
        phone_start_s=np.zeros(0, np.float32),
        phone_end_s=np.zeros(0, np.float32),
        phone=np.zeros(0, "U3"),
        speaker=sequence.person,
        language="en",
        source="test",
        rights="own",
        offset_frames=0.0,
        reprojection_px=1.0,
    )
    return PersonMotion(clip, sequence.audio, sequence.extractor)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[PoseGenerator, tuple]:
    """A barely trained generator with its critics, as a training leaves them."""
    from rhetor.engine.training.pose_batches import MotionBatches

    torch.manual_seed(0)
    performed = [
        replace(make_sequence(s, 900, (3.0, 3.0, 3.0), name), real=False)
        for s, name in enumerate(("calm", "lively", "formal", "thoughtful"))
    ]
    config = PoseTraining(
        width=8,
        warmup=60,
        batch=4,
        warmup_rate=5e-3,
        rate_generator=2e-3,
        average=0.9,
        device="cpu",
    )
    batches = MotionBatches(performed, config.model(), 4, 3, config.mix)
    match = train_match(performed, MatchTraining(steps=20))
    trainer = PoseTrainer(config, batches, config.model(), match)
    for number in range(100):
        trainer.step(number)
    path = tmp_path_factory.mktemp("critics") / "critics.safetensors"
    write_critics(path, trainer)
    return trainer.averaged(), load_critics(path, "test")


def test_bands_add_up_and_gains_of_one_change_nothing() -> None:
    motion = make_sequence(0, 600, (2.0, 2.0, 2.0)).pose
    np.testing.assert_allclose(split_bands(motion).sum(axis=0), motion, atol=1e-5)
    home = motion.mean(axis=0)
    same = apply_gains(motion, np.ones((BANDS, 6), np.float32), home)
    np.testing.assert_array_equal(same, motion)
    twice = apply_gains(motion, np.full((BANDS, 6), 2.0, np.float32), home)
    np.testing.assert_array_equal(twice[0], motion[0])  # the initial pose stays
    np.testing.assert_allclose(twice[100:] - home, 2.0 * (motion[100:] - home), atol=1e-4)


def test_band_energies_know_sines() -> None:
    t = np.arange(3000) / 30.0
    motion = np.zeros((3000, 6), np.float32)
    motion[:, 0] = 1.0 * np.sin(2 * np.pi * 0.2 * t)
    motion[:, 1] = 2.0 * np.sin(2 * np.pi * 1.0 * t)
    motion[:, 2] = 0.5 * np.sin(2 * np.pi * 4.0 * t)
    energies = band_energies([motion])
    np.testing.assert_allclose(energies[0, 0], 0.5, rtol=0.02)
    np.testing.assert_allclose(energies[1, 1], 2.0, rtol=0.02)
    np.testing.assert_allclose(energies[2, 2], 0.125, rtol=0.02)
    assert energies[1:, 0].max() < 1e-4


def test_fitted_gains_undo_a_known_change() -> None:
    """Motion made smaller by known factors needs their inverses, as long as they are in range."""
    real = [make_sequence(s, 1800, (4.0, 2.0, 1.0)).pose for s in range(4)]
    home = np.concatenate(real).mean(axis=0)
    shrink = np.ones((BANDS, 6), np.float32)
    shrink[0] *= 0.5
    shrink[1] *= 0.8
    made = [apply_gains(p, shrink, home) for p in real]
    gains = fit_gains(made, real, home)
    np.testing.assert_allclose(gains[0], 2.0, rtol=0.12)
    np.testing.assert_allclose(gains[1], 1.25, rtol=0.12)
    fixed = motion_figures([apply_gains(p, gains, home) for p in made])
    wanted = motion_figures(real)
    np.testing.assert_allclose(fixed.deviation, wanted.deviation, rtol=0.05)
    np.testing.assert_allclose(fixed.step, wanted.step, rtol=0.05)


def test_stretches_without_tracking_are_left_out() -> None:
    sequence = make_sequence(1, 200, (1.0, 1.0, 1.0))
    ok = np.ones(200, bool)
    ok[90:100] = False
    ok[120:122] = False
    motion = make_clip(sequence, ok)
    parts = tracked_sequences(motion.clip, motion.audio, "test")
    assert [p.frame_count for p in parts] == [90, 78]  # twenty frames alone say nothing
    np.testing.assert_array_equal(parts[1].audio, sequence.audio[122:])
    with pytest.raises(DatasetError, match="well-tracked"):
        person_sequences([motion])


def test_mirrored_and_warped_motion_stays_with_its_speech() -> None:
    sequence = make_sequence(2, 300, (2.0, 3.0, 1.0))
    turned = mirrored(sequence)
    np.testing.assert_array_equal(turned.pose[:, [0, 4, 5]], sequence.pose[:, [0, 4, 5]])
    np.testing.assert_array_equal(turned.pose[:, [1, 2, 3]], -sequence.pose[:, [1, 2, 3]])
    slow = time_warped(sequence, 0.5)
    assert slow.frame_count == 600
    np.testing.assert_allclose(slow.pose[-1], sequence.pose[-1], atol=1e-5)
    steps = (
        np.abs(np.diff(slow.pose, axis=0)).mean() / np.abs(np.diff(sequence.pose, axis=0)).mean()
    )
    assert steps == pytest.approx(0.5, rel=0.03)


def test_short_clips_are_strung_together_without_a_jump() -> None:
    rng = np.random.default_rng(0)
    parts = [make_sequence(s, 80, (3.0, 3.0, 3.0)) for s in range(5)]
    whole = strung_together(parts, rng)
    assert whole.frame_count > 5 * 80 + 4 * 15
    assert len(whole.audio) == whole.frame_count
    largest = max(np.abs(np.diff(p.pose[:, :3], axis=0)).max() for p in parts)
    assert np.abs(np.diff(whole.pose[:, :3], axis=0)).max() < 2.5 * largest + np.radians(0.6)
    material = varied(parts, 1)
    names = [s.person for s in material]
    assert names.count("somebody") == names.count("somebody" + MIRRORED) >= 1
    means = [
        np.concatenate([s.pose for s in material if s.person == n]).mean(0) for n in set(names)
    ]
    np.testing.assert_allclose(means[0][:3], means[1][:3], atol=np.radians(1.0))


def test_encoders_tell_what_belongs_together() -> None:
    torch.manual_seed(0)
    known = [make_sequence(s, 1500, (3.0, 2.0, 1.0)) for s in range(6)]
    unknown = [make_sequence(s, 1500, (1.0, 4.0, 2.0)) for s in range(6, 9)]
    encoder = train_match(known, MatchTraining(steps=200, batch=16))
    matched = choice_accuracy(encoder, unknown, 300)
    control = [replace(s, audio=np.roll(s.audio, s.frame_count // 2, axis=0)) for s in unknown]
    assert matched > 0.7
    assert abs(choice_accuracy(encoder, control, 300) - 0.5) < 0.15


def test_scores_ignore_how_much_somebody_moves() -> None:
    torch.manual_seed(1)
    encoder = MatchEncoder(33)
    audio, pose = torch.randn(3, 128, 33), torch.randn(3, 128, 6).cumsum(1)
    small = encoder.scores(*encoder(audio, 0.5 * pose))
    torch.testing.assert_close(small, encoder.scores(*encoder(audio, pose)), atol=0.02, rtol=0.1)


def test_a_person_is_recovered_and_told_from_another(
    base: tuple[PoseGenerator, tuple],
) -> None:
    """Two people who differ in size per axis: each style moves as much as its own person."""
    generator, critics = base
    sizes = {"wide": (1.0, 6.0, 2.0), "nodding": (5.0, 1.0, 0.6)}
    heard = make_sequence(77, 1800, (1.0, 1.0, 1.0)).audio
    ratios = {}
    for name, size in sizes.items():
        sequences = [make_sequence(s, 700, size, name) for s in range(3)]
        clips = [make_clip(s) for s in sequences]
        seen: list[float] = []
        tuned = personalise_pose(generator, clips, QUICK, seen.append, critics)
        assert seen == sorted(seen)
        assert seen[-1] == 1.0
        assert tuned.config.style_names == ("neutral",)
        real = motion_figures([s.pose for s in sequences])
        synthesizer = PoseSynthesizer(tuned, torch.device("cpu"))
        poses = [synthesizer.generate(heard[:, :29], heard[:, 29:], seed=k) for k in range(3)]
        made = motion_figures([p[64:] for p in poses])
        ratios[name] = (made.deviation / real.deviation) ** 2
        assert 0.4 < ratios[name].min() <= ratios[name].max() < 2.5, ratios
        assert 0.5 < (made.step / real.step).min() <= (made.step / real.step).max() < 1.8
        other = motion_figures(
            [make_sequence(0, 2100, sizes["nodding" if name == "wide" else "wide"]).pose]
        )
        assert np.abs(np.log(made.deviation / real.deviation)).sum() < (
            np.abs(np.log(made.deviation / other.deviation)).sum()
        )
        home = np.concatenate([s.pose for s in sequences]).mean(axis=0)
        np.testing.assert_allclose(poses[0][0, :3], home[:3], atol=np.radians(2.0))
        np.testing.assert_allclose(poses[0][0, 3:], home[3:], atol=0.5)
        assert np.abs(np.degrees(poses[0] - poses[1])[:, :3]).mean() > 0.1


def test_paper_learns_no_styles(base: tuple[PoseGenerator, tuple]) -> None:
    clip = make_clip(make_sequence(0, 700, (1.0, 1.0, 1.0)))
    with pytest.raises(ConfigError, match="plus"):
        personalise_pose(PoseGenerator(preset_config("paper", 8)), [clip], QUICK, None, base[1])
