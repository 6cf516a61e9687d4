# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences: where the engine lives."""

import os
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..engine.protocol.errors import WorkerError
from . import session

EXTENSION = __package__.rpartition(".")[0]
"""Module name of the extension, under which Blender files its preferences."""

ENGINE_PYTHON_VARIABLE = "RHETOR_ENGINE_PYTHON"


class RHETOR_AP_preferences(bpy.types.AddonPreferences):
    """Shown under Preferences ▸ Add-ons ▸ Rhetor."""

    bl_idname = EXTENSION

    engine_python: StringProperty(
        name="Engine Python",
        description=(
            "Python interpreter of the environment in which the engine is installed. "
            f"Empty: the environment variable {ENGINE_PYTHON_VARIABLE}"
        ),
        subtype="FILE_PATH",
    )
    device: EnumProperty(
        name="Device",
        description="Where the networks run",
        items=[
            ("auto", "Automatic", "The graphics processor where there is one, else the CPU"),
            ("cpu", "CPU", "The processor"),
            ("cuda", "CUDA", "An NVIDIA graphics processor"),
            ("mps", "Metal", "An Apple graphics processor"),
        ],
        default="auto",
    )

    def draw(self, _context: Any) -> None:
        """Draw the settings and what is known of the engine."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "engine_python")
        layout.prop(self, "device")
        row = layout.row()
        row.operator("rhetor.check_engine", icon="CHECKMARK")
        if session.current.engine_line:
            layout.label(text=session.current.engine_line, icon="INFO")


class RHETOR_OT_check_engine(bpy.types.Operator):
    """Start the engine and show its version and device"""

    bl_idname = "rhetor.check_engine"
    bl_label = "Check Engine"

    def execute(self, context: Any) -> set[str]:
        """Start the engine and wait for its greeting."""
        try:
            line = session.current.check_engine(engine_python(context))
        except Exception as error:
            session.current.engine_line = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, line)
        return {"FINISHED"}


def preferences(context: Any) -> RHETOR_AP_preferences | None:
    """The stored preferences; None where Rhetor runs without being an enabled extension."""
    entry = context.preferences.addons.get(EXTENSION)
    return entry.preferences if entry is not None else None


def engine_python(context: Any) -> Path:
    """Interpreter of the engine. Raises WorkerError where none is named or it is not there."""
    text = engine_python_setting(context)
    if not text:
        raise WorkerError(
            "Rhetor does not know where its engine is.",
            "Name the engine's Python in Preferences, Add-ons, Rhetor.",
        )
    path = Path(bpy.path.abspath(text)).expanduser()
    if not path.is_file():
        raise WorkerError(
            f"The engine's Python is not there: {path}.",
            "Correct it in Preferences, Add-ons, Rhetor.",
        )
    return path


def engine_python_setting(context: Any) -> str:
    """What is set, unchecked: the preference, else the environment variable."""
    stored = preferences(context)
    return (stored.engine_python if stored else "") or os.environ.get(ENGINE_PYTHON_VARIABLE, "")


def device(context: Any) -> str:
    """The device to ask the engine for."""
    stored = preferences(context)
    return stored.device if stored else "auto"


CLASSES = (RHETOR_AP_preferences, RHETOR_OT_check_engine)
