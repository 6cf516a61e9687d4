# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last look at the engine has found, as lines to show and as text to send."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any

import bpy

from .. import compat

Check = Mapping[str, Any]


def verdict(checks: Sequence[Check]) -> str:
    """All of it in one sentence."""
    bad = sum(not check["is_good"] for check in checks)
    if bad:
        return f"{bad} of {len(checks)} checks failed."
    return f"All {len(checks)} checks passed."


def check_line(check: Check) -> str:
    """One finding; with what to do where it is not good."""
    hint = "" if check["is_good"] else check["hint"]
    return f"{check['name']}: {check['finding']} {hint}".rstrip()


def report_text(checks: Sequence[Check], engine_line: str, python: str) -> str:
    """The report for somebody who can help. engine_line: version and device of the engine."""
    sound = "with sound" if compat.has_sound() else "without sound"
    lines = [
        f"Blender {bpy.app.version_string}, {sound}, on {platform.platform()}",
        f"{engine_line or 'No engine runs'}: {python or 'none is installed'}",
        verdict(checks),
        *(f"{'ok ' if check['is_good'] else 'BAD'} {check_line(check)}" for check in checks),
    ]
    return "\n".join(lines)
