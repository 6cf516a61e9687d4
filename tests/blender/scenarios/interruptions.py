# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel, kill the engine, delete the head, open another file: always clear, nothing lost."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import bpy
import performances
import scenario

SOME_S = 30.0
"""Of the recording: enough to be interrupted, and soon done where the job goes on."""


def main(audio: str) -> dict:
    bpy.context.scene.rhetor.audio = audio
    performances.create_head(hair=False)
    # Each in turn, and all with the same session.
    return {
        "cancelled": cancel(),
        "killed once": kill(1),
        "killed twice": kill(2),
        "queue": queue(),
        "undone": undo(),
        "renamed": rename(),
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


def kill(times: int) -> dict:
    """The engine dies under the job: it is started again, but not for ever."""
    session, before = begin(max_seconds=SOME_S)
    job, engines = session.running, []
    for _ in range(times):
        (engine,) = children()
        engines.append(engine)
        os.kill(engine, signal.SIGKILL)
        fraction = job.fraction
        while session.running is job and job.fraction >= fraction:
            session.pump()
            time.sleep(0.01)
        if session.running is job:
            wait_for_progress(session)
    said = list(session.engine_warnings)
    if times > 1:
        assert job.error is session.error and session.phase.value == "failed"
        assert performances.footprint() == before and session.written is None
        return {"said": said, "error": [job.error.message, job.error.hint]}
    assert children() != engines and job.restarts == 1
    assert session.drain() and session.failures == ()
    assert said[0] in session.warnings, "the person is told beside the take"
    return {"said": said, "written": session.written.title}


def queue() -> dict:
    """Three wait; one is taken out, one cannot be done, and the rest go on."""
    session, before = begin()
    bad = replace(session.running.order, request=request(audio=__file__))
    orders = [replace(bad, request=request(seed=seed, max_seconds=1.0)) for seed in (1, 2, 3)]
    python = scenario.module("addon.prefs").engine_python(bpy.context)
    session.submit_all([orders[0], bad, *orders[1:]], python)
    titles = [order.title for order in session.waiting]
    assert bpy.ops.rhetor.remove_waiting(index=2) == {"FINISHED"}
    session.cancel()
    written = [take.title for take in session.drain()]
    assert len(performances.footprint()["actions"]) == len(before["actions"]) + 2
    failed = [(failure.title, failure.error.code) for failure in session.failures]
    session.submit_all(orders, python)
    assert bpy.ops.rhetor.cancel_all() == {"FINISHED"} and session.waiting == ()
    assert session.drain() == ()
    return {"waited": titles, "written": written, "failed": failed}


def undo() -> dict:
    """Undo while the engine works: the take comes on top of what is there then."""
    scene = bpy.context.scene
    scene.frame_end = 77
    bpy.ops.ed.undo_push(message="before")
    scene.frame_end = 78
    bpy.ops.ed.undo_push(message="a change")
    session, _ = begin(max_seconds=SOME_S)
    bpy.ops.ed.undo()
    after_undo = performances.footprint()
    assert after_undo["range"][1] == 77
    (written,) = session.drain()
    assert written.title in bpy.data.actions
    bpy.ops.ed.undo()
    assert performances.footprint() == after_undo, "writing is one step"
    return {"written": written.title}


def rename() -> str:
    """The head is known by more than its name."""
    session, _ = begin(max_seconds=SOME_S)
    head = bpy.context.scene.rhetor.head
    head.name, other = "Renamed", head.name
    bpy.data.objects.new(other, None)
    session.drain()
    assert head.animation_data.action.name == session.written.title
    return head.name


def delete_the_head() -> dict:
    """The take is kept, and goes to the next head that is picked."""
    session, _ = begin(max_seconds=SOME_S)
    scene = bpy.context.scene
    bpy.data.objects.remove(scene.rhetor.head)
    return rescue(session)


def open_another_file() -> dict:
    session, _ = begin(max_seconds=SOME_S)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return rescue(session)


def rescue(session) -> dict:
    """Nothing is written where there is no head; then the kept take goes to a new one."""
    before = performances.footprint()
    assert session.drain() == ()
    assert performances.footprint() == before
    (failure,) = session.failures
    assert failure.performance is not None
    performances.create_head(hair=False)
    assert bpy.ops.rhetor.redirect_take() == {"FINISHED"}
    assert session.failures == () and session.written.title in bpy.data.actions
    return {"said": str(failure.error), "written": session.written.title}


def rest() -> list[int]:
    """An engine that is idle for long is ended; before, it stays warm. Engines after each look."""
    timers, warm_engine = (
        scenario.module(f"addon.{name}") for name in ("jobs.timers", "warm_engine")
    )
    assert 0.0 < timers._rest() <= warm_engine.REST_AFTER_S
    engines = [len(children())]
    warm_engine.REST_AFTER_S = 0.0
    assert timers._rest() is None
    until = time.monotonic() + 5
    while children() and time.monotonic() < until:
        time.sleep(0.05)
    return [*engines, len(children())]


def disable() -> int:
    """An engine that runs ends with the extension."""
    import addon_utils  # bpy makes it importable

    python = scenario.module("addon.prefs").engine_python(bpy.context)
    scenario.module("addon.session").current.warm_up(python)
    assert len(children()) == 1
    addon_utils.disable(scenario.EXTENSION)
    return len(children())


def request(**changes):
    """What the scene's settings ask for, with some changes."""
    order = scenario.module("addon.scene_read").read_order(bpy.context)
    return replace(order.request, **changes)


def begin(**changes):
    """A job that is well under way; the session and the scene's footprint."""
    session = scenario.module("addon.session").current
    order = scenario.module("addon.scene_read").read_order(bpy.context)
    python = scenario.module("addon.prefs").engine_python(bpy.context)
    before = performances.footprint()
    session.submit(replace(order, request=request(**changes)), python)
    wait_for_progress(session)
    assert bpy.ops.rhetor.animate.poll(), "more may join the line"
    return session, before


def wait_for_progress(session) -> None:
    until = time.monotonic() + 60
    while session.fraction <= 0.0:
        assert session.pump() is None, "the recording is too short for this test"
        assert time.monotonic() < until, "no progress within a minute"
        time.sleep(0.01)


def outcome(session):
    """The error with which the job ends."""
    errors = scenario.module("engine.protocol.errors")
    try:
        session.wait()
    except errors.RhetorError as error:
        return error
    raise AssertionError("the job ended well")


def children() -> list[int]:
    """Processes that this one has started."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in listing.split()]


scenario.run(main)
