# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGAN learns: tiny real trainings, resumed trainings, losses on known inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rhetor.engine.dataset.corpus import SpokenClip
from rhetor.engine.dataset.motion_clips import (
    MotionClip,
    load_motion_clips,
    make_motion_clip,
    save_motion_clip,
    silence,
    string_together,
)
from rhetor.engine.dataset.motion_sequences import MotionSequence, performed_sequences
from rhetor.engine.posegan import load_posegan, losses
from rhetor.engine.posegan.discriminators import Verdict
from rhetor.engine.posegan.generator import PoseGenerator, preset_config
from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.training.pose import one_performance, train
from rhetor.engine.training.pose_batches import Mix, MotionBatches
from rhetor.engine.training.pose_match import MatchTraining, train_match
from rhetor.engine.training.pose_trainer import PAPER_TRAINING, PoseTrainer, PoseTraining
from rhetor.engine.training.pose_weights import load_generator

SMALL = {
    "width": 8,
    "steps": 6,
    "warmup": 2,
    "batch": 4,
    "critic_every": 1,
    "checkpoint_every": 3,
    "log_every": 100,
    "device": "cpu",
}
TINY = {
    "plus": PoseTraining(**SMALL, match_steps=3),
    "paper": replace(PAPER_TRAINING, **SMALL),
}


def make_clip(seed: int) -> SpokenClip:
    """Six seconds of a buzzing voice in syllables, with the phones they stand for."""
    rng = np.random.default_rng(seed)
    t = np.arange(6 * 16000) / 16000
    starts = np.arange(0.5, 5.3, 0.25)
    loud = sum(np.exp(-(((t - s - 0.12) / 0.07) ** 2)) * rng.uniform(0.4, 1.0) for s in starts)
    pitch = 120 * (1 + 0.1 * np.sin(2 * np.pi * 0.4 * t))
    samples = (8000 * loud * np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / 16000))).astype(np.int16)
    stress = (rng.random(len(starts)) < 0.4).astype(np.int8)
    return SpokenClip(
        samples=samples,
        phone_start_s=starts.astype(np.float32),
        phone_end_s=(starts + 0.24).astype(np.float32),
        phone=np.full(len(starts), "ae"),
        stress=stress,
        text="a a a",
        speaker="buzz",
        source="flite",
    )


@pytest.fixture(scope="module")
def clips() -> list[MotionClip]:
    rng = np.random.default_rng(0)
    recordings = [string_together([make_clip(s), make_clip(s + 9)], rng) for s in range(3)]
    made = [make_motion_clip(r, 2, seed) for seed, r in enumerate(recordings)]
    return [
        replace(c, audio=c.audio + rng.normal(0, 0.1, c.audio.shape).astype(np.float32))
        for c in made
    ]


@pytest.fixture(scope="module")
def sequences(clips: list[MotionClip]) -> list[MotionSequence]:
    return [s for clip in clips for s in performed_sequences(clip)]


def make_trainer(
    config: PoseTraining, sequences: list[MotionSequence]
) -> tuple[PoseTrainer, MotionBatches]:
    """A trainer as the command builds it, with barely trained match encoders."""
    model = config.model()
    batches = MotionBatches(sequences, model, config.batch, 3, config.mix)
    match = train_match(sequences, MatchTraining(steps=2)) if config.match_steps else None
    return PoseTrainer(config, batches, model, match), batches


def test_motion_clips_fit_their_recording(tmp_path: Path, clips: list[MotionClip]) -> None:
    clip = clips[0]
    assert clip.pose.shape == (4, 2, clip.frame_count, 6)
    assert clip.audio.shape == (clip.frame_count, 33)
    save_motion_clip(tmp_path / "a.npz", clip)
    again = load_motion_clips(tmp_path)[0]
    np.testing.assert_array_equal(again.pose, clip.pose)
    assert (again.people, again.extractor) == (clip.people, clip.extractor)
    with pytest.raises(DatasetError, match="no motion"):
        load_motion_clips(tmp_path / "none")


def test_phones_stay_with_their_sound() -> None:
    rng = np.random.default_rng(1)
    parts = [make_clip(1), make_clip(2)]
    recording = string_together(parts, rng)
    assert (np.diff(recording.phones.start_s) > 0).all()
    for start, end in zip(recording.phones.start_s, recording.phones.end_s, strict=True):
        sound = recording.samples[int(start * 16000) : int(end * 16000)]
        assert np.abs(sound).max() > 0.05
    quiet = silence(2.0, rng)
    assert len(quiet.samples) == 32000
    assert np.abs(quiet.samples).max() < 0.02
    assert len(quiet.phones.name) == 0


@pytest.mark.parametrize("preset", ["paper", "plus"])
def test_a_tiny_training_learns(preset: str, sequences: list[MotionSequence]) -> None:
    """Fitting four windows, the error falls to a fraction."""
    torch.manual_seed(0)
    config = replace(TINY[preset], warmup=1000, warmup_rate=3e-3)
    trainer, batches = make_trainer(config, sequences)
    batch = batches.draw()
    batches.draw = lambda: batch  # type: ignore[method-assign]
    values = [trainer.step(0)["fit"] for _ in range(60)]
    assert np.mean(values[-5:]) < 0.5 * np.mean(values[:5])


@pytest.mark.parametrize("preset", ["paper", "plus"])
def test_all_parts_train_and_the_weights_load(
    preset: str, tmp_path: Path, sequences: list[MotionSequence]
) -> None:
    path = tmp_path / "made.safetensors"
    trainer = train(TINY[preset], sequences, tmp_path / "run", export=path)
    values = trainer.step(5)
    assert {"fit", "gan", "critic", "variance"} <= set(values)
    assert all(np.isfinite(list(values.values())))
    audio = sequences[0].audio
    synthesizer = load_posegan(path, feature_extractor=sequences[0].extractor)
    pose = synthesizer.generate(audio[:, :29], audio[:, 29:])
    assert np.isfinite(pose).all()
    assert synthesizer.styles[0] == "neutral"


@pytest.mark.parametrize("preset", ["paper", "plus"])
def test_a_killed_training_goes_on_exactly(
    preset: str, tmp_path: Path, sequences: list[MotionSequence]
) -> None:
    config = TINY[preset]
    whole = train(config, sequences, tmp_path / "whole").generator.state_dict()
    train(replace(config, steps=3), sequences, tmp_path / "cut")  # its checkpoint is step 3's
    torch.manual_seed(99)
    resumed = train(config, sequences, tmp_path / "cut").generator.state_dict()
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0, msg=name)


def test_a_training_begins_with_another(tmp_path: Path, sequences: list[MotionSequence]) -> None:
    first = train(TINY["plus"], sequences, tmp_path / "first")
    config = replace(TINY["plus"], start_from=str(tmp_path / "first"))
    second, _ = make_trainer(config, sequences)
    second.begin_with(tmp_path / "first")
    torch.testing.assert_close(
        second.generator.decoder[0].weight, first.generator.decoder[0].weight
    )


def test_held_out_motion_chooses_the_weights(
    tmp_path: Path, sequences: list[MotionSequence]
) -> None:
    path = tmp_path / "best.safetensors"
    config = replace(TINY["plus"], steps=9, patience=1)
    trainer = train(config, sequences, tmp_path / "run", export=path, held_out=sequences[:4])
    saved = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    stopping = saved["parts"]["stopping"]
    assert np.isfinite(stopping["best"])
    assert stopping["best_step"] in {3, 6, 9}
    written = load_generator(path).state_dict()["decoder.0.weight"]
    best = stopping["best_weights"]["decoder.0.weight"]
    torch.testing.assert_close(written, best, rtol=1e-3, atol=1e-3)  # half precision
    assert trainer.generator.config.width == 8


def test_paper_learns_one_performance_of_each_recording(sequences: list[MotionSequence]) -> None:
    chosen = one_performance(sequences, "calm")
    assert len(chosen) == 3
    assert {s.person for s in chosen} == {"calm"}
    assert len({id(s.audio) for s in chosen}) == 3


def test_batches_belong_together(sequences: list[MotionSequence]) -> None:
    torch.manual_seed(1)
    model = preset_config("plus", 8)
    batches = MotionBatches(sequences, model, 64, 3)
    batch = batches.draw()
    assert batch.audio.shape == (64, 256, 33)
    assert batch.pose.shape == batch.reference.shape == (64, 256, 6)
    assert [n.shape for n in batch.noise] == [(64, 256, 16)] * 3
    dropped = batch.person == 0
    assert 0 < dropped.float().mean() < 0.3
    assert not (batch.use_reference & dropped).any()
    assert (batch.another_person != batch.person).all()
    generator = PoseGenerator(model)
    batches.store_statistics(generator)
    scaled = generator.scale(batch.pose).reshape(-1, 6)
    assert scaled.mean(0).abs().max() < 0.6
    assert 0.5 < scaled.std(0).min() <= scaled.std(0).max() < 1.6
    only = MotionBatches(sequences, preset_config("paper", 8), 8, 3, Mix()).draw()
    assert only.noise == []
    assert only.audio.shape[2] == 29


def test_draws_share_the_decoder_exactly() -> None:
    torch.manual_seed(0)
    generator = PoseGenerator(preset_config("plus", 8)).eval()
    audio, start = torch.randn(2, 256, 33), torch.randn(2, 6)
    style, noise = torch.randn(2, 32), [torch.randn(2, 256, 16) for _ in range(2)]
    heard = generator.listen(audio)
    together = generator.decode_draws(heard, start, style, noise)
    for draw, pose in zip(noise, together, strict=True):
        torch.testing.assert_close(
            pose, generator.decode(heard, start, style, draw), rtol=1e-4, atol=1e-4
        )


def test_best_of_compares_only_the_best_fit() -> None:
    errors = [torch.tensor([1.0, 5.0]), torch.tensor([2.0, 3.0])]
    noise = [torch.zeros(2, 4, 16), torch.ones(2, 4, 16)]
    best = losses.best_of(errors, noise)
    assert best[0].max() == 0
    assert best[1].min() == 1


def test_losses_point_the_right_way() -> None:
    good = [Verdict(torch.full((1, 1, 4), 2.0), [torch.randn(4, 3, 8)])]
    bad = [Verdict(torch.full((1, 1, 4), -2.0), [torch.randn(4, 3, 8) * 3 + 1])]
    assert losses.hinge_discriminator(good, bad) == 0
    assert losses.hinge_discriminator(bad, good) == 6
    assert losses.hinge_generator(good) < losses.hinge_generator(bad)
    assert losses.push_down(bad) == 0 < losses.push_down(good)
    one = [Verdict(torch.ones(1, 1, 4), [])]
    zero = [Verdict(torch.zeros(1, 1, 4), [])]
    assert losses.least_squares_discriminator(one, zero) == 0
    assert losses.least_squares_generator(one) == 0
    assert losses.feature_matching(good, good) < 1e-6 < losses.feature_matching(good, bad)
    pose, noise = torch.randn(2, 8, 6), torch.randn(2, 8, 16)
    same = losses.mode_seeking(pose, pose, noise, -noise)
    assert losses.mode_seeking(pose, -pose, noise, -noise) < same
    assert losses.initial_error(pose, pose[:, 0]) == 0
    still = losses.reconstruction(pose + 1.0, pose, losses.LossWeights(acceleration=1.0))
    assert still.abs().max() < 1e-6  # an offset has no steps; the pose term sees it
    assert losses.pose_error(pose + 1.0, pose) == pytest.approx(torch.ones(2))
