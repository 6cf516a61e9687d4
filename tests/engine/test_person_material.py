# SPDX-License-Identifier: GPL-3.0-or-later
"""What a style learns from and is judged on, and what is told about poor recordings."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from person_clips import person_clip, write_person

from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.training.person_material import part_of, read_person


def test_what_the_dataset_holds_out_stays_out(tmp_path):
    write_person(tmp_path / "train", "a", person_clip(20))
    write_person(tmp_path / "train", "b", person_clip(25, 1))
    write_person(tmp_path / "val", "c", person_clip(5, 2))
    material = read_person(tmp_path)
    assert (material.seconds, material.held_out_seconds) == (45.0, 5.0)
    assert material.warnings == () and material.speakers == ("anna",)
    assert material.rights == ("own",)


def test_whole_clips_are_held_out_where_the_dataset_holds_nothing_out(tmp_path):
    for index in range(5):
        write_person(tmp_path / "train", f"clip{index}", person_clip(10, index))
    material = read_person(tmp_path)
    assert (material.seconds, material.held_out_seconds) == (40.0, 10.0)
    sources = [p.clip.source for p in material.held_out]
    assert sources == ["film_4"] and not {p.clip.source for p in material.train} & {*sources}


def test_the_end_of_a_single_clip_is_held_out_with_a_gap(tmp_path):
    clip = person_clip(40)
    write_person(tmp_path / "train", "only", clip)
    material = read_person(tmp_path)
    assert (material.seconds, material.held_out_seconds) == (33.0, 6.0)
    (held_out,) = material.held_out
    np.testing.assert_array_equal(held_out.clip.pose, clip.pose[-180:])
    np.testing.assert_array_equal(held_out.clip.samples, clip.samples[-6 * 16000 :])
    assert len(held_out.speech) == len(held_out.prosody) == 180
    np.testing.assert_array_equal(held_out.prosody[:, 2], clip.lip_gap_mm[-180:] / 5)


def test_phones_move_with_their_part(tmp_path):
    write_person(tmp_path / "train", "only", person_clip(12))
    (person,) = read_person(tmp_path).train
    whole = part_of(person, 60, 300)
    assert whole.clip.phone.tolist() == ["m", "aa"]
    np.testing.assert_allclose(whole.clip.phone_start_s, [-2.0, 4.0])
    assert part_of(person, 0, 60).clip.phone.tolist() == ["m"]


def test_poor_recordings_are_told(tmp_path):
    lost = np.ones(300, bool)
    lost[:100] = False
    write_person(tmp_path / "train", "a", person_clip(10, face_ok=lost))
    write_person(tmp_path / "train", "b", person_clip(10, 1, speaker="ben"))
    told = " ".join(read_person(tmp_path).warnings)
    assert "only 10 s" in told
    assert "anna, ben" in told
    assert "The face was followed in only 83%" in told and "The head" not in told


def test_very_little_is_not_judged(tmp_path):
    write_person(tmp_path / "train", "a", person_clip(5))
    material = read_person(tmp_path)
    assert material.held_out == () and "not judged" in material.warnings[-1]


def test_the_identity_is_the_mean_by_length(tmp_path):
    shapes = [np.full(50, value, np.float32) for value in (0.0, 1.0)]
    write_person(tmp_path / "train", "a", person_clip(30, identity=shapes[0]))
    write_person(tmp_path / "train", "b", person_clip(10, 1, identity=shapes[1]))
    write_person(tmp_path / "val", "c", person_clip(10, 2))
    np.testing.assert_allclose(read_person(tmp_path).identity(), 0.25)


def test_what_cannot_be_learnt_from_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="dataset build"):
        read_person(tmp_path)
    write_person(tmp_path / "train", "mute", person_clip(10, samples=np.zeros(0, np.int16)))
    with pytest.raises(DatasetError, match="no clips with sound"):
        read_person(tmp_path)
    write_person(tmp_path / "train", "a", person_clip(10))
    write_person(tmp_path / "train", "b", person_clip(10, 1), extractor="older")
    with pytest.raises(DatasetError, match="unlike extractors"):
        read_person(tmp_path)
