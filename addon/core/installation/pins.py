# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine needs, from the one place that says so: pyproject.toml, which ships along."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT_FILE = Path(__file__).resolve().parents[3] / "pyproject.toml"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Pins:
    """Requirements as pip reads them.

    packages: for animating. video, training: what learning a style from videos needs besides.
    constraints: of every package below those. installer: the pip to install with. selector: the
    tool that finds builds for a graphics card.
    """

    packages: tuple[str, ...]
    video: tuple[str, ...]
    training: tuple[str, ...]
    constraints: tuple[str, ...]
    installer: str
    selector: str

    def requirements(self, learning: bool) -> tuple[str, ...]:
        """What to install."""
        return (*self.packages, *self.training, *self.video) if learning else self.packages

    def can_learn(self, names: Iterable[str]) -> bool:
        """Whether packages of these names suffice to learn from videos."""
        there = {name.lower() for name in names}
        return all(_name(text) in there for text in self.video)

    def fingerprint(self) -> str:
        """Changes when anything that is to be installed changes."""
        stored = json.dumps([self.packages, self.video, self.training, self.constraints])
        return hashlib.sha256(stored.encode()).hexdigest()[:16]

    @property
    def torch(self) -> str:
        """The networks' library with its version."""
        return next(text for text in self.packages if text.startswith("torch=="))


def read_pins(path: Path = PROJECT_FILE) -> Pins:
    """The pins that this copy of Rhetor was made with."""
    project: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    settings = project["tool"]["rhetor"]
    return Pins(
        tuple(project["project"]["dependencies"]),
        tuple(extras["video"]),
        tuple(extras["training"]),
        tuple(settings["constraints"]),
        settings["installer"],
        settings["selector"],
    )


def _name(requirement: str) -> str:
    found = _NAME.match(requirement)
    return found.group().lower() if found else ""
