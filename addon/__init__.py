# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender side: panel, operators, rig, keys. No torch here; the engine is another process."""

from __future__ import annotations

import importlib
from types import ModuleType

MODULES = (
    "translations",
    "session",
    "jobs.timers",
    "styles.learning",
    "installation.installer",
    "prefs",
    "installation.ops_install",
    "installation.ops_engine",
    "styles.style_menu",
    "characters.character_settings",
    "characters.mapping_settings",
    "head.swatches",
    "head.looks_settings",
    "presets",
    "props",
    "sequencer.dialogue_settings",
    "sequencer.follow",
    "head.ops_head",
    "characters.ops_character",
    "jobs.ops_animate",
    "jobs.ops_jobs",
    "styles.ops_style",
    "sequencer.ops_drop",
    "sequencer.ops_dialogue",
    "styles.ops_learn",
    "panel",
    "sequencer.panel_dialogue",
    "sequencer.panel_sequencer",
    "head.panel_looks",
    "characters.ops_mapping",
    "characters.ops_fit",
    "characters.ops_landmarks",
    "characters.panel_character",
    "characters.panel_mapping",
    "takes.edits",
    "takes.ops_compare",
    "takes.ops_takes",
    "takes.ops_reproduce",
    "takes.ops_export",
    "takes.panel_takes",
    "takes.amounts",
    "takes.panel_amounts",
    "styles.panel_styles",
    "check.panel_check",
    "jobs.status_bar",
    "headless.command",
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
