# SPDX-License-Identifier: GPL-3.0-or-later
"""Many jobs with one engine: failures, resuming, Ctrl-C, existing files, the doctor."""

import contextlib
import io
import json
import os
import signal
import threading
import time
from pathlib import Path

import bpy
import performances
import scenario


def main(audio: str, long_audio: str, folder_name: str) -> dict:
    folder = Path(folder_name)
    return {
        "batch": batch(audio, folder),
        "interrupted": interrupt(long_audio, folder),
        "existing": existing_file(audio, folder),
        "doctor": doctor(folder),
    }


def batch(audio: str, folder: Path) -> dict:
    """Two go well and one does not; then only that one is done again."""
    jobs = folder / "jöbs.json"
    missing = folder / "later.wav"
    common = {"seconds": 1.0, "hair": False, "resolution": 64}
    entries = [
        {"audio": audio, "output": "made/one.blend", **common},
        {"audio": missing.name, "output": "made/two.blend", **common},
        {"audio": audio, "output": "made/three.blend", **common, "seed": 7, "style": "neutral"},
    ]
    jobs.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    engines = count_engines()
    first = run(["batch", str(jobs), "--json", "--fps", "24"])
    stamp = (folder / "made" / "one.blend").stat().st_mtime_ns
    jobs.write_text(json.dumps(entries[1:], indent=1), encoding="utf-8")
    manifest = ["--manifest", str(folder / "stopped.json")]
    stopped = run(["batch", str(jobs), "--json", "--no-keep-going", *manifest])
    jobs.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    missing.write_bytes(Path(audio).read_bytes())
    second = run(["batch", str(jobs), "--json", "--fps", "24", "--resume"])
    jobs.write_text('[{"audio": "a.wav",\n "stile": "x"}]', encoding="utf-8")
    return {
        "first": first,
        "stopped": stopped,
        "second": second,
        "engines": len(engines),
        "kept": (folder / "made" / "one.blend").stat().st_mtime_ns == stamp,
        "manifest": json.loads((folder / "rhetor-batch.json").read_text(encoding="utf-8")),
        "wrong": run(["batch", str(jobs)]),
    }


def interrupt(audio: str, folder: Path) -> dict:
    """Ctrl-C while the engine works."""
    (folder / "long").mkdir()
    (folder / "long" / "speech.wav").symlink_to(audio)
    manifest = folder / "long" / "state.json"
    session = scenario.module("addon.session").current

    def press() -> None:
        until = time.monotonic() + 60
        while session.fraction <= 0.0 and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    ended = run(["batch", str(folder / "long"), "--manifest", str(manifest), "--bald"])
    items = json.loads(manifest.read_text(encoding="utf-8"))["items"]
    return {
        "ended": ended,
        "status": [item["status"] for item in items],
        "files": sorted(path.name for path in (folder / "long").iterdir()),
        "handler": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    }


def existing_file(audio: str, folder: Path) -> dict:
    """One of two characters of an artist's file speaks; the rest of the file stays."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    for name in ("Anna", "Bert"):
        performances.create_head(hair=False).armature.name = name
    scene = bpy.context.scene
    scene.render.fps, scene.render.engine, scene.rhetor.head = 25, "BLENDER_WORKBENCH", None
    source, made = folder / "scene.blend", folder / "made" / "anna.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(source))
    before = source.read_bytes()
    typed = ["animate", "--audio", audio, "--blend", str(source), "--seconds", "0.2"]
    unclear = run([*typed, "--output", str(made)])
    stranger = run([*typed, "--output", str(made), "--character", "Carl"])
    itself = run([*typed, "--output", str(source), "--character", "Anna"])
    rest = ["--character", "Anna", "--start-frame", "11", "--json"]
    code, said, _ = run([*typed, "--output", str(made), *rest])
    moving = [item.name for item in bpy.data.objects if performances_of(item)]
    return {
        "refused": [unclear, stranger, itself],
        "report": [code, said],
        "moving": moving,
        "engine": bpy.context.scene.render.engine,
        "unharmed": source.read_bytes() == before,
    }


def performances_of(item) -> bool:
    return item.animation_data is not None and item.animation_data.action is not None


def doctor(folder: Path) -> dict:
    """A good file, then one that keeps its keys from being seen."""
    made, bad = folder / "made" / "one.blend", folder / "bad.blend"
    good = run(["doctor", "--blend", str(made), "--json"])
    find_rig = scenario.module("addon.head.rig").find_rig
    find_rig(bpy.context.scene.rhetor.head).armature.data.pose_position = "REST"
    bpy.ops.wm.save_as_mainfile(filepath=str(bad))
    return {
        "good": good,
        "bad": run(["doctor", "--blend", str(bad), "--no-engine"]),
        "no engine": run(["doctor", "--engine-python", "/nowhere", "--json"]),
    }


def count_engines() -> list[int]:
    """Grows with every engine process that is started from now on."""
    process = scenario.module("addon.process").WorkerProcess
    started: list[int] = []
    original = process.__init__

    def counted(self, *arguments, **options) -> None:
        original(self, *arguments, **options)
        started.append(self._process.pid)

    process.__init__ = counted
    return started


def run(arguments: list[str]) -> tuple[int, str, str]:
    """Exit code and the last lines on stdout and stderr."""
    streams = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        code = scenario.module("addon.headless.command").main(arguments)
    out, err = (stream.getvalue().strip().splitlines() or [""] for stream in streams)
    return code, out[-1] if "--json" in arguments else "\n".join(out), err[-1]


scenario.run(main)
