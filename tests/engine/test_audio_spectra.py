# SPDX-License-Identifier: GPL-3.0-or-later
"""MFCC against python_speech_features, mel filters against librosa."""

import numpy as np
import pytest
import python_speech_features
import torch

from rhetor.engine.audio import mel
from rhetor.engine.audio.mfcc import DEEPSPEECH_INPUTS, deepspeech_mfcc, mfcc

GOLDEN_FRAME_10 = [19.45913, 18.547097, -2.841445, -22.418283]
"""Made once with python_speech_features 0.6 on `sweep()`: frame 10, cepstra 0 to 3."""


def sweep() -> np.ndarray:
    """One second from 100 Hz to 4 kHz as 16-bit integers."""
    times = np.arange(16000) / 16000
    phase = 2 * np.pi * (100 * times + 0.5 * 3900 * times**2)
    return np.round(8000 * np.sin(phase)).astype(np.int16)


@pytest.mark.parametrize("length", [160, 399, 400, 401, 560, 561, 16000, 16123])
def test_mfcc_is_that_of_python_speech_features(length: int) -> None:
    pcm = (np.random.default_rng(length).standard_normal(length) * 3000).astype(np.int16)
    expected = python_speech_features.mfcc(pcm, 16000, numcep=26)
    found = mfcc(pcm / 32767.0).numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_mfcc_golden_numbers() -> None:
    found = mfcc(sweep() / 32767.0).numpy()
    np.testing.assert_allclose(found[10, :4], GOLDEN_FRAME_10, atol=1e-4)


def test_deepspeech_windows_are_built_as_by_that_release() -> None:
    """Context, padding and whitening written again with plain loops."""
    pcm = sweep()
    frames = python_speech_features.mfcc(pcm, 16000, numcep=26)[::2]
    zeros = np.zeros((9, 26))
    padded = np.concatenate([zeros, frames, zeros])
    rows = np.array([padded[i : i + 19].reshape(-1) for i in range(len(frames))])
    rows = (rows - rows.mean()) / rows.std()
    found = deepspeech_mfcc(pcm / 32767.0)
    assert found.shape == (len(frames), DEEPSPEECH_INPUTS) == (50, 494)
    np.testing.assert_allclose(found.numpy(), rows, atol=1e-5)


def test_mfcc_of_silence_is_finite() -> None:
    assert torch.isfinite(deepspeech_mfcc(np.zeros(8000, np.float32))).all()


def test_mel_filters_are_those_of_librosa() -> None:
    from librosa import filters  # here: importing it costs seconds

    expected = filters.mel(sr=16000, n_fft=512, n_mels=64, fmin=40, fmax=7800, norm=None)
    np.testing.assert_array_equal(mel._filters(torch.device("cpu")).numpy(), expected)


def test_mel_frames_are_centred_where_they_say() -> None:
    sound = torch.zeros(1, 16000)
    click = 160 * 40 + 80
    sound[0, click] = 1.0
    energy = mel.log_mel(sound)[0].mean(0)
    assert energy.shape == (100,)
    assert int(energy.argmax()) == 40
    assert float(energy[39]) == pytest.approx(float(energy[41]), rel=1e-2)


@pytest.mark.parametrize("gain_db", [-30.0, 0.0, 12.0])
def test_level_gain_undoes_any_recording_level(gain_db: float) -> None:
    sound = 0.1 * np.random.default_rng(0).standard_normal(48000).astype(np.float32)
    factor = np.float32(10 ** (gain_db / 20))
    assert mel.level_gain(sound * factor) * factor == pytest.approx(mel.level_gain(sound), rel=1e-3)


def test_level_gain_leaves_silence_silent() -> None:
    assert mel.level_gain(np.zeros(16000, np.float32)) == pytest.approx(10 ** (36 / 20))
