# SPDX-License-Identifier: GPL-3.0-or-later
"""How long Blender's main thread is held while the engine works, as the panel's timer holds it."""

from __future__ import annotations

import tempfile
import time
import wave
from pathlib import Path

import bpy
import numpy as np

from ..engine.protocol.requests import AnimateRequest
from .identify import BlockId
from .scene_read import Order
from .session import PUMP_INTERVAL_S, Session

_RATE_HZ = 16_000


def time_pumping(python: Path, seconds: float) -> dict[str, float]:
    """Milliseconds of one job with a recording of so many seconds, from a cold engine to its take.

    submit_ms: to start the engine and to send the order. longest_pump_ms: the longest that taking
    in its messages has held the thread, the arrival of the take included.
    """
    session = Session()
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder) / "bench.wav"
        _write_noise(audio, seconds)
        request = AnimateRequest(str(audio))
        scene = BlockId.of(bpy.context.scene)
        started_s = time.perf_counter()
        session.submit(Order(request, scene, scene, 1), python)
        submit_s, longest_s, performance = time.perf_counter() - started_s, 0.0, None
        while session.is_working and performance is None:
            time.sleep(PUMP_INTERVAL_S)
            started_s = time.perf_counter()
            performance = session.pump()
            longest_s = max(longest_s, time.perf_counter() - started_s)
        session.stop()
    if performance is None:
        raise session.error or RuntimeError("the engine made no take")
    return {
        "submit_ms": round(submit_s * 1000, 2),
        "longest_pump_ms": round(longest_s * 1000, 2),
    }


def _write_noise(path: Path, seconds: float) -> None:
    """Noise in syllables, which is as much work as speech."""
    count = round(_RATE_HZ * seconds)
    noise = np.random.default_rng(0).normal(scale=3000.0, size=count)
    syllables = np.clip(np.sin(np.arange(count) * (2.0 * np.pi * 3.0 / _RATE_HZ)), 0.0, 1.0)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, _RATE_HZ, count, "NONE", ""))
        file.writeframes((noise * syllables).astype("<i2").tobytes())
