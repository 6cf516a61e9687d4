# SPDX-License-Identifier: GPL-3.0-or-later
"""The styles that the installed weights know, read without torch."""

from __future__ import annotations

from pathlib import Path

from .protocol.weights_header import read_description

WEIGHTS_DIR = Path(__file__).resolve().parent.parent / "assets" / "weights"


def installed_styles(preset: str = "plus") -> tuple[dict[str, str], ...]:
    """Name, label and description of each style. Raises CheckpointError without weights."""
    entries = read_description(WEIGHTS_DIR / f"posegan_{preset}.safetensors").get("styles", [])
    keys = ("name", "label", "description")
    return tuple({key: str(entry.get(key, "")) for key in keys} for entry in entries)
