# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the engine, and with the characters of a file, for commands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .. import session
from ..check import scene_doctor
from .headless import versions
from .headless_scene import characters_of, open_file


@dataclass(frozen=True)
class Diagnosis:
    """What was looked at.

    checks: of the engine, JSON objects with name, is_good, finding and hint. characters: reports
    of the scene doctor by "scene / character".
    """

    checks: tuple[dict[str, Any], ...]
    characters: dict[str, scene_doctor.Report]

    @property
    def is_good(self) -> bool:
        """Whether nothing stands in the way."""
        found = (finding for report in self.characters.values() for finding in report.findings)
        return all(check["is_good"] for check in self.checks) and not any(f.stops for f in found)

    def to_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "is_good": self.is_good,
            "versions": versions(),
            "engine": list(self.checks),
            "characters": [
                {
                    "name": name,
                    "verdict": report.verdict,
                    "facts": list(report.facts),
                    "findings": [
                        {"finding": found.text, "hint": found.advice, "stops": found.stops}
                        for found in report.findings
                    ],
                }
                for name, report in self.characters.items()
            ],
        }

    def to_lines(self) -> Iterator[str]:
        """For people."""
        for check in self.checks:
            yield f"{'ok ' if check['is_good'] else 'BAD'}  {check['name']:12} {check['finding']}"
            if not check["is_good"] and check["hint"]:
                yield f"{'':18}-> {check['hint']}"
        for name, report in self.characters.items():
            yield f"{name}: {report.verdict}"
            for found in report.findings:
                yield f"{'BAD' if found.stops else 'ok '}  {found.text}"
                yield f"{'':5}-> {found.advice}"


def diagnose_engine(python: Path) -> tuple[dict[str, Any], ...]:
    """Let the engine look at itself; one that dies over it is a finding too.

    Raises WorkerError where it cannot even be started.
    """
    session.current.examine(python)
    while session.current.is_examining:
        session.current.pump()
        time.sleep(session.PUMP_INTERVAL_S / 4)
    return session.current.engine_checks


def diagnose_file(path: Path) -> dict[str, scene_doctor.Report]:
    """Look at every character of every scene of a .blend, which replaces what is open.

    Raises ConfigError where it cannot be opened.
    """
    open_file(path)
    reports = {}
    for scene in bpy.data.scenes:
        with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
            for name, character in characters_of(scene).items():
                scene.rhetor.head = character.root
                reports[f"{scene.name} / {name}"] = scene_doctor.examine(bpy.context)
    return reports
