# SPDX-License-Identifier: GPL-3.0-or-later
"""A strip is moved, trimmed, copied, split, renamed, deleted: what becomes of its takes."""

import sys
import time

import bpy
import performances
import scenario

AUDIO = sys.argv[1]


def main(audio: str) -> dict:
    scene = bpy.context.scene
    scene.render.fps = 25
    performances.create_head(hair=False)
    action = write_take(audio)
    name = action.name
    strip = add_strip("line", 1)
    tie(strip, action)
    add_key_of_the_artist(action)
    told = {"start": state(action, strip)}
    bpy.ops.ed.undo_push(message="before")
    move(strip, 12)
    told["moved"] = state(action, strip)
    bpy.ops.ed.undo_push(message="a move by 12")
    told["undo"] = undo_and_redo(name)
    # Undo has freed what was held.
    rig = scenario.module("addon.head.rig").find_rig(bpy.context.scene.rhetor.head)
    action, strip = bpy.data.actions[name], strips()["line"]
    told["trimmed"] = trimmed(action, strip)
    told["copied"] = copied(action, strip)
    told["renamed"] = renamed(action, strip)
    told["together"] = together(audio)
    told["nla"] = in_the_nla(rig, audio)
    told["placed"] = placed_by_rhetor(audio)
    told["deleted"] = deleted(action)
    told["cost_us"] = cost()
    return told


def strips():
    return scenario.module("addon.compat").sequencer_strips(bpy.context.scene.sequence_editor)


def add_strip(name: str, frame: int, channel: int = 2):
    """Where Blender is here without sound, a strip of another kind follows the same rules."""
    bpy.context.scene.sequence_editor_create()
    if scenario.module("addon.compat").has_sound():
        return strips().new_sound(name=name, filepath=AUDIO, channel=channel, frame_start=frame)
    new = bpy.app.version >= (5, 0, 0)
    length = {"length": 60} if new else {"frame_end": frame + 60}
    return strips().new_effect(
        name=name, type="COLOR", channel=channel, frame_start=frame, **length
    )


def write_take(audio: str, seed: int = 0):
    bpy.context.scene.rhetor.seed = seed
    performance = performances.performance(performances.random_take(2.0, seed), audio)
    written = scenario.module("addon.scene_write").write_performance(performance)
    return bpy.data.actions[written.actions[0]]


def tie(strip, action) -> None:
    follow = scenario.module("addon.sequencer.follow")
    follow.tie(bpy.context.scene, strip, [action])


def add_key_of_the_artist(action) -> None:
    """A Bezier key between frames with handles of its own, a marker, and a limited modifier."""
    curve = first_curve(action)
    point = curve.keyframe_points.insert(30.5, 0.25)
    point.interpolation = "BEZIER"
    point.handle_left_type = point.handle_right_type = "FREE"
    point.handle_left, point.handle_right = (28.25, 0.5), (33.0, 0.75)
    noise = curve.modifiers.new("NOISE")
    noise.use_restricted_range = True
    noise.frame_start, noise.frame_end = 10, 20
    marker = action.pose_markers.new("breath")
    marker.frame = 17


def first_curve(action):
    return scenario.module("addon.compat").all_fcurves(action)[0]


def state(action, strip) -> dict:
    curve = first_curve(action)
    mine = next(p for p in curve.keyframe_points if p.co.x % 1 == 0.5)
    modifier = curve.modifiers[0]
    return {
        "strip": scenario.module("addon.compat").strip_content(strip)[0],
        "keys": list(curve.range()),
        "last curve": list(scenario.module("addon.compat").all_fcurves(action)[-1].range()),
        "mine": [mine.co.x, mine.handle_left.x, mine.handle_right.x],
        "modifier": [modifier.frame_start, modifier.frame_end],
        "marker": action.pose_markers[0].frame,
        "shown": round(curve.evaluate(curve.range()[0] + 40.25), 5),
        "noted": action["rhetor_start_frame"],
    }


def move(strip, frames: int) -> None:
    compat = scenario.module("addon.compat")
    compat.move_strip_content(strip, compat.strip_content(strip)[0] + frames)
    bpy.context.view_layer.update()


def undo_and_redo(name: str) -> dict:
    told = {}
    for step, operator in (("undo", bpy.ops.ed.undo), ("redo", bpy.ops.ed.redo)):
        operator()
        bpy.context.view_layer.update()
        told[step] = state(bpy.data.actions[name], strips()["line"])
    # A step that was made before the keys had followed, as some operators do.
    strip = strips()["line"]
    compat = scenario.module("addon.compat")
    compat.move_strip_content(strip, compat.strip_content(strip)[0] + 7)
    bpy.ops.ed.undo_push(message="a move by 7")
    bpy.context.view_layer.update()
    told["early step"] = state(bpy.data.actions[name], strips()["line"])
    for step, operator in (("early undo", bpy.ops.ed.undo), ("early redo", bpy.ops.ed.redo)):
        operator()
        bpy.context.view_layer.update()
        told[step] = state(bpy.data.actions[name], strips()["line"])
    bpy.ops.ed.undo()
    bpy.context.view_layer.update()
    return told


def trimmed(action, strip) -> dict | None:
    if strip.type != "SOUND":
        return None  # other strips have no content that could stay
    if bpy.app.version >= (5, 1, 0):
        strip.left_handle += 9
    else:
        strip.frame_final_start += 9
    bpy.context.view_layer.update()
    return state(action, strip)


def copied(action, strip) -> dict:
    """Half of a split strip is a copy with all properties."""
    half = strip.split(frame=50, split_method="SOFT")
    bpy.context.view_layer.update()
    told = {"after": state(action, strip), "half is tied": "rhetor_strip" in half}
    move(half, 50)
    told["half moved"] = state(action, strip)
    move(strip, -3)
    told["strip moved"] = state(action, strip)
    move(strip, 3)
    return told


def renamed(action, strip) -> dict:
    strip.name = "another name"
    bpy.context.view_layer.update()
    half = strip.split(frame=40, split_method="SOFT")
    bpy.context.view_layer.update()
    told = {"half is tied": "rhetor_strip" in half, "strip is tied": "rhetor_strip" in strip}
    move(strip, 2)
    told["moved"] = state(action, strip)
    return told


def together(audio: str) -> dict:
    """Two takes of one strip, one of them not playing, and a second strip, moved at once."""
    one, other = write_take(audio, 1), write_take(audio, 2)
    both, single = add_strip("both", 5, 6), add_strip("single", 9, 7)
    third = write_take(audio, 3)
    for action in (one, other):
        tie(both, action)
    tie(single, third)
    compat = scenario.module("addon.compat")
    before = [first_curve(action).range()[0] for action in (one, other, third)]
    for strip, frames in ((both, 4), (single, -2)):
        compat.move_strip_content(strip, compat.strip_content(strip)[0] + frames)
    bpy.context.view_layer.update()
    after = [first_curve(action).range()[0] for action in (one, other, third)]
    late = write_take(audio, 6)
    here = [first_curve(action).range()[0] for action in (one, late)]
    compat.move_strip_content(both, compat.strip_content(both)[0] + 3)
    tie(both, late)
    bpy.context.view_layer.update()
    there = [first_curve(action).range()[0] for action in (one, late)]
    return {
        "moved": [b - a for a, b in zip(before, after, strict=True)],
        "tied late": [b - a for a, b in zip(here, there, strict=True)],
    }


def in_the_nla(rig, audio: str) -> dict:
    """Two lines on one track: strips move, keys stay; meeting another line, one changes tracks."""
    nla = scenario.module("addon.takes.nla")
    compat = scenario.module("addon.compat")
    owner = rig.armature
    actions = [write_take(audio, seed) for seed in (4, 5)]
    compat.assign_action(owner, None, None)
    lines = []
    for number, action in enumerate(actions):
        slot = next(iter(compat.slots_for(action, owner)))
        start = 101 + 100 * number
        nla.add_strip(owner, "Rhetor lines", action, slot, start, blend_in=8, blend_out=8)
        strip = add_strip(f"line {number}", start, 10 + number)
        tie(strip, action)
        lines.append(strip)
    told = {"before": nla_places(owner)}
    keys = list(first_curve(actions[0]).range())
    move(lines[0], 20)
    told["moved"] = nla_places(owner)
    move(lines[0], 60)
    told["meeting"] = nla_places(owner)
    told["keys"] = [keys, list(first_curve(actions[0]).range())]
    bpy.ops.ed.undo_push(message="moved")
    for strip in lines:
        compat.move_strip_content(strip, compat.strip_content(strip)[0] + 500)
    bpy.context.view_layer.update()
    told["together"] = nla_places(owner)
    return told


def nla_places(owner) -> list[list]:
    """[track, first, last, blend in] of each strip, in time."""
    found = [
        [track.name, strip.frame_start, strip.frame_end, strip.blend_in]
        for track in owner.animation_data.nla_tracks
        for strip in track.strips
    ]
    return sorted(found, key=lambda place: place[1])


def placed_by_rhetor(audio: str) -> list | None:
    """The strip of a file: its takes and the start frame of the next one follow."""
    if not scenario.module("addon.compat").has_sound():
        return None
    count, settings = len(strips()), bpy.context.scene.rhetor
    action = write_take(audio, 8)
    again = len(strips()) - count
    (placed,) = [strip for strip in strips() if "rhetor_rig" in strip]
    move(placed, 5)
    return [again, settings.start_frame, first_curve(action).range()[0]]


def deleted(action) -> bool:
    name = action.name
    strips().remove(strips()["another name"])
    bpy.context.view_layer.update()
    return name in bpy.data.actions


def cost() -> dict[str, float]:
    """Microseconds of the handler per update of the scene; the least of some runs."""
    follow = scenario.module("addon.sequencer.follow")
    depsgraph = bpy.context.evaluated_depsgraph_get()
    tied = bpy.context.scene
    for number in range(300):
        add_strip(f"filler {number}", 1 + 70 * number, 20)
    with_strips = least(follow.catch_up)
    del tied["rhetor_followed"]
    return {
        "300 strips": with_strips,
        "no tied strip": least(lambda: follow._on_update(tied, depsgraph)),
    }


def least(function) -> float:
    runs = []
    for _ in range(20):
        started = time.perf_counter()
        function()
        runs.append(time.perf_counter() - started)
    return round(min(runs) * 1e6, 1)


scenario.run(main)
