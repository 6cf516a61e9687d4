# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on installed styles: choose, import, remove, show their folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from ...engine.protocol.errors import CheckpointError, ConfigError, RhetorError
from ...engine.styles import (
    STYLE_SUFFIX,
    StyleEntry,
    check_new_name,
    import_style,
    remove_style,
    styles_dir,
)
from ..core.style_name import style_name
from ..words import say
from .style_menu import NEUTRAL, menu


class RHETOR_OT_use_style(bpy.types.Operator):
    """Choose this style for the next performance"""

    bl_idname = "rhetor.use_style"
    bl_label = "Use Style"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    name: StringProperty(name="Style", description="Name of the style", options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Set it in the scene."""
        menu.refresh()
        entry = menu.entry(self.name)
        if entry is None:
            self.report({"ERROR"}, say(f"The style {self.name} is not installed."))
            return {"CANCELLED"}
        context.scene.rhetor.style_name = entry.name
        return {"FINISHED"}


class RHETOR_OT_import_style(bpy.types.Operator):
    """Install a style from a file, for all scenes, and choose it"""

    bl_idname = "rhetor.import_style"
    bl_label = "Import Style File"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name="Style File",
        description="A file that Rhetor has learned from a video",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(default=f"*{STYLE_SUFFIX}", options={"HIDDEN"})

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Ask for the file, unless it has been dropped."""
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Copy it to the person's styles, under a name that is free."""
        file = Path(bpy.path.abspath(self.filepath))
        try:
            if not file.is_file():
                raise CheckpointError(f"There is no file {file}.", "Choose the file again.")
            taken = {entry.name for entry in menu.entries}
            entry = import_style(file, style_name(file.stem, taken))
        except (RhetorError, OSError) as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        menu.refresh()
        context.scene.rhetor.style_name = entry.name
        self.report({"INFO"}, say(f"The style {entry.label} is installed"))
        return {"FINISHED"}


class RHETOR_OT_remove_style(bpy.types.Operator):
    """Delete the chosen style from this computer, with its card and picture"""

    bl_idname = "rhetor.remove_style"
    bl_label = "Remove Style"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Only the person's own styles can go."""
        entry = menu.entry(context.scene.rhetor.style_name)
        if _is_own(entry):
            return True
        reason = "This style is part of Rhetor" if entry else "This style is not installed"
        cls.poll_message_set(say(reason))
        return False

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask: the file cannot be brought back by undo."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: Any) -> set[str]:
        """Delete the files; scenes that name the style keep the name."""
        entry = menu.entry(context.scene.rhetor.style_name)
        try:
            _remove(entry)
        except (RhetorError, OSError) as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        menu.refresh()
        context.scene.rhetor.style_name = NEUTRAL
        self.report({"INFO"}, say(f"The style {entry.label} was removed"))
        return {"FINISHED"}


class RHETOR_OT_open_styles_folder(bpy.types.Operator):
    """Show the folder in which your own styles are kept"""

    bl_idname = "rhetor.open_styles_folder"
    bl_label = "Open Styles Folder"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, _context: Any) -> set[str]:
        """Make it where it is not there yet, then let the system show it."""
        folder = styles_dir()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.report({"ERROR"}, say(f"The folder {folder} cannot be made ({error.strerror})."))
            return {"CANCELLED"}
        return bpy.ops.wm.path_open(filepath=str(folder))


def free_style_name(label: str, reserved: set[str]) -> str:
    """A name for a new style. Raises ConfigError where the label is empty or known already.

    reserved: further names that are not free.
    """
    label = label.strip()
    if not label:
        raise ConfigError("The new style has no name.", "Type a name for it.")
    menu.refresh()
    if any(entry.label.casefold() == label.casefold() for entry in menu.entries):
        raise ConfigError(f"There is a style {label} already.", "Type another name.")
    name = style_name(label, {entry.name for entry in menu.entries} | reserved)
    check_new_name(name)
    return name


def _is_own(entry: StyleEntry | None) -> bool:
    return entry is not None and entry.path is not None and not entry.shipped


def _remove(entry: StyleEntry | None) -> None:
    if entry is None or not _is_own(entry):
        raise ConfigError("Rhetor's own styles cannot be removed.", "Choose one of yours.")
    remove_style(entry.name)


CLASSES = (
    RHETOR_OT_use_style,
    RHETOR_OT_import_style,
    RHETOR_OT_remove_style,
    RHETOR_OT_open_styles_folder,
)
