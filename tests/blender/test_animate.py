# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way with the real engine: press Animate, undo, save, play it elsewhere."""

import hashlib
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def python(engine_python):
    return {"RHETOR_ENGINE_PYTHON": str(engine_python)}


def test_animate_undo_save_and_replay_without_the_extension(blender, speech, path_of, python):
    blend, expected = path_of("vortrag – 講演.blend"), path_of("expected.npz")
    done = blender.run("animate", speech, blend, expected, timeout_s=300, **python)
    # 2 s at 24 fps.
    assert done["frames"] == 48 and abs(done["duration_s"] - 2.0) < 1e-6
    assert done["title"] == f"{speech.stem} neutral s3"
    assert done["sha256"] == hashlib.sha256(speech.read_bytes()).hexdigest()
    assert done["engine"].startswith("Engine ")
    shown = blender.run("replay", blend, expected)
    assert shown["angle_error"] < 1e-4 and shown["key_error"] < 1e-6
    assert shown["vertex_error_m"] < 1e-6
    assert shown["head_moves_rad"] > 0.02
    assert shown["face_moves_m"] > 0.002 and shown["keys_move"] > 5


ADVICE = {
    "nothing chosen": "Choose a recording first",
    "no head": "Create or pick a head first",
    "no engine": "Install the engine first",
    "engine path wrong": "Correct it in Preferences",
    "no such file": "Choose the recording again",
    "not a head": "or create a head",
    "rotation order": "Set it to ZXY",
    "key missing": "lacks the shape keys jawOpen",
}


def test_bad_input_is_refused_in_words(default_blender, speech, path_of, python):
    not_audio = path_of("nôtes.wav")
    not_audio.write_text("this is a text", encoding="utf-8")
    said = default_blender.run("refusals", speech, not_audio, timeout_s=300, **python)
    for case, advice in ADVICE.items():
        assert advice in said[case], (case, said[case])
    assert "nôtes.wav" in said["not audio"]
    assert said["engine"].startswith("Engine ") and "checks passed" in said["engine"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the engine's process in /proc")
def test_interruptions_lose_nothing(default_blender, long_speech, python):
    told = default_blender.run("interruptions", long_speech, timeout_s=400, **python)
    assert told["cancelled"]["said"] == "cancelled" and told["cancelled"]["seconds"] < 1.0
    once, twice = told["killed once"], told["killed twice"]
    assert once["said"] == ["The engine stopped and was started again."] and once["written"]
    assert "stopped again: The engine was killed (SIGKILL)" in twice["error"][0]
    assert "Free some memory" in twice["error"][1]
    queue, stem = told["queue"], long_speech.stem
    assert queue["waited"] == [f"{stem}, neutral 1", "interruptions, neutral 0"] + [
        f"{stem}, neutral {seed}" for seed in (2, 3)
    ]
    assert queue["written"] == [f"{stem} neutral s1", f"{stem} neutral s3"]
    assert queue["failed"] == [["interruptions, neutral 0", "audio"]]
    assert told["undone"]["written"] and told["renamed"] == "Renamed"
    for case in ("deleted", "other file"):
        assert "no longer in this file. The finished take was kept" in told[case]["said"]
        assert told[case]["written"]
    assert told["rested"] == [1, 0] and told["engines left"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the engine's process in /proc")
@pytest.mark.parametrize("manner", ["killed", "quit"])
def test_the_engine_ends_with_blender(default_blender, long_speech, python, manner):
    """Closed in the middle of a job, Blender leaves no engine behind."""
    left = default_blender.start("leave", long_speech, manner, timeout_s=120, **python)
    (engine,) = (line for line in left.stdout.splitlines() if line.startswith("engine "))
    process = Path("/proc") / engine.split()[1]
    until = time.monotonic() + 10
    while process.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not process.exists()
    assert "Traceback" not in left.stderr, left.stderr
