# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a finished file as `blender --background FILE --render-anim` does: without us."""

from pathlib import Path

import bpy
import numpy as np
import scenario


def main(blend: str, folder: str) -> dict:
    bpy.ops.wm.read_factory_settings()
    bpy.ops.wm.open_mainfile(filepath=blend)
    assert scenario.EXTENSION not in bpy.context.preferences.addons
    assert not hasattr(bpy.types.Scene, "rhetor")
    scene = bpy.context.scene
    opening = jaw_by_frame(scene)
    shut, wide = min(opening, key=opening.get), max(opening, key=opening.get)
    still = sorted(opening, key=lambda frame: abs(opening[frame] - opening[shut]))[1]
    pictures = {frame: render(scene, frame, Path(folder)) for frame in (shut, still, wide)}
    return {
        "opening": [opening[shut], opening[wide]],
        "mouth": float(np.abs(pictures[wide] - pictures[shut]).max()),
        "contrast": float(np.ptp(pictures[shut])),
        "size": list(pictures[shut].shape[:2]),
    }


def jaw_by_frame(scene) -> dict[int, float]:
    (keys,) = (key for key in bpy.data.shape_keys if "jawOpen" in key.key_blocks)
    opening = {}
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        evaluated = keys.evaluated_get(bpy.context.evaluated_depsgraph_get())
        opening[frame] = evaluated.key_blocks["jawOpen"].value
    return opening


def render(scene, frame: int, folder: Path) -> np.ndarray:
    """One frame of the animation, with the file's own engine and size, as (H, W, 4) in [0, 1]."""
    scene.frame_start = scene.frame_end = frame
    scene.render.filepath = str(folder / f"{frame:04}")
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "PNG"
    bpy.ops.render.render(animation=True)
    (path,) = folder.glob(f"{frame:04}*.png")
    image = bpy.data.images.load(str(path))
    width, height = image.size
    return np.array(image.pixels[:]).reshape(height, width, 4)


scenario.run(main, enabled=False)
