# SPDX-License-Identifier: GPL-3.0-or-later
"""Press Animate with the real engine; undo it in one step; press it again and save."""

import bpy
import numpy as np
import performances
import scenario


def main(audio: str, blend: str, expected: str) -> dict:
    scene = bpy.context.scene
    settings = scene.rhetor
    settings.audio, settings.seed, settings.start_frame = audio, 3, 5
    scene.frame_end = 20
    rig = performances.create_head(hair=False)
    bpy.ops.ed.undo_push(message="before")
    before = performances.footprint()
    assert bpy.ops.rhetor.animate("EXEC_DEFAULT", True) == {"FINISHED"}
    session = scenario.module("addon.session")
    assert session.current.phase is session.Phase.DONE
    written = session.current.written
    after = performances.footprint()
    assert set(after["actions"]) - set(before["actions"]) == set(written.actions)
    assert after["range"][1] == written.last_frame
    bpy.ops.ed.undo()
    assert performances.footprint() == before, (before, performances.footprint())
    bpy.ops.ed.redo()
    assert performances.footprint() == after, (after, performances.footprint())
    rig = scenario.module("addon.head.rig").find_rig(bpy.context.scene.rhetor.head)
    save(rig, written, blend, expected)
    return {
        "frames": written.last_frame - written.first_frame + 1,
        "duration_s": written.duration_s,
        "title": written.title,
        "engine": session.current.engine_line,
        "warnings": [*written.warnings, *session.current.engine_warnings],
        "sha256": bpy.data.actions[written.title]["rhetor_audio_sha256"],
    }


def save(rig, written, blend: str, expected: str) -> None:
    """The file, and beside it what it must show."""
    frames = range(written.first_frame, written.last_frame + 1)
    shown = performances.motion(rig.armature, rig.face, frames)
    np.savez(expected, first=written.first_frame, last=written.last_frame, **shown)
    names = {"armature": rig.armature.name, "face": rig.face.name}
    bpy.context.scene["names"] = names
    bpy.ops.wm.save_as_mainfile(filepath=blend, compress=True)


scenario.run(main)
