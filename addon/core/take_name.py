# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take is called in the file."""

from __future__ import annotations

MAX_NAME_BYTES = 54
"""Blender keeps 63 bytes of a name; room is left for " face" and a number such as ".001"."""


def take_name(stem: str, style: str, seed: int) -> str:
    """ "<recording> <style> s<seed>"; a long recording name is cut, the rest never."""
    ending = f" {style} s{seed}"
    room = max(MAX_NAME_BYTES - len(ending.encode("utf-8")), 8)
    short = stem.encode("utf-8")[:room].decode("utf-8", errors="ignore").rstrip()
    return short + ending
