# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets in Blender's own way, of the settings of a performance and of the looks of a head.

Files lie where Blender keeps presets, in the sub-folder "rhetor"; a few looks come along.
"""

from pathlib import Path
from typing import Any, ClassVar

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

_SHIPPED = Path(__file__).resolve().parent.parent / "assets" / "presets"
_SETTINGS = "rhetor/settings"
_LOOKS = "rhetor/looks"


class _Presets(PresetPanel):
    """A list of presets that drops down from the header of a panel."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"
    preset_operator = "script.execute_preset"

    @staticmethod
    def post_cb(_context: Any, _path: str) -> None:
        """Blender's own operator leaves no step to undo."""
        bpy.ops.ed.undo_push(message="Load Preset")


class RHETOR_PT_settings_presets(_Presets, bpy.types.Panel):
    """Presets of style, networks and eyes."""

    bl_label = "Settings Presets"
    preset_subdir = _SETTINGS
    preset_add_operator = "rhetor.add_settings_preset"


class RHETOR_PT_looks_presets(_Presets, bpy.types.Panel):
    """Presets of faces and their colors."""

    bl_label = "Looks Presets"
    preset_subdir = _LOOKS
    preset_add_operator = "rhetor.add_looks_preset"


class RHETOR_OT_add_settings_preset(AddPresetBase, bpy.types.Operator):
    """Keep style, networks, eyes and what happens to existing actions as a preset, or remove one"""

    bl_idname = "rhetor.add_settings_preset"
    bl_label = "Add Settings Preset"
    preset_menu = "RHETOR_PT_settings_presets"
    preset_subdir = _SETTINGS
    preset_defines: ClassVar[list[str]] = ["settings = bpy.context.scene.rhetor"]
    preset_values: ClassVar[list[str]] = [
        "settings.style_name",
        "settings.preset",
        "settings.eyes",
        "settings.existing",
    ]


class RHETOR_OT_add_looks_preset(AddPresetBase, bpy.types.Operator):
    """Keep the face, the colors and the hair of the head as a preset, or remove one"""

    bl_idname = "rhetor.add_looks_preset"
    bl_label = "Add Looks Preset"
    preset_menu = "RHETOR_PT_looks_presets"
    preset_subdir = _LOOKS
    preset_defines: ClassVar[list[str]] = ["looks = bpy.context.scene.rhetor.head.rhetor_looks"]
    # A palette comes after its colour: it can take the colour back.
    preset_values: ClassVar[list[str]] = [
        "looks.face",
        *(f"looks.{name}{kind}" for name in ("skin", "iris", "hair") for kind in ("", "_palette")),
        "looks.has_hair",
    ]


CLASSES = (
    RHETOR_PT_settings_presets,
    RHETOR_PT_looks_presets,
    RHETOR_OT_add_settings_preset,
    RHETOR_OT_add_looks_preset,
)


def register() -> None:
    """Let Blender find the shipped presets."""
    bpy.utils.register_preset_path(str(_SHIPPED))


def unregister() -> None:
    """Forget them."""
    bpy.utils.unregister_preset_path(str(_SHIPPED))
