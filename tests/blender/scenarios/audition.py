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
    told["list"] = choose_in_list(rig, first, one)
    told["compared"] = compare(rig, first, second)
    told["duplicated"] = duplicate(rig, second)
    told["strips"] = to_strips(rig, first, one)
    told["other head"] = another_head(rig, audio)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    rig = scenario.module("addon.head.rig").find_rig(bpy.context.scene.rhetor.head)
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
    find = scenario.module("addon.characters.character").find_character
    return scenario.module("addon.takes.takes").takes_of(find(rig.armature))


def playing(rig) -> dict[str, list[str]]:
    return {entry.name: sorted(entry.plays) for entry in entries(rig)}


def play(take: str, part: str) -> None:
    assert bpy.ops.rhetor.play_take(take=take, part=part) == {"FINISHED"}


def apart(one, other) -> list[float]:
    """Largest differences of two motions: head angle in rad, key value."""
    angle = performances.angle_between(one["rotation"], other["rotation"])
    return [angle, float(np.abs(one["keys"] - other["keys"]).max())]


def choose_in_list(rig, take: str, shown) -> dict:
    """A row of the list is an index among all actions; choosing it plays that take."""
    (main,) = [entry.main for entry in entries(rig) if entry.id == take]
    scene = bpy.context.scene
    scene.rhetor_active_take = bpy.data.actions.find(main.name)
    motion = performances.motion(rig.armature, rig.face, FRAMES)
    return {
        "apart": apart(motion, shown),
        "active": bpy.data.actions[scene.rhetor_active_take].name,
        "no take": [scene.rhetor_active_take for scene.rhetor_active_take in (-1, 10_000)],
    }


def compare(rig, first: str, second: str) -> dict:
    """Pin one, play the other, flip twice; what is said must be what the scene shows."""
    assert not bpy.ops.rhetor.flip_takes.poll()
    assert bpy.ops.rhetor.compare_take(take=first) == {"FINISHED"}
    play(first, "BOTH")
    assert not bpy.ops.rhetor.flip_takes.poll(), "one take is no pair"
    frames = range(1, 25)
    one = performances.motion(rig.armature, rig.face, frames)
    one_mouth = mouth_only(rig, frames)
    play(second, "BOTH")
    two = performances.motion(rig.armature, rig.face, frames)
    angles = [
        performances.angle_between(a[None], b[None])
        for a, b in zip(one["rotation"], two["rotation"], strict=True)
    ]
    distances = np.linalg.norm(one_mouth - mouth_only(rig, frames), axis=2).max(axis=1)
    flips = []
    for _ in range(2):
        assert bpy.ops.rhetor.flip_takes() == {"FINISHED"}
        flips.append(playing(rig))
    told = {
        "said": bpy.context.window_manager.rhetor_comparison.difference,
        "degrees": [float(np.degrees(max(angles))), frames[int(np.argmax(angles))]],
        "mm": [float(distances.max() * 1000), frames[int(distances.argmax())]],
        "flips": flips,
    }
    assert bpy.ops.rhetor.compare_take(take=first) == {"FINISHED"}
    assert not bpy.context.window_manager.rhetor_comparison.pinned
    return told


def mouth_only(rig, frames) -> np.ndarray:
    """(T, V, 3) the face's points as its mouth keys alone move them."""
    amount_of = scenario.module("addon.core.amount_groups").amount_of_unit
    blocks = [b for b in rig.keys.key_blocks if amount_of(b.name) == "mouth"]
    basis = points(rig.keys.reference_key)
    moves = np.array([points(block) - basis for block in blocks])
    order = [rig.keys.key_blocks.find(block.name) for block in blocks]
    values = performances.motion(rig.armature, rig.face, frames)["keys"][:, order]
    return np.tensordot(values, moves, 1)


def points(block) -> np.ndarray:
    co = np.empty(len(block.data) * 3, np.float32)
    block.data.foreach_get("co", co)
    return co.reshape(-1, 3)


def duplicate(rig, take: str) -> dict:
    """A copy plays; editing its keys shows, on it and not on the original."""
    known = {entry.id for entry in entries(rig)}
    assert bpy.ops.rhetor.duplicate_take(take=take) == {"FINISHED"}
    (copy,) = [entry for entry in entries(rig) if entry.id not in known]
    (original,) = [entry for entry in entries(rig) if entry.id == take]
    told = {"name": copy.name, "of": original.name, "plays": sorted(copy.plays)}
    told["last"] = entries(rig)[-1].id == copy.id
    told["edited"] = [edited(copy), edited(original)]
    copy.main.rhetor_amounts.head_rotation = 0.5
    told["scaled"] = edited(copy)
    copy.main.rhetor_amounts.head_rotation = 1.0
    key = scenario.module("addon.compat").all_fcurves(copy.main)[0].keyframe_points[3]
    key.co.y += 1e-3
    told["changed"] = [edited(copy), edited(original)]
    key.co.y -= 1e-3
    told["changed back"] = edited(copy)
    key.interpolation = "BEZIER"
    told["other line"] = edited(copy)
    assert bpy.ops.rhetor.remove_take(take=copy.id) == {"FINISHED"}
    return told


def edited(entry) -> bool:
    return any(map(scenario.module("addon.takes.edits").is_edited, entry.actions))


def to_strips(rig, take: str, shown) -> dict:
    """A take as strips of the NLA: it shows the same, and its influence can be keyed."""
    play(take, "BOTH")
    assert bpy.ops.rhetor.take_to_nla() == {"FINISHED"}
    (entry,) = [entry for entry in entries(rig) if entry.id == take]
    nla = scenario.module("addon.takes.nla")
    strips = [nla.take_strip(owner) for owner in (rig.armature, rig.keys)]
    told = {"plays": sorted(entry.plays), "tracks": [s.name for s in strips]}
    told["same"] = apart(performances.motion(rig.armature, rig.face, FRAMES), shown)
    for frame, value in ((1, 1.0), (19, 0.0)):
        strips[0].influence = value
        assert strips[0].keyframe_insert("influence", frame=frame)
    motion = performances.motion(rig.armature, rig.face, range(19, 20))
    told["faded"] = [
        performances.angle_between(motion["rotation"], np.eye(3)[None]),
        float(np.abs(motion["keys"][0] - shown["keys"][3]).max()),
    ]
    other = next(e.id for e in entries(rig) if e.id != take)
    play(other, "BOTH")
    told["swapped"] = [strip.name for strip in strips]
    told["still keyed"] = len(strips[0].fcurves.find("influence").keyframe_points)
    play(take, "BOTH")
    assert bpy.ops.rhetor.take_to_nla() == {"FINISHED"}
    play(other, "HEAD")
    assert [bpy.ops.rhetor.take_to_nla() for _ in range(2)] == [{"FINISHED"}] * 2
    told["mixed"] = sorted(len(entry.plays) for entry in entries(rig))
    play(take, "BOTH")
    told["back"] = apart(performances.motion(rig.armature, rig.face, FRAMES), shown)
    told["left over"] = len(rig.armature.animation_data.nla_tracks)
    return told


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
    rig = scenario.module("addon.head.rig").find_rig(bpy.context.scene.rhetor.head)
    return {
        **told,
        "undone": len(entries(rig)),
        "slots": scenario.module("addon.compat").SLOTTED_ACTIONS,
    }


scenario.run(main)
