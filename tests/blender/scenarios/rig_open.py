# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a saved character where neither Rhetor nor Python drivers exist."""

import bpy
import numpy as np
import rig_shapes
import scenario


def main(blend: str, expected: str) -> dict:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    bpy.ops.wm.open_mainfile(filepath=blend, use_scripts=False)
    wanted = np.load(expected)
    shown = rig_shapes.shapes_at((1, 11))
    owners = [*bpy.data.shape_keys, *bpy.data.objects]
    drivers = [
        curve.driver
        for owner in owners
        if owner.animation_data
        for curve in owner.animation_data.drivers
    ]
    moved = {
        name.split("@")[0]: float(np.abs(shown[name] - shown[name.replace("@11", "@1")]).max())
        for name in shown
        if name.endswith("@11")
    }
    return {
        "installed": hasattr(bpy.types.Scene, "rhetor"),
        "meshes": sorted(shown) == sorted(wanted.files),
        "error_m": max(float(np.abs(shown[name] - wanted[name]).max()) for name in wanted.files),
        "drivers": len(drivers),
        "python_drivers": sum(not driver.is_simple_expression for driver in drivers),
        "moved_m": moved,
    }


scenario.run(main, enabled=False)
