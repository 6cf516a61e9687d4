# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a small portrait and describe the picture."""

from pathlib import Path

import bpy
import numpy as np
import scenario
from bpy_extras.object_utils import world_to_camera_view


def framing(scene, rig) -> dict:
    """Where the head's vertices lie in the picture: 0..1 from left to right, bottom to top."""
    bpy.context.view_layer.update()
    face = rig.face
    places = [
        world_to_camera_view(scene, scene.camera, face.matrix_world @ vertex.co)[:2]
        for vertex in list(face.data.vertices)[::7]
        if vertex.co.z > 0.12
    ]
    low, high = np.min(places, 0), np.max(places, 0)
    return {"low": low.tolist(), "high": high.tolist()}


def main(engine: str, picture: str) -> dict:
    model, module = scenario.module("engine.head.model"), scenario.module("addon.head.rig")
    rig = module.build_rig(bpy.context, model.load_head())
    scene = bpy.context.scene
    for _ in range(2):
        scenario.module("addon.headless.stage").setup_stage(scene, rig)
    configure = scenario.module("addon.headless.render_setup").configure_render
    configure(scene, engine, 160, 160, 29.97, Path(picture), video=False)
    if engine == "cycles":
        scene.cycles.samples = 2
    frame = framing(scene, rig)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(picture)
    pixels = np.array(image.pixels[:]).reshape(160, 160, 4)[..., :3]
    return {
        **frame,
        "lights": sum(item.type == "LIGHT" for item in scene.objects),
        "cameras": sum(item.type == "CAMERA" for item in scene.objects),
        "fps": scene.render.fps / scene.render.fps_base,
        "cheek": pixels[70:85, 60:70].mean((0, 1)).tolist(),
        "corner": pixels[140:, :20].mean((0, 1)).tolist(),
        "contrast": float(pixels.std()),
    }


scenario.run(main)
