# SPDX-License-Identifier: GPL-3.0-or-later
"""Two takes of one head: switch between them, mix head and face, remove, make one again."""

import bpy
import numpy as np
import performances
import scenario

FRAMES = range(1, 25, 6)


def main(audio: str, other_audio: str, blend: str) -> dict:
    settings = bpy.context.scene.rhetor
    assert not bpy.types.RHETOR_PT_takes.poll(bpy.context)
    assert not bpy.ops.rhetor.play_take.poll()
    rig = performances.create_head(hair=False)
    assert not bpy.types.RHETOR_PT_takes.poll(bpy.context), "no take yet"
    first, one = record(rig, audio, seed=4, style="calm", start=1)
    second, two = record(rig, other_audio, seed=5, style="lively", start=1)
    assert bpy.types.RHETOR_PT_takes.poll(bpy.context)
    told = {"names": [entry.name for entry in entries(rig)], "apart": apart(one, two)}
    told["new plays"] = playing(rig)
    play(first, "BOTH")
    told["first"] = apart(performances.motion(rig.armature, rig.face, FRAMES), one)
    play(second, "HEAD")
    mixed = performances.motion(rig.armature, rig.face, FRAMES)
    told["mixed"] = [apart(mixed, two)[0], apart(mixed, one)[1]]
    told["mixed plays"] = playing(rig)
    settings.audio, settings.seed, settings.style, settings.eyes = other_audio, 0, "formal", False
    assert bpy.ops.rhetor.restore_settings(take=first) == {"FINISHED"}
    told["restored"] = [bpy.path.abspath(settings.audio), settings.seed, settings.style]
    told["restored"] += [settings.start_frame, settings.eyes, settings.preset]
    told["other head"] = another_head(rig, audio)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    rig = scenario.module("addon.rig").find_rig(bpy.context.scene.rhetor.head)
    told["reopened"] = [entry.name for entry in entries(rig)]
    told["removed"] = remove(rig, first)
    return told


def record(rig, audio: str, seed: int, style: str, start: int):
    """Write a take of made-up motion; its id, and what it shows."""
    settings = bpy.context.scene.rhetor
    settings.seed, settings.style, settings.start_frame = seed, style, start
    take = performances.random_take(1.0, seed)
    performance = performances.performance(take, audio)
    known = {entry.id for entry in entries(rig)}
    scenario.module("addon.scene_write").write_performance(performance)
    (new,) = {entry.id for entry in entries(rig)} - known
    return new, performances.motion(rig.armature, rig.face, FRAMES)


def entries(rig):
    find = scenario.module("addon.character").find_character
    return scenario.module("addon.takes").takes_of(find(rig.armature))


def playing(rig) -> dict[str, list[str]]:
    return {entry.name: sorted(entry.plays) for entry in entries(rig)}


def play(take: str, part: str) -> None:
    assert bpy.ops.rhetor.play_take(take=take, part=part) == {"FINISHED"}


def apart(one, other) -> list[float]:
    """Largest differences of two motions: head angle in rad, key value."""
    angle = performances.angle_between(one["rotation"], other["rotation"])
    return [angle, float(np.abs(one["keys"] - other["keys"]).max())]


def another_head(rig, audio: str) -> dict:
    """A second character has takes of its own; the first one's are not touched."""
    before = playing(rig)
    other = performances.create_head(hair=False)
    record(other, audio, seed=9, style="calm", start=1)
    told = {"own": len(entries(other)), "untouched": playing(rig) == before}
    bpy.context.scene.rhetor.head = rig.armature
    return told


def remove(rig, take: str) -> dict:
    bpy.ops.ed.undo_push(message="before")
    count = len(bpy.data.actions)
    assert bpy.ops.rhetor.remove_take("EXEC_DEFAULT", True, take=take) == {"FINISHED"}
    told = {
        "left": [entry.name for entry in entries(rig)],
        "actions": count - len(bpy.data.actions),
    }
    try:
        bpy.ops.rhetor.play_take(take=take)
    except RuntimeError as error:
        told["said"] = " ".join(str(error).split())
    bpy.ops.ed.undo()
    rig = scenario.module("addon.rig").find_rig(bpy.context.scene.rhetor.head)
    return {
        **told,
        "undone": len(entries(rig)),
        "slots": scenario.module("addon.compat").SLOTTED_ACTIONS,
    }


scenario.run(main)
