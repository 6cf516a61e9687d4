# SPDX-License-Identifier: GPL-3.0-or-later
"""The character extractor: timing, chunks, determinism, errors."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetor.engine.checkpoint import save_checkpoint
from rhetor.engine.config import config_to
from rhetor.engine.protocol.errors import CheckpointError
from rhetor.engine.speech.extractor import (
    DEFAULT_FEATURES_PATH,
    FEATURES_KIND,
    CharacterExtractor,
    load_extractor,
    to_frame_rate,
)
from rhetor.engine.speech.network import SYMBOLS, CharacterNetwork, CharacterNetworkConfig

SMALL = CharacterNetworkConfig(width=24, edge_width=16, dilations=(1, 2))


def small_network(seed: int = 0) -> CharacterNetwork:
    """Random weights and random batch statistics, so that folding them in can go wrong."""
    torch.manual_seed(seed)
    network = CharacterNetwork(SMALL)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0.0, 0.5)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    length = int(seconds * 16000)
    swell = 0.1 * (1.2 + np.sin(np.arange(length) / 3000))
    return (swell * rng.standard_normal(length)).astype(np.float32)


@pytest.mark.parametrize("length", [1, 319, 320, 321, 640, 641, 16000, 16001])
def test_count_of_frames(length: int) -> None:
    features = CharacterExtractor(small_network(), "x").extract(noise(2.0)[:length])
    assert features.shape == (-(-length // 320), len(SYMBOLS)) and len(SYMBOLS) == 29
    assert torch.isfinite(features).all()


def test_no_samples_give_no_frames() -> None:
    assert CharacterExtractor(small_network(), "x").extract(noise(0.0)).shape == (0, 29)


@settings(max_examples=8, deadline=None)
@given(chunk=st.integers(2, 400), length=st.integers(20000, 110000))
def test_chunks_do_not_show(chunk: int, length: int) -> None:
    sound, network = noise(7.0)[:length], small_network()
    whole = CharacterExtractor(network, "x", chunk_frames=100_000).extract(sound)
    parts = CharacterExtractor(network, "x", chunk_frames=chunk).extract(sound)
    torch.testing.assert_close(parts, whole, atol=2e-4, rtol=1e-4)


def test_folded_network_is_the_network() -> None:
    network, sound = small_network(), noise(1.0)
    from rhetor.engine.audio.mel import level_gain, log_mel

    with torch.inference_mode():
        expected = network(log_mel(torch.from_numpy(sound * level_gain(sound))[None]))[0]
    found = CharacterExtractor(network, "x").extract(sound)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_level_does_not_matter_and_runs_agree() -> None:
    extractor, sound = CharacterExtractor(small_network(), "x"), noise(2.0)
    first = extractor.extract(sound)
    torch.testing.assert_close(first, extractor.extract(sound), atol=0, rtol=0)
    torch.testing.assert_close(first, extractor.extract(torch.from_numpy(sound)), atol=0, rtol=0)
    torch.testing.assert_close(first, extractor.extract(sound * 0.1), atol=2e-2, rtol=0)


def test_reach_is_as_stated() -> None:
    """A change of the sound beyond the reach changes nothing; one inside does."""
    network = small_network()
    mel = torch.randn(1, 64, 400)
    reach = SMALL.reach_frames
    with torch.inference_mode():
        before = network(mel)[0, 100]
        far, near = mel.clone(), mel.clone()
        far[:, :, 2 * (100 + reach) + 2 :] += 1.0
        far[:, :, : 2 * (100 - reach)] += 1.0
        near[:, :, 2 * 100] += 1.0
        assert torch.equal(network(far)[0, 100], before)
        assert not torch.allclose(network(near)[0, 100], before)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(2, 400),
    frames=st.integers(1, 300),
    rate_hz=st.sampled_from([24.0, 25.0, 30.0, 60.0]),
)
def test_to_frame_rate_keeps_time(count: int, frames: int, rate_hz: float) -> None:
    """Features that hold their own time come out holding the frames' times."""
    times = (torch.arange(count) + 0.5) / 50
    found = to_frame_rate(times[:, None].repeat(1, 29), frames, rate_hz)
    expected = (torch.arange(frames) / rate_hz).clamp(float(times[0]), float(times[-1]))
    assert found.shape == (frames, 29)
    torch.testing.assert_close(found[:, 7], expected, atol=1e-4, rtol=1e-4)


def test_weights_file_is_read_strictly(tmp_path: Path) -> None:
    network, path = small_network(), tmp_path / "features.safetensors"
    description = {"kind": FEATURES_KIND, "id": "test-1", "config": config_to(SMALL)}
    save_checkpoint(path, network.state_dict(), description)
    assert load_extractor(path=path).id == "test-1"
    save_checkpoint(path, network.state_dict(), {**description, "kind": "posegan"})
    with pytest.raises(CheckpointError, match="posegan"):
        load_extractor(path=path)
    tensors = network.state_dict()
    tensors.pop("letters.weight")
    save_checkpoint(path, tensors, description)
    with pytest.raises(CheckpointError):
        load_extractor(path=path)
    with pytest.raises(CheckpointError, match="missing"):
        load_extractor(path=tmp_path / "none.safetensors")


def test_shipped_weights_tell_speech_sounds_apart() -> None:
    """On silence the shipped network hears a space; a vowel-like buzz is something else."""
    extractor = load_extractor(path=DEFAULT_FEATURES_PATH)
    silence = extractor.extract(np.zeros(32000, np.float32)).argmax(1)
    assert (silence == 0).float().mean() > 0.95
    phase = 2 * np.pi * 120 * np.arange(32000) / 16000
    buzz = sum(np.exp(-(((120 * k - 700) / 400) ** 2)) * np.sin(k * phase) for k in range(1, 30))
    heard = extractor.extract((0.1 * buzz).astype(np.float32)).argmax(1)
    assert (heard[20:80] != 0).float().mean() > 0.8
