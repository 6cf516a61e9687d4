# SPDX-License-Identifier: GPL-3.0-or-later
"""Prosody on sounds whose pitch, loudness and beginnings are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetor.engine.audio.prosody import PROSODY_NAMES, pitch_track, prosody_channels

RATE = 16000


def voice(f0_hz: np.ndarray, amplitude: float = 0.1) -> np.ndarray:
    """A buzz of eight harmonics; f0_hz: (S,)."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    return (amplitude * sum(np.sin(k * phase + k) / k for k in range(1, 9))).astype(np.float32)


def steady(f0_hz: float, seconds: float = 1.5) -> np.ndarray:
    return voice(np.full(int(seconds * RATE), f0_hz))


def channel(sound: np.ndarray, name: str, frames: int) -> np.ndarray:
    return prosody_channels(sound, frames)[:, PROSODY_NAMES.index(name)]


@settings(max_examples=8, deadline=None)
@given(f0=st.floats(65, 450), level_db=st.floats(-40, 0))
def test_pitch_of_steady_voices(f0: float, level_db: float) -> None:
    found, clarity = pitch_track(steady(f0) * np.float32(10 ** (level_db / 20)), 45)
    assert np.abs(found[3:-3] / f0 - 1).max() < 0.01
    assert clarity[3:-3].min() > 0.9


def test_pitch_follows_a_glide() -> None:
    times = np.arange(4 * RATE) / RATE
    found, _ = pitch_track(voice(110 * 2 ** (times / 4)), 120)
    expected = 110 * 2 ** (np.arange(120) / 30 / 4)
    assert np.abs(found[3:-3] / expected[3:-3] - 1).max() < 0.01


def test_pitch_survives_noise() -> None:
    rng = np.random.default_rng(0)
    sound = steady(140.0, 3.0)
    noisy = sound + 0.3 * sound.std() * rng.standard_normal(len(sound)).astype(np.float32)
    found, _ = pitch_track(noisy, 90)
    assert np.mean(np.abs(found[3:-3] / 140 - 1) < 0.03) > 0.95


def test_noise_and_silence_are_unvoiced_and_a_voice_is_voiced() -> None:
    rng = np.random.default_rng(1)
    hiss = (0.05 * rng.standard_normal(RATE)).astype(np.float32)
    sound = np.concatenate([steady(120, 1.0), np.zeros(RATE, np.float32), hiss])
    voicing = channel(sound, "voicing", 90)
    assert voicing[3:27].min() > 0.9
    assert voicing[33:57].max() == 0.0
    assert voicing[63:87].mean() < 0.1


def test_log_f0_is_standardised_over_the_voiced_frames() -> None:
    low, high = steady(100, 1.0), steady(200, 1.0)
    log_f0 = channel(np.concatenate([low, np.zeros(RATE, np.float32), high]), "log_f0", 90)
    assert np.allclose(log_f0[4:26], -1.0, atol=0.1)
    assert not log_f0[33:57].any()
    assert np.allclose(log_f0[64:86], 1.0, atol=0.1)


def test_log_f0_of_a_monotone_voice_is_flat() -> None:
    assert np.abs(channel(steady(150), "log_f0", 45)).max() < 0.2


@pytest.mark.parametrize("gain", [0.01, 0.3, 1.0])
def test_rms_is_one_where_loud_and_independent_of_gain(gain: float) -> None:
    sound = np.concatenate([steady(120, 2.0), 0.1 * steady(120, 2.0), np.zeros(RATE, np.float32)])
    rms = channel(sound * np.float32(gain), "rms", 150)
    assert np.allclose(rms[3:57], 1.0, atol=0.03)
    assert np.allclose(rms[64:117], 0.6, atol=0.03)  # 20 dB of 50
    assert rms[124:].max() == 0.0


def test_onset_marks_where_a_sound_begins() -> None:
    silence = np.zeros(RATE, np.float32)
    onset = channel(np.concatenate([silence, steady(120, 1.0), silence]), "onset", 90)
    assert abs(int(onset.argmax()) - 30) <= 1
    assert onset[40:58].max() < 0.3 * onset.max()


@settings(max_examples=8, deadline=None)
@given(length=st.integers(0, 20000), frames=st.integers(0, 60))
def test_any_length_gives_finite_numbers_in_range(length: int, frames: int) -> None:
    sound = (0.3 * np.random.default_rng(length).standard_normal(length)).astype(np.float32)
    found = prosody_channels(sound, frames)
    assert found.shape == (frames, 4)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(found).max(initial=0.0) <= 3.0


def test_silence_is_all_zero() -> None:
    assert not prosody_channels(np.zeros(RATE, np.float32), 30).any()
