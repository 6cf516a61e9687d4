# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the character network reads speech that it never heard.

`python -m rhetor.engine.training.speech_report --corpus CORPUS` judges the weights that ship.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..audio.mel import log_mel
from ..dataset.letters import ALPHABET
from ..dataset.phones import PHONES
from ..dataset.texts import spoken_letters
from ..speech.extractor import CharacterExtractor, load_extractor
from ..speech.network import FEATURE_RATE_HZ, CharacterNetwork
from .speech_batches import LabelledClip, collapsed, load_labelled

_HOP = 640


@torch.inference_mode()
def judge(network: CharacterNetwork, clips: Sequence[LabelledClip]) -> dict[str, float]:
    """Character error rate by group of voices and share of frames with the right letter."""
    network.eval()
    errors: dict[str, list[tuple[int, int]]] = {}
    right, frames = 0, 0
    for labelled in clips:
        samples = labelled.clip.samples[: len(labelled.clip.samples) // _HOP * _HOP]
        sound = torch.from_numpy(samples.astype(np.float32) / 32768 * labelled.gain)
        best = network(log_mel(sound[None]))[0].argmax(-1).numpy()
        text = spoken_letters(labelled.clip.text)
        errors.setdefault(group_of(labelled), []).append(
            (edit_distance(read_letters(best), text), len(text))
        )
        times_s = (np.arange(len(best)) + 0.5) / FEATURE_RATE_HZ
        right += int((labelled.letters.at(times_s) == best).sum())
        frames += len(best)
    metrics = {
        f"cer_{name}": sum(e for e, _ in found) / sum(n for _, n in found)
        for name, found in sorted(errors.items())
    }
    return {**metrics, "letter_frames_right": right / frames}


def group_of(labelled: LabelledClip) -> str:
    """Which voices a clip is judged with."""
    speaker = labelled.clip.speaker
    if labelled.clip.source != "natural":
        return labelled.clip.source
    return "ocean" if speaker.startswith("ocean") else speaker.split("_")[0]


def read_letters(best: npt.NDArray[np.int64]) -> str:
    """Greedy reading of the best symbol per frame (N,)."""
    return " ".join("".join(ALPHABET[i] for i in collapsed(best)).split())


def edit_distance(one: str, other: str) -> int:
    """Insertions, deletions and substitutions that turn one text into the other."""
    row = np.arange(len(other) + 1)
    codes = np.array([ord(c) for c in other])
    offset = np.arange(len(other) + 1)
    for index, letter in enumerate(one, start=1):
        changed = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(letter)))
        row = np.concatenate([[index], changed])
        row = np.minimum.accumulate(row - offset) + offset
    return int(row[-1])


def phone_probe(
    extractor: CharacterExtractor,
    train: Sequence[LabelledClip],
    held_out: Sequence[LabelledClip],
    context: int = 2,
) -> dict[str, float]:
    """Share of held-out frames whose phone a linear map of the logits finds.

    The map sees 2·context + 1 frames. Baseline: always the most frequent phone.
    """
    inputs, targets = _probe_frames(extractor, train, context)
    weights = _least_squares(inputs, targets)
    seen, truth = _probe_frames(extractor, held_out, context)
    found = (seen @ weights).argmax(axis=1)
    spoken = truth != PHONES.index("sil")
    return {
        "phone_frames_right": float((found == truth).mean()),
        "phone_frames_right_in_speech": float((found == truth)[spoken].mean()),
        "most_frequent_phone": float(np.bincount(truth).max() / len(truth)),
    }


def _probe_frames(
    extractor: CharacterExtractor, clips: Sequence[LabelledClip], context: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    inputs, targets = [], []
    for labelled in clips:
        samples = labelled.clip.samples.astype(np.float32) / 32768
        logits = extractor.extract(samples).numpy()
        count = len(logits)
        padded = np.pad(logits, ((context, context), (0, 0)), mode="edge")
        stacked = [padded[i : i + count] for i in range(2 * context + 1)]
        inputs.append(np.concatenate([*stacked, np.ones((count, 1))], axis=1))
        targets.append(labelled.phones_at((np.arange(count) + 0.5) / FEATURE_RATE_HZ))
    return np.concatenate(inputs), np.concatenate(targets)


def _least_squares(
    inputs: npt.NDArray[np.float64], targets: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    wanted = np.eye(len(PHONES))[targets]
    square = inputs.T @ inputs + 1e-2 * len(inputs) * 1e-3 * np.eye(inputs.shape[1])
    solved: npt.NDArray[np.float64] = np.linalg.solve(square, inputs.T @ wanted)
    return solved


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Judge the character network that ships.")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--examples", type=int, default=6)
    arguments = parser.parse_args()
    extractor = load_extractor(path=arguments.weights) if arguments.weights else load_extractor()
    held_out = load_labelled(arguments.corpus / "val")
    train = load_labelled(arguments.corpus / "train")[::6]
    metrics = {**_judge_extractor(extractor, held_out, arguments.examples)}
    metrics |= phone_probe(extractor, train, held_out)
    print(json.dumps({name: round(value, 4) for name, value in metrics.items()}, indent=2))


def _judge_extractor(
    extractor: CharacterExtractor, clips: Sequence[LabelledClip], examples: int
) -> dict[str, float]:
    errors: dict[str, list[tuple[int, int]]] = {}
    for index, labelled in enumerate(clips):
        samples = labelled.clip.samples.astype(np.float32) / 32768
        read = read_letters(extractor.extract(samples).numpy().argmax(-1))
        text = spoken_letters(labelled.clip.text)
        found = (edit_distance(read, text), len(text))
        errors.setdefault(group_of(labelled), []).append(found)
        if index % max(1, len(clips) // examples) == 0:
            print(f"{labelled.clip.speaker}\n  said {text}\n  read {read}")
    return {
        f"cer_{name}": sum(e for e, _ in found) / sum(n for _, n in found)
        for name, found in sorted(errors.items())
    }


if __name__ == "__main__":
    main()
