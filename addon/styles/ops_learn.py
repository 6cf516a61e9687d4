# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators of learning a style: begin, resume, stop, discard, look at the tracking."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, CollectionProperty, StringProperty

from ...engine.protocol.errors import CancelledError, DatasetError, RhetorError
from .. import prefs
from ..core.unfinished import StyleOrder
from ..identify import BlockId
from ..panel_text import draw_text
from ..words import say
from . import learning
from .ops_style import free_style_name

_ADVICE = "One to three minutes of one person who speaks to the camera, the whole face in view."


class _Learns:
    """What beginning and resuming have in common."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is an engine, and it does not learn already."""
        reason = ""
        if not prefs.engine_python_setting(context):
            reason = "Install the engine first: the button is at the top of this tab"
        elif not prefs.can_learn(context):
            reason = "Press Add New Style in Preferences, Add-ons, Rhetor, Advanced"
        if learning.current.is_working:
            reason = "A style is being learned already"
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    def _learn(self, context: Any, order: StyleOrder) -> set[str]:
        """With a window return at once, else when the style is there."""
        scene = BlockId.of(context.scene)
        try:
            learning.current.submit(order, prefs.engine_python(context), scene)
            if not bpy.app.background:
                learning.watch()
                return {"FINISHED"}
            learning.current.drain()
        except CancelledError:
            return {"CANCELLED"}
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        learning.choose_finished()
        self.report({"INFO"}, say(f"The style {order.label} is ready"))
        return {"FINISHED"}


class RHETOR_OT_new_style(_Learns, bpy.types.Operator):
    """Learn how a person moves and speaks from videos, and make a style of it"""

    bl_idname = "rhetor.new_style"
    bl_label = "New Style from Video"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    label: StringProperty(
        name="Name",
        description="What to call the style. Empty: as the first video",
        options={"SKIP_SAVE"},
    )
    description: StringProperty(
        name="Description",
        description="A few words that tell it from the others in the menu",
        options={"SKIP_SAVE"},
    )
    files: CollectionProperty(
        name="Videos",
        description="Videos of one person",
        type=bpy.types.OperatorFileListElement,
        options={"HIDDEN", "SKIP_SAVE"},
    )
    directory: StringProperty(
        name="Folder",
        description="Where the videos are",
        subtype="DIR_PATH",
        options={"HIDDEN"},
    )
    filter_movie: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Ask for the videos; the name is beside the files."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: Any) -> None:
        """The right side of the file browser."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "label")
        layout.prop(self, "description")
        draw_text(layout, context, _ADVICE, "INFO")

    def execute(self, context: Any) -> set[str]:
        """Check what was given, then begin."""
        try:
            order = self._order()
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        return self._learn(context, order)

    def _order(self) -> StyleOrder:
        folder = Path(os.path.normpath(bpy.path.abspath(self.directory))).absolute()
        videos = [folder / item.name for item in self.files if item.name]
        if not videos:
            raise DatasetError("No video was chosen.", "Choose one or several videos.")
        for video in videos:
            if not video.is_file():
                raise DatasetError(f"There is no file {video}.", "Choose the videos again.")
        label = self.label.strip() or videos[0].stem
        reserved = {order.name for order in learning.current.unfinished}
        return StyleOrder(
            name=free_style_name(label, reserved),
            label=label,
            videos=tuple(str(video) for video in videos),
            description=self.description.strip(),
        )


class RHETOR_OT_resume_style(_Learns, bpy.types.Operator):
    """Go on learning this style where it was stopped"""

    bl_idname = "rhetor.resume_style"
    bl_label = "Resume"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    name: StringProperty(name="Style", description="Name of the style", options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Send the same order again; the engine skips what it has done."""
        order = _unfinished(self.name)
        if order is None:
            self.report({"ERROR"}, say(f"There is no unfinished style {self.name}."))
            return {"CANCELLED"}
        return self._learn(context, order)


class RHETOR_OT_discard_style(bpy.types.Operator):
    """Forget this unfinished style and delete what was learned of it; the videos stay"""

    bl_idname = "rhetor.discard_style"
    bl_label = "Discard Unfinished Style"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    name: StringProperty(name="Style", description="Name of the style", options={"SKIP_SAVE"})

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask: minutes of work are behind it."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: Any) -> set[str]:
        """Remove its note and its material."""
        if _unfinished(self.name) is None:
            self.report({"ERROR"}, say(f"There is no unfinished style {self.name}."))
            return {"CANCELLED"}
        learning.current.discard(self.name)
        return {"FINISHED"}


class RHETOR_OT_cancel_style(bpy.types.Operator):
    """Stop learning; what was done so far is kept and can be resumed"""

    bl_idname = "rhetor.cancel_style"
    bl_label = "Stop Learning"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """A style is being learnt."""
        if not learning.current.is_working:
            cls.poll_message_set(say("No style is being learned"))
        return learning.current.is_working

    def execute(self, _context: Any) -> set[str]:
        """Ask the engine to stop."""
        learning.current.cancel()
        return {"FINISHED"}


class RHETOR_OT_show_tracking(bpy.types.Operator):
    """Show the pictures and plots that tell how well the face was followed"""

    bl_idname = "rhetor.show_tracking"
    bl_label = "Show Tracking"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    name: StringProperty(name="Style", description="Name of the style", options={"SKIP_SAVE"})

    def execute(self, _context: Any) -> set[str]:
        """Let the system show the folder."""
        folder = learning.tracking_dir(self.name)
        if not folder.is_dir():
            self.report(
                {"WARNING"}, say("There are no pictures yet: the face is still being followed")
            )
            return {"CANCELLED"}
        return bpy.ops.wm.path_open(filepath=str(folder))


def _unfinished(name: str) -> StyleOrder | None:
    return next((order for order in learning.current.unfinished if order.name == name), None)


CLASSES = (
    RHETOR_OT_new_style,
    RHETOR_OT_resume_style,
    RHETOR_OT_discard_style,
    RHETOR_OT_cancel_style,
    RHETOR_OT_show_tracking,
)
