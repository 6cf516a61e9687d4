# SPDX-License-Identifier: GPL-3.0-or-later
"""Head model parts as Blender meshes: geometry, shape keys, attributes, vertex groups, modifiers.

Mesh coordinates are the head model's face space in metres, moved so that the root bone is at the
object's origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from ...engine.head.channels import EXPRESSION_NAMES
from ...engine.head.model import FACE, HeadModel
from ...engine.head.parts import BONES, Part, Pigments

COLOUR_ATTRIBUTE = "Col"
_WEIGHT_STEPS = 250

Vectors = npt.NDArray[np.float32]


def to_metres(head: HeadModel, points_mm: npt.NDArray[Any]) -> Vectors:
    """(..., 3) face-space mm to the rig's own metres, with the root bone at the origin."""
    placed: Vectors = ((points_mm - head.bones["root"]) / 1000.0).astype(np.float32)
    return placed


def build_part(
    head: HeadModel,
    part: Part,
    materials: Mapping[str, bpy.types.Material],
    identity: npt.NDArray[Any],
    pigments: Pigments,
) -> bpy.types.Object:
    """A part as a new object that is in no collection yet."""
    mesh = bpy.data.meshes.new(part.name)
    _write_polygons(mesh, part, to_metres(head, head.vertices(part.name, identity)))
    for slot in part.slots:
        mesh.materials.append(materials[slot])
    mesh.polygons.foreach_set("material_index", part.face_slots.astype(np.int32))
    for name, values in part.attributes.items():
        _write_attribute(mesh, name, np.asarray(values, np.float32))
    mesh.attributes.new(COLOUR_ATTRIBUTE, "FLOAT_COLOR", "POINT")
    paint_part(head, part, mesh, pigments)
    # Workbench and the viewport's attribute colours show the active colour attribute.
    mesh.color_attributes.active_color = mesh.color_attributes[COLOUR_ATTRIBUTE]
    mesh.color_attributes.render_color_index = mesh.color_attributes.active_color_index
    item = bpy.data.objects.new(part.name, mesh)
    if part.keys or part.name == FACE:
        _write_shape_keys(item, head, part, identity)
    return item


def move_vertices(item: bpy.types.Object, delta_mm: Vectors) -> None:
    """Move the vertices of a mesh, (V, 3) mm in face space; all keys keep their displacements."""
    delta = (delta_mm / 1000.0).astype(np.float32).ravel()
    places = np.empty_like(delta)
    keys = item.data.shape_keys
    layers = [(item.data.attributes["position"].data, "vector")]
    layers += [(block.points, "co") for block in (keys.key_blocks if keys else ())]
    for layer, field in layers:
        layer.foreach_get(field, places)
        layer.foreach_set(field, places + delta)
    item.data.update()


def paint_part(head: HeadModel, part: Part, mesh: bpy.types.Mesh, pigments: Pigments) -> None:
    """Write the vertex colours of a part."""
    colours = head.colours(part.name, pigments).astype(np.float32)
    mesh.attributes[COLOUR_ATTRIBUTE].data.foreach_set("color", colours.ravel())
    mesh.update()


def add_skinning(item: bpy.types.Object, part: Part, armature: bpy.types.Object) -> None:
    """Vertex groups for the bones of a part, and the modifier that follows them."""
    weights = part.bone_weights
    if weights is None:
        item.vertex_groups.new(name=part.name).add(range(part.vertex_count), 1.0, "REPLACE")
    else:
        for column, bone in enumerate(BONES):
            _write_group(item.vertex_groups.new(name=bone), weights[:, column])
    modifier = item.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature


def add_subdivision(item: bpy.types.Object, part: Part) -> None:
    """The part's suggested subdivision, viewport and render."""
    viewport, render = part.subdivision
    if max(viewport, render) > 0:
        modifier = item.modifiers.new("Subdivision", "SUBSURF")
        modifier.levels, modifier.render_levels = viewport, render
        # The borders of attributes (lips, hairline) are to stay as smooth as the surface.
        modifier.boundary_smooth = "PRESERVE_CORNERS"


def _write_polygons(mesh: bpy.types.Mesh, part: Part, points: Vectors) -> None:
    mesh.vertices.add(part.vertex_count)
    mesh.vertices.foreach_set("co", points.ravel())
    mesh.loops.add(len(part.corners))
    mesh.loops.foreach_set("vertex_index", part.corners.astype(np.int32))
    mesh.polygons.add(len(part.sizes))
    starts = np.cumsum(np.r_[0, part.sizes[:-1]]).astype(np.int32)
    mesh.polygons.foreach_set("loop_start", starts)
    mesh.update(calc_edges=True)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(part.sizes), bool))


def _write_attribute(mesh: bpy.types.Mesh, name: str, values: Vectors) -> None:
    kind, field = ("FLOAT", "value") if values.ndim == 1 else ("FLOAT_VECTOR", "vector")
    mesh.attributes.new(name, kind, "POINT").data.foreach_set(field, values.ravel())


def _write_shape_keys(
    item: bpy.types.Object, head: HeadModel, part: Part, identity: npt.NDArray[Any]
) -> None:
    neutral = to_metres(head, head.vertices(part.name, identity))
    # The face has all expressions, also those that only turn the eyes: they carry the animation.
    expressions = EXPRESSION_NAMES if part.name == FACE else ()
    names = dict.fromkeys(["Basis", *expressions, *part.keys])
    for name in names:
        block = item.shape_key_add(name=name, from_mix=False)
        block.slider_min, block.slider_max = 0.0, 1.0
        block.value = 0.0  # newer versions start a new key at 1
        block.points.foreach_set("co", _key_shape(part, name, neutral).ravel())
    item.data.shape_keys.name = f"{item.name} keys"


def _key_shape(part: Part, name: str, neutral: Vectors) -> Vectors:
    if part.shapes is None or name not in part.keys:
        return neutral
    moved, deltas_mm = part.shapes.mode(part.keys.index(name))
    shape = neutral.copy()
    shape[moved] += deltas_mm / 1000.0
    return shape


def _write_group(group: bpy.types.VertexGroup, weights: npt.NDArray[Any]) -> None:
    """Vertex weights, in steps too fine to see so that few calls are needed."""
    steps = np.round(weights * _WEIGHT_STEPS).astype(int)
    for step in np.unique(steps[steps > 0]):
        group.add(np.flatnonzero(steps == step).tolist(), step / _WEIGHT_STEPS, "REPLACE")
