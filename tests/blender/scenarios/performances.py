# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes to write, and what a character must look like when they play."""

from typing import Any

import bpy
import numpy as np
import scenario


def random_take(seconds: float, seed: int = 0) -> Any:
    """A take at 30 fps whose every channel wanders smoothly, all at once and fast."""
    names = scenario.module("engine.head.channels").EXPRESSION_NAMES
    rng = np.random.default_rng(seed)
    count = round(seconds * 30)
    walk = np.cumsum(rng.normal(size=(count, 6 + len(names))), axis=0) / 10
    pose = walk[:, :6] * [0.1, 0.1, 0.1, 10, 10, 10]
    expression = (np.sin(walk[:, 6:]) + 1) / 2
    return scenario.module("engine.protocol.take").Take(
        30.0,
        pose.astype(np.float32),
        expression.astype(np.float32),
        names,
        np.zeros(50, np.float32),
        {"engine_version": "0", "weights_sha256": {"a": "b"}, "warnings": []},
    )


def create_head(**options: Any) -> Any:
    """A new head, picked for the next performance; its rig."""
    assert bpy.ops.rhetor.create_head(**options) == {"FINISHED"}
    return scenario.module("addon.head.rig").find_rig(bpy.context.scene.rhetor.head)


def performance(take: Any, audio: str) -> Any:
    """The take as if the scene's settings had asked the engine for it."""
    bpy.context.scene.rhetor.audio = audio
    order = scenario.module("addon.scene_read").read_order(bpy.context)
    return scenario.module("addon.scene_write").Performance(order, take)


def motion(armature: Any, face: Any, frames: range) -> dict[str, np.ndarray]:
    """What the scene shows: at each frame head rotation (T, 3, 3) and offset (T, 3) in the
    armature's space and key values (T, K) in the order of the mesh; face vertices at three."""
    scene = bpy.context.scene
    rest = np.array(armature.data.bones["head"].matrix_local)
    rotations, offsets, keys, vertices = [], [], [], []
    for frame in frames:
        scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        matrix = np.array(armature.evaluated_get(depsgraph).pose.bones["head"].matrix)
        rotations.append(matrix[:3, :3] @ rest[:3, :3].T)
        offsets.append(matrix[:3, 3] - rest[:3, 3])
        shown = face.evaluated_get(depsgraph)
        blocks = face.data.shape_keys.evaluated_get(depsgraph).key_blocks
        keys.append([block.value for block in blocks])
        if frame in (frames[0], frames[len(frames) // 2], frames[-1]):
            mesh = shown.data
            points = np.empty(len(mesh.vertices) * 3, np.float32)
            mesh.vertices.foreach_get("co", points)
            vertices.append(points.reshape(-1, 3))
    return {
        "rotation": np.array(rotations),
        "offset": np.array(offsets),
        "keys": np.array(keys),
        "vertices": np.array(vertices),
    }


def expected_motion(take: Any) -> tuple[np.ndarray, np.ndarray]:
    """Head rotation (T, 3, 3) and offset (T, 3) in metres that a take asks for, face space."""
    rotation_matrix = scenario.module("addon.core.axes").rotation_matrix
    rotations = np.array([rotation_matrix(*row[:3]) for row in take.pose.astype(np.float64)])
    return rotations, take.pose[:, 3:].astype(np.float64) / 1000


def angle_between(one: np.ndarray, other: np.ndarray) -> float:
    """Largest angle in radians between rotations (T, 3, 3)."""
    apart = np.linalg.norm(one - other, axis=(1, 2)) / np.sqrt(8)
    return float(2 * np.arcsin(np.clip(apart, 0, 1)).max())


def footprint() -> dict[str, Any]:
    """What a failed job must not change."""
    scene = bpy.context.scene
    return {
        "actions": sorted(action.name for action in bpy.data.actions),
        "animated": sorted(
            item.name
            for item in bpy.data.objects
            if item.animation_data and item.animation_data.action
        ),
        "sequencer": scene.sequence_editor is not None,
        "range": [scene.frame_start, scene.frame_end],
        "sync": scene.sync_mode,
    }
