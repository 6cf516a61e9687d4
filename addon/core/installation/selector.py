# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds for a certain graphics card, which only PyTorch's own sources have.

The tool uv knows where those are, and which build a card's driver can run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ....engine.protocol.errors import InstallError
from .commands import Commands
from .hardware import Variant
from .wheels import Wheel, wheels_of_lock

_BACKENDS = {
    Variant.CPU: "cpu",
    Variant.CUDA: "auto",
    Variant.ROCM: "auto",
    Variant.APPLE: "cpu",
}
"""Variant → what uv calls it; "auto" is the newest that the card's driver can run."""


class Selector:
    """uv, unpacked in a folder. python: the interpreter to choose for."""

    def __init__(self, folder: Path, python: Path, commands: Commands) -> None:
        self._folder = folder
        self._python = python
        self._commands = commands

    def choose(
        self, requirements: Sequence[str], constraints: Sequence[str], variant: Variant
    ) -> tuple[Wheel, ...]:
        """The files for a variant. Raises InstallError where there are none."""
        wanted, limits = self._folder / "wanted.in", self._folder / "constraints.txt"
        lock = self._folder / "pylock.toml"
        wanted.write_text("\n".join(requirements), "utf-8")
        limits.write_text("\n".join(constraints), "utf-8")
        finished = self._commands.run(
            [
                self._folder / "bin" / ("uv.exe" if os.name == "nt" else "uv"),
                *("pip", "compile", "--quiet", "--no-config", "--no-python-downloads"),
                *("--only-binary", ":all:", "--torch-backend", _BACKENDS[variant]),
                *("--python", self._python, "--constraint", limits),
                *("--format", "pylock.toml", "--output-file", lock, wanted),
            ],
            variables={"UV_CACHE_DIR": str(self._folder / "cache")},
        )
        if finished.code:
            raise InstallError(
                f"No build for {variant.label} was found.",
                "Check the connection, choose another build, or set a wheel source.",
            )
        return wheels_of_lock(lock.read_text("utf-8"))
