# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on the table of shape keys: suggest, add, remove, presets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import EnumProperty, StringProperty

from ...engine.head.channels import EXPRESSION_NAMES
from ...engine.protocol.errors import RhetorError
from ..core.key_names import suggest
from ..words import say
from .mapping_presets import (
    SUFFIX,
    existing_preset,
    new_preset,
    read_mapping,
    remove_preset,
    write_mapping,
)
from .mapping_settings import (
    active_face,
    active_key,
    edited_character,
    mapping_of,
    obstacle,
    set_mapping,
    with_factor,
    without_key,
)

_UNITS = [(name, name, "") for name in EXPRESSION_NAMES]


class _OnMapping:
    """Something with the table of the face that is shown."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """There is a table, and what the operator needs."""
        reason = obstacle(context) or cls.missing(edited_character(context).root)
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    @classmethod
    def missing(cls, _root: bpy.types.Object) -> str:
        """What else is missing."""
        return ""

    def execute(self, context: Any) -> set[str]:
        """Do it, or say why not; nothing is changed then."""
        root = edited_character(context).root
        try:
            self.edit(root, active_face(root))
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def edit(self, root: bpy.types.Object, face: Any) -> None:
        """What it does."""
        raise NotImplementedError


class _OnKey(_OnMapping):
    @classmethod
    def missing(cls, root: bpy.types.Object) -> str:
        """A key is chosen."""
        return "" if active_key(root) is not None else "Choose a shape key in the table first"


class RHETOR_OT_suggest_mapping(_OnMapping, bpy.types.Operator):
    """Fill in the table from the names of the shape keys: ARKit, VRM, visemes and others.

    What the table says now is replaced
    """

    bl_idname = "rhetor.suggest_mapping"
    bl_label = "Suggest by Name"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def edit(self, _root: bpy.types.Object, face: Any) -> None:
        """Replace the mapping, unless no name is known."""
        names = face.mesh.data.shape_keys.key_blocks.keys()
        suggestion = suggest(names)
        found = len(suggestion.mapping.names)
        if not found:
            raise RhetorError(
                "No shape key has a name that Rhetor knows.", "Use Fit by Shape instead."
            )
        set_mapping(face, suggestion.mapping)
        if suggestion.missing:
            lacking = ", ".join(map(say, suggestion.missing))
            self.report({"WARNING"}, say(f"No shape key is for {lacking}."))
        told = f"{found} of {len(names) - 1} shape keys have known names"
        self.report({"INFO"}, say(told))


class RHETOR_OT_add_mapping_unit(_OnKey, bpy.types.Operator):
    """Let the chosen shape key follow another expression unit"""

    bl_idname = "rhetor.add_mapping_unit"
    bl_label = "Add Unit"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    bl_property = "unit"

    unit: EnumProperty(name="Unit", description="What the key is to follow", items=_UNITS)

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Let it be searched."""
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def edit(self, root: bpy.types.Object, face: Any) -> None:
        """With all of its strength; that can be changed then."""
        key = active_key(root).name
        set_mapping(face, with_factor(mapping_of(face), key, self.unit, 1.0))


class RHETOR_OT_remove_mapping_unit(_OnKey, bpy.types.Operator):
    """Let the chosen shape key no longer follow this unit"""

    bl_idname = "rhetor.remove_mapping_unit"
    bl_label = "Remove Unit"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    unit: EnumProperty(
        name="Unit",
        description="What the key is to follow no longer",
        items=_UNITS,
        options={"SKIP_SAVE"},
    )

    def edit(self, root: bpy.types.Object, face: Any) -> None:
        """Set its factor to nothing."""
        key = active_key(root).name
        set_mapping(face, with_factor(mapping_of(face), key, self.unit, 0.0))


class RHETOR_OT_clear_mapping_key(_OnKey, bpy.types.Operator):
    """Leave the chosen shape key alone: no performance moves it"""

    bl_idname = "rhetor.clear_mapping_key"
    bl_label = "Leave Key Alone"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def edit(self, root: bpy.types.Object, face: Any) -> None:
        """Take it out of the mapping."""
        set_mapping(face, without_key(mapping_of(face), active_key(root).name))


class RHETOR_OT_save_mapping_preset(_OnMapping, bpy.types.Operator):
    """Keep the table as a preset, for characters with the same shape keys"""

    bl_idname = "rhetor.save_mapping_preset"
    bl_label = "Save Preset"

    name: StringProperty(name="Name", description="Name of the preset", options={"SKIP_SAVE"})

    @classmethod
    def missing(cls, root: bpy.types.Object) -> str:
        """There is something to keep."""
        return "" if mapping_of(active_face(root)).names else "The table is empty"

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Ask for the name."""
        self.name = self.name or edited_character(context).name
        return context.window_manager.invoke_props_dialog(self)

    def edit(self, _root: bpy.types.Object, face: Any) -> None:
        """Write the file; a preset of that name is replaced."""
        path = new_preset(self.name)
        write_mapping(path, mapping_of(face))
        self.report({"INFO"}, say(f"The preset {path.stem} is kept"))


class RHETOR_OT_load_mapping_preset(_OnMapping, bpy.types.Operator):
    """Fill in the table from this preset; what it says now is replaced"""

    bl_idname = "rhetor.load_mapping_preset"
    bl_label = "Load Preset"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    name: StringProperty(name="Name", description="Name of the preset", options={"SKIP_SAVE"})

    def edit(self, _root: bpy.types.Object, face: Any) -> None:
        """Take over the keys that the mesh has."""
        _load(self, face, existing_preset(self.name))


class RHETOR_OT_remove_mapping_preset(bpy.types.Operator):
    """Delete this preset from this computer"""

    bl_idname = "rhetor.remove_mapping_preset"
    bl_label = "Remove Preset"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    name: StringProperty(name="Name", description="Name of the preset", options={"SKIP_SAVE"})

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask: the file cannot be brought back by undo."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: Any) -> set[str]:
        """Delete the file."""
        try:
            remove_preset(self.name)
        except RhetorError as error:
            self.report({"ERROR"}, say(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class _WithFile:
    filepath: StringProperty(
        name="File",
        description="A mapping of shape keys as JSON",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class RHETOR_OT_import_mapping(_WithFile, _OnMapping, bpy.types.Operator):
    """Fill in the table from a file; what it says now is replaced"""

    bl_idname = "rhetor.import_mapping"
    bl_label = "Import Mapping"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def edit(self, _root: bpy.types.Object, face: Any) -> None:
        """Take over the keys that the mesh has."""
        _load(self, face, Path(bpy.path.abspath(self.filepath)))


class RHETOR_OT_export_mapping(_WithFile, _OnMapping, bpy.types.Operator):
    """Write the table to a file, for other computers"""

    bl_idname = "rhetor.export_mapping"
    bl_label = "Export Mapping"

    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Suggest a name, ask for the place."""
        name = bpy.path.clean_name(edited_character(context).name)
        self.filepath = self.filepath or f"{name}{SUFFIX}"
        return super().invoke(context, event)

    def edit(self, _root: bpy.types.Object, face: Any) -> None:
        """Write the file."""
        path = Path(bpy.path.abspath(self.filepath)).with_suffix(SUFFIX)
        write_mapping(path, mapping_of(face))
        self.report({"INFO"}, say(f"Written: {path.name}"))


def _load(operator: bpy.types.Operator, face: Any, path: Path) -> None:
    names = face.mesh.data.shape_keys.key_blocks.keys()
    mapping = read_mapping(path, names)
    set_mapping(face, mapping)
    operator.report(
        {"INFO"}, say(f"{len(mapping.names)} of {len(names) - 1} shape keys are mapped")
    )


CLASSES = (
    RHETOR_OT_suggest_mapping,
    RHETOR_OT_add_mapping_unit,
    RHETOR_OT_remove_mapping_unit,
    RHETOR_OT_clear_mapping_key,
    RHETOR_OT_save_mapping_preset,
    RHETOR_OT_load_mapping_preset,
    RHETOR_OT_remove_mapping_preset,
    RHETOR_OT_import_mapping,
    RHETOR_OT_export_mapping,
)
