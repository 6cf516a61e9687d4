# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that are not ours, made of our own head's shapes: other keys, other bones."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import bpy
import numpy as np
import scenario
from mathutils import Matrix, Vector


@cache
def head() -> Any:
    return scenario.module("engine.head.model").load_head()


def new_armature(name: str, bones: Mapping[str, tuple]) -> Any:
    """bones: name -> (parent, head (3,), tail (3,), roll, connected), metres, facing -Y."""
    item = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, (parent, start, end, roll, connected) in bones.items():
        made = item.data.edit_bones.new(bone)
        made.head, made.tail, made.roll = start, end, roll
        made.parent = item.data.edit_bones.get(parent or "")
        made.use_connect = connected
    bpy.ops.object.mode_set(mode="OBJECT")
    return item


def new_face(
    name: str, keys: Mapping[str, Mapping[str, float]], part: str = "face", to_armature: Any = None
) -> Any:
    """A part of our head as a mesh whose keys show mixtures of our units.

    to_armature: Matrix from metres in face axes to where the mesh is.
    """
    place = np.array(to_armature or Matrix.Identity(4))
    neutral = head().vertices(part, None, {})
    shape = head().parts[part]
    ends = np.cumsum(shape.sizes)
    faces = [
        shape.corners[end - size : end].tolist()
        for end, size in zip(ends, shape.sizes, strict=True)
    ]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(_placed(neutral, place).tolist(), [], faces)
    item = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(item)
    item.shape_key_add(name="Basis", from_mix=False)
    for key, units in keys.items():
        block = item.shape_key_add(name=key, from_mix=False)
        moved = head().vertices(part, None, dict(units))
        block.data.foreach_set("co", _placed(moved, place).astype(np.float32).ravel())
    return item


def _placed(points_mm: np.ndarray, place: np.ndarray) -> np.ndarray:
    return (points_mm / 1000) @ place[:3, :3].T + place[:3, 3]


def follow_bone(item: Any, armature: Any, bone: str) -> None:
    """Skin all of a mesh to one bone."""
    item.parent = armature
    group = item.vertex_groups.new(name=bone)
    group.add(range(len(item.data.vertices)), 1.0, "REPLACE")
    item.modifiers.new("Armature", "ARMATURE").object = armature


def world_turn(armature: Any, bone: str) -> np.ndarray:
    """(3, 3) how far a bone is turned from its rest, in the world."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    shown = armature.evaluated_get(depsgraph)
    world = np.array(shown.matrix_world.to_3x3().normalized())
    now = np.array(shown.pose.bones[bone].matrix.to_3x3().normalized())
    rest = np.array(armature.data.bones[bone].matrix_local.to_3x3())
    return world @ now @ rest.T @ world.T


def lip_opening(item: Any) -> float:
    """Distance between the lips in the mesh's own units."""
    low, high = lip_vertices()
    mesh = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    return float((mesh.vertices[low].co - mesh.vertices[high].co).length)


@cache
def lip_vertices() -> tuple[int, int]:
    """The middle of the lower and of the upper lip of our face: what rolls in furthest."""
    neutral = head().vertices("face", None, {})
    in_the_middle = np.abs(neutral[:, 0]) < 3.0

    def moved_most(unit: str) -> int:
        moved = head().vertices("face", None, {unit: 1.0}) - neutral
        return int((np.linalg.norm(moved, axis=1) * in_the_middle).argmax())

    return moved_most("mouthRollLower"), moved_most("mouthRollUpper")


def our_openings(take: Any, frames: range) -> np.ndarray:
    """(T,) distance in metres of the same two vertices as our own head shows the take."""
    low, high = lip_vertices()
    found = []
    for row in take.expression[list(frames)]:
        points = head().vertices("face", None, dict(zip(take.expression_names, row, strict=True)))
        found.append(np.linalg.norm(points[low] - points[high]) / 1000)
    return np.array(found)


def move_to_bone(item: Any, bone: str, unit: str) -> None:
    """Give a bone what one of our units moves, as much as it moves it."""
    neutral = head().vertices("face", None, {})
    moved = np.linalg.norm(head().vertices("face", None, {unit: 1.0}) - neutral, axis=1)
    share = moved / moved.max()
    jaw, rest = item.vertex_groups.new(name=bone), item.vertex_groups[0]
    for index in np.flatnonzero(share > 0.01):
        jaw.add([int(index)], float(share[index]), "REPLACE")
        rest.add([int(index)], float(1 - share[index]), "REPLACE")


def picture(path: str) -> None:
    """A Workbench picture of everything, from the front."""
    scene = bpy.context.scene
    faces = [item for item in scene.objects if item.type == "MESH"]
    depsgraph = bpy.context.evaluated_depsgraph_get()
    corners = [
        item.evaluated_get(depsgraph).matrix_world @ Vector(corner)
        for item in faces
        for corner in item.bound_box
    ]
    middle = sum(corners, Vector()) / len(corners)
    size = max((corner - middle).length for corner in corners)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.location = middle + Vector((0.5 * size, -3.0 * size, 0.2 * size))
    camera.rotation_euler = (middle - camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.camera, scene.render.engine = camera, "BLENDER_WORKBENCH"
    scene.render.resolution_x = scene.render.resolution_y = 400
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
