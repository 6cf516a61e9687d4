# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end of Mozilla DeepSpeech 0.1.0: 26 cepstra at 50 Hz in context windows of 19.

Defined by that release's use of python_speech_features 0.6 with its defaults; the test compares.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch

from .decode import SAMPLE_RATE_HZ, Samples

CEPSTRA = 26
CONTEXT_FRAMES = 9
DEEPSPEECH_INPUTS = CEPSTRA * (2 * CONTEXT_FRAMES + 1)
"""494 numbers for each 20 ms."""

_WINDOW, _STEP, _FFT, _FILTERS = 400, 160, 512, 26
_PRE_EMPHASIS, _LIFTER = 0.97, 22
_EPSILON = float(np.finfo(np.float64).eps)


def mfcc(samples: Samples) -> torch.Tensor:
    """(N, 26) float64 cepstra at 100 Hz of mono 16 kHz samples (S,) in [-1, 1].

    The first cepstrum is replaced by the log energy. Samples are taken as 16-bit integers, as
    DeepSpeech did; the window is rectangular and the last one is filled with zeros.
    """
    pcm = np.round(np.asarray(samples, np.float64) * 32767.0)
    emphasised = np.concatenate([pcm[:1], pcm[1:] - _PRE_EMPHASIS * pcm[:-1]])
    count = 1 + max(0, math.ceil((len(pcm) - _WINDOW) / _STEP))
    padded = np.zeros((count - 1) * _STEP + _WINDOW)
    padded[: len(emphasised)] = emphasised
    frames = torch.from_numpy(padded).unfold(0, _WINDOW, _STEP)  # (N, window)
    spectrum = torch.fft.rfft(frames, _FFT)
    power = (spectrum.real.square() + spectrum.imag.square()) / _FFT  # (N, bins)
    energy = power.sum(1).clamp(min=_EPSILON)
    mel = (power @ _filters().T).clamp(min=_EPSILON).log()
    cepstra: torch.Tensor = (mel @ _cosines().T) * _lifter()
    cepstra[:, 0] = energy.log()
    return cepstra


def deepspeech_mfcc(samples: Samples) -> torch.Tensor:
    """(N, 494) float32: what DeepSpeech 0.1.0 reads, 50 frames a second.

    Every second frame, with 9 frames (of 20 ms) before and after it, zeros beyond the ends, all
    whitened by one mean and one standard deviation of the whole utterance.
    """
    frames = mfcc(samples)[::2]
    context = torch.zeros(CONTEXT_FRAMES, CEPSTRA, dtype=frames.dtype)
    padded = torch.cat([context, frames, context])
    windows = padded.unfold(0, 2 * CONTEXT_FRAMES + 1, 1)  # (N, 26, 19)
    inputs = windows.transpose(1, 2).reshape(len(frames), DEEPSPEECH_INPUTS)
    spread = inputs.std(correction=0).clamp(min=_EPSILON)
    whitened: torch.Tensor = ((inputs - inputs.mean()) / spread).float()
    return whitened


@functools.cache
def _filters() -> torch.Tensor:
    """(26, bins) triangles whose corners lie on whole FFT bins."""

    def to_mel(hertz: float) -> float:
        return 2595.0 * math.log10(1.0 + hertz / 700.0)

    mels = np.linspace(to_mel(0.0), to_mel(SAMPLE_RATE_HZ / 2), _FILTERS + 2)
    hertz = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    corners = np.floor((_FFT + 1) * hertz / SAMPLE_RATE_HZ)[:, None]
    bins = np.arange(_FFT // 2 + 1)
    left, middle, right = corners[:-2], corners[1:-1], corners[2:]
    rising = (bins - left) / (middle - left)
    falling = (right - bins) / (right - middle)
    inside_left = (bins >= left) & (bins < middle)
    inside_right = (bins >= middle) & (bins < right)
    return torch.from_numpy(np.where(inside_left, rising, np.where(inside_right, falling, 0.0)))


@functools.cache
def _cosines() -> torch.Tensor:
    """(26, 26) orthonormal type-II cosine transform."""
    k, n = np.arange(CEPSTRA)[:, None], np.arange(_FILTERS)
    matrix = np.cos(np.pi * k * (2 * n + 1) / (2 * _FILTERS)) * math.sqrt(2.0 / _FILTERS)
    matrix[0] /= math.sqrt(2.0)
    return torch.from_numpy(matrix)


@functools.cache
def _lifter() -> torch.Tensor:
    k = np.arange(CEPSTRA)
    return torch.from_numpy(1.0 + _LIFTER / 2 * np.sin(np.pi * k / _LIFTER))
