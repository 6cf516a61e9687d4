# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out how a character can take a performance, and store it on its root object."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..core.bone_names import find_roles
from ..core.key_names import suggest
from ..head.rig import find_rig
from . import character_bones, linked
from .character import Character, find_character
from .character_faces import keyable_mapping, mapped_faces
from .character_measure import face_width, find_facing, moves_group
from .character_settings import AXES, BONES, BOTH, KEYS
from .character_summary import Summary, summarise

_OUR_FACE_WIDTH_M = 0.13
"""How wide what the expressions of our own head move is."""

_ROLES = {
    "head_bone": "head",
    "neck_bone": "neck",
    "jaw_bone": "jaw",
    "eye_left_bone": "eye_left",
    "eye_right_bone": "eye_right",
}
_KEPT = {"rna_type", "name", "takes_id"}


def set_up(item: bpy.types.Object, afresh: bool = False) -> Summary:
    """Fill in `Object.rhetor_character` of the character that an object belongs to.

    What has been chosen or fitted before is kept unless `afresh`. Raises RigError, before anything
    has been changed, where the character is linked without an override.
    """
    rig = find_rig(item)
    if rig is not None:
        done = linked.make_keyable(rig.armature, [rig.face])
        return Summary(rig.armature.name, ("It is a head of Rhetor's own.",), (), done)
    root = find_root(item)
    meshes = _meshes_with_keys(root)
    done = linked.make_keyable(root, meshes)
    settings = root.rhetor_character
    if afresh:
        for name in set(settings.bl_rna.properties.keys()) - _KEPT:
            settings.property_unset(name)
    _set_bones(root)
    _set_faces(root, meshes)
    _set_measures(root)
    _choose_between_bones_and_keys(root)
    if root.type == "ARMATURE" and not _is_animated(root):
        settings.offsets = character_bones.read_offsets(root)
    settings.is_set_up = True
    return summarise(Character(root), done)


def find_root(item: bpy.types.Object) -> bpy.types.Object:
    """The object that stands for the whole character: see the module `character`."""
    known = find_character(item)
    if known is not None:
        return known.root
    above = item
    while above is not None:
        armature = above if above.type == "ARMATURE" else above.find_armature()
        if armature is not None:
            return armature
        above = above.parent
    return item  # not its parent: that may be the room it stands in


def _meshes_with_keys(root: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes of a character that have shape keys, one for each Key, most keys first."""
    family = [root, *root.children_recursive]
    if root.type == "ARMATURE":
        family += [item for item in bpy.data.objects if item.find_armature() == root]
    by_keys: dict[Any, bpy.types.Object] = {}
    for item in family:
        keys = item.data.shape_keys if item.type == "MESH" else None
        if keys is not None and len(keys.key_blocks) > 1:
            by_keys.setdefault(keys, item)
    return sorted(by_keys.values(), key=lambda item: -len(item.data.shape_keys.key_blocks))


def _set_bones(root: bpy.types.Object) -> None:
    """Name the bones by their roles, where none is named that exists."""
    if root.type != "ARMATURE":
        return
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in root.data.bones}
    roles = find_roles(parents)
    for prop, role in _ROLES.items():
        if getattr(root.rhetor_character, prop) not in parents:
            setattr(root.rhetor_character, prop, getattr(roles, role))


def _set_faces(root: bpy.types.Object, meshes: list[bpy.types.Object]) -> None:
    """List the meshes whose keys are recognised; where none is, the one with most keys, to be
    fitted."""
    settings = root.rhetor_character
    suggested = {
        mesh: suggest(block.name for block in mesh.data.shape_keys.key_blocks).mapping
        for mesh in meshes
    }
    known = [mesh for mesh in meshes if suggested[mesh].names]
    listed = {face.mesh for face in settings.faces}
    for mesh in known or meshes[:1]:
        if mesh not in listed:
            settings.faces.add().mesh = mesh
    for face in settings.faces:
        if not face.mapping and face.mesh in known:
            face.mapping = suggested[face.mesh].to_json()


def _set_measures(root: bpy.types.Object) -> None:
    """Where the face looks and how large it is, where that has not been set before."""
    settings = root.rhetor_character
    if settings.is_property_set("pose_scale"):
        return
    forward, up = find_facing(root)
    settings.forward, settings.up = forward, up
    left = np.cross(AXES[up], AXES[forward])
    widths = [
        face_width(face.mesh, keyable_mapping(face).names, root, left)
        for face in mapped_faces(root)
    ]
    if any(widths):
        settings.pose_scale = max(widths) / _OUR_FACE_WIDTH_M
    else:  # as large as a person in the scene
        settings.pose_scale = 1.0 / max(float(np.mean(np.abs(root.matrix_world.to_scale()))), 1e-6)


def _choose_between_bones_and_keys(root: bpy.types.Object) -> None:
    """Bones where there are no keys. Both, where keys for gaze leave the eyeballs alone."""
    settings = root.rhetor_character
    mappings = {face.mesh: keyable_mapping(face) for face in mapped_faces(root)}
    reached = {unit for mapping in mappings.values() for unit in mapping.reached}
    if not settings.is_property_set("eyes"):
        settings.eyes = KEYS
        if settings.eye_left_bone and settings.eye_right_bone:
            looking = any(unit.startswith("eyeLook") for unit in reached)
            turned = any(
                moves_group(mesh, mapping.names, settings.eye_left_bone)
                for mesh, mapping in mappings.items()
            )
            settings.eyes = BONES if not looking else KEYS if turned else BOTH
    if not settings.is_property_set("jaw"):
        settings.jaw = BONES if settings.jaw_bone and "jawOpen" not in reached else KEYS


def _is_animated(root: bpy.types.Object) -> bool:
    animation = root.animation_data
    return animation is not None and (
        animation.action is not None or any(track.strips for track in animation.nla_tracks)
    )
