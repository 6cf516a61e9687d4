# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the engine's environment lies: one folder per person, for all versions of Blender.

installed.json     which environment is in use, and what it holds; replaced in one step
env/NUMBER/        environments; only the one that installed.json names is ever used
downloads/         finished and unfinished downloads of an installation that is under way
tools/             programs that only the installation needs
install.log        what the last installations did
lock               held while one is under way
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ....engine.protocol.errors import InstallError
from ..file_lock import try_lock
from .hardware import Variant

HOME_VARIABLE = "RHETOR_ENGINE_HOME"

_RECORD = "installed.json"
_LOG = "install.log"
_LOCK = "lock"
_ENVIRONMENTS = "env"
_DOWNLOADS = "downloads"
_TOOLS = "tools"


@dataclass(frozen=True)
class Installed:
    """What is installed. environment: name of its folder. python: its interpreter, below that.

    variant: of the networks' library. pins: fingerprint of what was asked for. learning: whether
    styles can be learnt from videos. report: what its own check found, a line each.
    """

    environment: str
    python: str
    variant: str
    torch: str
    pins: str
    learning: bool
    size_bytes: int
    report: tuple[str, ...] = ()


def default_home(
    platform: str = sys.platform,
    variables: Mapping[str, str] = os.environ,
    person: Path | None = None,
) -> Path:
    """The folder for this person, below `person` (their home folder) unless variables say else."""
    if named := variables.get(HOME_VARIABLE):
        return Path(named)
    person = person or Path.home()
    if platform == "win32":
        local = variables.get("LOCALAPPDATA")
        return (Path(local) if local else person / "AppData" / "Local") / "Rhetor" / "engine"
    if platform == "darwin":
        return person / "Library" / "Application Support" / "Rhetor" / "engine"
    data = variables.get("XDG_DATA_HOME", "")
    base = Path(data) if Path(data).is_absolute() else person / ".local" / "share"
    return base / "rhetor" / "engine"


class EngineHome:
    """The folder and what is in it. Nothing in it is touched that Rhetor has not made."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = default_home() if root is None else root

    @property
    def record(self) -> Path:
        """The file that tells which environment is in use."""
        return self.root / _RECORD

    @property
    def log(self) -> Path:
        """What installations did."""
        return self.root / _LOG

    @property
    def downloads(self) -> Path:
        """Files of an installation under way."""
        return self.root / _DOWNLOADS

    @property
    def tools(self) -> Path:
        """Programs of the installation."""
        return self.root / _TOOLS

    def environment(self, name: str) -> Path:
        """The folder of an environment."""
        return self.root / _ENVIRONMENTS / name

    def python(self, installed: Installed) -> Path:
        """The interpreter of an environment."""
        return self.environment(installed.environment) / installed.python

    def installed(self) -> Installed | None:
        """What is in use; None where nothing is, or where it has been damaged."""
        try:
            stored: dict[str, Any] = json.loads(self.record.read_text("utf-8"))
            known = {field.name for field in fields(Installed)}
            values = {name: value for name, value in stored.items() if name in known}
            installed = Installed(**{**values, "report": tuple(stored.get("report", ()))})
            Variant(installed.variant)  # one that this version knows
            return installed if self.python(installed).is_file() else None
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def new_environment(self) -> str:
        """Make an empty folder for an environment; returns its name."""
        number = 1
        while True:
            try:
                self.environment(str(number)).mkdir(parents=True)
            except FileExistsError:
                number += 1
            else:
                return str(number)

    def switch_to(self, installed: Installed) -> None:
        """Use another environment from now on, in one step."""
        partial = self.record.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(installed), indent=1) + "\n", "utf-8")
        partial.replace(self.record)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one to install or remove. Raises InstallError where another is at it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / _LOCK).open("ab")
        except OSError as error:
            raise InstallError(
                f"The folder {self.root} cannot be written ({error.strerror}).",
                f"Check its permissions, or name another in the variable {HOME_VARIABLE}.",
            ) from error
        with lock:
            if not try_lock(lock):
                raise InstallError(
                    "Another Blender is installing the engine.", "Wait for it, or cancel it there."
                )
            yield

    def sweep_environments(self) -> None:
        """Delete the environments that are not in use; what Windows holds open stays for later."""
        installed = self.installed()
        kept = installed.environment if installed is not None else None
        for folder in _children(self.root / _ENVIRONMENTS):
            if folder.name != kept:
                shutil.rmtree(folder, ignore_errors=True)

    def sweep_downloads(self) -> None:
        """Delete what only an installation under way needs."""
        for folder in (self.downloads, self.tools):
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self) -> None:
        """Uninstall: nothing of Rhetor stays. Raises InstallError where something is in use.

        From the first moment on the engine counts as gone, so half of it is never used.
        """
        with self.locked():
            self.record.unlink(missing_ok=True)
            self.sweep_downloads()
            self.sweep_environments()
            left = _children(self.root / _ENVIRONMENTS)
        if left:
            raise InstallError(
                f"Some files are in use and could not be deleted: {left[0]}.",
                "Close other Blender windows and uninstall again.",
            )
        for path in (self.record.with_suffix(".partial"), self.log, self.root / _LOCK):
            path.unlink(missing_ok=True)
        for folder in (self.root / _ENVIRONMENTS, self.root, self.root.parent):
            if folder == self.root.parent and folder.name.lower() != "rhetor":
                break
            with contextlib.suppress(OSError):  # somebody else's files are in it
                folder.rmdir()


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # it has just been moved
                total += (Path(parent) / name).lstat().st_size
    return total


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
