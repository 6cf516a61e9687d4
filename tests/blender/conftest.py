# SPDX-License-Identifier: GPL-3.0-or-later
"""Run scripts inside every Blender that is here, on the extension installed from its zip.

A scenario is a script in scenarios/ that runs in a process of its own: Blender can abort or hang
at exit, and each version needs its own Python. It prints one JSON line on success.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = Path(__file__).parent / "scenarios"
ENVIRONMENTS = {"4.2": ".venv-4.2", "4.5": ".venv", "5.0": ".venv-5.0", "5.2": ".venv-5.2"}
DEFAULT = "4.5" if sys.version_info < (3, 13) else "5.2"
HEAD = ROOT / "assets" / "head" / "default_head.npz"


def wanted_versions() -> list[str]:
    """Versions named in RHETOR_TEST_BLENDERS (comma separated), else all."""
    named = os.environ.get("RHETOR_TEST_BLENDERS", "")
    return [v for v in ENVIRONMENTS if v in named.split(",")] if named else list(ENVIRONMENTS)


@dataclass(frozen=True)
class Blender:
    """One Blender as a Python with its bpy module, and the resources folder of this session."""

    version: str
    python: Path
    resources: Path

    @property
    def is_default(self) -> bool:
        """Whether this is the version that development uses."""
        return self.version == DEFAULT

    def environment(self, **extra: str) -> dict[str, str]:
        """A clean environment: none of the person's Blender, none of this test run's Python."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "RHETOR"))}
        ours = {
            "BLENDER_USER_RESOURCES": str(self.resources),
            "RHETOR_STYLES": str(self.resources / "styles"),
            "RHETOR_ENGINE_HOME": str(self.resources / "engine"),
        }
        return {**kept, **ours, **extra}

    def run(
        self, scenario: str, *arguments: object, timeout_s: float = 180.0, **environment: str
    ) -> dict[str, Any]:
        """Run a scenario to success and return what it printed as its last line."""
        done = self.start(scenario, *arguments, timeout_s=timeout_s, **environment)
        output = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        assert done.returncode == 0, (
            f"{scenario} on {self.version}: exit {done.returncode}\n{output}"
        )
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return result

    def start(
        self, scenario: str, *arguments: object, timeout_s: float = 180.0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a scenario and return how it ended."""
        command = [str(self.python), str(SCENARIOS / f"{scenario}.py"), *map(str, arguments)]
        return subprocess.run(
            command,
            env=self.environment(**environment),
            cwd=self.resources,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
        )


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as `build.py package` makes it, or the zip that RHETOR_TEST_ZIP names."""
    if named := os.environ.get("RHETOR_TEST_ZIP"):
        return Path(named)
    if not HEAD.exists():
        pytest.skip("the head has not been built: run build.py setup")
    folder = tmp_path_factory.mktemp("zip")
    command = [sys.executable, str(ROOT / "build.py"), "package", "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = folder.glob("*.zip")
    return archive


@pytest.fixture(scope="session", params=wanted_versions())
def blender(
    request: pytest.FixtureRequest, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> Blender:
    """Each Blender in turn, with the extension installed and enabled."""
    return _installed(request.param, extension_zip, tmp_path_factory)


@pytest.fixture(scope="session")
def default_blender(extension_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Blender:
    """The development version alone, for what does not differ between versions."""
    return _installed(DEFAULT, extension_zip, tmp_path_factory)


_ready: dict[str, Blender] = {}


def _installed(version: str, archive: Path, folders: pytest.TempPathFactory) -> Blender:
    if version in _ready:
        return _ready[version]
    python = ROOT / ENVIRONMENTS[version] / "bin" / "python"
    if not python.exists():
        pytest.skip(f"Blender {version} is not here ({ENVIRONMENTS[version]})")
    blender = Blender(version, python, folders.mktemp(f"blender-{version}"))
    blender.run("install", archive)
    _ready[version] = blender
    return blender


@pytest.fixture(scope="session")
def engine_python() -> Path:
    """The engine's interpreter, where its networks are there."""
    weights = ROOT / "assets" / "weights"
    names = ("features", "posegan_plus", "pgface_plus")
    missing = [name for name in names if not (weights / f"{name}.safetensors").exists()]
    if missing:
        pytest.skip(f"weights are missing: {', '.join(missing)}")
    return ROOT / ".venv" / "bin" / "python"


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds like a voice, in a folder and under a name that are not ASCII."""
    return _write_voice(tmp_path_factory.mktemp("голос-声") / "vöice 声.wav", 2.0)


@pytest.fixture(scope="session")
def long_speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough that the engine is still at work while a test interferes."""
    return _write_voice(tmp_path_factory.mktemp("long") / "long.wav", 240.0)


def _write_voice(path: Path, seconds: float) -> Path:
    """A buzzing vowel in two syllables a second, 16 kHz."""
    rate = 16_000
    t = np.arange(int(rate * seconds)) / rate
    pitch_hz = 120 + 20 * np.sin(2 * np.pi * 0.7 * t)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 2.0 * t), 0, 1) ** 0.5
    samples = (voice * syllables * 0.2 * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture
def path_of(tmp_path: Path) -> Callable[[str], Path]:
    """Paths in a folder whose name is not ASCII."""
    folder = tmp_path / "épreuve 試"
    folder.mkdir()
    return lambda name: folder / name
