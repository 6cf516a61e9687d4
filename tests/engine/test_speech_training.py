# SPDX-License-Identifier: GPL-3.0-or-later
"""The character network really trained for a few steps on a tiny corpus of made-up sounds."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rhetor.engine.dataset.corpus import SpokenClip, save_clip
from rhetor.engine.protocol.errors import CheckpointError, DatasetError
from rhetor.engine.speech.extractor import load_extractor
from rhetor.engine.speech.network import CharacterNetwork, CharacterNetworkConfig
from rhetor.engine.training.speech import (
    SpeechTrainer,
    SpeechTrainingConfig,
    begin_with,
    export_network,
)
from rhetor.engine.training.speech_batches import BatchConfig, BatchSource, load_labelled
from rhetor.engine.training.speech_mouths import MOUTH_TARGETS, MouthClip
from rhetor.engine.training.speech_report import edit_distance, judge

TONES_HZ = {"s": 6000.0, "iy": 300.0, "m": 120.0, "aa": 800.0}
CONFIG = SpeechTrainingConfig(
    steps=40,
    learning_rate=4e-3,
    network=CharacterNetworkConfig(width=32, edge_width=24, dilations=(1, 2)),
    batch=BatchConfig(size=4, crop_s=2.0, silence_share=0.0),
)


def made_up_clip(seed: int, source: str = "flite") -> SpokenClip:
    """The words "see ma" sung as tones, three times."""
    rng = np.random.default_rng(seed)
    phones = ["sil", *(["s", "iy", "m", "aa", "sil"] * 3)]
    durations = rng.uniform(0.1, 0.3, len(phones))
    sound = [
        0.2 * np.sin(2 * np.pi * TONES_HZ.get(phone, 0.0) * np.arange(int(d * 16000)) / 16000)
        for phone, d in zip(phones, durations, strict=True)
    ]
    samples = (np.concatenate(sound) * 32767).astype(np.int16)
    ends = np.cumsum([len(part) for part in sound]) / 16000
    return SpokenClip(
        samples=samples,
        phone_start_s=np.concatenate([[0.0], ends[:-1]]).astype(np.float32),
        phone_end_s=ends.astype(np.float32),
        phone=np.array(phones),
        stress=np.array([-1] * len(phones), np.int8),
        text="See ma. " * 3,
        speaker="tones",
        source=source,
    )


def made_up_mouths() -> list[MouthClip]:
    """The lips of the tones: shut in an m, wide in an aa. Only the gap is known."""
    mouths = []
    for seed in range(4):
        clip = made_up_clip(seed)
        frames = int(clip.duration_s * 30)
        index = np.searchsorted(clip.phone_start_s, np.arange(frames) / 30, side="right") - 1
        gap = {"m": -1.0, "aa": 2.0, "sil": -0.5}
        target = np.zeros((frames, len(MOUTH_TARGETS)), np.float32)
        target[:, 0] = [gap.get(clip.phone[i], 0.5) for i in index]
        known = np.zeros(target.shape, np.bool_)
        known[:, 0] = True
        mouths.append(MouthClip(clip.samples, 1.0, target, known, "tones", "tones"))
    return mouths


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for index in range(6):
        source = "natural" if index % 2 else "flite"
        save_clip(folder / "train" / f"clip_{index}.npz", made_up_clip(index, source))
    return folder


def run_steps(trainer: SpeechTrainer, count: int) -> list[float]:
    return [trainer.step()["loss"] for _ in range(count)]


def test_the_loss_falls_and_a_stopped_run_goes_on_exactly(corpus: Path, tmp_path: Path) -> None:
    clips = load_labelled(corpus / "train")
    whole = SpeechTrainer(CONFIG, clips, tmp_path / "whole")
    losses = run_steps(whole, 36)
    assert np.mean(losses[-4:]) < 0.6 * np.mean(losses[:4])
    first = SpeechTrainer(CONFIG, clips, tmp_path / "stopped")
    run_steps(first, 5)
    first.run.save()
    again = SpeechTrainer(CONFIG, clips, tmp_path / "stopped")
    assert again.run.step == 5
    assert run_steps(again, 4) == losses[5:9]


def test_export_is_what_was_trained(corpus: Path, tmp_path: Path) -> None:
    clips = load_labelled(corpus / "train")
    trainer = SpeechTrainer(CONFIG, clips, tmp_path / "run")
    run_steps(trainer, 2)
    network = trainer.averaged_network()
    path = tmp_path / "features.safetensors"
    metrics = judge(network, clips)
    assert {"cer_flite", "cer_tones", "letter_frames_right"} == set(metrics)
    export_network(network, path, config=CONFIG, steps=2, command="test", metrics=metrics)
    extractor = load_extractor(path=path)
    assert extractor.id.startswith("rhetor-characters-")
    samples = clips[0].clip.samples.astype(np.float32) / 32768
    with torch.inference_mode():
        assert extractor.extract(samples).std() > 0


def test_batches_depend_on_seed_and_step_alone(corpus: Path) -> None:
    clips = load_labelled(corpus / "train")
    one = BatchSource(clips, CONFIG.batch, 3).batch(7)
    two = BatchSource(clips, CONFIG.batch, 3).batch(7)
    other = BatchSource(clips, CONFIG.batch, 3).batch(8)
    assert torch.equal(one.mel, two.mel) and torch.equal(one.letters, two.letters)
    assert not torch.equal(one.mel, other.mel)
    assert one.mel.shape == (4, 64, 200)
    assert one.letters.shape == one.phones.shape == (4, 100)
    assert all(len(text) <= 100 for text in one.texts)


def test_people_add_rows_and_their_mouths_are_learnt(corpus: Path, tmp_path: Path) -> None:
    clips, mouths = load_labelled(corpus / "train"), made_up_mouths()
    batch = BatchSource(clips, CONFIG.batch, 3, mouths).batch(7)
    rows, channels = CONFIG.batch.mouth_rows, len(MOUTH_TARGETS)
    assert batch.mel.shape == (4 + rows, 64, 200) and batch.letters.shape == (4, 100)
    assert batch.mouth.shape == batch.known.shape == (rows, 100, channels)
    assert batch.known[..., 0].any() and not batch.known[..., 1].any()
    trainer = SpeechTrainer(CONFIG, clips, tmp_path / "people", mouths=mouths)
    losses = [trainer.step()["mouth"] for _ in range(36)]
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])
    alone = SpeechTrainer(CONFIG, clips, tmp_path / "alone")
    assert alone.step()["mouth"] == 0.0


def test_no_clips_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no clips"):
        load_labelled(tmp_path)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("same", "same", 0),
        ("ab", "ba", 2),
    ],
)
def test_edit_distance(one: str, other: str, expected: int) -> None:
    assert edit_distance(one, other) == expected


def test_blocks_that_a_file_lacks_begin_close_to_doing_nothing(
    corpus: Path, tmp_path: Path
) -> None:
    """The deeper network begins as the shallow one, not as a random one."""
    trainer = SpeechTrainer(CONFIG, load_labelled(corpus / "train"), tmp_path / "run")
    run_steps(trainer, 3)
    shallow, path = trainer.averaged_network(), tmp_path / "features.safetensors"
    export_network(shallow, path, config=CONFIG, steps=3, command="test", metrics={})
    deeper_config = CharacterNetworkConfig(width=32, edge_width=24, dilations=(1, 2, 1))
    deeper = CharacterNetwork(deeper_config)
    begin_with(deeper, path)
    untouched = CharacterNetwork(deeper_config)
    untouched.load_state_dict(shallow.state_dict(), strict=False)
    mel = torch.randn(1, 64, 200) * 2 - 6
    with torch.inference_mode():
        expected = shallow(mel)
        drift = (deeper.eval()(mel) - expected).std()
        assert drift < 0.35 * (untouched.eval()(mel) - expected).std()
    with pytest.raises(CheckpointError, match="size"):
        begin_with(CharacterNetwork(CharacterNetworkConfig(width=48, edge_width=24)), path)
    fewer = CharacterNetwork(CharacterNetworkConfig(width=32, edge_width=24, dilations=(1,)))
    with pytest.raises(CheckpointError, match="blocks"):
        begin_with(fewer, path)
