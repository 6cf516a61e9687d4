# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons that install the engine, stop that, and remove it again."""

from dataclasses import replace
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, StringProperty

from ...engine.protocol.errors import CancelledError, InstallError, RhetorError
from .. import prefs, session
from ..core.installation.install import InstallOrder
from ..panel_text import draw_lines
from ..styles import learning
from ..words import say
from .installer import bundled_prefix, current, watch

_DIALOG_WIDTH = 440
_DIALOG_CHARACTERS = 72
_EXPLANATION = (
    "The engine holds the networks' library, PyTorch, which is not part of Blender. It is "
    "installed once, in a folder of its own, for all versions of Blender. About 300 MB are "
    "downloaded and 1.5 GB used; for a graphics card 3 GB and 8 GB."
)
_OFFLINE = "Blender has not been allowed to use the network. The download needs that."
_OFFLINE_MODE = "Blender was started in offline mode: use an offline kit (Advanced)."


class EngineTask:
    """What the operators share: one task at a time, and its end."""

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """One task at a time."""
        if current.is_working:
            cls.poll_message_set(say("The engine is being installed"))
        return not current.is_working

    def follow(self) -> set[str]:
        """With a window a timer sees the task's end; without one wait for it."""
        if not bpy.app.background:
            watch()
            return {"FINISHED"}
        try:
            current.drain()
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        for note in current.notes:
            self.report({"INFO"}, say(note))
        return {"FINISHED"}


class RHETOR_OT_install_engine(EngineTask, bpy.types.Operator):
    """Install what Rhetor needs to animate, in a folder of its own for all versions of Blender"""

    bl_idname = "rhetor.install_engine"
    bl_label = "Install Engine"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    is_update: BoolProperty(
        name="Update",
        description="Keep of the present engine what is as it should be",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Say what will happen, and ask for the permission to go online."""
        return context.window_manager.invoke_props_dialog(
            self, width=_DIALOG_WIDTH, title="Install Engine", confirm_text="Install"
        )

    def draw(self, context: Any) -> None:
        """What is installed, where, and what can be chosen."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_lines(layout, _EXPLANATION, "NONE", _DIALOG_CHARACTERS)
        draw_lines(layout, f"Folder: {current.home.root}", "NONE", _DIALOG_CHARACTERS)
        settings = prefs.preferences(context)
        if settings is not None:
            layout.prop(settings, "engine_variant")
            layout.prop(settings, "engine_learning")
        if bpy.app.online_access:
            return
        box = layout.box()
        if bpy.app.online_access_override:
            draw_lines(box, _OFFLINE_MODE, "INTERNET_OFFLINE", _DIALOG_CHARACTERS)
        else:
            draw_lines(box, _OFFLINE, "INTERNET_OFFLINE", _DIALOG_CHARACTERS)
            system = context.preferences.system
            box.prop(system, "use_online_access", text="Allow Online Access")

    def execute(self, context: Any) -> set[str]:
        """Begin."""
        if not bpy.app.online_access:
            self.report({"ERROR"}, say("Allow Online Access first, or install from an offline kit"))
            return {"CANCELLED"}
        order = prefs.install_order(context, bundled_prefix())
        return _begin(self, replace(order, is_update=self.is_update))


class RHETOR_OT_install_offline_kit(EngineTask, bpy.types.Operator):
    """Install the engine from a file that holds all of it, without any network"""

    bl_idname = "rhetor.install_offline_kit"
    bl_label = "Install from Offline Kit..."
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    filepath: StringProperty(
        name="Kit",
        description="The offline kit, made for this system and version of Python",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(default="*.zip", options={"HIDDEN"})

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Choose the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Begin."""
        order = prefs.install_order(context, bundled_prefix())
        return _begin(self, replace(order, kit=bpy.path.abspath(self.filepath)))


class RHETOR_OT_cancel_installation(bpy.types.Operator):
    """Stop; what was downloaded is kept, and installing again goes on from there"""

    bl_idname = "rhetor.cancel_installation"
    bl_label = "Cancel Installation"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """Something is under way."""
        if not current.is_working:
            cls.poll_message_set(say("Nothing is being installed"))
        return current.is_working

    def execute(self, _context: Any) -> set[str]:
        """Stop it."""
        current.cancel()
        self.report({"INFO"}, say("Stopped. Installing again goes on with what was downloaded"))
        return {"FINISHED"}


class RHETOR_OT_uninstall_engine(EngineTask, bpy.types.Operator):
    """Delete the engine's packages for all versions of Blender; takes and styles are kept"""

    bl_idname = "rhetor.uninstall_engine"
    bl_label = "Uninstall Engine"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is something, and nobody uses it."""
        if not super().poll(context):
            return False
        if session.current.is_engine_busy or learning.current.is_working:
            cls.poll_message_set(say("The engine is at work: wait for it, or cancel it"))
            return False
        if not current.home.root.exists():
            cls.poll_message_set(say("Nothing is installed"))
            return False
        return True

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: Any) -> set[str]:
        """Let go of the engine, then delete it."""
        session.current.stop()
        return _begin(self, None)


def _begin(operator: EngineTask, order: InstallOrder | None) -> set[str]:
    """Start an installation; without an order, its removal."""
    try:
        if order is None:
            current.uninstall()
        else:
            current.install(order)
    except (InstallError, CancelledError) as error:
        operator.report({"ERROR"}, say(error))
        return {"CANCELLED"}
    return operator.follow()


CLASSES = (
    RHETOR_OT_install_engine,
    RHETOR_OT_install_offline_kit,
    RHETOR_OT_cancel_installation,
    RHETOR_OT_uninstall_engine,
)
