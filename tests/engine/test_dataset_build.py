# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole build on landmarks of the default head itself, whose motion is known."""

import json
import sys
import wave

import numpy as np
import pytest

from rhetor.engine import cli
from rhetor.engine.dataset import build as build_module
from rhetor.engine.dataset import source_clips
from rhetor.engine.dataset.build import build_dataset
from rhetor.engine.dataset.build_report import read_records
from rhetor.engine.dataset.build_settings import BuildSettings
from rhetor.engine.dataset.corpus import features_path
from rhetor.engine.dataset.person_clip import load_person_clip
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.head.model import draw_identity, load_head
from rhetor.engine.protocol.errors import CancelledError, DatasetError
from rhetor.engine.space import euler_to_matrix
from rhetor.engine.tracking.anchors import load_anchors
from rhetor.engine.tracking.camera import Camera, slopes

JAW = EXPRESSION_NAMES.index("jawOpen")
BLINKS = [EXPRESSION_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
SIZE = (640, 480)
QUICK = BuildSettings(pictures=False)


def known_motion(frames, fps, seed):
    """Pose (T, 6) and expression (T, 52) of somebody who talks and blinks."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / fps + rng.uniform(0, 10)
    pose = np.zeros((frames, 6))
    pose[:, 0], pose[:, 1] = 0.08 * np.sin(1.9 * t), 0.15 * np.sin(1.1 * t)
    pose[:, 2], pose[:, 3] = 0.05 * np.sin(1.4 * t), 6 * np.sin(0.9 * t)
    expression = np.zeros((frames, 52))
    expression[:, JAW] = np.clip(0.35 * np.sin(9 * t) * np.sin(1.7 * t), 0, 1)
    blink = np.exp(-(((t % 2.7) - 1.0) ** 2) / 0.004)
    expression[:, BLINKS] = blink[:, None]
    return pose, expression


@pytest.fixture(scope="module")
def anchored():
    head = load_head()
    return head, load_anchors(head)


def write_track(path, anchored, frames=200, fps=25.0, seed=0, lost=(), noise=0.15):
    """Landmarks as a camera would see the default head; returns what it did."""
    head, anchors = anchored
    pose, expression = known_motion(frames, fps, seed)
    identity = 0.6 * draw_identity(3)
    weights = head.key_weights(expression)
    values = np.stack([weights[key] for key in head.face.keys], axis=-1)
    rest = anchors.on_vertices(head.face.neutral) + np.tensordot(
        identity, anchors.on_basis(head.face.identity), 1
    )
    shape = rest + np.tensordot(values, anchors.on_basis(head.face.shapes), 1)
    rotation = euler_to_matrix(pose[:, :3])
    placed = shape @ np.swapaxes(rotation, 1, 2) + pose[:, None, 3:] + np.array([0, 700.0, 0])
    points = np.zeros((frames, 468, 3), np.float32)
    camera = Camera.guessed(SIZE, 1.5)
    points[..., :2] = camera.pixels(slopes(placed))
    points[..., 2] = (placed[..., 1] - 700.0) * camera.focal_px / 700.0
    points += np.random.default_rng(seed).normal(0, noise, points.shape)
    ok = np.ones(frames, bool)
    ok[list(lost)] = False
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, landmarks=points, idx=np.arange(468), ok=ok, fps=fps, size=SIZE)
    return pose, expression


def write_voice(path, seconds, clicks_s=()):
    """A hum that swells like syllables, and clicks."""
    t = np.arange(round(seconds * 16000)) / 16000
    hum = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 12))
    samples = 3000 * hum * np.clip(np.sin(2 * np.pi * 2 * t), 0, 1)
    for click in clicks_s:
        samples[round(click * 16000)] = 32000
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", "not compressed"))
        file.writeframes(np.clip(samples, -32000, 32000).astype("<i2").tobytes())


def silent(_fraction, _stage):
    pass


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, anchored):
    folder = tmp_path_factory.mktemp("recordings")
    truth = write_track(folder / "a.npz", anchored, seed=1)
    write_voice(folder / "a.wav", 8.0, [2.0, 6.0])
    write_track(folder / "b.npz", anchored, seed=2, lost=range(90, 110))
    entries = [
        {"clip": "a", "speaker": "ann", "split": "train", "av_offset_frames": -2.0},
        {"clip": "b", "speaker": "ann", "split": "val"},
    ]
    (folder / "list.json").write_text(json.dumps(entries))
    return folder / "list.json", truth


@pytest.fixture(scope="module")
def built(tmp_path_factory, recordings):
    output = tmp_path_factory.mktemp("dataset")
    build_dataset([recordings[0]], output, QUICK, silent)
    return output


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


def test_known_motion_comes_back(built, recordings):
    clip = load_person_clip(built / "train" / "a.npz")
    pose, expression = recordings[1]
    at = np.arange(clip.frame_count) / 30.0 * 25.0
    true_pose = np.stack([np.interp(at, np.arange(200), c) for c in pose.T], axis=1)
    true_jaw = np.interp(at, np.arange(200), expression[:, JAW])
    true_blink = np.interp(at, np.arange(200), expression[:, BLINKS[0]])
    for axis in range(3):
        assert correlation(clip.pose[:, axis], true_pose[:, axis]) > 0.99
        error = clip.pose[:, axis] - true_pose[:, axis]
        assert np.degrees(np.std(error)) < 0.6
    assert correlation(clip.expression[:, JAW], true_jaw) > 0.9
    assert correlation(clip.lip_gap_mm, true_jaw) > 0.95
    assert correlation(clip.expression[:, BLINKS[0]], true_blink) > 0.8
    assert clip.reprojection_px < 1.0 and clip.face_ok.all()


def test_sound_and_features_are_in_step(built):
    """The clicks at 2 and 6 s are moved by two frames of the source, 80 ms, to earlier."""
    clip = load_person_clip(built / "train" / "a.npz")
    found = np.flatnonzero(np.abs(clip.samples.astype(int)) > 25000) / 16000
    np.testing.assert_allclose([found.min(), found.max()], [1.92, 5.92], atol=1e-3)
    assert clip.offset_frames == -2.0
    with np.load(features_path(built / "train" / "a.npz")) as heard:
        assert heard["features"].shape == (clip.frame_count, 29)
        assert heard["prosody"].shape == (clip.frame_count, 4)


def test_a_lost_face_gives_two_clips_and_silence_no_features(built):
    names = sorted(path.name for path in (built / "val").glob("*.npz"))
    assert names == ["b_001.npz", "b_002.npz"]
    clip = load_person_clip(built / "val" / "b_001.npz")
    assert len(clip.samples) == 0 and clip.frame_count == 107
    record = read_records(built)["b"]
    assert [c.notes for c in record.clips] == [("no sound",), ("no sound",)]
    assert record.clips[1].start_s == pytest.approx(110 / 25)


def test_only_what_changed_is_done_again(built, recordings, tmp_path, monkeypatch):
    def fail(*_arguments):
        raise AssertionError("it is there already")

    stamp = (built / "train" / "a.npz").stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr(build_module, "fit_shots", fail)
        report = build_dataset([recordings[0]], built, QUICK, silent)
    assert len(report.kept) == 3 and (built / "train" / "a.npz").stat().st_mtime_ns == stamp
    (built / "val" / "b_002.npz").unlink()
    build_dataset([recordings[0]], built, QUICK, silent)
    assert (built / "val" / "b_002.npz").exists()
    assert (built / "train" / "a.npz").stat().st_mtime_ns == stamp


def test_features_of_another_network_are_made_anew(built, recordings):
    path = features_path(built / "train" / "a.npz")
    with np.load(path) as heard:
        good = dict(heard)
    np.savez(path, features=good["features"] * 0, prosody=good["prosody"], extractor="other")
    build_dataset([recordings[0]], built, QUICK, silent)
    with np.load(path) as heard:
        assert heard["extractor"] == good["extractor"]
        np.testing.assert_array_equal(heard["features"], good["features"])


def test_other_settings_replace_the_clips(built, recordings):
    build_dataset([recordings[0]], built, BuildSettings(pictures=False, split="val"), silent)
    assert not list((built / "train").glob("*.npz"))
    assert len(list((built / "val").glob("*.features.npz"))) == 1
    build_dataset([recordings[0]], built, QUICK, silent)
    assert (built / "train" / "a.npz").exists() and not (built / "val" / "a.npz").exists()


def test_cancelling_leaves_whole_clips_and_goes_on(recordings, tmp_path):
    def until_writing(fraction, stage):
        if stage.startswith("b: writing"):
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        build_dataset([recordings[0]], tmp_path, QUICK, until_writing)
    assert [path.name for path in tmp_path.rglob("*.npz")].count("a.npz") == 1
    assert not list(tmp_path.rglob("*.partial"))
    assert len(build_dataset([recordings[0]], tmp_path, QUICK, silent).kept) == 3


def test_bad_clips_are_named_with_the_reason(anchored, tmp_path):
    folder = tmp_path / "in"
    write_track(folder / "short.npz", anchored, frames=20)
    write_track(folder / "good.npz", anchored, frames=60)
    pose_free = dict(np.load(folder / "good.npz"))
    landmarks = pose_free["landmarks"].copy()
    still = {**pose_free, "landmarks": np.repeat(landmarks[:1], 60, axis=0)}
    np.savez(folder / "still.npz", **still)
    small = {**pose_free, "landmarks": 320 + 0.15 * (landmarks - 320)}
    np.savez(folder / "small.npz", **small)
    scrambled = landmarks + np.random.default_rng(0).normal(0, 30, (1, 468, 3))
    np.savez(folder / "mask.npz", **{**pose_free, "landmarks": scrambled.astype(np.float32)})
    nobody = {**pose_free, "ok": np.zeros(60, bool)}
    np.savez(folder / "nobody.npz", **nobody)
    settings = BuildSettings(pictures=False, split="train", fit_alone=True)
    report = build_dataset([folder], tmp_path / "out", settings, silent)
    problems = "\n".join(report.problems())
    for name, reason in {
        "short": "too short", "still": "stands still", "small": "too small",
        "mask": "does not fit", "nobody": "few frames",
    }.items():  # fmt: skip
        line = next(line for line in problems.splitlines() if line.startswith(name))
        assert reason in line
    assert [path.name for path in (tmp_path / "out").rglob("*.npz")] == ["good.npz"]
    assert "5" in report.table().splitlines()[-1]


def test_research_is_not_mixed_with_the_rest(recordings, anchored, tmp_path):
    folder = tmp_path / "in"
    write_track(folder / "c.npz", anchored, frames=60)
    entries = [{"clip": "c", "rights": "research", "split": "train"}]
    (folder / "list.json").write_text(json.dumps(entries))
    build_dataset([folder / "list.json"], tmp_path / "out", QUICK, silent)
    with pytest.raises(DatasetError, match="mixed"):
        build_dataset([recordings[0]], tmp_path / "out", QUICK, silent)


def test_a_full_disk_is_told(recordings, tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(source_clips, "save_person_clip", full)
    with pytest.raises(DatasetError, match=r"No space left on device.*GiB are free"):
        build_dataset([recordings[0]], tmp_path, QUICK, silent)


def test_the_command_draws_pictures_and_a_table(anchored, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    write_track(tmp_path / "in" / "talk.npz", anchored, frames=400)
    write_voice(tmp_path / "in" / "talk.wav", 16.0)
    arguments = ["dataset", "build", str(tmp_path / "in"), "-o", str(tmp_path / "out"),
                 "--speaker", "ann", "--val-share", "0.25", "--gap", "0.5"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["rhetor"])
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert "2 clips in" in out and "ann" in out
    pictures = {p.relative_to(tmp_path / "out").as_posix() for p in tmp_path.rglob("*.png")}
    assert pictures == {"sheets/talk.png", "plots/talk_001.png", "plots/talk_002.png"}
    train = load_person_clip(tmp_path / "out" / "train" / "talk_001.npz")
    val = load_person_clip(tmp_path / "out" / "val" / "talk_002.npz")
    assert train.frame_count == pytest.approx(11.75 * 30, abs=2)
    assert val.frame_count == pytest.approx(3.75 * 30, abs=2)


def test_nothing_usable_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["rhetor"])
    arguments = ["dataset", "build", str(tmp_path / "gone.mp4"), "-o", str(tmp_path / "out")]
    assert cli.main(arguments) == 1
    assert "no file" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
