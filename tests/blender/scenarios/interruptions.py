# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel, kill the engine, delete the head, open another file: always clear, nothing lost."""

import os
import signal
import time
from pathlib import Path

import bpy
import performances
import scenario


def main(audio: str) -> dict:
    bpy.context.scene.rhetor.audio = audio
    performances.create_head(hair=False)
    # Each in turn; the last two need the engine again after it was killed.
    return {
        "cancelled": cancel(),
        "killed": kill(),
        "deleted": delete_the_head(),
        "other file": open_another_file(),
        "rested": rest(),
        "engines left": disable(),
    }


def cancel() -> dict:
    session, before = begin()
    started = time.monotonic()
    assert bpy.ops.rhetor.cancel() == {"FINISHED"}
    error = outcome(session)
    assert performances.footprint() == before
    assert session.phase.value == "idle" and session.error is None
    return {"said": error.code, "seconds": time.monotonic() - started}


def kill() -> str:
    session, before = begin()
    (engine,) = children()
    os.kill(engine, signal.SIGKILL)
    error = outcome(session)
    assert performances.footprint() == before
    assert session.phase.value == "failed"
    return str(error)


def delete_the_head() -> dict:
    """The take is kept, and goes to the next head that is picked."""
    session, _ = begin()
    scene = bpy.context.scene
    bpy.data.objects.remove(scene.rhetor.head)
    performance = session.drain()
    before = performances.footprint()
    said = refused_write()
    assert performances.footprint() == before
    assert session.unwritten is performance
    performances.create_head(hair=False)
    assert bpy.ops.rhetor.redirect_take() == {"FINISHED"}
    assert session.written.title in bpy.data.actions
    return {"said": said, "written": session.written.title}


def open_another_file() -> dict:
    session, _ = begin()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    session.drain()
    said = refused_write()
    performances.create_head(hair=False)
    assert bpy.ops.rhetor.redirect_take() == {"FINISHED"}
    return {"said": said, "written": session.written.title}


def rest() -> list[int]:
    """An engine that is idle for long is ended; before, it stays warm. Engines after each look."""
    addon = scenario.module("addon.session")
    assert 0.0 < addon._rest() <= addon.REST_AFTER_S
    engines = [len(children())]
    addon.REST_AFTER_S = 0.0
    assert addon._rest() is None
    return [*engines, len(children())]


def disable() -> int:
    """An engine that runs ends with the extension."""
    import addon_utils  # bpy makes it importable

    python = scenario.module("addon.prefs").engine_python(bpy.context)
    scenario.module("addon.session").current.warm_up(python)
    assert len(children()) == 1
    addon_utils.disable(scenario.EXTENSION)
    return len(children())


def begin():
    """A job that is well under way; the session and the scene's footprint."""
    addon = scenario.module("addon.session")
    order = scenario.module("addon.scene_read").read_order(bpy.context)
    python = scenario.module("addon.prefs").engine_python(bpy.context)
    before = performances.footprint()
    addon.current.submit(order, python)
    until = time.monotonic() + 60
    while addon.current.fraction <= 0.0:
        assert addon.current.pump() is None, "the recording is too short for this test"
        assert time.monotonic() < until, "no progress within a minute"
        time.sleep(0.01)
    assert not bpy.ops.rhetor.animate.poll()
    return addon.current, before


def outcome(session):
    """The error with which the job ends."""
    errors = scenario.module("engine.protocol.errors")
    try:
        session.drain()
    except errors.RhetorError as error:
        return error
    raise AssertionError("the job ended well")


def refused_write() -> str:
    try:
        bpy.ops.rhetor.write_take()
    except RuntimeError as error:
        return " ".join(str(error).split())
    raise AssertionError("the take was written to nowhere")


def children() -> list[int]:
    """Processes that this one has started."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in listing.split()]


scenario.run(main)
