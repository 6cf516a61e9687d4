# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts scale what a take shows, without touching its keys, and without Rhetor too."""

import bpy
import numpy as np
import performances
import scenario

FRAMES = range(1, 25, 4)


def main(audio: str) -> dict:
    assert not bpy.types.RHETOR_PT_amounts.poll(bpy.context)
    rig = performances.create_head(hair=False)
    performance = performances.performance(performances.random_take(1.0, seed=2), audio)
    scenario.module("addon.scene_write").write_performance(performance)
    assert bpy.types.RHETOR_PT_amounts.poll(bpy.context)
    head = rig.armature.animation_data.action.rhetor_amounts
    face = rig.keys.animation_data.action.rhetor_amounts
    made, keys = values(rig), keyed(rig)
    told = {"trace before": modifiers(rig)}
    told["half"] = changed(rig, made, head, "head_rotation", 0.5)
    told["doubled"] = changed(rig, made, head, "head_location", 2.0)
    told["closed"] = changed(rig, made, face, "mouth", 0.0)
    told["brows"] = changed(rig, made, face, "brows", 0.7)
    told["keys kept"] = all(np.array_equal(a, b) for a, b in zip(keys, keyed(rig), strict=True))
    head.head_rotation = face.mouth = 0.25
    assert bpy.ops.rhetor.check_scene() == {"FINISHED"}
    report = scenario.module("addon.session").current.scene_report
    told["findings"] = [str(finding) for finding in report.findings]
    told["without Rhetor"] = without_rhetor(rig, made)
    return told


def values(rig) -> dict[str, np.ndarray]:
    """What the scene shows at each frame, by amount: (T, channels)."""
    groups = scenario.module("addon.core.amount_groups")
    scene, shown = bpy.context.scene, {name: [] for name in groups.AMOUNTS}
    for frame in FRAMES:
        scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        bone = rig.armature.evaluated_get(depsgraph).pose.bones["head"]
        blocks = rig.keys.evaluated_get(depsgraph).key_blocks
        row = {name: [] for name in groups.AMOUNTS}
        row["head_rotation"].extend(bone.rotation_euler)
        row["head_location"].extend(bone.location)
        for block in blocks:
            amount = groups.amount_of(f'key_blocks["{block.name}"].value')
            if amount is not None:
                row[amount].append(block.value)
        for name, numbers in row.items():
            shown[name].append(numbers)
    return {name: np.array(rows) for name, rows in shown.items()}


def changed(rig, made, amounts, name: str, factor: float) -> dict[str, float]:
    """Set one amount and put it back; errors of what it scales and of what it must not touch."""
    setattr(amounts, name, factor)
    shown = values(rig)
    setattr(amounts, name, 1.0)
    again = values(rig)
    others = [np.abs(shown[key] - made[key]).max() for key in made if key != name]
    return {
        "scaled": float(np.abs(shown[name] - factor * made[name]).max()),
        "moves": float(np.abs(made[name]).max()),
        "others": float(max(others)),
        "back": float(max(np.abs(again[key] - made[key]).max() for key in made)),
        "trace": modifiers(rig),
    }


def curves(rig) -> list:
    channels = scenario.module("addon.compat").assigned_channels
    return [curve for owner in (rig.armature, rig.keys) for curve in channels(owner).fcurves]


def modifiers(rig) -> int:
    return sum(len(curve.modifiers) for curve in curves(rig))


def keyed(rig) -> list[np.ndarray]:
    found = []
    for curve in curves(rig):
        co = np.empty(len(curve.keyframe_points) * 2, np.float32)
        curve.keyframe_points.foreach_get("co", co)
        found.append(co)
    return found


def without_rhetor(rig, made) -> list[float]:
    """The extension is switched off; the amounts stay."""
    import addon_utils  # bpy makes it importable

    before = values(rig)
    addon_utils.disable(scenario.EXTENSION)
    after = values(rig)
    kept = max(float(np.abs(after[key] - before[key]).max()) for key in made)
    return [kept, float(np.abs(after["mouth"] - 0.25 * made["mouth"]).max())]


scenario.run(main)
