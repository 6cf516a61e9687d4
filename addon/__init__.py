# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender side: panel, operators, rig, keys. No torch here; the engine is another process."""

from __future__ import annotations

import importlib
from types import ModuleType

MODULES = (
    "translations",
    "session",
    "timers",
    "learning",
    "installation.installer",
    "prefs",
    "installation.ops_install",
    "installation.ops_engine",
    "style_menu",
    "character_settings",
    "mapping_settings",
    "swatches",
    "looks_settings",
    "presets",
    "props",
    "dialogue_settings",
    "follow",
    "ops_head",
    "ops_character",
    "ops_animate",
    "ops_jobs",
    "ops_style",
    "ops_drop",
    "ops_dialogue",
    "ops_learn",
    "panel",
    "panel_dialogue",
    "panel_sequencer",
    "panel_looks",
    "ops_mapping",
    "ops_fit",
    "ops_landmarks",
    "panel_character",
    "panel_mapping",
    "edits",
    "ops_compare",
    "ops_takes",
    "ops_reproduce",
    "ops_export",
    "panel_takes",
    "amounts",
    "panel_amounts",
    "panel_styles",
    "panel_check",
    "status_bar",
    "command",
)
"""Modules that have something to register, in order."""


def register() -> None:
    """Add classes, properties and the command to Blender."""
    import bpy

    for module in _modules():
        for cls in getattr(module, "CLASSES", ()):
            if issubclass(cls, bpy.types.Operator) and cls.__doc__:
                # Blender would show the docstring with the line breaks that it has here.
                cls.bl_description = " ".join(cls.__doc__.split())
            bpy.utils.register_class(cls)
        if hasattr(module, "register"):
            module.register()


def unregister() -> None:
    """Remove them in reverse, and end the engine."""
    import bpy

    for module in reversed(_modules()):
        if hasattr(module, "unregister"):
            module.unregister()
        for cls in reversed(getattr(module, "CLASSES", ())):
            bpy.utils.unregister_class(cls)


def _modules() -> list[ModuleType]:
    """Imported late, so that the parts without bpy can be used outside Blender."""
    return [importlib.import_module(f".{name}", __package__) for name in MODULES]
