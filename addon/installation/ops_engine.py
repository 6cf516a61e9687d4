# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons that look at the engine, and that point to one which is there already."""

import time
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from ...engine.protocol.errors import InstallError, RhetorError
from .. import prefs, session
from ..core.installation.interpreter import python_of
from ..jobs import timers
from ..warm_engine import failed_check
from ..words import say
from .installer import current
from .ops_install import EngineTask
from .report import check_line, report_text, verdict


class RHETOR_OT_check_engine(bpy.types.Operator):
    """Start the engine and look at every part of it: device, networks, head, sound"""

    bl_idname = "rhetor.check_engine"
    bl_label = "Check Engine"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is an engine; one look at a time."""
        if session.current.is_examining:
            cls.poll_message_set(say("The engine is being looked at"))
            return False
        if not prefs.engine_python_setting(context):
            cls.poll_message_set(say("Install the engine first"))
            return False
        return True

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
        checks = session.current.engine_checks
        for check in checks:
            self.report({"INFO" if check["is_good"] else "WARNING"}, say(check_line(check)))
        self.report({"INFO"}, say(verdict(checks)))
        return {"FINISHED"}

    def _start(self, context: Any) -> bool:
        try:
            session.current.examine(prefs.engine_python(context))
        except RhetorError as error:
            session.current.engine_checks = (failed_check(error),)
            self.report({"ERROR"}, say(error))
            return False
        return True


class RHETOR_OT_copy_engine_report(bpy.types.Operator):
    """Copy what was found as text, for a message to somebody who can help"""

    bl_idname = "rhetor.copy_engine_report"
    bl_label = "Copy Report"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """There is a report."""
        if not session.current.engine_checks:
            cls.poll_message_set(say("Press Check Engine first"))
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Put it on the clipboard."""
        python = prefs.engine_python_setting(context)
        checks, line = session.current.engine_checks, session.current.engine_line
        context.window_manager.clipboard = report_text(checks, line, python)
        self.report({"INFO"}, say("The report was copied"))
        return {"FINISHED"}


class RHETOR_OT_use_environment(EngineTask, bpy.types.Operator):
    """Use a Python environment that has PyTorch and the rest already; it is tried first"""

    bl_idname = "rhetor.use_environment"
    bl_label = "Use Existing Environment..."
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    filepath: StringProperty(
        name="Environment",
        description="The environment's folder, or its Python",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Choose it."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Try it, and keep it if it can run the engine."""
        settings = prefs.preferences(context)
        path = Path(bpy.path.abspath(self.filepath))
        python = path if path.is_file() else python_of(path)
        if settings is None or not python.is_file():
            self.report({"ERROR"}, say(f"There is no Python in {path}"))
            return {"CANCELLED"}
        try:
            current.examine(python, lambda: setattr(settings, "engine_python", str(python)))
        except InstallError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        return self.follow()


class RHETOR_OT_open_engine_folder(bpy.types.Operator):
    """Show the folder in which the engine is installed"""

    bl_idname = "rhetor.open_engine_folder"
    bl_label = "Open Folder"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """It is there."""
        return _is_there(cls, current.home.root)

    def execute(self, _context: Any) -> set[str]:
        """Open it in the system's file manager."""
        return bpy.ops.wm.path_open(filepath=str(current.home.root))


class RHETOR_OT_open_install_log(bpy.types.Operator):
    """Show what the last installations did"""

    bl_idname = "rhetor.open_install_log"
    bl_label = "Open Log"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """There is one."""
        return _is_there(cls, current.home.log)

    def execute(self, _context: Any) -> set[str]:
        """Open it in the system's editor."""
        return bpy.ops.wm.path_open(filepath=str(current.home.log))


def _is_there(operator: type, path: Path) -> bool:
    if not path.exists():
        operator.poll_message_set(say("Nothing has been installed"))
        return False
    return True


CLASSES = (
    RHETOR_OT_check_engine,
    RHETOR_OT_copy_engine_report,
    RHETOR_OT_use_environment,
    RHETOR_OT_open_engine_folder,
    RHETOR_OT_open_install_log,
)
