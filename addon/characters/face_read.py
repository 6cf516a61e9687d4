# SPDX-License-Identifier: GPL-3.0-or-later
"""A face mesh as the engine wants it: at rest, what each shape key moves, its landmarks.

Places are in face space as the character's settings say where it looks; landmarks are stored in the
axes of the mesh object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...engine.protocol.errors import RigError
from ...engine.protocol.face_landmarks import FACE_LANDMARKS
from ...engine.protocol.face_shape import FaceShape
from .. import compat
from .character_settings import AXES

LANDMARKS_MARK = "rhetor_landmarks"
_CLOSE_SHARE = 0.5
"""A mesh is shown with the face where its middle is so near, in sizes of the face's own box."""


def read_landmarks(item: bpy.types.Object) -> dict[str, np.ndarray]:
    """Name -> (3,) place in the axes of the mesh object; only names that are known."""
    stored = item.get(LANDMARKS_MARK, {})
    return {name: np.array(stored[name]) for name in FACE_LANDMARKS if name in stored}


def store_landmarks(item: bpy.types.Object, places: Mapping[str, Any]) -> None:
    """The inverse; without places nothing is left behind."""
    if places:
        item[LANDMARKS_MARK] = {n: [float(v) for v in p] for n, p in places.items()}
    elif LANDMARKS_MARK in item:
        del item[LANDMARKS_MARK]


def read_face(
    item: bpy.types.Object, root: bpy.types.Object, expressive: Iterable[str] = ()
) -> FaceShape:
    """A mesh with its keys and landmarks.

    Keys that are in use without being animated are part of who it is: they shape the face at rest
    and cannot be keyed. `expressive` names keys that are not, whatever their value.
    Raises RigError where there is nothing to read.
    """
    keys = item.data.shape_keys
    if keys is None or len(keys.key_blocks) < 2:
        raise RigError(f"{item.name} has no shape keys.", "Pick the mesh that has them.")
    blocks = list(keys.key_blocks)[1:]
    shaping = {block.name for block in blocks if _shapes(block, keys, set(expressive))}
    rest = _places(keys.reference_key)
    changes = {block.name: _change(item, block) for block in blocks if not block.mute}
    for block in blocks:
        if block.name in shaping:
            rest = rest + block.value * changes[block.name]
    free = [name for name in changes if name not in shaping]
    if not free:
        raise RigError(
            f"All shape keys of {item.name} are muted or in use.",
            "Set those that are expressions to 0: the face is read at rest.",
        )
    to_face = _to_face_space(item, root)
    turn = np.array(to_face.to_3x3(), np.float32).T
    return FaceShape.of(
        _moved(rest, to_face),
        _triangles(item),
        free,
        [changes[name] @ turn for name in free],
        {n: _moved(p[None], to_face)[0] for n, p in read_landmarks(item).items()},
    )


def read_surroundings(face: FaceShape, item: bpy.types.Object, root: bpy.types.Object) -> FaceShape:
    """The face together with the other meshes of the character near it: eyes, teeth, lashes."""
    points, triangles, start = [face.vertices], [face.triangles], len(face.vertices)
    low, high = face.vertices.min(axis=0), face.vertices.max(axis=0)
    reach = _CLOSE_SHARE * float((high - low).max())
    for other in [root, *root.children_recursive]:
        if other == item or other.type != "MESH" or not other.visible_get():
            continue
        places = _moved(_vertices(other), _to_face_space(other, root))
        if len(places) and np.abs(places.mean(axis=0) - 0.5 * (low + high)).max() < reach:
            points.append(places.astype(np.float32))
            triangles.append(_triangles(other) + start)
            start += len(places)
    return FaceShape(
        np.concatenate(points),
        np.concatenate(triangles).astype(np.int32),
        face.key_names,
        face.starts,
        face.moved,
        face.deltas,
        {},
    )


def to_mesh_axes(place: Any, item: bpy.types.Object, root: bpy.types.Object) -> np.ndarray:
    """A place (3,) in face space, in the axes of the mesh object."""
    return _moved(np.asarray(place)[None], _to_face_space(item, root).inverted())[0]


def _shapes(block: Any, keys: bpy.types.Key, expressive: set[str]) -> bool:
    """Whether a key is part of who the character is: in use, and nothing moves it."""
    if block.mute or not block.value or block.name in expressive:
        return False
    path = block.path_from_id("value")
    animation = keys.animation_data
    driven = animation is not None and animation.drivers.find(path) is not None
    channels = compat.assigned_channels(keys)
    return not driven and (channels is None or channels.fcurves.find(path) is None)


def _change(item: bpy.types.Object, block: Any) -> np.ndarray:
    """(V, 3) by which a key at 1 moves the vertices."""
    change = _places(block) - _places(block.relative_key)
    group = item.vertex_groups.get(block.vertex_group) if block.vertex_group else None
    return change if group is None else change * _weights(item, group)[:, None]


def _places(block: Any) -> np.ndarray:
    flat = np.empty(3 * len(block.points), np.float32)
    block.points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def _vertices(item: bpy.types.Object) -> np.ndarray:
    flat = np.empty(3 * len(item.data.vertices), np.float32)
    item.data.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def _triangles(item: bpy.types.Object) -> np.ndarray:
    """(F, 3) triangles that are shown: masks hide helpers that are no part of the face."""
    item.data.calc_loop_triangles()
    flat = np.empty(3 * len(item.data.loop_triangles), np.int32)
    item.data.loop_triangles.foreach_get("vertices", flat)
    triangles = flat.reshape(-1, 3)
    for modifier in item.modifiers:
        group = item.vertex_groups.get(getattr(modifier, "vertex_group", ""))
        if modifier.type == "MASK" and modifier.show_viewport and group is not None:
            kept = _weights(item, group) > modifier.threshold
            kept ^= modifier.invert_vertex_group
            triangles = triangles[kept[triangles].all(axis=1)]
    return triangles


def _weights(item: bpy.types.Object, group: bpy.types.VertexGroup) -> np.ndarray:
    """(V,) weight of each vertex in a group."""
    weights = np.zeros(len(item.data.vertices))
    for vertex in item.data.vertices:
        for entry in vertex.groups:
            if entry.group == group.index:
                weights[vertex.index] = entry.weight
    return weights


def _to_face_space(item: bpy.types.Object, root: bpy.types.Object) -> Matrix:
    """From the axes of a mesh object to a character that looks along -Y and stands along +Z."""
    settings = root.rhetor_character
    forward, up = Vector(AXES[settings.forward]), Vector(AXES[settings.up])
    if not up.cross(forward).length:
        raise RigError(
            f"Forward and Up of {root.name} are the same axis.", "Set them under Character."
        )
    facing = Matrix((up.cross(forward), -forward, up)).to_4x4()
    return facing @ root.matrix_world.inverted_safe() @ item.matrix_world


def _moved(points: np.ndarray, matrix: Matrix) -> np.ndarray:
    values = np.array(matrix, np.float32)
    return points @ values[:3, :3].T + values[:3, 3]
