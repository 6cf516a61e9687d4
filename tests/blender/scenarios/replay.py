# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a saved performance where Rhetor does not exist; it must look the same."""

import bpy
import numpy as np
import performances
import scenario


def main(blend: str, expected: str) -> dict:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=blend)
    assert not hasattr(bpy.types.Scene, "rhetor")
    names = bpy.context.scene["names"]
    armature, face = (bpy.data.objects[names[kind]] for kind in ("armature", "face"))
    wanted = np.load(expected)
    shown = performances.motion(armature, face, range(wanted["first"], wanted["last"] + 1))
    head = shown["rotation"]
    return {
        "angle_error": performances.angle_between(head, wanted["rotation"]),
        "key_error": float(np.abs(shown["keys"] - wanted["keys"]).max()),
        "vertex_error_m": float(np.abs(shown["vertices"] - wanted["vertices"]).max()),
        "head_moves_rad": performances.angle_between(head, np.repeat(head[:1], len(head), axis=0)),
        "face_moves_m": float(np.ptp(shown["vertices"], axis=0).max()),
        "keys_move": int((np.ptp(shown["keys"], axis=0) > 0.01).sum()),
    }


scenario.run(main, enabled=False)
