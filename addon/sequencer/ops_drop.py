# SPDX-License-Identifier: GPL-3.0-or-later
"""Files dropped on the 3D view: a recording becomes the scene's, a style file is installed."""

from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from ...engine.styles import STYLE_SUFFIX
from ..words import say
from .sound import blend_path
from .voice import FILE

RECORDING_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aiff")
"""Sound only: Blender itself has uses for a video that is dropped on the 3D view."""


class RHETOR_OT_use_recording(bpy.types.Operator):
    """Take this sound file as the recording to animate"""

    bl_idname = "rhetor.use_recording"
    bl_label = "Use Recording"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: StringProperty(
        name="Recording",
        description="The sound file",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    def execute(self, context: Any) -> set[str]:
        """Set it in the scene; relative where the person keeps paths so."""
        path = Path(bpy.path.abspath(self.filepath))
        if path.suffix.lower() not in RECORDING_SUFFIXES or not path.is_file():
            self.report({"ERROR"}, say(f"{path.name or 'Nothing'} is not a sound file."))
            return {"CANCELLED"}
        settings = context.scene.rhetor
        settings.source, settings.audio = FILE, blend_path(path)
        self.report({"INFO"}, say(f"The recording is {path.name}"))
        return {"FINISHED"}


class _DropsOnTheView:
    """Where both kinds of file may be dropped."""

    @classmethod
    def poll_drop(cls, context: Any) -> bool:
        """The 3D view."""
        return context.area is not None and context.area.type == "VIEW_3D"


class RHETOR_FH_recording(_DropsOnTheView, bpy.types.FileHandler):
    """A sound file dropped on the 3D view."""

    bl_idname = "RHETOR_FH_recording"
    bl_label = "Rhetor Recording"
    bl_import_operator = "rhetor.use_recording"
    bl_file_extensions = ";".join(RECORDING_SUFFIXES)


class RHETOR_FH_style(_DropsOnTheView, bpy.types.FileHandler):
    """A style file dropped on the 3D view."""

    bl_idname = "RHETOR_FH_style"
    bl_label = "Rhetor Style"
    bl_import_operator = "rhetor.import_style"
    bl_file_extensions = STYLE_SUFFIX


CLASSES = (RHETOR_OT_use_recording, RHETOR_FH_recording, RHETOR_FH_style)
