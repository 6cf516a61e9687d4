# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python of the engine's own, made from Blender's.

Blender's official builds bring a Python along, which goes when Blender is removed or updated: it
is copied. A Python of the system stays: a virtual environment on it does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ....engine.protocol.errors import InstallError
from .commands import Commands, Finished

_LEFT_OUT = ("site-packages", "__pycache__", "test", "tests", "idlelib", "turtledemo", "lib2to3")
_NO_VENV_HINT = (
    "Install the system's package for virtual environments (Debian, Ubuntu: python3-venv) "
    "and try again, or point to an existing environment."
)


def is_bundled(base_prefix: str, blender_folders: Sequence[str]) -> bool:
    """Whether the Python at base_prefix lies inside one of Blender's own folders."""
    prefix = _real(base_prefix)
    return any(folder and prefix.is_relative_to(_real(folder)) for folder in blender_folders)


def create_environment(
    folder: Path, executable: Path, bundled_prefix: Path | None, commands: Commands
) -> Path:
    """Fill an empty folder with a Python that has pip; returns its interpreter.

    bundled_prefix: root of Blender's own Python, which is copied; None: any other, which a
    virtual environment refers to. Raises InstallError.
    """
    program = _real(str(executable))
    if bundled_prefix is None or not program.is_relative_to(_real(str(bundled_prefix))):
        return _virtual_environment(folder, executable, commands)
    python = folder / program.relative_to(_real(str(bundled_prefix)))
    try:
        shutil.copytree(
            bundled_prefix,
            folder,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(*_LEFT_OUT),
        )
    except (OSError, shutil.Error) as error:
        raise InstallError(
            f"Blender's Python cannot be copied: {error}.", "Check that the disk is not full."
        ) from error
    _expect(_run(commands, python, "-I", "-m", "ensurepip"), "Blender's Python has no pip")
    return python


def copy_environment(source: Path, folder: Path) -> None:
    """Fill an empty folder with what an environment holds. Costs no space where files can be
    linked: pip replaces files, it never writes into them. Raises InstallError.
    """
    try:
        shutil.copytree(source, folder, symlinks=True, copy_function=_link, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise InstallError(
            f"The present engine cannot be copied: {error}.", "Install it again as a whole."
        ) from error


def python_of(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _virtual_environment(folder: Path, executable: Path, commands: Commands) -> Path:
    finished = _run(commands, executable, "-I", "-m", "venv", str(folder))
    _expect(finished, "Python cannot make a virtual environment")
    return python_of(folder)


def _run(commands: Commands, python: Path, *arguments: str) -> Finished:
    try:
        return commands.run([python, *arguments])
    except OSError as error:
        raise InstallError(f"Python cannot be started: {python} ({error.strerror}).") from error


def _expect(finished: Finished, complaint: str) -> None:
    if finished.code:
        lines = [line for line in (finished.errors or finished.output).splitlines() if line.strip()]
        raise InstallError(
            f"{complaint}: {lines[-1] if lines else 'no reason given'}", _NO_VENV_HINT
        )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # some file systems cannot
        shutil.copy2(source, target, follow_symlinks=False)


def _real(path: str) -> Path:
    return Path(os.path.realpath(path))
