# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shape of a character tells: where it looks, how large its face is, what keys move."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.bone_names import sided_pairs
from .character_settings import AXES

_MOVED_SHARE = 0.1
"""A vertex belongs to the face where keys move it by so much of the largest motion."""

_MOSTLY = 0.5
_SLANTED = 0.7


def find_facing(root: Any) -> tuple[str, str]:
    """(forward, up) of a character at rest, as the nearest of the root's own axes.

    Up is up in the scene. Bones that there are for both sides tell left from right, and with it
    where forward is; without any the character looks along -Y of the scene.
    """
    to_root = np.linalg.inv(np.array(root.matrix_world.to_3x3().normalized()))
    up = _nearest_axis(to_root @ [0.0, 0.0, 1.0])
    forward = to_root @ [0.0, -1.0, 0.0]
    left = _left_of_bones(root)
    if left is not None and abs(left @ AXES[up]) < _SLANTED:
        forward = np.cross(left, AXES[up])
    forward -= (forward @ AXES[up]) * np.array(AXES[up])
    return _nearest_axis(forward), up


def face_width(item: Any, keys: Iterable[str], root: Any, left: np.ndarray) -> float:
    """How wide what some keys of a mesh move is, along `left`, in the root's units; 0 for nothing.

    left: (3,) in the root's axes.
    """
    blocks = item.data.shape_keys.key_blocks
    rest = _points(item.data.shape_keys.reference_key)
    moved = np.zeros(len(rest))
    for name in keys:
        moved = np.maximum(moved, np.linalg.norm(_points(blocks[name]) - rest, axis=1))
    face = rest[moved > _MOVED_SHARE * moved.max(initial=0.0)]
    if not len(face):
        return 0.0
    to_root = np.array((root.matrix_world.inverted_safe() @ item.matrix_world).to_3x3())
    across = face @ to_root.T @ left
    return float(across.max() - across.min())


def moves_group(item: Any, keys: Iterable[str], group_name: str) -> bool:
    """Whether one of the keys moves vertices that are mostly in a vertex group."""
    group = item.vertex_groups.get(group_name)
    if group is None:
        return False
    inside = np.array([_weight(vertex, group.index) > _MOSTLY for vertex in item.data.vertices])
    rest = _points(item.data.shape_keys.reference_key)[inside]
    blocks = item.data.shape_keys.key_blocks
    return any(not np.allclose(_points(blocks[name])[inside], rest) for name in keys)


def _left_of_bones(root: Any) -> np.ndarray | None:
    """The character's left, a unit vector in the root's axes, from all bones with two sides."""
    if root.type != "ARMATURE":
        return None
    bones = root.data.bones
    parents = {bone.name: None for bone in bones}
    apart = [
        np.array(bones[left].head_local - bones[right].head_local)
        for left, right in sided_pairs(parents)
    ]
    whole = np.sum(apart, axis=0) if apart else np.zeros(3)
    length = float(np.linalg.norm(whole))
    return whole / length if length > 0.0 else None


def _nearest_axis(direction: np.ndarray) -> str:
    return max(AXES, key=lambda name: float(np.dot(AXES[name], direction)))


def _points(block: Any) -> np.ndarray:
    """(V, 3) places of a shape key."""
    found = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", found)
    return found.reshape(-1, 3).astype(np.float64)


def _weight(vertex: Any, group: int) -> float:
    return next((g.weight for g in vertex.groups if g.group == group), 0.0)
