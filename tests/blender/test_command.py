# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording in, .blend and video out, without a window."""

import os
import subprocess

import av
import numpy as np
import pytest


def test_the_command_makes_a_blend_and_a_video(blender, speech, path_of, engine_python):
    folder = path_of("out")
    folder.mkdir()
    done = blender.run(
        "command", speech, folder, timeout_s=300, RHETOR_ENGINE_PYTHON=str(engine_python)
    )
    report = done["report"]
    assert done["files"] == ["r.json", "tälk.blend", "tälk.mp4"]
    assert done["range"] == [1, 3] and report["frames"] == 3
    assert abs(report["fps"] - 30 / 1.001) < 1e-4
    assert set(report["stage_times_s"]) >= {"build_head", "animate", "write_keys", "render"}
    assert report["take"]["audio"]["sha256"] and report["peak_memory_mb"]["blender"] > 50
    has_sound = blender.version != "4.2"
    assert any("no sound" in warning for warning in report["warnings"]) != has_sound
    check_video(folder / "tälk.mp4", has_sound)
    refused = done["refused"]
    assert refused["no such file"][0] == 1 and "/nowhere.wav" in refused["no such file"][1]
    assert refused["no blend"][0] == 1 and "no .blend file" in refused["no blend"][1]
    assert refused["no style"][0] == 1 and "neutral" in refused["no style"][1]
    assert refused["no option"][0] == 2
    assert done["kept"]


def check_video(path, has_sound):
    with av.open(str(path)) as video:
        (stream,) = video.streams.video
        pictures = [frame.to_ndarray(format="gray") for frame in video.decode(stream)]
        assert abs(float(stream.average_rate) - 30 / 1.001) < 0.01
        assert bool(video.streams.audio) == has_sound
    assert len(pictures) == 3 and pictures[0].shape == (64, 64)
    assert np.ptp(pictures[0]) > 60, "the picture is empty"
    if has_sound:
        with av.open(str(path)) as video:
            sound = np.concatenate([f.to_ndarray().ravel() for f in video.decode(audio=0)])
        assert np.abs(sound).max() > 0.01, "the sound is silent"


@pytest.mark.skipif(os.name == "nt", reason="asks for a POSIX environment")
def test_the_module_runs_the_same_command(default_blender, speech, path_of, engine_python):
    """`python -m rhetor.addon` in the environment that has both Blender and the engine."""
    blend = path_of("talk.blend")
    command = [str(default_blender.python), "-m", "rhetor.addon", "animate"]
    made = [*command, "--audio", str(speech), "--output", str(blend), "--seconds", "0.2", "--bald"]
    environment = default_blender.environment()
    done = subprocess.run(
        made, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert blend.stat().st_size > 100_000
    assert "Traceback" not in done.stderr
    failed = subprocess.run(
        [*command, "--audio", "/nowhere.wav", "--output", str(blend)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert failed.returncode == 1
    assert "no file /nowhere.wav" in failed.stderr.strip().splitlines()[-1]
