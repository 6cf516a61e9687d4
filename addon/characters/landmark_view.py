# SPDX-License-Identifier: GPL-3.0-or-later
"""The landmarks of a face drawn over the 3D view, and the mesh under the mouse."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import blf
import bpy
import gpu
from bpy_extras import view3d_utils
from gpu_extras.batch import batch_for_shader
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from mathutils.interpolate import poly_3d_calc

from ..identify import BlockId

_DOT_PIXELS = 4.0
_CORNERS = 12
_TEXT_PIXELS = 17
_TEXT_AT = (70, 24)
"""Pixels from the lower left corner of the view, beside the tools."""

_MARKED = (1.0, 0.55, 0.1, 1.0)
_NEXT = (1.0, 1.0, 1.0, 1.0)


@dataclass
class LandmarkView:
    """What is drawn while landmarks are marked. places: in the axes of the mesh object."""

    mesh: BlockId
    places: dict[str, Any] = field(default_factory=dict)
    prompt: str = ""
    current: str = ""
    _handle: Any = None

    def show(self) -> None:
        """Draw from now on."""
        self._handle = bpy.types.SpaceView3D.draw_handler_add(
            self._draw, (), "WINDOW", "POST_PIXEL"
        )

    def hide(self) -> None:
        """Draw no longer; may be repeated."""
        if self._handle is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
            self._handle = None

    def _draw(self) -> None:
        item = self.mesh.find(bpy.data.objects)
        context = bpy.context
        if item is None or context.region_data is None:
            return
        scale = context.preferences.system.ui_scale
        for name, place in self.places.items():
            at = view3d_utils.location_3d_to_region_2d(
                context.region, context.region_data, item.matrix_world @ Vector(place)
            )
            if at is not None:
                _draw_dot(at, _DOT_PIXELS * scale, _NEXT if name == self.current else _MARKED)
        blf.size(0, _TEXT_PIXELS * scale)
        blf.color(0, *_NEXT)
        blf.position(0, _TEXT_AT[0] * scale, _TEXT_AT[1] * scale, 0)
        blf.draw(0, self.prompt)


def place_under_mouse(
    context: Any, item: bpy.types.Object, mouse: tuple[int, int]
) -> Vector | None:
    """The place (3,) of the mesh at rest that is seen under the mouse, in the object's axes.

    None where the mouse is beside it. What is seen may be posed, bent or subdivided.
    """
    region, data = context.region, context.region_data
    direction = view3d_utils.region_2d_to_vector_3d(region, data, mouse)
    origin = view3d_utils.region_2d_to_origin_3d(region, data, mouse)
    seen = item.evaluated_get(context.evaluated_depsgraph_get())
    to_object = seen.matrix_world.inverted_safe()
    begin = to_object @ origin
    hit, place, _, polygon = seen.ray_cast(begin, (to_object @ (origin + direction)) - begin)
    return _at_rest(item, seen, place, polygon) if hit else None


def _at_rest(item: bpy.types.Object, seen: bpy.types.Object, place: Vector, polygon: int) -> Vector:
    """The same place of the surface before keys and modifiers."""
    rest = [point.co for point in item.data.shape_keys.reference_key.data]
    if len(seen.data.polygons) == len(item.data.polygons):
        corners = seen.data.polygons[polygon].vertices
        shares = poly_3d_calc([seen.data.vertices[v].co for v in corners], place)
        return sum((rest[v] * w for v, w in zip(corners, shares, strict=True)), Vector())
    faces = [tuple(face.vertices) for face in item.data.polygons]
    nearest = BVHTree.FromPolygons(rest, faces).find_nearest(place)[0]
    return place if nearest is None else nearest


def first_missing(names: list[str], places: Mapping[str, Any]) -> int:
    """Index of the first landmark that has no place yet; 0 where all have one."""
    return next((index for index, name in enumerate(names) if name not in places), 0)


def _draw_dot(at: Vector, radius: float, colour: tuple[float, float, float, float]) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    rim = [
        (at.x + radius * math.cos(2 * math.pi * k / _CORNERS),
         at.y + radius * math.sin(2 * math.pi * k / _CORNERS))
        for k in range(_CORNERS)
    ]  # fmt: skip
    corners = [point for k in range(_CORNERS) for point in (at[:2], rim[k - 1], rim[k])]
    batch = batch_for_shader(shader, "TRIS", {"pos": corners})
    shader.uniform_float("color", colour)
    batch.draw(shader)
