# SPDX-License-Identifier: GPL-3.0-or-later
"""Mappings kept as JSON files: the person's presets, and files anywhere."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...engine.protocol.errors import RigError
from ..core.key_mapping import KeyMapping
from ..prefs import EXTENSION

SUFFIX = ".json"
_LARGEST_FILE = 16 * 1024 * 1024


def presets_dir() -> Path:
    """Where presets are kept; it may not exist yet."""
    return Path(bpy.utils.extension_path_user(EXTENSION, path="mappings"))


def preset_names() -> list[str]:
    """All presets, by name."""
    folder = presets_dir()
    return sorted(path.stem for path in folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def existing_preset(name: str) -> Path:
    """The file of a preset. Raises RigError where there is none of that name."""
    if name not in preset_names():
        raise RigError(f"There is no preset {name}.", "Choose one from the menu.")
    return presets_dir() / f"{name}{SUFFIX}"


def remove_preset(name: str) -> None:
    """Delete a preset. Raises RigError where there is none, or it cannot go."""
    path = existing_preset(name)
    try:
        path.unlink()
    except OSError as error:
        raise RigError(f"{path} cannot be deleted ({error.strerror}).") from error


def new_preset(name: str) -> Path:
    """The file for a preset. Raises RigError where the name does not make one."""
    stem = bpy.path.clean_name(name.strip()).strip("_")
    if not stem:
        raise RigError("The preset has no name.", "Type a name for it.")
    return presets_dir() / f"{stem}{SUFFIX}"


def write_mapping(path: Path, mapping: KeyMapping) -> None:
    """Write a mapping in one step. Raises RigError where the file cannot be written."""
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(mapping.to_json() + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise RigError(
            f"{path} cannot be written ({error.strerror}).", "Choose another place."
        ) from error


def read_mapping(path: Path, key_names: list[str]) -> KeyMapping:
    """The part of a mapping for keys that a mesh has.

    Raises RigError where the file is none, or is for other keys altogether.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise RigError(f"{path.name} is too large for a mapping.", "Choose another file.")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RigError(f"{path} cannot be read ({error.strerror}).", "Choose it again.") from error
    except UnicodeDecodeError as error:
        raise RigError(f"{path.name} is no mapping.", "Choose another file.") from error
    mapping = KeyMapping.from_json(text).only(key_names)
    if not mapping.names:
        raise RigError(
            f"{path.stem} is for other shape keys: this mesh has none of them.",
            "Choose another preset, or use Suggest by Name or Fit by Shape.",
        )
    return mapping
