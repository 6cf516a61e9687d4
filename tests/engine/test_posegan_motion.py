# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion for recordings of any length: start, seams, seeds, styles, errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetor.engine.checkpoint import WEIGHTS_DIR, save_checkpoint
from rhetor.engine.config import config_to
from rhetor.engine.posegan import PoseSynthesizer, load_posegan
from rhetor.engine.posegan.generator import PoseGenerator, preset_config
from rhetor.engine.posegan.noise import NOISE_SIZE, smooth_noise
from rhetor.engine.posegan.windows import join_window, window_starts
from rhetor.engine.protocol.errors import CancelledError, CheckpointError, ConfigError
from rhetor.engine.space import angular_speed

START = np.array([0.2, -0.4, 0.1, 12.0, -7.0, 3.0], dtype=np.float32)


def make_generator(preset: str) -> PoseGenerator:
    torch.manual_seed(3)
    generator = PoseGenerator(preset_config(preset, width=16))
    generator.pose_std.copy_(torch.tensor([0.04, 0.06, 0.05, 3.0, 3.0, 1.0]))
    generator.step_std.copy_(generator.pose_std * 0.1)
    return generator


@pytest.fixture(scope="module", params=["paper", "plus"])
def synthesizer(request: pytest.FixtureRequest) -> PoseSynthesizer:
    return PoseSynthesizer(make_generator(request.param), torch.device("cpu"))


def speech(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    noise = smooth_noise(seed, frames)
    return np.tile(noise, 2)[:, :29].copy(), noise[:, 10:14].copy()


def shipped(preset: str) -> PoseSynthesizer:
    return load_posegan(preset)


@pytest.mark.parametrize("frames", [1, 5, 255, 256, 257, 448, 449, 511, 3000])
def test_any_length_from_the_start_pose(synthesizer: PoseSynthesizer, frames: int) -> None:
    pose = synthesizer.generate(*speech(frames), start_pose=START)
    assert pose.shape == (frames, 6)
    assert pose.dtype == np.float32
    assert np.isfinite(pose).all()
    np.testing.assert_array_equal(pose[0], START)


def test_far_start_pose_is_left_smoothly_and_for_good(synthesizer: PoseSynthesizer) -> None:
    inputs = speech(900)
    far = np.array([0.0, 1.2, 0.0, 0.0, 0.0, 0.0], dtype=np.float32)
    pose = synthesizer.generate(*inputs, start_pose=far)
    np.testing.assert_array_equal(pose[0], far)
    assert angular_speed(pose).max() < 0.12  # 1.2 rad over 64 frames along a cosine, and motion
    assert np.abs(pose[300:, 1]).max() < 0.8


def test_same_seed_same_motion(synthesizer: PoseSynthesizer) -> None:
    first, again = (synthesizer.generate(*speech(700), seed=5) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_only_plus_varies_with_the_seed(synthesizer: PoseSynthesizer) -> None:
    a, b = (synthesizer.generate(*speech(400), seed=s) for s in (1, 2))
    differs = np.abs(a - b).max() > 1e-4
    assert differs == (synthesizer.config.preset == "plus")


def test_what_comes_later_changes_nothing_before(synthesizer: PoseSynthesizer) -> None:
    """Windows see the noise and the audio of their own frames, and join what stands already."""
    inputs = speech(1300)
    whole = synthesizer.generate(*inputs, seed=4)
    part = synthesizer.generate(*(x[:1000] for x in inputs), seed=4)
    np.testing.assert_allclose(part[:760], whole[:760], atol=2e-5)  # then the last window begins
    assert np.abs(part[900:] - whole[900:1000]).max() > 1e-4


@pytest.mark.parametrize("preset", ["paper", "plus"])
def test_shipped_weights_have_no_visible_seam(preset: str) -> None:
    pose = shipped(preset).generate(*speech(3000), seed=2)
    speed = angular_speed(pose)
    starts = window_starts(3000, 256, 64 if preset == "plus" else 1)
    seams = np.array([speed[s] for s in starts[1:]])
    assert seams.mean() < np.percentile(speed, 99)  # no seam is quicker than the head's own moves


def test_styles_and_seeds_move_the_shipped_head_differently() -> None:
    synthesizer = shipped("plus")
    inputs = speech(900)
    poses = [synthesizer.generate(*inputs, style) for style in synthesizer.styles]
    poses.append(synthesizer.generate(*inputs, synthesizer.styles[0], seed=1))
    for i, a in enumerate(poses):
        for b in poses[i + 1 :]:
            assert np.degrees(np.abs(a - b)[:, :3]).mean() > 0.1


def test_style_of_a_reference_clip() -> None:
    synthesizer = PoseSynthesizer(make_generator("plus"), torch.device("cpu"))
    motion = smooth_noise(1, 300)[:, :6] * np.array([0.05, 0.05, 0.05, 3, 3, 3], np.float32)
    style = synthesizer.read_style(motion)
    np.testing.assert_allclose(synthesizer.read_style(motion + START), style, atol=1e-4)
    assert np.abs(synthesizer.read_style(3 * motion) - style).max() > 1e-3
    a = synthesizer.generate(*speech(300), style)
    b = synthesizer.generate(*speech(300), "neutral")
    assert np.abs(a - b).max() > 1e-4
    with pytest.raises(ConfigError, match="says nothing"):
        synthesizer.read_style(motion[:20])


def test_progress_rises_to_one_and_can_stop(synthesizer: PoseSynthesizer) -> None:
    seen: list[float] = []
    synthesizer.generate(*speech(2000), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) >= 2000 // 256

    def stop(fraction: float) -> None:
        if fraction > 0.3:
            raise CancelledError("Stopped.")

    threads = torch.get_num_threads()
    with pytest.raises(CancelledError):
        synthesizer.generate(*speech(2000), progress=stop)
    assert torch.get_num_threads() == threads


def test_wrong_inputs_are_named(synthesizer: PoseSynthesizer) -> None:
    good, prosody = speech(50)
    with pytest.raises(ConfigError, match="no style 'angry'"):
        synthesizer.generate(good, prosody, "angry")
    with pytest.raises(ConfigError, match="Speech features"):
        synthesizer.generate(good[:, :20], prosody)
    with pytest.raises(ConfigError, match="Prosody features"):
        synthesizer.generate(good, prosody[:-1])
    with pytest.raises(ConfigError, match="no speech"):
        synthesizer.generate(good[:0], prosody[:0])
    with pytest.raises(ConfigError, match="start pose"):
        synthesizer.generate(good, prosody, start_pose=np.full(6, np.nan, np.float32))


def test_folded_normalisation_changes_nothing() -> None:
    torch.manual_seed(0)
    generator = make_generator("paper")
    for _ in range(3):  # statistics that are not the defaults
        generator(torch.randn(4, 256, 29), torch.randn(4, 6) * 0.1)
    generator.eval()
    audio, start = torch.randn(1, 256, 29), torch.zeros(1, 6)
    with torch.no_grad():
        expected = generator(audio, start)[0].numpy()
    folded = PoseSynthesizer(generator, torch.device("cpu"))._generator
    with torch.no_grad():
        np.testing.assert_allclose(folded(audio, start)[0].numpy(), expected, atol=1e-5)
    assert not any(isinstance(m, torch.nn.BatchNorm1d) for m in folded.modules())


def test_weights_file_round_trip_and_refusals(tmp_path: Path) -> None:
    generator = make_generator("plus").eval()
    path = tmp_path / "own.safetensors"
    description = {
        "kind": "posegan",
        "preset": "plus",
        "config": config_to(generator.config),
        "feature_extractor": "some-extractor",
    }
    save_checkpoint(path, generator.state_dict(), description)
    loaded = load_posegan(path, feature_extractor="some-extractor")
    expected = PoseSynthesizer(generator, torch.device("cpu")).generate(*speech(300))
    np.testing.assert_allclose(loaded.generate(*speech(300)), expected, atol=5e-3, rtol=5e-2)
    with pytest.raises(CheckpointError, match="feature_extractor"):
        load_posegan(path, feature_extractor="another")
    description["config"]["width"] = 24
    save_checkpoint(path, generator.state_dict(), description)
    with pytest.raises(CheckpointError, match="does not fit"):
        load_posegan(path)
    with pytest.raises(CheckpointError, match="missing"):
        load_posegan(tmp_path / "none.safetensors")


@pytest.mark.parametrize("preset", ["paper", "plus"])
def test_shipped_weights_are_small_and_described(preset: str) -> None:
    path = WEIGHTS_DIR / f"posegan_{preset}.safetensors"
    assert path.stat().st_size < 3e6
    assert "neutral" in shipped(preset).styles


@given(st.integers(1, 5000), st.sampled_from([1, 64]))
def test_windows_cover_the_recording_and_overlap(frames: int, overlap: int) -> None:
    starts = window_starts(frames, 256, overlap)
    assert starts[0] == 0
    assert starts[-1] == max(0, frames - 256)
    gaps = np.diff(starts)
    assert ((gaps > 0) & (gaps <= 256 - overlap)).all()


@settings(max_examples=30)
@given(st.integers(1, 255), st.integers(0, 2**31))
def test_joined_windows_meet(shared: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    motion = np.zeros((600, 6), dtype=np.float32)
    motion[:300] = np.cumsum(rng.normal(0, 0.001, (300, 6)), axis=0)
    before = motion.copy()
    window = np.cumsum(rng.normal(0, 0.001, (256, 6)), axis=0).astype(np.float32)
    start = 300 - shared
    window += motion[start] - window[0]
    assert join_window(motion, 300, window, start) == start + 256
    np.testing.assert_array_equal(motion[: start + 1], before[: start + 1])
    np.testing.assert_array_equal(motion[300 : start + 256], window[shared:])
    assert np.abs(np.diff(motion[: start + 256], axis=0)).max() < 0.05


@settings(max_examples=20)
@given(st.integers(0, 2**63 - 1), st.integers(0, 2000), st.integers(1, 300))
def test_noise_belongs_to_the_frame(seed: int, first: int, count: int) -> None:
    part = smooth_noise(seed, count, first)
    whole = smooth_noise(seed, first + count)
    np.testing.assert_array_equal(part, whole[first:])


def test_noise_is_smooth_and_of_unit_size() -> None:
    noise = smooth_noise(1, 60_000)
    assert noise.shape == (60_000, NOISE_SIZE)
    np.testing.assert_allclose(noise.std(axis=0), 1.0, atol=0.15)
    np.testing.assert_allclose(noise.mean(axis=0), 0.0, atol=0.2)
    assert np.abs(np.diff(noise, axis=0)).max() < 0.6
    assert np.abs(np.corrcoef(noise[:, 10:].T) - np.eye(6)).max() < 0.06
