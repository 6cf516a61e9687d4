# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips on disk, sentences, letters in time, and features beside the clips."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rhetor.engine.dataset.corpus import SpokenClip, clip_paths, iterate_clips, load_clip, save_clip
from rhetor.engine.dataset.features import write_features
from rhetor.engine.dataset.letters import ALPHABET, BLANK, letter_path
from rhetor.engine.dataset.texts import SentenceSource, is_held_out, spoken_letters
from rhetor.engine.dataset.utterance import Utterance, join_utterances
from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.speech.extractor import CharacterExtractor
from rhetor.engine.speech.network import CharacterNetwork, CharacterNetworkConfig


def clip_of(text: str, phones: str, phone_s: float = 0.1) -> SpokenClip:
    """phones: names parted by spaces, each phone_s long; noise for sound."""
    names = phones.split()
    edges = np.arange(len(names) + 1) * phone_s
    rng = np.random.default_rng(0)
    return SpokenClip(
        samples=(1000 * rng.standard_normal(int(edges[-1] * 16000))).astype(np.int16),
        phone_start_s=edges[:-1].astype(np.float32),
        phone_end_s=edges[1:].astype(np.float32),
        phone=np.array(names),
        stress=np.full(len(names), -1, np.int8),
        text=text,
        speaker="someone",
        source="flite",
    )


def written(clip: SpokenClip) -> str:
    """What a greedy reader gets from the path at 50 Hz: repeats merged, blanks removed."""
    path = letter_path(clip)
    frames = path.at((np.arange(int(clip.duration_s * 50)) + 0.5) / 50)
    symbols = ALPHABET + "_"
    merged = [s for i, s in enumerate(frames) if i == 0 or s != frames[i - 1]]
    return "".join(symbols[s] for s in merged).replace("_", "").strip()


def test_clip_survives_the_disk(tmp_path: Path) -> None:
    clip = clip_of("Hello.", "sil hh ah l ow sil")
    save_clip(tmp_path / "a.npz", clip)
    (tmp_path / "a.features.npz").write_bytes(b"")
    assert clip_paths(tmp_path) == [tmp_path / "a.npz"]
    ((_, found),) = list(iterate_clips(tmp_path))
    assert found.text == "Hello." and found.speaker == "someone" and found.source == "flite"
    np.testing.assert_array_equal(found.samples, clip.samples)
    assert found.phone.tolist() == clip.phone.tolist()


def test_damaged_and_impossible_clips_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"nonsense")
    with pytest.raises(DatasetError, match="cannot be read"):
        load_clip(tmp_path / "a.npz")
    clip = clip_of("Hello.", "sil hh ah l ow sil")
    with pytest.raises(DatasetError, match="unknown phones"):
        replace(clip, phone=np.array(["sil", "hh", "ax", "l", "ow", "sil"]))
    with pytest.raises(DatasetError, match="out of order"):
        replace(clip, phone_end_s=clip.phone_end_s[::-1].copy())
    with pytest.raises(DatasetError, match="unlike lengths"):
        replace(clip, stress=clip.stress[1:])


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("hello", "sil hh ah l ow sil"),
        ("the thin ship", "sil dh ah th ih n sh ih p sil"),
        ("see my mum", "sil s iy m ay m ah m sil"),
        ("fox, box", "sil f aa k s sil b aa k s sil"),
        ("don't ask", "sil d ow n t ae s k sil"),
    ],
)
def test_letters_spell_the_text_in_time(text: str, phones: str) -> None:
    assert written(clip_of(text, phones)) == spoken_letters(text)


def test_letters_lie_on_their_phones() -> None:
    clip = clip_of("see ma", "sil s iy sil m aa sil")
    path = letter_path(clip)
    at = path.at(np.array([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 9.0]))
    assert [(ALPHABET + "_")[i] for i in at] == [" ", "s", "e", " ", "m", "a", " ", " "]
    np.testing.assert_allclose(path.start_s[1:], path.end_s[:-1], atol=1e-6)


def test_doubled_letters_are_parted_by_a_blank() -> None:
    assert BLANK in letter_path(clip_of("ball", "sil b ao l sil", 0.2)).symbol


def test_spoken_letters() -> None:
    assert spoken_letters("\"Well-known,\" he's  said: 'Go!'") == "well known he's said go"


def test_sentences_repeat_by_seed_and_never_cross_the_split() -> None:
    def some(seed: int, held_out: bool) -> list[str]:
        source = SentenceSource(np.random.default_rng(seed), held_out)
        return [source.sentence() for _ in range(60)]

    assert some(1, False) == some(1, False) != some(2, False)
    assert not any(is_held_out(text) for text in some(1, False))
    assert all(is_held_out(text) for text in some(1, True))
    assert not any("{" in text for text in some(3, False))


def test_joined_utterances_keep_their_times() -> None:
    samples = np.full(16000, 1000, np.int16)
    edges = np.array([0.0, 0.2, 0.6, 1.0])
    one = Utterance(samples, edges, ("sil", "m", "aa"), (-1, -1, 1), "Ma.", "x", "flite")
    clip = join_utterances([one, one], np.random.default_rng(0))
    assert clip.phone.tolist() == ["sil", "m", "aa", "sil", "m", "aa", "sil"]
    assert clip.text == "Ma. Ma."
    for start, end in zip(
        clip.phone_start_s[clip.phone == "m"], clip.phone_end_s[clip.phone == "aa"], strict=True
    ):
        assert (clip.samples[int(start * 16000) + 1 : int(end * 16000) - 1] == 1000).all()
    assert clip.phone_end_s[-1] == pytest.approx(clip.duration_s, abs=1e-4)


def test_features_are_written_once(tmp_path: Path) -> None:
    for split in ("train", "val"):
        save_clip(tmp_path / split / "a.npz", clip_of("Hello.", "sil hh ah l ow sil"))
    network = CharacterNetwork(CharacterNetworkConfig(width=8, edge_width=8, dilations=(1,)))
    assert write_features(tmp_path, CharacterExtractor(network, "one")) == 2
    assert write_features(tmp_path, CharacterExtractor(network, "one")) == 0
    assert write_features(tmp_path, CharacterExtractor(network, "two")) == 2
    with np.load(tmp_path / "val" / "a.features.npz", allow_pickle=False) as data:
        assert data["features"].shape == (18, 29) and data["prosody"].shape == (18, 4)
        assert str(data["extractor"]) == "two"
