# SPDX-License-Identifier: GPL-3.0-or-later
"""`rhetor doctor`: looks at every part that can be missing or broken and says what to do."""

from __future__ import annotations

import importlib
import platform
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .head.model import DEFAULT_HEAD_PATH, load_head
from .protocol.errors import RhetorError
from .protocol.requests import PRESETS, AnimateRequest
from .protocol.weights_header import read_description
from .provenance import engine_version
from .styles import WEIGHTS_DIR

MIN_PYTHON = (3, 11)
_TRIAL_S = 2.0


@dataclass(frozen=True)
class Check:
    """One thing looked at. finding: what is there; hint: what to do where it is not good."""

    name: str
    is_good: bool
    finding: str
    hint: str = ""

    def to_line(self) -> str:
        """For people."""
        line = f"{'ok ' if self.is_good else 'BAD'}  {self.name:12} {self.finding}"
        return f"{line}\n{'':18}-> {self.hint}" if self.hint and not self.is_good else line

    def to_json(self) -> dict[str, str | bool]:
        """For programs."""
        return asdict(self)


def examine() -> list[Check]:
    """All checks, in the order in which to mend what is bad."""
    checks = [
        _check("engine", lambda: f"rhetor {engine_version()} in {Path(__file__).parent}"),
        _check("python", _python),
        _check("torch", _torch, "Install the engine again; its torch does not load."),
        _check("audio", _audio_libraries, "Install the engine again; PyAV does not load."),
        _check("head", _head, "Build it: python build.py setup, or rhetor head build."),
        _check("speech", lambda: _weights("features")),
    ]
    for preset in PRESETS:
        checks.append(_check(f"pose {preset}", lambda p=preset: _weights(f"posegan_{p}")))  # type: ignore[misc]
        checks.append(_check(f"face {preset}", lambda p=preset: _weights(f"pgface_{p}")))  # type: ignore[misc]
    checks.append(_check("trial run", _trial_run, "Mend what is bad above first."))
    return checks


def _check(name: str, look: Callable[[], str], hint: str = "") -> Check:
    try:
        return Check(name, True, look())
    except RhetorError as error:
        return Check(name, False, error.message, error.hint or hint)
    except Exception as error:  # a broken installation fails in any way there is
        return Check(name, False, f"{type(error).__name__}: {error}", hint)


def _python() -> str:
    if sys.version_info < MIN_PYTHON:
        raise RhetorError(
            f"Python {platform.python_version()} is too old.",
            f"Use Python {'.'.join(map(str, MIN_PYTHON))} or newer.",
        )
    return f"{platform.python_version()}, {sys.executable}"


def _torch() -> str:
    import torch

    from .device import choose_device, device_name

    device = device_name(choose_device("auto"))
    return f"{torch.__version__} on {device}, {torch.get_num_threads()} threads"


def _audio_libraries() -> str:
    av = importlib.import_module("av")
    version = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"PyAV {av.__version__}, libavcodec {version}"


def _head() -> str:
    started_s = time.perf_counter()
    head = load_head()
    loaded_s = time.perf_counter() - started_s
    count = sum(len(part.neutral) for part in head.parts.values())
    return f"{DEFAULT_HEAD_PATH.name}, {count} vertices, loaded in {loaded_s:.2f} s"


def _weights(name: str) -> str:
    from .checkpoint import file_sha256

    path = WEIGHTS_DIR / f"{name}.safetensors"
    steps = read_description(path).get("training", {}).get("steps", "?")
    return f"{path.name}, {steps} steps, sha256 {file_sha256(path)[:12]}"


def _trial_run() -> str:
    from .animate import Engine

    rate_hz = 16000
    seconds = np.arange(round(_TRIAL_S * rate_hz)) / rate_hz
    tone = (np.sin(2 * np.pi * 150 * seconds) * 8000).astype("<i2")
    with tempfile.TemporaryDirectory(prefix="rhetor-") as folder:
        path = Path(folder) / "trial.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, rate_hz, 0, "NONE", "not compressed"))
            file.writeframes(tone.tobytes())
        started_s = time.perf_counter()
        take = Engine().animate(
            AnimateRequest(str(path)), lambda fraction, stage: None, lambda text: None
        )
    took_s = time.perf_counter() - started_s
    return f"{take.frame_count} frames from {_TRIAL_S:g} s of sound in {took_s:.1f} s"
