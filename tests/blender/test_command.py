# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording in, .blend and video out, without a window."""

import hashlib
import json
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
    assert set(report["stage_times_s"]) >= {"prepare_scene", "animate", "write_keys", "render"}
    assert report["take"]["audio"]["sha256"] and report["peak_memory_mb"]["blender"] > 50
    has_sound = blender.version != "4.2"
    assert any("no sound" in warning for warning in report["warnings"]) != has_sound
    check_video(folder / "tälk.mp4", has_sound)
    refused = done["refused"]
    assert refused["no such file"][0] == 1 and "/nowhere.wav" in refused["no such file"][1]
    assert refused["no blend"][0] == 2 and "no .blend file" in refused["no blend"][1]
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


@pytest.fixture(scope="module")
def batch(default_blender, speech, long_speech, engine_python, tmp_path_factory):
    """What a run of many commands told, and the folder with what it made."""
    folder = tmp_path_factory.mktemp("bätch")
    python = {"RHETOR_ENGINE_PYTHON": str(engine_python)}
    told = default_blender.run("batch", speech, long_speech, folder, timeout_s=400, **python)
    return told, folder


def test_a_batch_goes_on_after_a_failure_and_is_resumed(batch, speech):
    told, folder = batch[0]["batch"], batch[1]
    code, said, _ = told["first"]
    first = json.loads(said)
    assert code == 1 and [item["status"] for item in first["items"]] == ["done", "failed", "done"]
    assert "no file" in first["items"][1]["error"]["message"] and first["items"][1]["error"]["hint"]
    code, said, _ = told["stopped"]
    assert code == 1
    assert [item["status"] for item in json.loads(said)["items"]] == ["failed", "waiting"]
    code, said, _ = told["second"]
    second = json.loads(said)
    assert code == 0
    assert [item["status"] for item in second["items"]] == ["skipped", "done", "skipped"]
    assert told["kept"] and told["engines"] == 2, "one engine for each batch"
    assert second == told["manifest"]
    for item in second["items"]:
        made = item["outputs"]
        assert made == {name: sha256(folder / "made" / name) for name in made} and len(made) == 1
        assert item["inputs"]["audio"] == sha256(speech) and item["frames"] == 24
    code, _, why = told["wrong"]
    assert code == 2 and "jöbs.json, line 2: unknown setting stile" in why


def test_an_interrupted_batch_says_so(batch):
    told = batch[0]["interrupted"]
    assert told["ended"][0] == 130 and told["ended"][2] == "Interrupted."
    assert told["status"] == ["interrupted"] and told["files"] == ["speech.wav", "state.json"]
    assert told["handler"]


def test_a_character_of_an_existing_file_is_animated(batch):
    told = batch[0]["existing"]
    (unclear, stranger, itself), (code, said) = told["refused"], told["report"]
    assert unclear[0] == 1 and "This file has Anna, Bert. Name one." in unclear[2]
    assert stranger[0] == 1 and "Carl is no character" in stranger[2]
    assert itself[0] == 2 and "would replace the file" in itself[2]
    report = json.loads(said)
    assert code == 0 and report["character"] == "Anna" and report["fps"] == 25
    assert (report["first_frame"], report["last_frame"]) == (11, 15)
    assert told["moving"] == ["Anna"] and told["engine"] == "BLENDER_WORKBENCH"
    assert told["unharmed"]


def test_the_doctor_of_the_command_line(batch):
    told = batch[0]["doctor"]
    code, said, _ = told["good"]
    good = json.loads(said)
    assert code == 0 and good["is_good"] and len(good["engine"]) > 5, good
    assert [one["findings"] for one in good["characters"]] == [[]]
    code, said, _ = told["bad"]
    assert code == 1 and "Head shows its rest position" in said and "-> Set it to Pose" in said
    code, said, _ = told["no engine"]
    assert code == 1 and "cannot be started: /nowhere" in json.loads(said)["engine"][0]["finding"]


def test_a_finished_file_renders_without_the_extension(batch, default_blender, tmp_path):
    """On factory settings the mouth moves: the pictures of shut and open lips differ."""
    shown = default_blender.run("render_alone", batch[1] / "made" / "one.blend", tmp_path)
    assert shown["size"] == [64, 64] and shown["contrast"] > 0.3
    shut, wide = shown["opening"]
    assert wide - shut > 0.1 and shown["mouth"] > 0.05


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
