# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way from a recording to a take, with the weights that ship."""

import hashlib
import math
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rhetor.engine import animate as animate_module
from rhetor.engine.animate import STAGE_SHARES, Engine
from rhetor.engine.audio.decode import decode_audio
from rhetor.engine.checkpoint import WEIGHTS_DIR, file_sha256
from rhetor.engine.head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from rhetor.engine.pgface.eyes import EYE_CURVES
from rhetor.engine.protocol.errors import AudioError, CancelledError, CheckpointError, ConfigError
from rhetor.engine.protocol.requests import AnimateRequest, animate_request

DEMO = Path(__file__).parents[2] / "assets" / "demo" / "speech.flac"
SECONDS, FRAMES = 8, 240
LIPS = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthLowerDownLeft", "mouthUpperUpLeft")


@pytest.fixture(scope="module")
def engine():
    engine = Engine()
    engine.warm_up("cpu")
    return engine


@pytest.fixture(scope="module")
def speech():
    return AnimateRequest(str(DEMO), device="cpu", max_seconds=float(SECONDS))


def run(engine, request, progress=lambda fraction, stage: None, warn=lambda text: None):
    return engine.animate(request, progress, warn)


def write_wav(path: Path, samples: np.ndarray) -> AnimateRequest:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", "not compressed"))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return AnimateRequest(str(path), device="cpu")


def arrays(take):
    return take.pose, take.expression, take.identity


def same(one, other):
    return all((a == b).all() for a, b in zip(arrays(one), arrays(other), strict=True))


@pytest.fixture(scope="module")
def take(engine, speech):
    return run(engine, speech)


def test_a_take_covers_the_recording_with_numbers_in_range(take):
    assert take.frame_count == FRAMES and take.fps == 30.0
    assert take.expression_names == EXPRESSION_NAMES
    assert take.identity.shape == (IDENTITY_SIZE,)
    assert take.expression.min() >= 0 and take.expression.max() <= 1
    assert np.abs(take.pose[:, :3]).max() < 1.0  # rad: no head turns 57 degrees in small talk
    assert np.abs(take.pose[:, 3:]).max() < 200.0  # mm


def test_speech_moves_head_and_mouth(take):
    assert np.degrees(take.pose[:, :3].std(0)).max() > 0.5
    assert take.expression_channel("jawOpen").std() > 0.02
    assert take.expression_channel("eyeBlinkLeft").max() > 0.8


def test_the_mouth_follows_this_speech_and_no_other(take):
    """Loudness of each frame against the jaw, and against the jaw half a clip later."""
    samples = decode_audio(DEMO).samples[: SECONDS * 16000]
    frames = samples[: FRAMES * 533].reshape(FRAMES, 533)
    loudness = np.convolve(np.log(np.sqrt((frames**2).mean(1)) + 1e-4), np.ones(5) / 5, "same")
    jaw = np.convolve(take.expression_channel("jawOpen"), np.ones(5) / 5, "same")
    matched = np.corrcoef(loudness, jaw)[0, 1]
    shifted = np.corrcoef(loudness, np.roll(jaw, FRAMES // 2))[0, 1]
    assert matched > 0.3 and matched > shifted + 0.2


def test_provenance_names_all_that_made_the_take(take, speech):
    meta = take.meta
    assert meta["audio"]["sha256"] == hashlib.sha256(DEMO.read_bytes()).hexdigest()
    weights = ("features", "posegan_plus", "pgface_plus")
    assert meta["weights_sha256"] == {
        name: file_sha256(WEIGHTS_DIR / f"{name}.safetensors") for name in weights
    }
    assert animate_request({"audio": str(DEMO), **meta["settings"]}) == speech
    assert str(DEMO.parent) not in str(meta)  # takes are passed on; paths are private
    assert meta["device"] == "cpu" and meta["engine_version"] and meta["warnings"] == []
    assert set(meta["stage_times_s"]) == set(STAGE_SHARES)


def test_the_same_request_gives_the_same_take(engine, speech, take):
    assert same(run(engine, speech), take)


def test_seed_and_style_change_the_performance(engine, speech, take):
    other_seed = run(engine, replace(speech, seed=1))
    other_style = run(engine, replace(speech, style="lively"))
    for other in (other_seed, other_style):
        assert np.degrees(np.abs(other.pose[:, :3] - take.pose[:, :3])).max() > 0.5


def test_the_start_pose_is_frame_0_exactly_at_any_frame_rate(engine, speech):
    start = (0.1, -0.2, 0.05, 3.0, -2.0, 1.0)
    for fps in (30.0, 24.0, 60.0):
        got = run(engine, replace(speech, start_pose=start, fps=fps, max_seconds=2.0))
        assert got.frame_count == round(2 * fps)
        np.testing.assert_allclose(got.pose[0], start, atol=1e-5)


def test_eyes_can_be_left_out_and_the_identity_given(engine, speech, take):
    identity = tuple(np.linspace(-1, 1, IDENTITY_SIZE).astype(np.float32).tolist())
    got = run(engine, replace(speech, eyes=False, identity=identity))
    np.testing.assert_allclose(got.identity, identity, atol=1e-6)
    others = [i for i, name in enumerate(EXPRESSION_NAMES) if name not in EYE_CURVES]
    assert (got.expression[:, others] == take.expression[:, others]).all()
    assert got.expression_channel("eyeBlinkLeft").max() < 0.5


def test_the_identity_must_fit_the_head(engine, speech):
    with pytest.raises(ConfigError, match="50"):
        run(engine, replace(speech, identity=(0.0, 1.0)))


def test_the_paper_preset_needs_no_seed(engine, speech):
    first, second = (
        run(engine, replace(speech, preset="paper", seed=seed, eyes=False)) for seed in (0, 1)
    )
    assert same(first, second)
    assert first.expression_channel("jawOpen").std() > 0.01


@pytest.mark.parametrize("count", [1, 100, 8000, 16001])
def test_short_recordings(engine, tmp_path, count):
    samples = np.sin(np.arange(count) * 0.06) * 0.4
    got = run(engine, write_wav(tmp_path / "short.wav", samples))
    assert got.frame_count == max(1, math.ceil(count / 16000 * 30))


@pytest.mark.parametrize("noise", [0.0, 1e-3], ids=["digital", "room"])
def test_silence_is_a_calm_head_with_a_closed_mouth(engine, tmp_path, noise):
    samples = np.random.default_rng(0).normal(size=16000 * 20) * noise
    got = run(engine, write_wav(tmp_path / "silence.wav", samples))
    for name in LIPS:
        assert got.expression_channel(name).max() < 0.12, name
    step = np.abs(np.diff(np.degrees(got.pose[:, :3]), axis=0)).mean(0)
    assert step.max() < 0.4  # degrees per frame
    assert got.expression_channel("eyeBlinkLeft").max() > 0.8  # alive


@pytest.mark.parametrize("style", ["neutral", "lively", "formal"])
def test_listening_is_a_living_head_whose_mouth_rests(engine, style):
    got = run(engine, AnimateRequest(silence_s=30.0, style=style, fps=24.0, device="cpu"))
    assert got.frame_count == 720
    for name in (*LIPS, "mouthClose"):
        assert got.expression_channel(name).max() < 0.05, name
    degrees = np.degrees(got.pose[:, :3])
    assert degrees.std(0).max() > 0.2  # it moves
    assert np.abs(np.diff(degrees, axis=0)).max() < 0.5  # and nothing jerks
    shut = got.expression_channel("eyeBlinkLeft") > 0.5
    assert 4 <= (shut[1:] & ~shut[:-1]).sum() <= 20
    assert got.expression_channel("eyeLookOutLeft").std() > 0.01
    assert got.meta["audio"]["sha256"] == "" and got.meta["warnings"] == []
    assert animate_request(got.meta["settings"]).silence_s == 30.0


@pytest.mark.parametrize("fps", [24000 / 1001, 25.0, 30.0, 60.0])
def test_a_part_has_the_frames_that_were_asked_for(engine, speech, fps):
    for frames, margin in ((1, 0), (25, 0), (41, 8)):
        part = replace(
            speech, start_s=2.0, max_seconds=frames / fps, lead_s=margin / fps, trail_s=2 / fps
        )
        assert run(engine, replace(part, fps=fps)).frame_count == margin + frames + 2


def test_a_part_is_performed_to_what_is_heard_in_it(engine, speech, tmp_path):
    """The same samples in a file of their own give the same performance."""
    samples = decode_audio(DEMO, start_s=3.0, max_seconds=2.0).samples
    alone = run(engine, write_wav(tmp_path / "part.wav", samples))
    part = run(engine, replace(speech, start_s=3.0, max_seconds=2.0))
    assert part.frame_count == alone.frame_count == 60
    np.testing.assert_allclose(part.expression, alone.expression, atol=0.02)  # 16 bits


def test_the_silence_around_has_a_closed_mouth(engine, speech):
    got = run(engine, replace(speech, start_s=1.0, max_seconds=3.0, lead_s=1.0, trail_s=1.0))
    jaw = got.expression_channel("jawOpen")
    assert got.frame_count == 150 and jaw[30:120].max() > 0.1
    assert max(jaw[:20].max(), jaw[-20:].max()) < 0.05


def test_audio_errors_pass_through(engine, tmp_path):
    with pytest.raises(AudioError, match="no file"):
        run(engine, AnimateRequest(str(tmp_path / "none.wav"), device="cpu"))


def test_progress_grows_to_the_end_and_names_each_stage(engine, speech):
    seen = []
    run(engine, speech, lambda fraction, stage: seen.append((fraction, stage)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[0] == 0.0
    assert fractions[-1] == pytest.approx(1.0)
    assert list(dict.fromkeys(stage for _, stage in seen)) == list(STAGE_SHARES)


@pytest.mark.parametrize("stop_at", STAGE_SHARES)
def test_every_stage_can_be_cancelled_and_the_engine_goes_on(engine, speech, take, stop_at):
    def stop(fraction, stage):
        if stage == stop_at:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        run(engine, speech, stop)
    assert same(run(engine, replace(speech, max_seconds=1.0)), run_first_second(engine, speech))


def run_first_second(engine, speech):
    return run(engine, replace(speech, max_seconds=1.0))


class SmallGpuEngine(Engine):
    """An engine whose networks do not fit on anything but the CPU."""

    def networks(self, preset, device, style="neutral"):
        if device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().networks(preset, device, style)


def test_a_gpu_without_memory_gives_the_cpus_take_and_a_warning(speech, take, monkeypatch):
    monkeypatch.setattr(animate_module, "choose_device", lambda name: torch.device("meta"))
    warned = []
    got = run(SmallGpuEngine(), speech, warn=warned.append)
    assert same(got, take)
    assert got.meta["device"] == "cpu"
    assert len(warned) == 1 and warned == got.meta["warnings"]


def test_weights_for_other_speech_features_are_refused(monkeypatch):
    real = animate_module.load_extractor

    def other(device):
        extractor = real(device)
        extractor.id = "deepspeech-0.9.3"
        return extractor

    monkeypatch.setattr(animate_module, "load_extractor", other)
    with pytest.raises(CheckpointError, match=r"deepspeech-0\.9\.3"):
        Engine().warm_up("cpu")
