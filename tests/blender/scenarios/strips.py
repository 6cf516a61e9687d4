# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound strips, trimmed, muted, in meta strips: what is asked of the engine, and who follows."""

from pathlib import Path

import bpy
import performances
import scenario


def main(audio: str) -> dict:
    scene = bpy.context.scene
    settings = scene.rhetor
    performances.create_head(hair=False)
    scene.sequence_editor_create()
    told: dict = {}
    strip = add_sound(audio, "line", 2, 101)
    settings.source, settings.strip = "STRIP", "line"
    told["whole"] = asked()
    trim(strip, left=10, right=5)
    told["trimmed"] = asked()
    strip.mute = True
    told["muted"] = refused()
    strip.mute = False
    scene.sequence_editor.channels[2].mute = True
    told["muted channel"] = refused()
    scene.sequence_editor.channels[2].mute = False
    told["poll without"] = poll_without()
    strips_before = len(strips())
    take = performances.random_take(1.0)
    write = scenario.module("addon.scene_write").write_performance
    written = write(scenario.module("addon.scene_write").Performance(order(), take))
    told["no second strip"] = len(strips()) == strips_before
    told["first key"] = key_range(written.actions[0])
    told["moved meanwhile"] = moved_meanwhile(strip)
    told["meta"] = in_a_meta()
    told["retimed"] = retimed()
    told["not there"] = not_there()
    told["other scene"] = in_another_scene(audio)
    return told


def strips():
    return scenario.module("addon.compat").sequencer_strips(bpy.context.scene.sequence_editor)


def add_sound(audio: str, name: str, channel: int, frame: int):
    return strips().new_sound(name=name, filepath=audio, channel=channel, frame_start=frame)


def trim(strip, left: int, right: int) -> None:
    """Pull the handles in; the content stays where it is."""
    if bpy.app.version >= (5, 1, 0):
        strip.left_handle += left
        strip.right_handle -= right
    else:
        strip.frame_offset_start += left
        strip.frame_offset_end += right


def order():
    return scenario.module("addon.scene_read").read_order(bpy.context)


def asked() -> dict:
    read = order()
    request = read.request
    return {
        "start_frame": read.start_frame,
        "start_s": request.start_s,
        "max_seconds": request.max_seconds,
        "name": Path(request.audio).name,
        "strip": read.strip.name,
    }


def refused() -> str:
    try:
        order()
    except Exception as error:
        return str(error)
    return ""


def poll_without() -> list[bool]:
    """Animate is greyed without a strip."""
    settings = bpy.context.scene.rhetor
    obstacle = scenario.module("addon.sequencer.voice").obstacle
    found = []
    for name in ("line", "", "nothing"):
        settings.strip = name
        found.append(obstacle(bpy.context) == "")
    settings.strip = "line"
    return found


def key_range(action: str) -> list[float]:
    curve = scenario.module("addon.compat").all_fcurves(bpy.data.actions[action])[0]
    return [float(value) for value in curve.range()]


def moved_meanwhile(strip) -> list[list[float]]:
    """The strip is moved between Animate and the writing, and once more after it."""
    compat = scenario.module("addon.compat")
    scene_write = scenario.module("addon.scene_write")
    performance = scene_write.Performance(order(), performances.random_take(1.0))
    here = compat.strip_content(strip)[0]
    compat.move_strip_content(strip, here + 7)
    bpy.context.view_layer.update()
    written = scene_write.write_performance(performance)
    told = [key_range(written.actions[0])]
    compat.move_strip_content(strip, here)
    bpy.context.view_layer.update()
    return [*told, key_range(written.actions[0])]


def in_a_meta() -> dict:
    """The meta strip is chosen by name; it cuts off and mutes what is inside."""
    settings = bpy.context.scene.rhetor
    meta = strips().new_meta(name="scene 1", channel=5, frame_start=1)
    strips()["line"].move_to_meta(meta)
    set_handles(meta, 121, 131)
    settings.strip = "scene 1"
    told = {"cut off": asked()}
    meta.mute = True
    settings.strip = "line"
    told["muted"] = refused()
    meta.mute = False
    set_handles(meta, 1, 90)
    told["outside"] = refused()
    set_handles(meta, 101, 301)
    return told


def set_handles(strip, first: int, after: int) -> None:
    new = bpy.app.version >= (5, 1, 0)
    left, right = (
        ("left_handle", "right_handle") if new else ("frame_final_start", "frame_final_end")
    )
    # One handle stops at the other: whichever way they go, one of these orders is right.
    for handle, frame in ((left, first), (right, after), (left, first), (right, after)):
        setattr(strip, handle, frame)


def retimed() -> str:
    """Blender 4.5 and 5.0 crash when a script adds a retiming key."""
    if bpy.app.version < (5, 1, 0):
        return "cannot be tried"
    editor = bpy.context.scene.sequence_editor
    line = editor.strips_all["line"]
    line.retiming_keys.add(timeline_frame=115)
    said = refused()
    line.retiming_keys.reset()
    return said


def not_there() -> list[str]:
    """A file that is gone, a sound that is packed, a strip without sound."""
    editor = bpy.context.scene.sequence_editor
    line = scenario.module("addon.compat").all_sequencer_strips(editor)["line"]
    kept = line.sound.filepath
    line.sound.filepath = "//nowhere.wav"
    said = [refused()]
    line.sound.filepath = kept
    length = {"length": 50} if bpy.app.version >= (5, 0, 0) else {"frame_end": 51}
    strips().new_effect(name="colour", type="COLOR", channel=9, frame_start=1, **length)
    for name in ("colour", "nobody"):
        bpy.context.scene.rhetor.strip = name
        said.append(refused())
    return said


def in_another_scene(audio: str) -> dict:
    """From 5.0 on the sequencer may show another scene than the window."""
    if bpy.app.version < (5, 0, 0):
        return {}
    edit = bpy.data.scenes.new("Edit")
    edit.sequence_editor_create()
    edit.sequence_editor.strips.new_sound(
        name="elsewhere", filepath=audio, channel=1, frame_start=7
    )
    bpy.context.workspace.sequencer_scene = edit
    bpy.context.scene.rhetor.strip = "elsewhere"
    told = {"asked": asked()}
    edit.render.fps = 30
    return {**told, "rates": refused()}


scenario.run(main)
