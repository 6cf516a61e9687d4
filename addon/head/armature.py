# SPDX-License-Identifier: GPL-3.0-or-later
"""The armature of a head: bones, their axes, what they look like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...engine.head.model import HeadModel
from ..core.axes import HEAD_ROTATION_MODE
from .head_mesh import to_metres

HEAD_BONE = "head"
_FORWARD = (0.0, -1.0, 0.0)
_HEAD_LENGTH_M = 0.12
_EYE_LENGTH_M = 0.02

# Bone: radius of its ring, height along the bone, ring centre forward of the bone (m), colours.
_RINGS = {
    "root": (0.19, 0.0, 0.0, "THEME09"),
    "neck": (0.105, 0.05, 0.0, "THEME04"),
    "head": (0.125, 0.15, 0.02, "THEME01"),
}


def add_armature(
    context: bpy.types.Context,
    collection: bpy.types.Collection,
    head: HeadModel,
    name: str,
) -> bpy.types.Object:
    """A new armature object in `collection`, active and in object mode."""
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    collection.objects.link(armature)
    armature.show_in_front = True

    def make(bones: Any) -> None:
        root, neck, skull = (to_metres(head, head.bones[n]) for n in ("root", "neck", HEAD_BONE))
        _add_bone(bones, "root", root, neck, None)
        _add_bone(bones, "neck", neck, skull, "root")
        # Exactly upright, so that the bone's axes are left, up, forward.
        _add_bone(bones, HEAD_BONE, skull, _above(skull, _HEAD_LENGTH_M), "neck")
        for eye in head.eyes:
            pivot = to_metres(head, eye.pivot)
            bone = _add_bone(bones, eye.name, pivot, _above(pivot, _EYE_LENGTH_M), HEAD_BONE)
            bone.use_deform = False

    _edit_bones(context, armature, make)
    for bone in armature.pose.bones:
        bone.rotation_mode = HEAD_ROTATION_MODE
        bone.lock_scale = (True, True, True)
    _dress(armature, {eye.name for eye in head.eyes})
    return armature


def attach_to_bone(
    item: bpy.types.Object, armature: bpy.types.Object, name: str, shift: Any = (0.0, 0.0, 0.0)
) -> None:
    """Parent an object, whose coordinates are the armature's, rigidly to a bone.

    shift: where the bone stands relative to its rest, (3,) m along its own axes.
    """
    bone = armature.data.bones[name]
    item.parent = armature
    item.parent_type = "BONE"
    item.parent_bone = name
    # Blender hangs children on the tail of a bone.
    on_bone = Matrix.Translation(Vector((0.0, bone.length, 0.0)) + Vector(shift))
    item.matrix_parent_inverse = (bone.matrix_local @ on_bone).inverted()


def place_eye(
    item: bpy.types.Object, armature: bpy.types.Object, head: HeadModel, name: str, identity: Any
) -> None:
    """Let an eye turn about where it is in the face of an identity.

    The bone is posed there: its rest stays, so that no mode has to be left and nothing of the
    armature's data changes. Identities differ by about a millimetre.
    """
    pose = armature.pose.bones[name]
    moved_mm = head.eye_pivot(name, identity) - head.eye_pivot(name)
    pose.location = pose.bone.matrix_local.to_3x3().inverted() @ Vector(moved_mm / 1000.0)
    pose.lock_location = (True, True, True)
    attach_to_bone(item, armature, name, pose.location)


def _above(point: Any, distance_m: float) -> Any:
    return point + np.array([0.0, 0.0, distance_m])


def _add_bone(bones: Any, name: str, start: Any, end: Any, parent: str | None) -> Any:
    bone = bones.new(name)
    bone.head, bone.tail = start, end
    bone.align_roll(_FORWARD)
    bone.parent = None if parent is None else bones[parent]
    return bone


def _edit_bones(
    context: bpy.types.Context, armature: bpy.types.Object, change: Callable[[Any], None]
) -> None:
    """Run `change` on the edit bones; leaves the armature active and everything in object mode."""
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    for item in context.selected_objects:
        item.select_set(False)
    armature.select_set(True)
    context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        change(armature.data.edit_bones)
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")


def _dress(armature: bpy.types.Object, eyes: set[str]) -> None:
    """Rings to grab instead of sticks; the driven eye bones in a hidden collection."""
    controls = armature.data.collections.new("Controls")
    driven = armature.data.collections.new("Driven")
    driven.is_visible = False
    for bone in armature.pose.bones:
        (driven if bone.name in eyes else controls).assign(bone)
        if bone.name in _RINGS:
            radius, height, forward, palette = _RINGS[bone.name]
            bone.custom_shape = _ring(f"Rhetor ring {bone.name}", radius, height, forward)
            bone.use_custom_shape_bone_size = False
            bone.bone.color.palette = palette
            bone.color.palette = palette


def _ring(name: str, radius: float, height: float, forward: float) -> bpy.types.Object:
    """A circle about a bone's Y axis, in no collection: bones show it, scenes do not list it."""
    known = bpy.data.objects.get(name)
    if known is not None:
        return known
    angle = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    points = np.stack(
        [radius * np.sin(angle), np.full(48, height), forward + radius * np.cos(angle)], 1
    )
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [(i, (i + 1) % 48) for i in range(48)], [])
    return bpy.data.objects.new(name, mesh)
