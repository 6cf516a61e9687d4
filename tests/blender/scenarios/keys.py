# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a take at every frame rate and read every key back; play it and look at the head."""

import bpy
import numpy as np
import performances
import scenario

RATES = ((24, 1.0), (24, 1.001), (25, 1.0), (30, 1.001), (30, 1.0), (60, 1.0))
START = 37
SHOWN_EVERY = 9


def main(audio: str) -> dict:
    rig = performances.create_head(hair=False)
    assert not any(block.value for block in rig.keys.key_blocks), "a new head is not neutral"
    take = performances.random_take(3.0)
    result = {"curves": set(), "key_error": 0.0, "angle_error": 0.0, "offset_error": 0.0}
    for fps, base in RATES:
        check_rate(rig, take, audio, fps, base, result)
    result["curves"] = sorted(result["curves"])
    return result


def check_rate(rig, take, audio, fps, base, result):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    scene.rhetor.start_frame = START
    write = scenario.module("addon.scene_write").write_performance
    written = write(performances.performance(take, audio))
    expected = take.resampled(scene.render.fps / scene.render.fps_base)
    frames = np.arange(START, START + expected.frame_count)
    assert (written.first_frame, written.last_frame) == (frames[0], frames[-1])
    exact = take.duration_s * fps / base
    assert abs(expected.frame_count - exact) < 1 + 1e-3, (expected.frame_count, exact)
    result["curves"].add(check_curves(rig, expected, frames))
    shown = performances.motion(
        rig.armature, rig.face, range(START, START + len(frames), SHOWN_EVERY)
    )
    rotations, offsets = performances.expected_motion(expected)
    rotations, offsets = rotations[::SHOWN_EVERY], offsets[::SHOWN_EVERY]
    angle = performances.angle_between(shown["rotation"], rotations)
    offset = float(np.abs(shown["offset"] - offsets).max())
    names = rig.keys.key_blocks.keys()
    columns = [names.index(name) for name in expected.expression_names]
    key = float(np.abs(shown["keys"][:, columns] - expected.expression[::SHOWN_EVERY]).max())
    result["angle_error"] = max(result["angle_error"], angle)
    result["offset_error"] = max(result["offset_error"], offset)
    result["key_error"] = max(result["key_error"], key)
    moved = np.abs(shown["vertices"][1] - shown["vertices"][0]).max()
    assert moved > 1e-3, f"the face moved only {moved} m"


def check_curves(rig, take, frames) -> int:
    """Every channel has a linear key on each integer frame, in its group."""
    compat = scenario.module("addon.compat")
    head = compat.assigned_channels(rig.armature).fcurves
    face = compat.assigned_channels(rig.keys).fcurves
    assert len(head) == 6 and len(face) == 52, (len(head), len(face))
    assert {curve.group.name for curve in head} == {"Head rotation", "Head location"}
    assert {curve.group.name for curve in face} == {"Mouth", "Brows", "Eyelids", "Gaze"}
    location, rotation = scenario.module("addon.core.axes").bone_channels(take.pose)
    for curve in head:
        values = (rotation if "rotation" in curve.data_path else location)[:, curve.array_index]
        check_keys(curve, frames, values)
    for curve in face:
        check_keys(curve, frames, take.expression_channel(curve.data_path.split('"')[1]))
    return len(head) + len(face)


def check_keys(curve, frames, values):
    points = curve.keyframe_points
    co = np.empty(len(points) * 2, np.float32)
    points.foreach_get("co", co)
    assert np.array_equal(co[::2], frames), curve.data_path
    assert np.array_equal(co[1::2], values.astype(np.float32)), curve.data_path
    assert points[0].interpolation == "LINEAR"


scenario.run(main)
