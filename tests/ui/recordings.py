# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings to drop: the demo's speech, said over and over for as long as is wanted."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from rhetor.engine.audio.decode import SAMPLE_RATE_HZ, decode_audio
from rhetor.tests.ui.blender_place import ROOT

_DEMO = ROOT / "assets" / "demo" / "speech.flac"


def write_speech(path: Path, seconds: float) -> Path:
    """Write that much speech as mono 16-bit PCM; returns the path."""
    recording = decode_audio(_DEMO)
    samples = np.resize(recording.samples, int(seconds * SAMPLE_RATE_HZ))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE_HZ, len(samples), "NONE", ""))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path
