# SPDX-License-Identifier: GPL-3.0-or-later
"""What else a write does: action, provenance, sound, range; and what it leaves alone."""

import bpy
import numpy as np
import performances
import scenario


def main(audio: str) -> dict:
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 40
    scene.rhetor.start_frame = 11
    scene.rhetor.seed = 7
    rig = performances.create_head(hair=False)
    own = animate_by_hand(rig)
    strips_before = add_strip_of_the_artist(audio)
    write = scenario.module("addon.scene_write").write_performance
    first = write(performances.performance(performances.random_take(2.0), audio))
    check_first(rig, first, own)
    check_failure_leaves_nothing(rig)
    scene.rhetor.start_frame = 21
    second = write(performances.performance(performances.random_take(2.0, seed=1), audio))
    assert second.title != first.title and first.title in bpy.data.actions
    assert bpy.data.actions[first.title].use_fake_user
    assert rig.armature.animation_data.action.name == second.title
    sound = scenario.module("addon.compat").has_sound()
    if sound:
        check_strips(audio, strips_before)
    else:
        assert any("sound" in warning for warning in second.warnings), second.warnings
    assert scene.frame_start == 1
    # 2 s at 24 fps from frame 21: the last of 48 frames is 68.
    assert scene.frame_end == 68, scene.frame_end
    return {"title": first.title, "actions": first.actions, "sound": sound}


def animate_by_hand(rig) -> str:
    """A key of the artist's own."""
    rig.armature.keyframe_insert("location", frame=5)
    action = rig.armature.animation_data.action
    action.name = "My walk"
    return action.name


def add_strip_of_the_artist(audio: str) -> int:
    if not scenario.module("addon.compat").has_sound():
        return 0
    scene = bpy.context.scene
    scene.sequence_editor_create()
    strips = scenario.module("addon.compat").sequencer_strips(scene.sequence_editor)
    strips.new_sound(name="mine", filepath=audio, channel=2, frame_start=3)
    return 1


def check_first(rig, written, own: str) -> None:
    action = rig.armature.animation_data.action
    assert action.name == written.title and written.title.endswith("neutral s7"), written.title
    (track,) = rig.armature.animation_data.nla_tracks
    assert track.name == own and track.strips[0].action == bpy.data.actions[own]
    assert any(own in warning for warning in written.warnings), written.warnings
    if scenario.module("addon.compat").SLOTTED_ACTIONS:
        assert written.actions == (written.title,)
        assert rig.keys.animation_data.action == action
        assert rig.keys.animation_data.action_slot is not None
        assert rig.armature.animation_data.action_slot is not None
    else:
        assert len(written.actions) == 2
        assert rig.keys.animation_data.action.name == written.actions[1]
    for name in written.actions:
        stored = bpy.data.actions[name]
        assert stored["rhetor_seed"] == 7 and stored["rhetor_style"] == "neutral"
        assert stored["rhetor_preset"] == "plus" and stored["rhetor_fps"] == "24"
        assert stored["rhetor_audio"].endswith(".wav")
        assert stored["rhetor_engine_version"] == "0" and '"b"' in stored["rhetor_weights_sha256"]


def check_failure_leaves_nothing(rig) -> None:
    """A curve that cannot be made, after many that could: the action goes, the old one plays on."""
    keys_write = scenario.module("addon.keys_write")
    retarget = scenario.module("addon.core.retarget")
    take = performances.random_take(1.0, seed=2)
    face = retarget.face_curves(take, rig.keys.key_blocks.keys())
    owners = [
        keys_write.KeyedOwner(rig.armature, retarget.head_curves(take, "head")),
        keys_write.KeyedOwner(rig.keys, (*face, face[0])),
    ]
    before = performances.footprint(), rig.armature.animation_data.action.name
    try:
        keys_write.fill_take("broken", owners, np.arange(30, dtype=np.float32), {})
    except RuntimeError:
        assert (performances.footprint(), rig.armature.animation_data.action.name) == before
        return
    raise AssertionError("two curves were made for one property")


def check_strips(audio: str, strips_before: int) -> None:
    compat = scenario.module("addon.compat")
    scene = bpy.context.scene
    strips = list(compat.sequencer_strips(scene.sequence_editor))
    assert len(strips) == strips_before + 1, [strip.name for strip in strips]
    (mine,) = [strip for strip in strips if strip.name == "mine"]
    assert (mine.channel, int(mine.frame_start)) == (2, 3)
    (ours,) = [strip for strip in strips if strip.name != "mine"]
    assert ours.channel == 3 and int(ours.frame_start) == 21
    first, after = compat.strip_span(ours)
    assert first == 21 and abs((after - first) - 48) <= 1, (first, after)
    assert bpy.path.abspath(ours.sound.filepath) == audio
    assert scene.sync_mode == "AUDIO_SYNC"


scenario.run(main)
