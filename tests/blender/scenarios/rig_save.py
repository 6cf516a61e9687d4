# SPDX-License-Identifier: GPL-3.0-or-later
"""Save a character with keyed blinks and gaze, and what it looks like at each frame."""

import bpy
import numpy as np
import rig_shapes
import scenario

WEIGHTS = {
    "eyeBlinkLeft": 0.5,
    "browDownLeft": 0.8,
    "eyeLookOutLeft": 0.7,
    "eyeLookInRight": 0.7,
    "eyeLookUpLeft": 0.4,
    "jawOpen": 0.6,
}


def main(blend: str, expected: str) -> dict:
    model, module = scenario.module("engine.head.model"), scenario.module("addon.head.rig")
    rig = module.build_rig(bpy.context, model.load_head())
    for name, weight in WEIGHTS.items():
        block = rig.keys.key_blocks[name]
        for frame, value in ((1, 0.0), (11, weight)):
            block.value = value
            block.keyframe_insert("value", frame=frame)
    np.savez(expected, **rig_shapes.shapes_at((1, 11)))
    bpy.context.scene.frame_set(1)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    return {}


scenario.run(main)
