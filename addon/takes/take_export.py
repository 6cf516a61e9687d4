# SPDX-License-Identifier: GPL-3.0-or-later
"""A character and what plays on it as one FBX, glTF or USD file, through Blender's exporters.

Their settings matter: by default FBX drops all shape keys of a mesh with a Subdivision modifier,
glTF writes every action of the file but not what the NLA mixes, and USD writes one still frame.
With the settings here each samples what the scene shows, frame by frame, drivers and amounts
included. Frames keep their times, so that the recording stays in sync.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import bpy

from ...engine.protocol.errors import ConfigError, RigError
from .. import compat
from ..characters.character import Character
from . import playback

FBX, GLTF, USD = "FBX", "GLTF", "USD"

SUFFIXES: Mapping[str, str] = MappingProxyType({FBX: ".fbx", GLTF: ".glb", USD: ".usdc"})

_SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        FBX: {
            "use_selection": True,
            "use_mesh_modifiers": False,
            "add_leaf_bones": False,
            "bake_anim_use_nla_strips": False,
            "bake_anim_use_all_actions": False,
            "bake_anim_simplify_factor": 0.0,
        },
        GLTF: {
            "use_selection": True,
            "export_animation_mode": "SCENE",
            "export_anim_scene_split_object": False,
            "export_frame_range": True,
            "export_force_sampling": True,
            "export_optimize_animation_size": False,
        },
        USD: {"selected_objects_only": True, "export_animation": True},
    }
)


def export_character(context: Any, character: Character, path: Path, file_format: str) -> None:
    """Write a character, with what plays on it, to a file. The scene stays as it is.

    file_format: FBX, GLTF or USD. The frames are those of the takes that play, or the scene's
    where none does. Raises ConfigError where this Blender cannot write the format, RigError where
    nothing of the character is in the view layer.
    """
    export = _exporter(file_format)
    with _alone(context, character, _frames(context.scene, character)):
        export(filepath=str(path), **_SETTINGS[file_format])


def with_suffix(path: Path, file_format: str) -> Path:
    """A path that ends as the format wants; dots within the name stay."""
    stem = path.stem if path.suffix.lower() in SUFFIXES.values() else path.name
    return path.with_name(stem + SUFFIXES[file_format])


def _exporter(file_format: str) -> Any:
    module, name = {
        FBX: (bpy.ops.export_scene, "fbx"),
        GLTF: (bpy.ops.export_scene, "gltf"),
        USD: (bpy.ops.wm, "usd_export"),
    }[file_format]
    if name not in dir(module):
        raise ConfigError(
            f"This Blender cannot write {file_format} now.",
            f"Enable the add-on for {file_format} in the preferences, or choose another format.",
        )
    return getattr(module, name)


def _frames(scene: Any, character: Character) -> tuple[int, int]:
    """First and last frame of the whole takes that play, else of the scene."""
    ranges = [
        curve.range()
        for owner in character.owners
        if (action := playback.playing_action(owner)) is not None
        for curve in compat.all_fcurves(action)
    ]
    if not ranges:
        return scene.frame_start, scene.frame_end
    return round(min(r[0] for r in ranges)), round(max(r[1] for r in ranges))


@contextmanager
def _alone(context: Any, character: Character, frames: tuple[int, int]) -> Iterator[None]:
    """Only the character is selected, in Object Mode, and the scene has these frames."""
    scene, layer = context.scene, context.view_layer
    active = layer.objects.active
    mode = "OBJECT" if active is None else active.mode
    current = scene.frame_current, scene.frame_subframe
    before = scene.frame_start, scene.frame_end
    selected = list(context.selected_objects)
    parts = [item for item in _objects(character) if item.visible_get()]
    locked = [item for item in parts if item.hide_select]
    if not parts:
        raise RigError(f"{character.name} is not visible.", "Show it in the Outliner.")
    try:
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        for item in selected:
            item.select_set(False)
        for item in locked:
            item.hide_select = False
        for item in parts:
            item.select_set(True)
        layer.objects.active = character.root
        scene.frame_start, scene.frame_end = frames
        yield
    finally:
        scene.frame_start, scene.frame_end = before
        for item in context.selected_objects:
            item.select_set(False)
        for item in locked:
            item.hide_select = True
        for item in selected:
            item.select_set(True)
        layer.objects.active = active
        scene.frame_set(current[0], subframe=current[1])
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)


def _objects(character: Character) -> Iterator[Any]:
    """The root, the meshes that hang on it and those that it deforms."""
    root = character.root
    hanging = set(root.children_recursive)
    yield root
    for item in bpy.context.view_layer.objects:
        belongs = item in hanging or item in character.faces or item.find_armature() == root
        if item.type == "MESH" and item != root and belongs:
            yield item
