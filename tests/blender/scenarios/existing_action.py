# SPDX-License-Identifier: GPL-3.0-or-later
"""A body animation of the artist's goes on, to the last digit, when a take is written."""

import bpy
import numpy as np
import performances
import scenario

FRAMES = range(-20, 80, 7)
BODY = ("root", "neck", "arm")


def main(audio: str) -> dict:
    return {policy: beside(audio, policy) for policy in ("PUSH_DOWN", "LEAVE")}


def beside(audio: str, policy: str) -> dict:
    """Write two takes over a body animation; how far the body is from where it was."""
    scene = bpy.context.scene
    scene.rhetor.existing = policy
    rig = performances.create_head(hair=False)
    armature, before = rig.armature.name, animate_body(rig.armature)
    told = {"own": rig.armature.animation_data.action.name}
    bpy.ops.ed.undo_push(message="before")
    told["warnings"] = write(audio, performances.random_take(1.0, seed=1))
    told["moves"] = float(np.abs(np.diff(before, axis=0)).max(axis=(0, 2, 3)).min())
    told["first"] = [apart(body(armature), before), wrong(rig, 1)]
    state = tracks(armature)
    bpy.ops.ed.undo()
    told["undone"] = [apart(body(armature), before), tracks(armature)]
    bpy.ops.ed.redo()
    told["redone"] = [apart(body(armature), before), tracks(armature) == state]
    rig = scenario.module("addon.head.rig").find_rig(bpy.data.objects[armature])
    write(audio, performances.random_take(1.0, seed=2))
    told["second"] = [apart(body(armature), before), wrong(rig, 2)]
    told["tracks"] = tracks(armature)
    told["findings"] = findings()
    told["contested"] = contest(rig, audio)
    return told


def animate_body(armature) -> dict[str, np.ndarray]:
    """Keys on the object, on bones in three rotation modes, cycles, and a track of the NLA."""
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    arm = armature.data.edit_bones.new("arm")
    arm.head, arm.tail = (0.2, 0, 0), (0.5, 0, 0)
    arm.parent = armature.data.edit_bones["root"]
    bpy.ops.object.mode_set(mode="OBJECT")
    key(armature, "scale", 4, [(1.0,) * 3, (1.1,) * 3])
    lower = armature.animation_data.action
    nla = scenario.module("addon.takes.nla")
    nla.push_down(armature, "Breathing")
    bones = armature.pose.bones
    bones["arm"].rotation_mode = "QUATERNION"
    bones["neck"].rotation_mode = "AXIS_ANGLE"
    key(armature, "location", 2.5, [(0, 0, 0), (0.1, 2, 3)])
    key(bones["root"], "rotation_euler", 1, [(0, 0, 0), (0.4, 0.2, -0.3)])
    key(bones["arm"], "rotation_quaternion", 3, [(1, 0, 0, 0), (0.7, 0.1, 0.7, 0.1)])
    key(bones["neck"], "rotation_axis_angle", 5, [(0, 0, 1, 0), (0.5, 0, 1, 0.2)])
    action = armature.animation_data.action
    assert action != lower
    for curve in scenario.module("addon.compat").all_fcurves(action):
        if curve.data_path == "location":
            curve.modifiers.new("CYCLES")
        if "axis_angle" in curve.data_path:
            curve.extrapolation = "LINEAR"
    armature.animation_data.action_influence = 0.75
    return body(armature.name)


def key(holder, prop: str, frame: float, values) -> None:
    """Two keys, 30 frames apart."""
    for number, value in enumerate(values):
        setattr(holder, prop, value)
        holder.keyframe_insert(prop, frame=frame + 30 * number)


def body(name: str) -> np.ndarray:
    """The object's and the body bones' matrices at each frame."""
    shown = []
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        item = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
        matrices = item.matrix_world, *(item.pose.bones[bone].matrix for bone in BODY)
        shown.append(np.array([np.array(matrix) for matrix in matrices]))  # they would change
    return np.array(shown)


def apart(one, other) -> float:
    return float(np.abs(one - other).max())


def write(audio: str, take) -> list[str]:
    performance = performances.performance(take, audio)
    written = scenario.module("addon.scene_write").write_performance(performance)
    bpy.ops.ed.undo_push(message="Write Take")
    return list(written.warnings)


def wrong(rig, seed: int) -> float:
    """How far the keys and the head bone's own channels are from the take of this seed."""
    take = performances.random_take(1.0, seed=seed).resampled(24.0)
    order = [rig.keys.key_blocks.find(name) for name in take.expression_names]
    worst = 0.0
    for row in range(0, 24, 5):
        shown = performances.motion(rig.armature, rig.face, range(row + 1, row + 2))
        depsgraph = bpy.context.evaluated_depsgraph_get()
        angles = rig.armature.evaluated_get(depsgraph).pose.bones["head"].rotation_euler
        worst = max(worst, apart(shown["keys"][0, order], take.expression[row]))
        worst = max(worst, apart(np.array(angles), take.pose[row, :3]))
    return worst


def tracks(name: str) -> list[list[str]]:
    animation = bpy.data.objects[name].animation_data
    active = animation.action.name if animation.action else ""
    return [active, *([t.name, *(s.action.name for s in t.strips)] for t in animation.nla_tracks)]


def findings() -> list[str]:
    assert bpy.ops.rhetor.check_scene() == {"FINISHED"}
    report = scenario.module("addon.session").current.scene_report
    return [str(finding) for finding in report.findings if "take" in finding.text]


def contest(rig, audio: str) -> dict:
    """The artist keys the head bone as well."""
    foreign = rig.armature.animation_data.action
    if bpy.context.scene.rhetor.existing == "PUSH_DOWN":
        rig.armature.animation_data.action = None
    rig.head_bone.rotation_euler = (0.1, 0, 0)
    rig.head_bone.keyframe_insert("rotation_euler", frame=5)
    mine = rig.armature.animation_data.action
    assert bpy.context.scene.rhetor.existing == "PUSH_DOWN" or mine == foreign
    return {"said": write(audio, performances.random_take(1.0, seed=3)), "found": findings()}


scenario.run(main)
