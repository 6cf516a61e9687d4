# SPDX-License-Identifier: GPL-3.0-or-later
"""Log-mel spectrum: what the feature network hears."""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from .decode import SAMPLE_RATE_HZ, Samples

HOP_SAMPLES = 160
"""Samples between mel frames (10 ms). Frame k is centred on sample 160·k + 80."""

MEL_BANDS = 64
FFT_SIZE = 512
_WINDOW_SAMPLES = 400
_LOWEST_HZ, _HIGHEST_HZ = 40.0, 7800.0
_POWER_FLOOR = 1e-7

_TARGET_DBFS = -20.0
_MOST_GAIN_DB = 36.0
_LEVEL_BLOCK_S = 60


def log_mel(samples: torch.Tensor) -> torch.Tensor:
    """Natural log of mel power. samples: (B, S) float in [-1, 1]; gives (B, MEL_BANDS, S // 160).

    Frames near the ends see zeros beyond them.
    """
    left = FFT_SIZE // 2 - HOP_SAMPLES // 2
    padded = F.pad(samples, (left, FFT_SIZE - HOP_SAMPLES - left))
    spectrum = torch.stft(
        padded,
        n_fft=FFT_SIZE,
        hop_length=HOP_SAMPLES,
        win_length=_WINDOW_SAMPLES,
        window=_window(samples.device),
        center=False,
        return_complex=True,
    )  # (B, bins, T)
    power = spectrum.real.square() + spectrum.imag.square()
    return torch.log(torch.matmul(_filters(samples.device), power) + _POWER_FLOOR)


def level_gain(samples: Samples) -> float:
    """Factor that brings the loud parts of a whole recording to -20 dB of full scale.

    Judged on the 95th percentile of 20 ms frames, so that pauses do not count; at most +36 dB,
    so that silence stays silence.
    """
    levels = []
    block = _LEVEL_BLOCK_S * SAMPLE_RATE_HZ
    for start in range(0, len(samples), block):
        part = samples[start : start + block]
        frames = np.resize(part, (max(1, len(part) // 320), 320)).astype(np.float32)
        levels.append(np.einsum("fs,fs->f", frames, frames) / 320.0)
    loud = float(np.percentile(np.concatenate(levels), 95)) if levels else 0.0
    level_db = 10.0 * math.log10(loud + 1e-12)
    return float(10.0 ** (min(_TARGET_DBFS - level_db, _MOST_GAIN_DB) / 20.0))


@functools.cache
def _window(device: torch.device) -> torch.Tensor:
    return torch.hann_window(_WINDOW_SAMPLES, device=device)


@functools.cache
def _filters(device: torch.device) -> torch.Tensor:
    """Triangles as librosa draws them (written out: importing librosa costs the worker 2 s)."""
    hertz = np.arange(FFT_SIZE // 2 + 1) * SAMPLE_RATE_HZ / FFT_SIZE
    edges = _to_hertz(np.linspace(_to_mel(_LOWEST_HZ), _to_mel(_HIGHEST_HZ), MEL_BANDS + 2))
    left, middle, right = (edges[i : i + MEL_BANDS, None] for i in range(3))
    rising, falling = (hertz - left) / (middle - left), (right - hertz) / (right - middle)
    filters = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    return torch.from_numpy(filters).to(device)  # (MEL_BANDS, bins)


def _to_mel(hertz: float) -> float:
    """Slaney's scale: linear below 1 kHz, logarithmic above."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def _to_hertz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * math.log(6.4) / 27))
