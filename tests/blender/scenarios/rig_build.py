# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a character and compare what Blender evaluates with the head model's own numbers."""

import time

import bpy
import numpy as np
import scenario

LOCATION = np.array([0.4, -0.2, 0.1])
GREY = (0.14, 0.135, 0.13)


def points(item: bpy.types.Object) -> np.ndarray:
    """(V, 3) evaluated world positions, without subdivision."""
    for modifier in item.modifiers:
        if modifier.type == "SUBSURF":
            modifier.show_viewport = False
    item.hide_viewport = False
    bpy.context.view_layer.update()
    evaluated = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    found = np.zeros(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", found)
    world = np.array(evaluated.matrix_world)
    evaluated.to_mesh_clear()
    return found.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def error_mm(rig, head, name: str, identity, expression) -> float:
    """Largest distance between Blender's vertices and the model's."""
    expected = head.vertices(name, identity, expression) - head.bones["root"]
    return float(np.abs((points(rig.parts[name]) - LOCATION) * 1000 - expected).max())


def pose_errors(rig, axes) -> tuple[float, float]:
    """Largest error of the head bone's rotation (matrix entries) and translation (mm)."""
    rest = np.array(rig.armature.data.bones["head"].matrix_local)
    turned, moved = 0.0, 0.0
    for pose in np.random.default_rng(3).normal(size=(20, 6)) * [0.3, 0.4, 0.2, 20, 20, 20]:
        location, rotation = axes.bone_channels(pose)
        rig.head_bone.location, rig.head_bone.rotation_euler = location[0], rotation[0]
        bpy.context.view_layer.update()
        change = np.array(rig.head_bone.matrix) @ np.linalg.inv(rest)
        turned = max(turned, np.abs(change[:3, :3] - axes.rotation_matrix(*pose[:3])).max())
        shift = np.array(rig.head_bone.matrix)[:3, 3] - rest[:3, 3]
        moved = max(moved, np.abs(shift * 1000 - pose[3:]).max())
    rig.head_bone.location = rig.head_bone.rotation_euler = (0, 0, 0)
    return float(turned), float(moved)


def refusals(module, rig, error) -> list[str]:
    """What the check says about three kinds of damage."""
    said = []

    def check() -> None:
        try:
            module.validate_rig(rig)
        except error as refusal:
            said.append(str(refusal))

    rig.head_bone.rotation_mode = "XYZ"
    check()
    rig.head_bone.rotation_mode = "ZXY"
    rig.keys.key_blocks["jawOpen"].name = "jaw"
    check()
    rig.keys.key_blocks["jaw"].name = "jawOpen"
    rig.armature.data.bones["head"].name = "skull"
    check()
    rig.armature.data.bones["skull"].name = "head"
    module.validate_rig(rig)
    return said


def frame_cost_ms(rig) -> float:
    """Median time to step a frame with all keys and the head bone animated."""
    for block in rig.keys.key_blocks[1:53]:
        for frame in (1, 60):
            block.value = frame / 100
            block.keyframe_insert("value", frame=frame)
    for frame in (1, 60):
        rig.head_bone.rotation_euler = [frame / 400] * 3
        rig.head_bone.keyframe_insert("rotation_euler", frame=frame)
    costs = []
    for frame in range(2, 42):
        started = time.perf_counter()
        bpy.context.scene.frame_set(frame)
        costs.append(time.perf_counter() - started)
    return float(np.median(costs) * 1000)


def main() -> dict:
    model, module = scenario.module("engine.head.model"), scenario.module("addon.head.rig")
    axes, looks = scenario.module("addon.core.axes"), scenario.module("addon.head.head_looks")
    names = scenario.module("engine.head.channels").EXPRESSION_NAMES
    head, identity = model.load_head(), model.draw_identity(3)
    started = time.perf_counter()
    rig = module.build_rig(
        bpy.context, head, looks=looks.Looks(tuple(identity), hair=GREY), location=LOCATION
    )
    built_s = time.perf_counter() - started
    cost_ms = frame_cost_ms(rig)
    for owner in (rig.keys, rig.armature):
        owner.animation_data.action = None
    random = np.random.default_rng(1)
    expression = {name: float(random.uniform(0, 1)) for name in names}
    for name in names:
        rig.keys.key_blocks[name].value = expression[name]
    turned, moved = pose_errors(rig, axes)
    errors = {n: error_mm(rig, head, n, identity, expression) for n in rig.parts}
    module.set_looks(rig, head, looks.Looks(hair=GREY))
    hair = np.zeros(4 * len(rig.parts["hair"].data.vertices), np.float32)
    rig.parts["hair"].data.attributes["Col"].data.foreach_get("color", hair)
    red, _, blue = hair.reshape(-1, 4)[:, :3].mean(0)
    mean_errors = {n: error_mm(rig, head, n, None, expression) for n in rig.parts}
    blocks = rig.keys.key_blocks
    bones = rig.armature.data.bones
    return {
        "built_s": built_s,
        "frame_cost_ms": cost_ms,
        "names": [block.name for block in blocks[1:53]] == list(names),
        "ranges": all(b.slider_min == 0 and b.slider_max == 1 for b in blocks[1:]),
        "parents": {b.name: b.parent.name if b.parent else None for b in bones},
        "pose_rotation_error": turned,
        "pose_translation_error_mm": moved,
        "errors_mm": errors,
        "mean_errors_mm": mean_errors,
        "hair_red_over_blue": float(red / blue),
        "identity_cleared": rig.identity is None,
        "found": all(module.find_rig(i).armature == rig.armature for i in rig.parts.values()),
        "stranger": module.find_rig(bpy.data.objects.new("Empty", None)) is None,
        "refusals": refusals(module, rig, scenario.module("engine.protocol.errors").RigError),
    }


scenario.run(main)
