# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy take, then one fault after another: each is found, and gone when it is mended."""

import contextlib

import bpy
import performances
import scenario


def main(audio: str) -> dict:
    assert not bpy.ops.rhetor.check_scene.poll() and not bpy.ops.rhetor.copy_report.poll()
    rig = performances.create_head(hair=False)
    told = {"nothing yet": look()}
    write = scenario.module("addon.scene_write").write_performance
    written = write(performances.performance(performances.random_take(2.0), audio))
    told["warned"] = list(written.warnings)
    told["healthy"] = look()
    frame = bpy.context.scene.frame_current
    compat = scenario.module("addon.compat")
    for fault in FAULTS:
        if fault is not wrong_slot or compat.SLOTTED_ACTIONS:
            told[fault.__name__] = with_fault(fault, rig)
    told["not a head"] = not_a_head()
    assert bpy.context.scene.frame_current == frame
    told["slots"] = compat.SLOTTED_ACTIONS
    told["text"] = copied()
    return told


def look() -> list[str]:
    assert bpy.ops.rhetor.check_scene() == {"FINISHED"}
    session = scenario.module("addon.session").current
    return [
        ("! " if finding.stops else "? ") + str(finding)
        for finding in session.scene_report.findings
    ]


def with_fault(fault, rig) -> list[str]:
    with contextlib.contextmanager(fault)(rig):
        found = look()
    left = look()
    assert left == [], (fault.__name__, left)
    return found


def muted_curves(rig):
    curves = scenario.module("addon.compat").assigned_channels(rig.armature).fcurves
    for curve in curves:
        curve.mute = True
    yield
    for curve in curves:
        curve.mute = False


def another_action(rig):
    animation = rig.armature.animation_data
    compat = scenario.module("addon.compat")
    take, slot = animation.action, compat.assigned_slot(rig.armature)
    other = bpy.data.actions.new("My walk")
    compat.new_fcurve(compat.new_action_channels(other, rig.armature), "location", 0, "Walk")
    compat.assign_action(rig.armature, other, other.slots[0] if compat.SLOTTED_ACTIONS else None)
    yield
    compat.assign_action(rig.armature, take, slot)


def no_action(rig):
    animation = rig.keys.animation_data
    compat = scenario.module("addon.compat")
    take, slot = animation.action, compat.assigned_slot(rig.keys)
    animation.action = None
    yield
    compat.assign_action(rig.keys, take, slot)


def wrong_slot(rig):
    animation = rig.keys.animation_data
    slot = animation.action_slot
    animation.action_slot = animation.action.slots.new(id_type="KEY", name="Other face")
    yield
    animation.action_slot = slot


def muted_track(rig):
    animation = rig.armature.animation_data
    compat = scenario.module("addon.compat")
    take, slot = animation.action, compat.assigned_slot(rig.armature)
    track = animation.nla_tracks.new()
    strip = track.strips.new(take.name, 1, take)
    if slot is not None:
        strip.action_slot = slot
    animation.action = None
    track.mute = True
    yield
    animation.nla_tracks.remove(track)
    compat.assign_action(rig.armature, take, slot)


def weak_action(rig):
    animation = rig.keys.animation_data
    animation.action_influence = 0.0
    yield
    animation.action_influence = 1.0


def driver_over_keys(rig):
    block = rig.keys.key_blocks["jawOpen"]
    block.driver_add("value").driver.expression = "0"
    yield
    block.driver_remove("value")


def muted_keys(rig):
    for block in rig.keys.key_blocks:
        block.mute = True
    yield
    for block in rig.keys.key_blocks:
        block.mute = False


def pinned_key(rig):
    rig.face.show_only_shape_key = True
    yield
    rig.face.show_only_shape_key = False


def rest_position(rig):
    rig.armature.data.pose_position = "REST"
    yield
    rig.armature.data.pose_position = "POSE"


def modifier_off(rig):
    (modifier,) = (m for m in rig.face.modifiers if m.type == "ARMATURE")
    modifier.show_viewport = False
    yield
    modifier.show_viewport = True


def constrained(rig):
    constraint = rig.head_bone.constraints.new("LIMIT_ROTATION")
    yield
    rig.head_bone.constraints.remove(constraint)


def rotation_order(rig):
    rig.head_bone.rotation_mode = "QUATERNION"
    yield
    rig.head_bone.rotation_mode = "ZXY"


def other_frames(rig):
    scene = bpy.context.scene
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 1000, 1100
    yield
    scene.use_preview_range = False


def other_rate(rig):
    scene = bpy.context.scene
    scene.render.fps = 60
    yield
    scene.render.fps = 24


def hidden(rig):
    rig.face.hide_viewport = True
    yield
    rig.face.hide_viewport = False


def something_else(rig):
    """A script that puts the jaw back after every change of frame."""

    def close_the_mouth(_scene, *_depsgraph):
        for block in rig.keys.key_blocks[1:]:
            block.value = 0.25

    bpy.app.handlers.frame_change_post.append(close_the_mouth)
    yield
    bpy.app.handlers.frame_change_post.remove(close_the_mouth)


FAULTS = (
    muted_curves,
    another_action,
    no_action,
    wrong_slot,
    muted_track,
    weak_action,
    driver_over_keys,
    muted_keys,
    pinned_key,
    rest_position,
    modifier_off,
    constrained,
    rotation_order,
    other_frames,
    other_rate,
    hidden,
    something_else,
)


def not_a_head() -> list[str]:
    settings = bpy.context.scene.rhetor
    kept, settings.head = settings.head, new_cube()
    found = look()
    settings.head = kept
    return found


def new_cube():
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(cube)
    return cube


def copied() -> str:
    """Without a window there is no clipboard; the operator must not mind."""
    assert bpy.ops.rhetor.copy_report() == {"FINISHED"}
    return scenario.module("addon.session").current.scene_report.text


scenario.run(main)
