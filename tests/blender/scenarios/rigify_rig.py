# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig that Blender's own Rigify generates: its controls show the take's head."""

from pathlib import Path

import bpy
import numpy as np
import people
import performances
import scenario


def main(audio: str, take_path: str, picture: str) -> dict:
    read_take = scenario.module("engine.protocol.take_files").read_take
    take = read_take(Path(take_path)).resampled(24.0)
    rig = generate()
    face = people.new_face("Face", {"jawOpen": {"jawOpen": 1.0}}, to_armature=at_head(rig))
    people.follow_bone(face, rig, "DEF-spine.006")
    bpy.context.scene.rhetor.head = rig
    assert bpy.ops.rhetor.set_up_character() == {"FINISHED"}
    settings = rig.rhetor_character
    told = {"bones": [settings.head_bone, settings.neck_bone, settings.forward, settings.up]}
    frames = range(0, take.frame_count, 9)
    wanted, _ = performances.expected_motion(take)
    for follow in (0.0, 0.4, 1.0):
        rig.pose.bones["torso"]["head_follow"] = follow
        rig.update_tag()
        bpy.context.view_layer.update()
        scenario.module("addon.scene_write").write_performance(
            performances.performance(take, audio)
        )
        turns = {"head": [], "neck": [], "DEF-spine.006": []}
        for frame in frames:
            bpy.context.scene.frame_set(frame + 1)
            for bone, found in turns.items():
                found.append(people.world_turn(rig, bone))
        told[f"follow {follow}"] = {
            bone: performances.angle_between(np.array(found), wanted[list(frames)])
            for bone, found in turns.items()
        }
    if picture:
        people.picture(picture)
    return told


def generate():
    """The basic human metarig, generated."""
    import addon_utils  # bpy makes it importable

    assert addon_utils.enable("rigify", default_set=True) is not None
    bpy.ops.object.armature_basic_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    (rig,) = [o for o in bpy.data.objects if o.type == "ARMATURE" and o != metarig]
    metarig.hide_viewport = metarig.hide_render = True
    return rig


def at_head(rig):
    """Where our head's pivot is put: on the head bone."""
    from mathutils import Matrix

    return Matrix.Translation(rig.data.bones["head"].head_local)


scenario.run(main)
