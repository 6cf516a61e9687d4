# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a stored take again with the real engine and compare every key; then change what made it."""

import json
import wave
from pathlib import Path

import bpy
import performances
import scenario


def main(audio: str) -> dict:
    settings = bpy.context.scene.rhetor
    settings.audio, settings.seed, settings.start_frame, settings.style = audio, 3, 5, "lively"
    rig = performances.create_head(hair=False)
    assert bpy.ops.rhetor.animate() == {"FINISHED"}
    settings.seed, settings.start_frame, settings.style, settings.eyes = 9, 1, "calm", False
    settings.audio = ""
    told = {"same": reproduce(), "takes": len(entries(rig))}
    (first,) = entries(rig)
    keys = scenario.module("addon.compat").all_fcurves(first.main)
    keys[0].keyframe_points[2].co.y += 0.01
    told["edited"] = reproduce()
    assert bpy.ops.rhetor.make_take_again() == {"FINISHED"}
    told["again"] = [entry.name for entry in entries(rig)]
    told["hashes"] = [entry.main["rhetor_keys_sha256"] for entry in entries(rig)]
    told["starts"] = [entry.main["rhetor_start_frame"] for entry in entries(rig)]
    weights = json.loads(first.main["rhetor_weights_sha256"])
    weights["posegan_plus"] = "0" * 64
    first.main["rhetor_weights_sha256"] = json.dumps(weights)
    change_recording(audio)
    told["changed"] = reproduce(first.id)
    Path(audio).unlink()
    try:
        bpy.ops.rhetor.reproduce_take(take=first.id)
    except RuntimeError as error:
        told["gone"] = str(error)
    del first.main["rhetor_settings"]
    try:
        bpy.ops.rhetor.reproduce_take(take=first.id)
    except RuntimeError as error:
        told["old"] = str(error)
    return told


def entries(rig):
    character = scenario.module("addon.characters.character").find_character(rig.armature)
    return scenario.module("addon.takes.takes").takes_of(character)


def reproduce(take: str = "") -> list[str]:
    """What is said of the take, and nothing may change."""
    before = performances.footprint()
    assert bpy.ops.rhetor.reproduce_take(take=take) == {"FINISHED"}
    assert performances.footprint() == before
    written = scenario.module("addon.session").current.written
    return [written.title, *written.warnings]


def change_recording(path: str) -> None:
    """Make its second half silent."""
    with wave.open(path, "rb") as file:
        params, samples = file.getparams(), file.readframes(file.getnframes())
    half = len(samples) // 4 * 2
    with wave.open(path, "wb") as file:
        file.setparams(params)
        file.writeframes(samples[:half] + bytes(len(samples) - half))


scenario.run(main)
