# SPDX-License-Identifier: GPL-3.0-or-later
"""Two heads speak in turn, with the real engine: made, changed in part, made again."""

import bpy
import numpy as np
import scenario

STARTS = {"anna 1": 11, "ben 1": 71, "anna 2": 131, "ben 2": 191}
LENGTH, MARGIN = 48, 8
FRAMES = range(1, 250)


def main(audio: str, engine: str, blend: str, table: str, extent: str) -> dict:
    """table: a file with the table filled in, for a Blender that cannot make sound strips, or "".

    extent: "table" ends with such a file, "full" tries what does not differ between versions too.
    """
    scenario.module("addon.prefs").preferences(bpy.context).engine_python = engine
    if table:
        bpy.ops.wm.open_mainfile(filepath=table)
    else:
        refusals = set_up(audio)
    told: dict = {"cast": {row.strip: row.character.name for row in dialogue().lines}}
    if extent == "table":
        bpy.ops.wm.save_as_mainfile(filepath=blend)
        return told
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 20, 30
    animate()
    told["range"] = [scene.frame_start, scene.frame_end]
    told["first"] = placed()
    told["active"] = [owner.animation_data.action is not None for owner in owners()]
    animate()
    told["again"] = placed()
    if extent == "full":
        told.update(refusals=refusals, shown={name: shown(name) for name in ("Anna", "Ben")})
        told.update(changed=changed(), muted=muted(), reassigned=reassigned())
        told["animate strip"] = animate_strip()
        told["cut"] = cut()
    told["before"] = placed()
    told["moved"] = moved()
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    animate()
    told["reopened"] = placed()
    return told


def set_up(audio: str) -> list[str]:
    """Two heads, four strips, the table; what is said before all is there."""
    said = [refused()]
    scene = bpy.context.scene
    scene.render.fps = 24
    for number, name in enumerate(("Anna", "Ben")):
        assert bpy.ops.rhetor.create_head(hair=False) == {"FINISHED"}
        scene.rhetor.head.name = name
        scene.rhetor.head.location.x = 0.4 * number
    scene.sequence_editor_create()
    strips = scenario.module("addon.compat").sequencer_strips(scene.sequence_editor)
    for name, start in STARTS.items():
        channel = 2 if name.startswith("anna") else 3
        strips.new_sound(name=name, filepath=audio, channel=channel, frame_start=start)
    assert bpy.ops.rhetor.fill_dialogue() == {"FINISHED"}
    first = dialogue().lines[0]
    speaker, first.character = first.character, None
    said.append(refused())
    first.character, first.strip = speaker, "gone"
    said.append(refused())
    assert bpy.ops.rhetor.fill_dialogue() == {"FINISHED"}
    return said


def refused() -> str:
    try:
        bpy.ops.rhetor.animate_dialogue()
    except RuntimeError as error:
        return " ".join(str(error).split())
    return ""


def dialogue():
    return bpy.context.scene.rhetor_dialogue


def owners() -> list:
    characters = scenario.module("addon.sequencer.dialogue").characters_of(bpy.context.scene)
    return [owner for character in characters for owner in character.owners]


def animate() -> None:
    assert bpy.ops.rhetor.animate_dialogue() == {"FINISHED"}


def placed() -> dict[str, list]:
    """For each owner from the bottom up: [track, strip, first, last, is muted, made at]."""
    return {owner.name: [row(*found) for found in strips_of(owner)] for owner in owners()}


def strips_of(owner) -> list:
    return [(track, strip) for track in owner.animation_data.nla_tracks for strip in track.strips]


def row(track, strip) -> list:
    made = strip.action["rhetor_made_s"]
    return [track.name, strip.name, strip.frame_start, strip.frame_end, strip.mute, made]


def shown(name: str) -> dict[str, float]:
    """What is seen of one head: who speaks opens the mouth, who listens blinks and moves."""
    rig = scenario.module("addon.head.rig").find_rig(bpy.data.objects[name])
    degrees, jaw, lid = [], [], []
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        bone = rig.armature.evaluated_get(depsgraph).pose.bones["head"]
        degrees.append(np.degrees(bone.rotation_euler))
        blocks = rig.keys.evaluated_get(depsgraph).key_blocks
        jaw.append(blocks["jawOpen"].value)
        lid.append(blocks["eyeBlinkLeft"].value)
    speaks, edges = np.zeros(len(FRAMES), bool), np.zeros(len(FRAMES), bool)
    for strip, start in STARTS.items():
        if strip.startswith(name.lower()):
            first, after = start - 1, start - 1 + LENGTH
            speaks[first:after] = True
            edges[first - MARGIN : first] = edges[after : after + MARGIN] = True
    listens = ~speaks & ~edges
    step = np.linalg.norm(np.diff(degrees, axis=0), axis=1)
    return {
        "jaw speaks": float(np.max(np.array(jaw)[speaks])),
        "jaw listens": float(np.max(np.array(jaw)[listens])),
        "lid listens": float(np.max(np.array(lid)[listens])),
        "degrees listens": float(np.std(np.array(degrees)[listens], axis=0).max()),
        "step edges": float(step[edges[1:]].max()),
        "step median edges": float(np.median(step[edges[1:]])),
        "step speaks": float(step[speaks[1:]].max()),
        "step median": float(np.median(step)),
        "jaw step edges": float(np.abs(np.diff(jaw))[edges[1:]].max()),
        "jaw step speaks": float(np.abs(np.diff(jaw))[speaks[1:]].max()),
    }


def strip_named(name: str):
    editor = bpy.context.scene.sequence_editor
    return scenario.module("addon.compat").all_sequencer_strips(editor)[name]


def changed() -> dict:
    """Another seed for one speaker: only that one's performances are made again."""
    scenario.module("addon.sequencer.dialogue_settings").find_speaker(
        dialogue(), bpy.data.objects["Ben"]
    ).seed = 77
    animate()
    return placed()


def muted() -> dict:
    strip_named("ben 1").mute = True
    animate()
    told = placed()
    strip_named("ben 1").mute = False
    animate()
    return {"muted": told, "back": placed()}


def reassigned() -> dict:
    """A line goes to the other character; the first one keeps it muted."""
    row = next(row for row in dialogue().lines if row.strip == "anna 2")
    row.character = bpy.data.objects["Ben"]
    animate()
    return placed()


def animate_strip() -> dict:
    """In the sequencer: the active strip, for the head that is picked; undone at once."""
    scene = bpy.context.scene
    can_be_done = []
    for active in (None, strip_named("ben 2")):
        scene.sequence_editor.active_strip = active
        can_be_done.append(bpy.ops.rhetor.animate_strip.poll())
    count = len(scene.sequence_editor.strips_all)
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.rhetor.animate_strip("EXEC_DEFAULT", True) == {"FINISHED"}
    action = scene.rhetor.head.animation_data.action
    told = {
        "can be done": can_be_done,
        "keys": list(scenario.module("addon.compat").all_fcurves(action)[0].range()),
        "name": action.name,
        "voice": [scene.rhetor.source, scene.rhetor.strip],
        "new strips": len(scene.sequence_editor.strips_all) - count,
    }
    bpy.ops.ed.undo()
    return told


def cut() -> dict:
    """Ben's lines "anna 2" and "ben 2" follow each other at once."""
    compat = scenario.module("addon.compat")
    first = STARTS["anna 2"] + LENGTH
    compat.move_strip_content(strip_named("ben 2"), first)
    bpy.context.view_layer.update()
    animate()
    rig = scenario.module("addon.head.rig").find_rig(bpy.data.objects["Ben"])
    degrees = []
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        shown = rig.armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        degrees.append(np.degrees(shown.pose.bones["head"].rotation_euler))
    step = np.linalg.norm(np.diff(degrees, axis=0), axis=1)
    near = slice(first - 1 - MARGIN, first - 1 + MARGIN)
    return {
        "at the cut": float(step[near].max()),
        "median": float(np.median(step)),
        "largest": float(np.delete(step, np.r_[near]).max()),
        "placed": placed(),
    }


def moved() -> dict:
    """A strip that is dragged takes its line along, and is not made again."""
    compat = scenario.module("addon.compat")
    strip = strip_named("anna 1")
    compat.move_strip_content(strip, compat.strip_content(strip)[0] + 6)
    bpy.context.view_layer.update()
    told = {"followed": placed()}
    animate()
    return {**told, "again": placed()}


scenario.run(main)
