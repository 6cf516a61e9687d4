# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is wrong is said in words, with advice, and leaves the scene as it was."""

import os

import bpy
import performances
import scenario


def main(audio: str, not_audio: str) -> dict:
    settings = bpy.context.scene.rhetor
    said = {"nothing chosen": refusal_of_poll()}
    settings.audio = audio
    said["no head"] = refusal_of_poll()
    rig = performances.create_head(hair=False)
    python = os.environ.pop("RHETOR_ENGINE_PYTHON")
    said["no engine"] = refusal_of_poll()
    os.environ["RHETOR_ENGINE_PYTHON"] = "/nowhere/python"
    said["engine path wrong"] = refusal()
    os.environ["RHETOR_ENGINE_PYTHON"] = python
    settings.audio = "//nowhere/ähm.wav"
    said["no such file"] = refusal()
    settings.audio = not_audio
    said["not audio"] = refusal()
    session = scenario.module("addon.session").current
    assert bpy.ops.rhetor.check_engine() == {"FINISHED"}
    said["engine"] = " | ".join(session.engine_findings)
    settings.audio = audio
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(cube)
    settings.head = cube
    said["not a head"] = refusal()
    settings.head = rig.armature
    rig.head_bone.rotation_mode = "QUATERNION"
    said["rotation order"] = refusal()
    rig.head_bone.rotation_mode = "ZXY"
    rig.face.shape_key_remove(rig.keys.key_blocks["jawOpen"])
    said["key missing"] = refusal()
    return said


def refusal_of_poll() -> str:
    """Why the button is grey."""
    assert not bpy.ops.rhetor.animate.poll()
    return refusal()


def refusal() -> str:
    """What Animate reports instead of working; nothing may change."""
    before = performances.footprint()
    try:
        bpy.ops.rhetor.animate()
    except RuntimeError as error:
        assert performances.footprint() == before
        assert not scenario.module("addon.session").current.is_working
        return " ".join(str(error).split())
    raise AssertionError("it was accepted")


scenario.run(main)
