# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips of any length become faces, window by window."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rhetor.engine.checkpoint import load_checkpoint, save_checkpoint
from rhetor.engine.pgface.config import PRESETS, STYLE_NAMES
from rhetor.engine.pgface.network import PGFace
from rhetor.engine.pgface.synthesizer import FaceSynthesizer, describe, load_pgface
from rhetor.engine.protocol.errors import CancelledError, CheckpointError, ConfigError


def _synthesizer(preset: str = "plus") -> FaceSynthesizer:
    torch.manual_seed(3)
    network = PGFace(PRESETS[preset])
    for module in network.modules():  # as trained statistics would be: away from 0 and 1
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    torch.nn.init.constant_(network.fully_connected[-1].bias, 0.5)
    return FaceSynthesizer(network, torch.device("cpu"))


def _clip(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=(frames, size)).astype(np.float32) for size in (29, 4, 6))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("frames", [1, 7, 16, 1000])
def test_any_length(preset, frames):
    identity, expression = _synthesizer(preset).generate(*_clip(frames))
    assert identity.shape == (50,) and expression.shape == (frames, 52)
    assert identity.dtype == expression.dtype == np.float32
    assert np.isfinite(identity).all() and np.isfinite(expression).all()
    assert expression.min() >= 0.0 and expression.max() <= 1.0


@pytest.mark.parametrize("preset", PRESETS)
def test_result_does_not_depend_on_the_chunk(preset):
    synthesizer, clip = _synthesizer(preset), _clip(300)
    whole = synthesizer.generate(*clip, chunk=1000)
    for chunk in (1, 7, 64):
        parts = synthesizer.generate(*clip, chunk=chunk)
        np.testing.assert_allclose(parts[0], whole[0], atol=2e-6)
        np.testing.assert_allclose(parts[1], whole[1], atol=2e-6)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_input_frame_reaches_the_frames_whose_windows_hold_it(which):
    synthesizer, clip = _synthesizer(), _clip(60)
    plain = synthesizer.generate(*clip)[1]
    at = 30
    clip[which][at] += 50.0
    changed = np.flatnonzero(np.abs(synthesizer.generate(*clip)[1] - plain).max(1) > 1e-5)
    # Windows cover frames i - 8 ... i + 7, so frame `at` lies in those of at - 7 ... at + 8.
    assert changed.tolist() == list(range(at - 7, at + 9))


def test_ends_are_held():
    synthesizer = _synthesizer()
    speech, prosody, pose = _clip(40)
    longer = [
        np.concatenate([np.repeat(a[:1], 20, 0), a, np.repeat(a[-1:], 20, 0)])
        for a in (speech, prosody, pose)
    ]
    short = synthesizer.generate(speech, prosody, pose)[1]
    np.testing.assert_allclose(synthesizer.generate(*longer)[1][20:60], short, atol=2e-6)


def test_identity_is_the_mean_over_the_clip():
    synthesizer, clip = _synthesizer(), _clip(90)
    with torch.inference_mode():
        rows = synthesizer._inputs(*clip)
        windows, contexts = (x.unfold(0, 16, 1) for x in rows)
        each = synthesizer.network(windows, contexts)[0]
    assert each.std(0).max() > 1e-3
    np.testing.assert_allclose(synthesizer.generate(*clip)[0], each.mean(0), atol=1e-6)


def test_styles_differ_and_repeat():
    synthesizer, clip = _synthesizer(), _clip(50)
    faces = {style: synthesizer.generate(*clip, style)[1] for style in STYLE_NAMES}
    assert all(np.abs(faces[a] - faces[b]).max() > 1e-3 for a in faces for b in faces if a < b)
    np.testing.assert_array_equal(faces["calm"], synthesizer.generate(*clip, "calm")[1])


@pytest.mark.parametrize("preset", PRESETS)
def test_unknown_style_is_refused_with_the_known_ones(preset):
    with pytest.raises(ConfigError, match="neutral"):
        _synthesizer(preset).generate(*_clip(5), "grumpy")


def test_inputs_must_fit_each_other():
    speech, prosody, pose = _clip(9)
    for bad in (
        (speech[:8], prosody, pose),
        (speech, prosody[:, :3], pose),
        (speech[:0], prosody[:0], pose[:0]),
        (speech[0], prosody[0], pose[0]),
    ):
        with pytest.raises(ConfigError, match="do not fit"):
            _synthesizer().generate(*bad)


def test_progress_rises_to_one_and_may_stop_the_work():
    seen: list[float] = []
    _synthesizer().generate(*_clip(100), progress=seen.append, chunk=30)
    assert seen == sorted(seen) and len(seen) == 4 and seen[-1] == 1.0

    def stop(fraction: float) -> None:
        seen.append(fraction)
        raise CancelledError("stopped")

    seen.clear()
    with pytest.raises(CancelledError):
        _synthesizer().generate(*_clip(100), progress=stop, chunk=30)
    assert len(seen) == 1


def test_weights_file_gives_back_the_network(tmp_path):
    synthesizer, clip = _synthesizer(), _clip(30)
    path = tmp_path / "face.safetensors"
    description = describe(PRESETS["plus"], "an extractor")
    save_checkpoint(path, synthesizer.network.state_dict(), description)
    loaded = load_pgface(path, "cpu")
    assert loaded.styles == STYLE_NAMES
    assert loaded.description["feature_extractor"] == "an extractor"
    # Weights are stored as float16.
    face, wanted = loaded.generate(*clip)[1], synthesizer.generate(*clip)[1]
    np.testing.assert_allclose(face, wanted, atol=5e-3)


@pytest.mark.parametrize("change", [{"kind": "posegan"}, {"head_model": "another"}])
def test_weights_for_something_else_are_refused(tmp_path, change):
    path = tmp_path / "face.safetensors"
    description = describe(PRESETS["paper"], "x") | change
    save_checkpoint(path, PGFace(PRESETS["paper"]).state_dict(), description)
    with pytest.raises(CheckpointError):
        load_pgface(path, "cpu")


def test_weights_that_do_not_fit_their_description_are_refused(tmp_path):
    path = tmp_path / "face.safetensors"
    description = describe(PRESETS["plus"], "x")
    save_checkpoint(path, PGFace(PRESETS["paper"]).state_dict(), description)
    with pytest.raises(CheckpointError, match="does not hold"):
        load_pgface(path, "cpu")


@pytest.mark.parametrize("preset", PRESETS)
def test_shipped_weights_load_and_move_the_mouth(preset):
    synthesizer = load_pgface(preset, "cpu")
    assert synthesizer.network.config == PRESETS[preset]
    speech, prosody, pose = _clip(120)
    expression = synthesizer.generate(8.0 * speech, prosody, 0.01 * pose)[1]
    assert expression.std(0).max() > 0.02
    _, description = load_checkpoint(
        _weights(preset), {"kind": "pgface", "preset": preset, "rate_hz": 30.0}
    )
    assert [s["name"] for s in description["styles"]] == list(synthesizer.styles)


def test_shipped_weights_are_small():
    assert all(_weights(preset).stat().st_size <= 2_000_000 for preset in PRESETS)


def _weights(preset: str):
    from rhetor.engine.checkpoint import WEIGHTS_DIR

    return WEIGHTS_DIR / f"pgface_{preset}.safetensors"
