# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs of a dataset: films, tracked files, captures, folders, lists; and facial captures."""

import json

import numpy as np
import pytest

from rhetor.engine.dataset.build_settings import BuildSettings, file_splits, with_splits
from rhetor.engine.dataset.listing import find_sources, grid_sentence, select
from rhetor.engine.dataset.rig_capture import FACEGOOD_MOUTH, load_rig_capture
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.protocol.errors import ConfigError, DatasetError


def landmarks(path, frames=10):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, landmarks=np.zeros((frames, 478, 3)), ok=np.ones(frames, bool), fps=25.0,
             size=[640, 480])  # fmt: skip


def column(name):
    return EXPRESSION_NAMES.index(name)


def live_link(path, frames=120, fps=60.0, dropped=()):
    names = [name[0].upper() + name[1:] for name in EXPRESSION_NAMES]
    names += [f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye")
              for axis in ("Yaw", "Pitch", "Roll")]  # fmt: skip
    rng = np.random.default_rng(0)
    order = rng.permutation(len(names))  # columns are known by name, not by place
    time_s = np.delete(np.arange(frames), list(dropped)) / fps
    values = np.zeros((len(time_s), len(names)))
    values[:, names.index("JawOpen")] = 0.5 + 0.4 * np.sin(2 * np.pi * time_s)
    values[:, names.index("MouthLeft")] = 0.25
    values[:, names.index("HeadYaw")] = 0.2 * np.sin(np.pi * time_s)
    values[:, names.index("HeadPitch")] = 0.1
    np.savez(path, values=values[:, order], time=time_s + 3.0, names=np.array(names)[order])


def test_a_list_says_who_where_and_how(tmp_path):
    landmarks(tmp_path / "a" / "one.npz")
    landmarks(tmp_path / "b" / "one.npz")
    (tmp_path / "a" / "one.flac").write_bytes(b"x")
    (tmp_path / "b" / "two.mp4").write_bytes(b"x")
    entries = [
        {"clip": "a/one", "split": "val", "speaker": "ann", "rights": "open", "language": "en",
         "av_offset_frames": -2, "audio": True, "seconds": None},
        {"clip": "b/one", "rights": "research", "language": None},
        {"clip": "b/two.mp4", "text": "hello there"},
    ]  # fmt: skip
    (tmp_path / "list.json").write_text(json.dumps(entries))
    first, second, film = find_sources([tmp_path / "list.json"], language="fr", rights="own")
    assert (first.name, second.name, film.name) == ("a_one", "b_one", "two")
    assert (first.speaker, first.split, first.rights) == ("ann", "val", "open")
    assert first.offset_frames == -2.0 and first.sound == tmp_path / "a" / "one.flac"
    assert (second.speaker, second.language, second.sound) == ("b", "fr", None)
    assert second.offset_frames is None and second.split == ""
    assert (film.kind, film.sound, film.text) == ("video", film.path, "hello there")
    assert (first.kind, second.kind) == ("landmarks", "landmarks")
    assert [s.name for s in select([first, second, film], ["b/*"])] == ["b_one", "two"]
    assert [s.name for s in select([first, second, film], [], "open")] == ["a_one"]
    with pytest.raises(DatasetError, match="No recording is left"):
        select([first], ["nothing*"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no list"),
        ('{"clip": "a"}', "no list"),
        ('[{"split": "train"}]', "no list"),
        ('[{"clip": "missing"}]', "missing"),
        ('[{"clip": "one", "split": "test"}]', "split"),
        ('[{"clip": "one", "rights": "mine"}]', "rights"),
        ("[]", "nothing to build"),
    ],
)
def test_a_bad_list_is_refused(tmp_path, text, words):
    landmarks(tmp_path / "one.npz")
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(DatasetError, match=words):
        find_sources([tmp_path / "list.json"])


def test_folders_texts_and_unusable_files(tmp_path):
    folder = tmp_path / "anna"
    landmarks(folder / "b.npz")
    (folder / "a.MP4").write_bytes(b"x")
    (folder / "b.txt").write_text("two\n words ")
    (folder / "notes.md").write_text("no")
    found = find_sources([folder])
    assert [(s.name, s.kind, s.speaker, s.text) for s in found] == [
        ("a", "video", "anna", ""),
        ("b", "landmarks", "anna", "two words"),
    ]
    (folder / "c.npz").write_bytes(b"not a zip")
    with pytest.raises(DatasetError, match=r"c\.npz"):
        find_sources([folder])
    with pytest.raises(DatasetError, match="no file"):
        find_sources([tmp_path / "gone.mp4"])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("grid_s1_bbaf2n", "bin blue at f two now"),
        ("grid_swiz3n", "set white in z three now"),
        ("grid_lgbazs", "lay green by a zero soon"),
        ("grid_misc", ""),
        ("bbaf2n", ""),
        ("grid_s1_xbaf2n", ""),
    ],
)
def test_grid_sentences_are_read_from_the_name(name, sentence):
    assert grid_sentence(name) == sentence


def test_files_are_held_out_all_over_the_list(tmp_path):
    splits = file_splits(20, 0.15)
    held = [i for i, split in enumerate(splits) if split == "val"]
    assert len(held) == 3 and min(np.diff(held)) >= 5
    assert file_splits(2, 0.15) == ["train", "train"]
    assert file_splits(4, 0.1).count("val") == 1
    for index in range(4):
        landmarks(tmp_path / f"{index}.npz")
    sources = find_sources([tmp_path])
    by_file = with_splits(sources, BuildSettings(split="file", val_share=0.25))
    assert sorted(s.split for s in by_file) == ["train", "train", "train", "val"]
    assert {s.split for s in with_splits(sources, BuildSettings(split="val"))} == {"val"}
    with pytest.raises(ConfigError, match="parted by file"):
        with_splits(sources[:1], BuildSettings(split="file"))
    with pytest.raises(ConfigError, match="split"):
        BuildSettings(split="random")


def test_live_link_takes_are_read_by_name_and_time(tmp_path):
    live_link(tmp_path / "take.npz", dropped=(40, 41, 90))
    assert find_sources([tmp_path / "take.npz"])[0].kind == "rig"
    take = load_rig_capture(tmp_path / "take.npz")
    time_s = np.arange(take.frame_count) / take.fps
    assert take.fps == pytest.approx(60.0) and take.frame_count == 120
    jaw = take.expression[:, column("jawOpen")]
    np.testing.assert_allclose(jaw, 0.5 + 0.4 * np.sin(2 * np.pi * time_s), atol=0.02)
    np.testing.assert_allclose(take.expression[:, column("mouthLeft")], 0.25, atol=1e-6)
    assert take.known.all() and take.pose_ok.all()
    # Their yaw grows to the person's right, ours to the left; down is positive in both.
    np.testing.assert_allclose(take.pose[:, 1], -0.2 * np.sin(np.pi * time_s), atol=0.01)
    np.testing.assert_allclose(take.pose[:, 0], 0.1, atol=1e-6)


def test_a_take_without_head_motion_has_no_pose(tmp_path):
    live_link(tmp_path / "take.npz")
    with np.load(tmp_path / "take.npz") as data:
        arrays = dict(data)
    head = np.char.startswith(arrays["names"], "Head")
    arrays["values"][:, head] = 0.0
    np.savez(tmp_path / "still.npz", **arrays)
    take = load_rig_capture(tmp_path / "still.npz")
    assert not take.pose_ok.any() and not take.pose.any() and take.face_ok.all()


def test_facegood_weights_become_ours(tmp_path):
    used = sorted({name for shares in FACEGOOD_MOUTH.values() for name in shares})
    names = ["brow_raise_c", *used]
    values = np.zeros((30, len(names)))
    values[:, 0] = 1.0
    values[:, names.index("mouth_stretch_c")] = 0.7
    values[:, names.index("mouth_suck_dl")] = values[:, names.index("mouth_suck_dr")] = 0.5
    values[:, names.index("mouth_press_l")] = 0.3
    np.savez(tmp_path / "take.npz", blendshapes=values, names=np.array(names), fps=30.0)
    take = load_rig_capture(tmp_path / "take.npz")
    got = {name: take.expression[0, column(name)] for name in EXPRESSION_NAMES}
    assert got["jawOpen"] == pytest.approx(0.7) and got["mouthRollLower"] == pytest.approx(0.5)
    assert got["mouthPressLeft"] == pytest.approx(0.3) and got["mouthPressRight"] == 0.0
    assert set(FACEGOOD_MOUTH) <= set(EXPRESSION_NAMES)
    assert take.known.sum() == len(FACEGOOD_MOUTH) and not take.known[column("browInnerUp")]
    assert not take.pose_ok.any() and np.isnan(take.lip_gap_mm).all()


def test_a_capture_with_other_names_is_refused(tmp_path):
    np.savez(tmp_path / "take.npz", blendshapes=np.zeros((5, 2)), names=["a", "b"], fps=30.0)
    with pytest.raises(DatasetError, match="no facial capture"):
        load_rig_capture(tmp_path / "take.npz")
