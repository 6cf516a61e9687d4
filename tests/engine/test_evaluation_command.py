# SPDX-License-Identifier: GPL-3.0-or-later
"""`rhetor evaluate` as a whole, on a few seconds of made-up people."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from rhetor.engine import cli
from rhetor.engine.dataset.person_clip import PersonClip, save_person_clip
from rhetor.engine.evaluation.evaluate import speaker_groups
from rhetor.engine.evaluation.material import EvaluationClip, Material, load_material
from rhetor.engine.evaluation.side_by_side import main as side_by_side
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.speech.extractor import load_extractor

JAW = EXPRESSION_NAMES.index("jawOpen")


def person(seed: int, speaker: str, frames: int = 150, language: str = "en") -> PersonClip:
    """Somebody who hums in syllables, opens the jaw with them and sways."""
    rng = np.random.default_rng(seed)
    loud = np.clip(gaussian_filter1d(rng.normal(size=frames), 3) * 3, 0, 1)
    at = np.arange(frames * 16000 // 30)
    voice = np.sign(np.sin(2 * np.pi * 120 * at / 16000)) * np.interp(
        at / 16000 * 30, np.arange(frames), loud
    )
    expression = np.zeros((frames, 52), np.float32)
    expression[:, JAW] = 0.3 * loud
    pose = np.zeros((frames, 6), np.float32)
    pose[:, :3] = np.radians(gaussian_filter1d(rng.normal(size=(frames, 3)), 8, axis=0) * 12)
    edges = np.arange(0, frames / 30 - 0.3, 0.3, dtype=np.float32)
    return PersonClip(
        samples=(8000 * voice).astype(np.int16),
        pose=pose,
        expression=expression,
        identity=np.zeros(50, np.float32),
        pose_ok=np.ones(frames, bool),
        face_ok=np.ones(frames, bool),
        known=np.ones(52, bool),
        lip_gap_mm=(34 * expression[:, JAW]).astype(np.float32),
        phone_start_s=edges,
        phone_end_s=edges + np.float32(0.3),
        phone=np.resize(np.array(["p", "aa", "sil"]), len(edges)),
        speaker=speaker,
        language=language,
        source=f"{speaker}{seed}",
        rights="own",
        offset_frames=0.0,
        reprojection_px=1.0,
    )


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    for name, language in (("one", "en"), ("two", "fr")):
        for seed in range(2):
            clip = person(seed, name, language=language)
            save_person_clip(folder / name / "train" / f"{name}_{seed}.npz", clip)
            clip = person(10 + seed, name, language=language)
            save_person_clip(folder / name / "val" / f"{name}_{10 + seed}.npz", clip)
    return folder


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def finite(value) -> bool:
    """Whether every number in a JSON value is one."""
    if isinstance(value, dict):
        return all(finite(item) for item in value.values())
    if isinstance(value, list):
        return all(finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


def test_every_figure_has_its_baselines(people, tmp_path, capsys):
    output, page = tmp_path / "figures.json", tmp_path / "page.png"
    datasets = [str(people / "one"), str(people / "two")]
    rest = ["--known", "one", "--report", str(page), "--net-seconds", "1"]
    arguments = ["evaluate", "--json", str(output), *datasets, *rest]
    assert cli.main([*arguments, "--cache", str(tmp_path / "cache")]) == 0
    found = json.loads(output.read_text())
    assert found["format"] == 1
    assert finite(found)
    assert set(found["weights"]["sha256"]) == {"posegan", "pgface"}
    assert found["dataset"]["held_out"]["one"]["clips"] == 2
    metric = found["face"]["speakers"]["one"]["metrics"]["lip_r"]
    low, high = metric["interval"]
    assert low <= metric["value"] <= high
    baselines = {
        *("generated_pose", "rolled_audio", "still", "speaker_mean"),
        *("real", "other_clip", "ridge", "plain_net"),
    }
    assert set(metric["baselines"]) == baselines
    assert metric["baselines"]["real"]["value"] == pytest.approx(1.0)
    assert metric["baselines"]["still"]["value"] == 0.0
    assert metric["baselines"]["ridge"]["value"] > 0.4  # the jaw follows the loudness
    assert found["face"]["speakers"]["one"]["metrics"]["lve_mm"]["baselines"]["real"]["value"] == 0
    assert found["face"]["speakers"]["one"]["enough"] is False  # ten seconds
    assert found["face"]["groups"]["known"]["speakers"] == ["one"]
    assert found["face"]["groups"]["other_language"]["speakers"] == ["two"]
    pose = found["pose"]["speakers"]["two"]["metrics"]["variance_ratio_yaw"]
    assert pose["value"] > 0.0
    assert pose["baselines"]["still"]["value"] == 0.0
    assert found["pose"]["overall"]["initial_pose_error"]["value"] < 1e-4
    assert all({"name", "value", "interval", "target", "met"} <= set(t) for t in found["targets"])
    assert page.stat().st_size > 20_000
    assert "lip correlation, known speakers" in capsys.readouterr().out
    assert len(list((tmp_path / "cache").glob("baselines-*.pt"))) == 1
    again = tmp_path / "again.json"
    arguments[2] = str(again)
    assert cli.main([*arguments, "--cache", str(tmp_path / "cache")]) == 0
    second = json.loads(again.read_text())
    del found["seconds"], second["seconds"]
    assert second == found  # nothing depends on chance or on the clock


def test_nothing_to_judge_is_said(people, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    output = tmp_path / "figures.json"
    with pytest.raises(SystemExit, match="no held-out clips"):
        cli.main(["evaluate", str(tmp_path / "empty"), "--json", str(output)])
    with pytest.raises(SystemExit, match="no style"):
        cli.main(["evaluate", str(people / "one"), "--json", str(output), "--style", "nobody"])
    assert not output.exists()


def test_material_is_split_limited_and_chosen(people):
    extractor = load_extractor()
    folders = [people / "one", people / "two"]
    everything = load_material(folders, extractor)
    assert everything.speakers == ("one", "two")
    assert len(everything.train) == len(everything.held_out) == 4
    assert len(everything.whole("two")) == 4
    few = load_material(folders, extractor, speakers={"two"}, limit=1)
    assert [clip.speaker for clip in few.held_out] == ["two"]
    assert len(few.train) == 2  # the limit is for what is judged
    flat = load_material([people / "one" / "val"], extractor)
    assert not flat.train
    assert len(flat.held_out) == 2
    clip = everything.held_out[0]
    assert clip.speech.shape == (150, 29)
    assert clip.prosody.shape == (150, 4)
    with pytest.raises(DatasetError):
        load_material(folders, extractor, speakers={"nobody"})


def clip_of(speaker: str, corpus: str, language: str) -> EvaluationClip:
    clip = person(0, speaker, 60, language)
    nothing = np.zeros((60, 29), np.float32), np.zeros((60, 4), np.float32)
    return EvaluationClip("c", speaker, corpus, clip, *nothing, True, True)


def test_speakers_are_grouped_by_whom_the_weights_know():
    clips = (
        clip_of("grid_s1", "grid", "en"),
        clip_of("grid_misc", "grid", "en"),
        clip_of("anchor", "anchor", "en"),
        clip_of("french", "french", "fr"),
    )
    groups = speaker_groups(Material((), clips), frozenset({"grid_s1"}))
    assert groups["known"] == {"grid_s1"}
    assert groups["same_corpus"] == {"grid_misc"}
    assert groups["unknown"] == {"anchor", "french"}
    assert groups["other_language"] == {"french"}
    assert len(groups["all"]) == 4


@pytest.mark.parametrize("suffix", [".png", ".mp4"])
def test_side_by_side_is_drawn(people, tmp_path, monkeypatch, suffix):
    output = tmp_path / f"watch{suffix}"
    clip = people / "one" / "val" / "one_10.npz"
    arguments = ["watch", str(clip), "-o", str(output), "--seconds", "0.3"]
    monkeypatch.setattr("sys.argv", arguments)
    side_by_side()
    assert output.stat().st_size > 2_000
