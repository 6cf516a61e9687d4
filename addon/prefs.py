# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences: where the engine lives."""

import os
import time
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..engine.protocol.errors import RhetorError, WorkerError
from . import session, timers

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
        layout.operator("rhetor.check_engine", icon="CHECKMARK")
        column = layout.column(align=True)
        for finding in session.current.engine_findings:
            column.label(text=finding)


class RHETOR_OT_check_engine(bpy.types.Operator):
    """Start the engine and show its version and device, or what is wrong with it"""

    bl_idname = "rhetor.check_engine"
    bl_label = "Check Engine"

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """One look at a time."""
        if session.current.is_examining:
            cls.poll_message_set("The engine is being looked at")
        return not session.current.is_examining

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """With a window: start, and show the findings when they come."""
        if bpy.app.background:
            return self.execute(context)
        if not self._start(context):
            return {"CANCELLED"}
        timers.watch()
        return {"FINISHED"}

    def execute(self, context: Any) -> set[str]:
        """From scripts: wait for the findings and report them."""
        if not self._start(context):
            return {"CANCELLED"}
        while session.current.is_examining:
            session.current.pump()
            time.sleep(session.PUMP_INTERVAL_S)
        for finding in session.current.engine_findings:
            self.report({"INFO"}, finding)
        return {"FINISHED"}

    def _start(self, context: Any) -> bool:
        try:
            session.current.examine(engine_python(context))
        except RhetorError as error:
            session.current.engine_findings = (error.message, error.hint)
            self.report({"ERROR"}, str(error))
            return False
        return True


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
