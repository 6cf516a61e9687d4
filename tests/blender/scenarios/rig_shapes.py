# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluated meshes of the scene, by object and frame."""

import bpy
import numpy as np


def shapes_at(frames: tuple[int, ...]) -> dict[str, np.ndarray]:
    """(V, 3) world positions of the visible meshes, by "name@frame"."""
    found = {}
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        for item in bpy.context.scene.objects:
            if item.type == "MESH" and not item.hide_viewport:
                evaluated = item.evaluated_get(graph)
                mesh = evaluated.to_mesh()
                points = np.zeros(3 * len(mesh.vertices), np.float32)
                mesh.vertices.foreach_get("co", points)
                world = np.array(evaluated.matrix_world)
                points = points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
                found[f"{item.name}@{frame}"] = points
                evaluated.to_mesh_clear()
    return found
