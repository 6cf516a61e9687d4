# SPDX-License-Identifier: GPL-3.0-or-later
"""What pip does for the installation: it chooses files, and unpacks what has been checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ....engine.protocol.errors import InstallError
from .commands import Commands, Finished
from .wheels import Wheel, package_key, wheels_of_report

_QUIET = ("--disable-pip-version-check", "--no-input", "--no-cache-dir")
_UNREACHABLE = ("Retrying (", "NewConnectionError", "Name or service not known", "timed out")
_DISTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "SSLError")
_NO_BUILD = ("No matching distribution found for ", "ResolutionImpossible")
_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
"""Of this process, and so of the environments that it makes."""


class NoBuildError(InstallError):
    """What is asked for does not exist for this Python and machine."""


class Pip:
    """The pip of one environment. python: its interpreter. folder: for its files.

    is_fresh: choose as if nothing were installed.
    """

    def __init__(
        self, python: Path, folder: Path, commands: Commands, is_fresh: bool = False
    ) -> None:
        self.python = python
        self._folder = folder
        self._commands = commands
        self._is_fresh = is_fresh

    def choose(
        self, requirements: Sequence[str], constraints: Sequence[str], sources: Sequence[str] = ()
    ) -> tuple[Wheel, ...]:
        """The files that requirements need in addition to what is installed; loads none of them.

        sources: pip's options on where to look, beside the person's own configuration. Raises
        NoBuildError where there are none, InstallError where nobody can be asked.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        report, limits = self._folder / "report.json", self._folder / "constraints.txt"
        limits.write_text("\n".join(constraints), "utf-8")
        finished = self._run(
            *("install", "--dry-run", "--quiet", "--only-binary", ":all:", "--retries", "2"),
            *(("--ignore-installed",) if self._is_fresh else ()),
            *("--report", str(report), "--constraint", str(limits), *sources, *requirements),
        )
        if finished.code:
            raise reason_of(finished)
        return wheels_of_report(report.read_text("utf-8"))

    def present(self) -> dict[str, str]:
        """Names, in their normal form, and versions of what is installed."""
        finished = self._run("list", "--format", "json")
        if finished.code:
            raise reason_of(finished)
        listed = json.loads(finished.output)
        return {package_key(entry["name"]): str(entry["version"]) for entry in listed}

    def unpack(
        self,
        wheels: Sequence[Wheel],
        folder: Path,
        while_waiting: Callable[[], None] = lambda: None,
        target: Path | None = None,
    ) -> None:
        """Install files that lie in a folder, and nothing else. Raises InstallError.

        target: a folder to put them in, instead of the environment.
        """
        if not wheels:
            return
        wanted = self._folder / "checked.txt"
        lines = [f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}" for wheel in wheels]
        wanted.write_text("\n".join(lines), "utf-8")
        finished = self._run(
            *("--isolated", "install", "--quiet", "--no-index", "--no-deps", "--require-hashes"),
            "--no-compile",  # the check that follows compiles what is really used
            *("--find-links", str(folder), "--requirement", str(wanted)),
            *(("--target", str(target)) if target is not None else ()),
            while_waiting=while_waiting,
        )
        if finished.code:
            raise reason_of(finished)

    def _run(self, *arguments: str, while_waiting: Callable[[], None] = lambda: None) -> Finished:
        return self._commands.run(
            [self.python, "-I", "-m", "pip", *_QUIET, *arguments], while_waiting
        )


def reason_of(finished: Finished) -> InstallError:
    """Why pip has failed, in words for people."""
    text = finished.errors + finished.output
    if any(sign in text for sign in _DISTRUSTED):
        return InstallError(
            "The package index could not be trusted: its certificate is not known here.",
            "Ask whoever runs this network, or install from an offline kit.",
        )
    if any(sign in text for sign in _UNREACHABLE):
        return InstallError(
            "The package index cannot be reached.",
            "Check the connection and the proxy, or install from an offline kit.",
        )
    if "No space left" in text:
        return InstallError("The disk is full.", "Free some space and install again.")
    last = [line for line in text.splitlines() if line.startswith("ERROR:")][-1:]
    if any(sign in text for sign in _NO_BUILD):
        wanted = text.rpartition(_NO_BUILD[0])[2].split("\n")[0].strip() if last else ""
        return NoBuildError(
            f"There is no ready-made build of {wanted or 'a package'} for Python {_PYTHON}.",
            "Use a Blender with another Python (the official builds have 3.11 or 3.13), or in the "
            "preferences, Advanced, another wheel source or an existing environment.",
        )
    reason = last[0].removeprefix("ERROR:").strip() if last else f"exit code {finished.code}"
    return InstallError(f"pip has failed: {reason}", "The log has the details.")
