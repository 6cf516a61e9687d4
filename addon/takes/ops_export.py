# SPDX-License-Identifier: GPL-3.0-or-later
"""Export what plays on a character: in the menu of takes, and under File, Export."""

from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import EnumProperty, StringProperty

from ...engine.protocol.errors import RhetorError
from ..words import say
from .on_takes import active_take, picked_character
from .take_export import FBX, GLTF, SUFFIXES, USD, export_character, with_suffix


class RHETOR_OT_export_take(bpy.types.Operator):
    """Write the character with what plays on it to a file: head, face, eyes, frame by frame, as the
    scene shows it, amounts and NLA included"""

    bl_idname = "rhetor.export_take"
    bl_label = "Export Take"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    filepath: StringProperty(
        name="File", description="Where to write", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: StringProperty(
        default=";".join(f"*{suffix}" for suffix in SUFFIXES.values()), options={"HIDDEN"}
    )
    file_format: EnumProperty(
        name="Format",
        description="Kind of file",
        items=[
            (FBX, "FBX", "For game engines and other 3D programs"),
            (GLTF, "glTF Binary", "For the web and game engines"),
            (USD, "USD", "For film pipelines"),
        ],
        default=FBX,
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        """A character is picked."""
        if picked_character(context) is None:
            cls.poll_message_set(say("Create or pick a head first"))
            return False
        return True

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Ask for the file, beside the .blend and called like the take."""
        take = active_take(picked_character(context))
        name = bpy.path.clean_name(
            take.name if take is not None else context.scene.rhetor.head.name
        )
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        self.filepath = str(folder / name) + SUFFIXES[self.file_format]
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, _context: Any) -> bool:
        """Let the name end as the format wants."""
        wanted = str(with_suffix(Path(self.filepath), self.file_format))
        changes = self.filepath != wanted
        self.filepath = wanted
        return changes

    def draw(self, _context: Any) -> None:
        """The format, beside the files."""
        self.layout.use_property_split = True
        self.layout.prop(self, "file_format")

    def execute(self, context: Any) -> set[str]:
        """Write it."""
        path = with_suffix(Path(bpy.path.abspath(self.filepath)), self.file_format)
        try:
            export_character(context, picked_character(context), path, self.file_format)
        except (RhetorError, RuntimeError) as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        self.report({"INFO"}, say(f"Written to {path}"))
        return {"FINISHED"}


def _draw_entry(menu: Any, _context: Any) -> None:
    menu.layout.operator("rhetor.export_take", text="Rhetor Take (.fbx, .glb, .usdc)")


CLASSES = (RHETOR_OT_export_take,)


def register() -> None:
    """Add the entry under File, Export."""
    bpy.types.TOPBAR_MT_file_export.append(_draw_entry)


def unregister() -> None:
    """Remove it."""
    bpy.types.TOPBAR_MT_file_export.remove(_draw_entry)
