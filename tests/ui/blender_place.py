# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a Blender with a window is, and how programs are started beside it.

Either the executable that BLENDER names, or Blender in a Debian root that a wrapper script looks
after (BLENDER_WRAPPER, or `shared/tools/real_blender.sh` beside the repository). The wrapper is
called as `WRAPPER run SUITE COMMAND...` and `WRAPPER root SUITE`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITES = ("trixie", "sid")
"""Debian releases and their Blenders: 4.3, which knows no slots, and 5.2."""

NEEDED = ("Xvfb", "openbox", "xdotool", "tesseract")
_PACKAGES = ("xvfb", "openbox", "xdotool", "tesseract-ocr", "tesseract-ocr-eng", "python3-xlib")
_LONGEST_LIFE_S = 560
"""No program outlives this, even where the test run itself is killed."""

_SETUP_TIMEOUT_S = 900


class PlaceError(Exception):
    """There is no such Blender here; the message says why."""


@dataclass(frozen=True)
class BlenderPlace:
    """A Blender with its desktop programs.

    label: for test names. blender: its executable, as seen from inside. lab: a folder that has the
    same path inside and outside. prefix: what comes before a command so that it runs inside.
    """

    label: str
    blender: str
    lab: Path
    prefix: tuple[str, ...]
    is_apart: bool

    def start(
        self, command: list[str], log: Path | None = None, **environment: str
    ) -> subprocess.Popen[bytes]:
        """Start a program inside, with a hard limit on its life; its output goes to the log."""
        settings = [f"{key}={value}" for key, value in environment.items()]
        limit = ["timeout", "--signal=KILL", str(_LONGEST_LIFE_S)]
        with (log or Path(os.devnull)).open("ab") as output:
            return subprocess.Popen(
                [*limit, *self.prefix, "env", *settings, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self, command: list[str], timeout_s: float = 30.0, **environment: str) -> str:
        """Run a program inside and return what it printed. Raises CalledProcessError."""
        settings = [f"{key}={value}" for key, value in environment.items()]
        return subprocess.run(
            [*self.prefix, "env", *settings, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=True,
        ).stdout

    def can(self, command: str) -> bool:
        """Whether a shell command succeeds."""
        try:
            self.output(["sh", "-c", command])
        except subprocess.CalledProcessError:
            return False
        return True


def find_place(label: str, may_set_up: bool) -> BlenderPlace:
    """The place of that label: "BLENDER" or one of the suites. Raises PlaceError with the reason.

    may_set_up: download what is missing (a Debian root of 1.5 GB).
    """
    place = _named_place() if label == "BLENDER" else _wrapped_place(label, may_set_up)
    missing = _missing_programs(place)
    if missing and place.is_apart:
        _install_programs(place)
        missing = _missing_programs(place)
    if missing:
        raise PlaceError(f"a real window needs {', '.join(missing)}")
    return place


def wanted_labels() -> tuple[str, ...]:
    """BLENDER where it is set, else every suite of the wrapper."""
    return ("BLENDER",) if os.environ.get("BLENDER") else SUITES


def _named_place() -> BlenderPlace:
    blender = shutil.which(os.environ["BLENDER"])
    if blender is None:
        raise PlaceError(f"BLENDER names no program: {os.environ['BLENDER']}")
    lab = Path(tempfile.mkdtemp(prefix="rhetor-ui-"))
    return BlenderPlace("BLENDER", blender, lab, (), False)


def _wrapped_place(suite: str, may_set_up: bool) -> BlenderPlace:
    beside = ROOT.parent / "shared" / "tools" / "real_blender.sh"
    wrapper = Path(os.environ.get("BLENDER_WRAPPER") or beside)
    if not wrapper.is_file():
        raise PlaceError("no Blender with a window here: set BLENDER to its path")
    if os.geteuid() != 0:
        raise PlaceError("the Blender in a root of its own needs root rights")
    call = ["bash", str(wrapper)]
    root = Path(subprocess.check_output([*call, "root", suite], text=True).strip())
    if not (root / "usr" / "bin" / "blender").exists():
        if not may_set_up:
            raise PlaceError(f"Blender of {suite} is not set up here: run build.py ui-test")
        subprocess.run([*call, "setup", suite], check=True, timeout=_SETUP_TIMEOUT_S)
    return BlenderPlace(suite, "blender", _twin(root, suite), (*call, "run", suite), True)


def _twin(root: Path, suite: str) -> Path:
    """A folder in the root that has the same path out here, where it is a link."""
    lab = Path(tempfile.gettempdir()) / f"rhetor-ui-{suite}"
    inside = root / lab.relative_to("/")
    inside.mkdir(parents=True, exist_ok=True)
    if lab.resolve() != inside.resolve():
        lab.symlink_to(inside)
    return lab


def _missing_programs(place: BlenderPlace) -> list[str]:
    missing = [program for program in NEEDED if not place.can(f"command -v {program}")]
    if not place.can("/usr/bin/python3 -c 'import Xlib'"):
        missing.append("python3-xlib")
    return missing


def _install_programs(place: BlenderPlace) -> None:
    """What the desktop needs beside Blender; only ever in a root of its own."""
    install = ["install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]
    for step in (["update", "-qq"], install):
        try:
            place.output(["apt-get", *step], timeout_s=300)
        except subprocess.SubprocessError as error:
            raise PlaceError(f"the desktop's programs cannot be installed ({error})") from error
