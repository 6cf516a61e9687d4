# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel that tells why a character does not move as it is keyed."""

from typing import Any, ClassVar

import bpy

from .. import session
from ..panel_text import draw_text
from ..words import say
from . import scene_doctor


class RHETOR_OT_check_scene(bpy.types.Operator):
    """Find out why the head does not move, or moves otherwise than keyed"""

    bl_idname = "rhetor.check_scene"
    bl_label = "Check Scene"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is a character to look at."""
        if context.scene.rhetor.head is None:
            cls.poll_message_set(say("Create or pick a head first"))
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Look, and keep the report for the panel."""
        report = scene_doctor.examine(context, session.current.engine_line)
        session.current.scene_report = report
        self.report({"WARNING" if report.findings else "INFO"}, say(report.verdict))
        return {"FINISHED"}


class RHETOR_OT_copy_report(bpy.types.Operator):
    """Copy the report as text, for a message to somebody who can help"""

    bl_idname = "rhetor.copy_report"
    bl_label = "Copy Report"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """There is a report."""
        if session.current.scene_report is None:
            cls.poll_message_set(say("Press Check Scene first"))
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Put it on the clipboard."""
        context.window_manager.clipboard = session.current.scene_report.text
        self.report({"INFO"}, say("The report was copied"))
        return {"FINISHED"}


class RHETOR_PT_check(bpy.types.Panel):
    """Nothing moves? Look here."""

    bl_idname = "RHETOR_PT_check"
    bl_label = "Check"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Rhetor"
    bl_parent_id = "RHETOR_PT_main"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    bl_order = 8

    def draw(self, context: Any) -> None:
        """The button, then what the last look has found."""
        layout = self.layout
        row = layout.row(align=True)
        row.operator("rhetor.check_scene", icon="VIEWZOOM")
        row.operator("rhetor.copy_report", text="", icon="COPYDOWN")
        report = session.current.scene_report
        if report is None:
            return
        draw_text(layout, context, report.verdict, "INFO" if report.findings else "CHECKMARK")
        for finding in report.findings:
            box = layout.box()
            draw_text(box, context, finding.text, "ERROR" if finding.stops else "INFO")
            draw_text(box, context, finding.advice, "BLANK1")


CLASSES = (RHETOR_OT_check_scene, RHETOR_OT_copy_report, RHETOR_PT_check)
