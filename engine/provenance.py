# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine this is: the version, read from the one place that states it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

MANIFEST_PATH = Path(__file__).resolve().parent.parent / "blender_manifest.toml"


@cache
def engine_version() -> str:
    """The version in blender_manifest.toml."""
    return str(tomllib.loads(MANIFEST_PATH.read_text(encoding="utf-8"))["version"])
