# SPDX-License-Identifier: GPL-3.0-or-later
"""The installation from beginning to end. It is made beside what is in use, and only when its own
check has passed is it used instead; wherever it stops, what was in use stays so.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ....engine.launch import launch_arguments
from ....engine.protocol.errors import InstallError
from ....engine.stages import ProgressCallback, Stages
from .choice import Choice, Wish, choose
from .commands import Commands
from .download import INSTALLED_PER_DOWNLOADED, Downloader, default_opener, size_label
from .hardware import Machine, Variant, this_machine
from .home import EngineHome, Installed, folder_bytes
from .interpreter import copy_environment, create_environment
from .kit import KitTarget, check_kit, unpack_kit
from .pins import Pins, read_pins
from .pip import NoBuildError, Pip
from .selector import Selector

_PREPARE, _CHOOSE, _DOWNLOAD, _UNPACK, _CHECK = (
    "Preparing Python",
    "Choosing packages",
    "Downloading",
    "Installing",
    "Checking the engine",
)
_SHARES = {_PREPARE: 4.0, _CHOOSE: 6.0, _DOWNLOAD: 55.0, _UNPACK: 28.0, _CHECK: 7.0}
_CERTIFICATES = "**/pip/_vendor/certifi/cacert.pem"
_LIBRARY_SIGNS = ("DLL load failed", "WinError 126", "c10.dll")


@dataclass(frozen=True)
class InstallOrder:
    """What to install. bundled_prefix: root of Blender's own Python, "" where it has none.

    variant: one of Variant. source: index or folder with further wheels. kit: an offline kit.
    is_update: keep of the present engine what is as it should be.
    """

    bundled_prefix: str = ""
    variant: str = Variant.AUTOMATIC.value
    learning: bool = True
    source: str = ""
    kit: str = ""
    is_update: bool = False


class Installation:
    """One run. progress: fraction and stage. warn: gets what differs from what was wanted."""

    def __init__(
        self,
        order: InstallOrder,
        home: EngineHome,
        commands: Commands,
        progress: ProgressCallback,
        warn: Callable[[str], None],
    ) -> None:
        self._order = order
        self._home = home
        self._commands = commands
        self._progress = progress
        self._warn = warn
        self._pins: Pins = read_pins()
        self._machine: Machine = this_machine()
        self._detail = ""
        self._stages = Stages(_SHARES, self._tell)

    def run(self) -> Installed:
        """Install and switch over. Raises InstallError; finished downloads are kept then."""
        with self._home.locked():
            self._commands.note(f"Installing on {self._machine.label}: {self._order}")
            if self._order.kit:
                check_kit(Path(self._order.kit), KitTarget.here(self._machine))
            self._home.sweep_environments()
            name = self._home.new_environment()
            try:
                installed = self._make(name)
            except BaseException:
                shutil.rmtree(self._home.environment(name), ignore_errors=True)
                raise
            self._home.switch_to(installed)
            self._home.sweep_environments()
            self._home.sweep_downloads()
            self._commands.note(f"Done: {installed}")
            return installed

    def _make(self, name: str) -> Installed:
        folder, downloads = self._home.environment(name), self._home.downloads
        with self._stages.stage(_PREPARE):
            python = self._prepare(folder)
        pip = Pip(python, downloads, self._commands)
        certificates = list(folder.glob(_CERTIFICATES))
        downloader = Downloader(downloads, default_opener(certificates))
        with self._stages.stage(_CHOOSE) as report:
            choice = self._choose(pip, downloader, report)
        with self._stages.stage(_DOWNLOAD) as report:
            downloader.fetch_all(choice.wheels, self._reporter(report))
        with self._stages.stage(_UNPACK) as report:
            self._unpack(pip, choice, folder, report)
        with self._stages.stage(_CHECK):
            findings = examine(python, self._commands)
        for note in choice.notes:
            self._warn(note)
        return Installed(
            environment=name,
            python=python.relative_to(folder).as_posix(),
            variant=choice.variant.value,
            torch=choice.torch,
            pins=self._pins.fingerprint(),
            learning=choice.learning,
            size_bytes=folder_bytes(folder),
            report=findings,
        )

    def _prepare(self, folder: Path) -> Path:
        """A Python in an empty folder; returns its interpreter."""
        present = self._home.installed() if self._order.is_update else None
        if present is not None:
            copy_environment(self._home.environment(present.environment), folder)
            return folder / present.python
        prefix = self._order.bundled_prefix
        return create_environment(
            folder, Path(sys.executable), Path(prefix) if prefix else None, self._commands
        )

    def _choose(self, pip: Pip, downloader: Downloader, report: Callable[[float], None]) -> Choice:
        wish = Wish(Variant(self._order.variant), self._order.learning, self._sources(report))
        if not self._order.kit:
            self._renew(pip, downloader)

        def selector() -> Selector:
            tool = pip.choose([self._pins.selector], ())
            downloader.fetch_all(tool, lambda _done, _total: None)
            pip.unpack(tool, self._home.downloads, target=self._home.tools)
            return Selector(self._home.tools, pip.python, self._commands)

        try:
            return choose(wish, self._pins, self._machine, pip, selector, present=pip.present())
        except NoBuildError as error:
            if not self._order.kit:
                raise
            raise InstallError(
                f"The kit lacks what this version of Rhetor needs. {error.message}",
                "Make the kit with this version: build.py package --offline-kit.",
            ) from error

    def _renew(self, pip: Pip, downloader: Downloader) -> None:
        """Replace the pip that came with Python: an old one loads what it is to choose from."""
        try:
            files = pip.choose([self._pins.installer], ())
        except NoBuildError:
            return  # the sources at hand have none; the old one works too, only slower
        downloader.fetch_all(files, lambda _done, _total: None)
        pip.unpack(files, self._home.downloads)

    def _sources(self, report: Callable[[float], None]) -> tuple[str, ...]:
        """pip's options on where to look; a kit is unpacked for it."""
        if self._order.kit:
            target = KitTarget.here(self._machine)
            tell = self._reporter(report)
            unpack_kit(Path(self._order.kit), self._home.downloads, target, tell)
            return ("--no-index", "--find-links", str(self._home.downloads))
        if not self._order.source:
            return ()
        is_index = "://" in self._order.source
        return ("--extra-index-url" if is_index else "--find-links", self._order.source)

    def _unpack(
        self, pip: Pip, choice: Choice, folder: Path, report: Callable[[float], None]
    ) -> None:
        sizes = sum(
            (self._home.downloads / wheel.filename).stat().st_size for wheel in choice.wheels
        )
        before = folder_bytes(folder)
        expected = max(1.0, sizes * INSTALLED_PER_DOWNLOADED)
        pip.unpack(
            choice.wheels,
            self._home.downloads,
            lambda: report(min(0.95, (folder_bytes(folder) - before) / expected)),
        )

    def _reporter(self, report: Callable[[float], None]) -> Callable[[int, int], None]:
        """Tells bytes as well as the fraction."""

        def tell(done: int, total: int) -> None:
            self._detail = f" {size_label(done)} of {size_label(total)}"
            report(done / total)
            self._detail = ""

        return tell

    def _tell(self, fraction: float, stage: str) -> None:
        self._progress(fraction, stage + self._detail)


def examine(python: Path, commands: Commands) -> tuple[str, ...]:
    """Let an interpreter run the engine's own check; a line for each finding.

    Raises InstallError where anything is not in order.
    """
    try:
        finished = commands.run([python, *launch_arguments("rhetor.engine", "doctor", "--json")])
    except OSError as error:
        raise InstallError(f"{python} cannot be started ({error.strerror}).") from error
    try:
        checks = json.loads(finished.output)
    except ValueError:
        lines = [line for line in finished.errors.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit code {finished.code}"
        raise InstallError(
            f"The engine does not start with {python}: {reason}", _advice(finished.errors)
        ) from None
    bad = [check for check in checks if not check["is_good"]]
    if bad:
        finding = str(bad[0]["finding"])
        raise InstallError(
            f"The engine does not work: {bad[0]['name']}: {finding}",
            _advice(finding, str(bad[0]["hint"])),
        )
    return tuple(f"{check['name']}: {check['finding']}" for check in checks)


def _advice(text: str, otherwise: str = "") -> str:
    if any(sign in text for sign in _LIBRARY_SIGNS):
        return "Install the Microsoft Visual C++ Redistributable and try again."
    if "No module named" in text:
        return f"That environment needs {', '.join(read_pins().packages)}."
    return otherwise or "The log has the details."
