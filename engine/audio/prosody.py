# SPDX-License-Identifier: GPL-3.0-or-later
"""Prosody at the frame rate: how high, how voiced, how loud, and where sounds begin.

Pitch is found with the normalised square difference of McLeod and Wyvill ("A smarter way to find
pitch", 2005), on all windows at once through FFTs. librosa's yin would do, but importing and
compiling it costs 2 to 4 s of the worker's start, and it is slower.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..protocol.take import MODEL_RATE_HZ
from .decode import SAMPLE_RATE_HZ, Samples

PROSODY_NAMES = ("log_f0", "voicing", "rms", "onset")
"""Columns of `prosody_channels`."""

LOWEST_F0_HZ, HIGHEST_F0_HZ = 60.0, 500.0

_Values = npt.NDArray[np.float32]
_WORK_RATE_HZ = SAMPLE_RATE_HZ // 2
_WINDOW = 512  # 64 ms at the work rate: about four periods of a low voice
_FFT = 720  # at least the window and the longest lag
_CHUNK = 512  # what stays in the cache is twice as fast as ten times as much
_HALVING_BLOCK = 1 << 17
_OVERSAMPLING = 2
_BANDS = 16
_VOICED = 0.5
_SILENCE_DBFS = -65.0
_RANGE_DB = 50.0
_LEAST_ONSET = 0.5  # nats a band; the strong onsets of speech measure 0.6 to 2.2


@dataclass(frozen=True)
class _Track:
    """Measurements at the inner rate; all (N,) float32."""

    f0_hz: _Values
    clarity: _Values
    level_db: _Values
    flux: _Values


def prosody_channels(
    samples: Samples,
    frame_count: int,
    rate_hz: float = MODEL_RATE_HZ,
    progress: Callable[[float], None] | None = None,
) -> npt.NDArray[np.float32]:
    """(frame_count, 4) float32, columns PROSODY_NAMES; frame i is at i / rate_hz s.

    samples: (S,) mono at 16 kHz. log_f0: log of the pitch in standard deviations from its mean
    over the voiced frames of this recording, 0 where unvoiced, within ±3. voicing: 0 to 1. rms:
    log level, 0 at 50 dB under the loud parts and below, 1 at the loud parts. onset: rise of the
    spectrum, 1 at a strong beginning. Silence gives zeros.
    progress: called with the fraction done after each chunk; what it raises passes through.
    """
    if frame_count == 0:
        return np.zeros((0, len(PROSODY_NAMES)), np.float32)
    inner_hz = _OVERSAMPLING * rate_hz
    track = _measure(samples, _OVERSAMPLING * frame_count, inner_hz, progress)
    loud_db = float(np.percentile(track.level_db, 95))
    if loud_db < _SILENCE_DBFS:
        return np.zeros((frame_count, len(PROSODY_NAMES)), np.float32)
    rms: _Values = np.clip((track.level_db - loud_db) / _RANGE_DB + 1.0, 0.0, 1.2)
    # A periodic hum far below the voice is not the voice.
    gate: _Values = np.clip((rms - 0.25) / 0.2, 0.0, 1.0)
    clear: _Values = np.clip((track.clarity - 0.3) / 0.5, 0.0, 1.0)
    voicing = clear * gate
    flux = track.flux * gate
    strong = max(float(np.percentile(flux, 97)), _LEAST_ONSET)
    onset: _Values = np.clip(flux / strong, 0.0, 1.5)
    log_f0 = _standardised_f0(track.f0_hz, voicing >= _VOICED)
    columns = [_every_other(log_f0), _smoothed(voicing), _smoothed(rms), _peak(onset)]
    return np.stack(columns, axis=1).astype(np.float32)


def pitch_track(
    samples: Samples, frame_count: int, rate_hz: float = MODEL_RATE_HZ
) -> tuple[_Values, _Values]:
    """Pitch in Hz and its clarity (0 to 1, above 0.5 is voiced), each (frame_count,)."""
    track = _measure(samples, frame_count, rate_hz)
    return track.f0_hz, track.clarity


def _measure(
    samples: Samples,
    count: int,
    rate_hz: float,
    progress: Callable[[float], None] | None = None,
) -> _Track:
    sound = _halved(np.asarray(samples, np.float32))
    centres = np.round(np.arange(count) / rate_hz * _WORK_RATE_HZ).astype(np.int64)
    needed = int(centres[-1]) + _WINDOW
    sound = np.pad(sound, (_WINDOW // 2, max(0, needed - len(sound))))
    # A first look at some of the frames finds the voice's register, which keeps the second from
    # taking an octave for the tone.
    sparse = centres[:: max(1, count // 400)]
    f0, clarity, _, _ = _analyse(sound, sparse, LOWEST_F0_HZ, HIGHEST_F0_HZ)
    clear = f0[clarity > 0.8]
    low, high = LOWEST_F0_HZ, HIGHEST_F0_HZ
    if len(clear) >= 5:
        middle = float(np.median(clear))
        low, high = max(low, middle / 2.2), min(high, middle * 2.2)
    parts = []
    for start in range(0, count, _CHUNK):
        parts.append(_analyse(sound, centres[start : start + _CHUNK], low, high))
        if progress is not None:
            progress(min(1.0, (start + _CHUNK) / count))
    f0, clarity, level, bands = (np.concatenate(column) for column in zip(*parts, strict=True))
    rise = np.diff(bands, axis=0, prepend=bands[:1])
    flux = np.maximum(rise, 0.0).mean(axis=1)
    return _Track(f0, clarity, level, flux.astype(np.float32))


def _analyse(
    sound: Samples, centres: npt.NDArray[np.int64], low_hz: float, high_hz: float
) -> tuple[_Values, ...]:
    """f0 (N,) Hz, clarity (N,), level (N,) dB and log band energies (N, bands) of windows."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[centres]
    x = torch.from_numpy(windows)  # (N, window), a copy
    spectrum = torch.fft.rfft(x, _FFT)
    power = spectrum.real.square() + spectrum.imag.square()  # (N, bins)
    bands = torch.log(power @ _band_matrix() / _WINDOW + 1e-5)
    shortest, longest = int(_WORK_RATE_HZ / high_hz), int(_WORK_RATE_HZ / low_hz) + 2
    correlation = torch.fft.irfft(power)[:, : longest + 2]
    squares = x.square()
    energy = squares.sum(1)
    # m(lag): energy of the window without its last, plus without its first, `lag` samples.
    lost = (squares + squares.flip(1)).cumsum(1)[:, : longest + 1]
    both = torch.cat([2 * energy[:, None], 2 * energy[:, None] - lost], dim=1)
    nsdf = 2 * correlation / both.clamp(min=1e-7)
    lag, clarity = _first_high_peak(nsdf, shortest, longest)
    level = 10 * torch.log10(energy / _WINDOW + 1e-12)
    return (_WORK_RATE_HZ / lag).numpy(), clarity.numpy(), level.numpy(), bands.numpy()


def _first_high_peak(
    nsdf: torch.Tensor, shortest: int, longest: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Lag (N,), with a parabola's fraction, and height of the first peak near the highest."""
    inner = nsdf[:, shortest : longest + 1]
    before, after = nsdf[:, shortest - 1 : longest], nsdf[:, shortest + 1 : longest + 2]
    peaks = torch.where((inner >= before) & (inner > after), inner, inner.new_tensor(-1.0))
    enough = 0.88 * peaks.amax(1, keepdim=True).clamp(min=0.0)
    chosen = (peaks >= enough).int().argmax(1, keepdim=True)
    a, b, c = (part.gather(1, chosen)[:, 0] for part in (before, inner, after))
    bend = a - 2 * b + c
    shift = torch.where(bend < -1e-6, 0.5 * (a - c) / bend, torch.zeros_like(b)).clamp(-0.5, 0.5)
    height = peaks.gather(1, chosen)[:, 0].clamp(0.0, 1.0)
    return chosen[:, 0] + shortest + shift, height


def _standardised_f0(f0_hz: _Values, voiced: npt.NDArray[np.bool_]) -> _Values:
    """z-score of log pitch, median filtered over 5 voiced neighbours, 0 where unvoiced."""
    log_f0 = np.where(voiced, np.log(np.maximum(f0_hz, 1.0)), np.nan)
    if voiced.sum() < 3:
        return np.zeros(len(f0_hz), np.float32)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(log_f0, 2, mode="edge"), 5)
    some = near[voiced]  # each row holds at least its own voiced centre
    median = np.nanmedian(some, axis=1)
    # A monotone voice (or a tone) has no melody to stretch: the spread has a floor of a semitone.
    spread = max(float(median.std()), float(np.log(2) / 12))
    result = np.zeros(len(f0_hz), np.float32)
    result[voiced] = np.clip((median - median.mean()) / spread, -3.0, 3.0)
    return result


def _every_other(values: _Values) -> _Values:
    return values[::_OVERSAMPLING]


def _smoothed(values: _Values) -> _Values:
    padded = np.pad(values, 1, mode="edge")
    mixed: _Values = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return mixed[::_OVERSAMPLING]


def _peak(values: _Values) -> _Values:
    """The higher of a frame's own value and the one half a frame before it."""
    higher: _Values = np.maximum(values, np.pad(values, (1, 0))[:-1])
    return higher[::_OVERSAMPLING]


def _halved(samples: Samples) -> Samples:
    """Every second sample after a half-band low-pass (31-tap windowed sinc, 16 taps not zero)."""
    reach = 15
    odd = np.arange(1, reach + 1, 2)
    taps = np.sinc(odd / 2) * (0.54 + 0.46 * np.cos(np.pi * odd / reach))
    taps = (taps / (4 * taps.sum())).astype(np.float32)
    count = (len(samples) + 1) // 2
    padded = np.pad(samples, (reach, reach + 1))
    halved = np.empty(count, np.float32)
    for start in range(0, count, _HALVING_BLOCK):
        stop = min(start + _HALVING_BLOCK, count)
        block = padded[2 * start : 2 * stop + 2 * reach]
        centre = block[reach : len(block) - reach : 2]
        halved[start:stop] = 0.5 * centre
        for step, tap in zip(odd, taps, strict=True):
            below = block[reach - step : len(block) - reach - step : 2]
            above = block[reach + step : len(block) - reach + step : 2]
            halved[start:stop] += tap * (below + above)
    return halved


@functools.cache
def _band_matrix() -> torch.Tensor:
    """(bins, bands) 0/1: which FFT bin belongs to which of the bands, log-spaced above 100 Hz."""
    hertz = np.arange(_FFT // 2 + 1) * _WORK_RATE_HZ / _FFT
    edges = np.geomspace(100.0, _WORK_RATE_HZ / 2, _BANDS + 1)
    band = np.digitize(hertz, edges) - 1
    return torch.from_numpy((band[:, None] == np.arange(_BANDS)).astype(np.float32))
