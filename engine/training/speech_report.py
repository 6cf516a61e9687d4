# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the character network reads speech that it never heard.

`python -m rhetor.engine.training.speech_report --corpus CORPUS` judges the weights that ship.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..audio.decode import Samples
from ..audio.mel import level_gain, log_mel
from ..dataset.letters import ALPHABET
from ..dataset.phones import MOUTH_CLASSES, PHONES, SILENCE
from ..dataset.texts import spoken_letters
from ..speech.extractor import CharacterExtractor, load_extractor
from ..speech.network import FEATURE_RATE_HZ, CharacterNetwork
from .speech_batches import LabelledClip, collapsed, load_labelled

_HOP = 640

Hearing = Callable[[Samples], npt.NDArray[np.float32]]
"""Samples (S,) to (ceil(S / 320), C) numbers at 50 Hz."""


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
    hear: Hearing,
    train: Sequence[LabelledClip],
    held_out: Sequence[LabelledClip],
    context: int = 2,
) -> dict[str, float]:
    """Share of held-out frames whose phone a linear map of what `hear` gives finds.

    The map sees 2·context + 1 frames. Control: the same map, each clip's sound half a clip late.
    """
    inputs, targets = _probe_frames(hear, train, context)
    weights = _least_squares(inputs, targets)
    seen, truth = _probe_frames(hear, held_out, context)
    spoken = truth != PHONES.index(SILENCE)
    late, _ = _probe_frames(hear, held_out, context, rolled=True)
    found = (seen @ weights).argmax(axis=1)
    right, right_late = found == truth, (late @ weights).argmax(axis=1) == truth
    return {
        **_mouth_classes_right(found, truth),
        "phones_right": float(right.mean()),
        "phones_right_in_speech": float(right[spoken].mean()),
        "phones_right_in_speech_rolled": float(right_late[spoken].mean()),
    }


def _mouth_classes_right(
    found: npt.NDArray[np.int64], truth: npt.NDArray[np.int64]
) -> dict[str, float]:
    """Share of frames in the right mouth class; closed-lip frames found, and how many are right."""
    names = list(MOUTH_CLASSES)
    class_of = np.array(
        [next(i for i, n in enumerate(names) if p in MOUTH_CLASSES[n]) for p in PHONES]
    )
    seen, true = class_of[found], class_of[truth]
    spoken = true != names.index("rest")
    closed = true == names.index("closed")
    return {
        "mouth_classes_right_in_speech": float((seen == true)[spoken].mean()),
        "closed_lips_found": float((seen == true)[closed].mean()),
        "closed_lips_right": float((seen == true)[seen == names.index("closed")].mean()),
    }


def hear_log_mel(samples: Samples) -> npt.NDArray[np.float32]:
    """The baseline's hearing: (N, 64) levelled log-mel, averaged to 50 Hz."""
    padded = np.pad(samples, (0, -len(samples) % 320)) * np.float32(level_gain(samples))
    mel = log_mel(torch.from_numpy(padded)[None])[0].numpy()  # (64, 2N)
    halves: npt.NDArray[np.float32] = 0.5 * (mel[:, ::2] + mel[:, 1::2]).T
    return halves


def _probe_frames(
    hear: Hearing, clips: Sequence[LabelledClip], context: int, rolled: bool = False
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    inputs, targets = [], []
    for labelled in clips:
        heard = hear(labelled.clip.samples.astype(np.float32) / 32768)
        count = len(heard)
        heard = np.roll(heard, count // 2, axis=0) if rolled else heard
        padded = np.pad(heard, ((context, context), (0, 0)), mode="edge")
        stacked = [padded[i : i + count] for i in range(2 * context + 1)]
        inputs.append(np.concatenate([*stacked, np.ones((count, 1))], axis=1))
        targets.append(labelled.phones_at((np.arange(count) + 0.5) / FEATURE_RATE_HZ))
    return np.concatenate(inputs).astype(np.float64), np.concatenate(targets)


def _least_squares(
    inputs: npt.NDArray[np.float64], targets: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    wanted = np.eye(len(PHONES))[targets]
    square = inputs.T @ inputs + 1e-5 * len(inputs) * np.eye(inputs.shape[1])
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
    metrics = _judge_extractor(extractor, held_out, arguments.examples)
    natural = [clip for clip in held_out if clip.clip.source == "natural"]
    hearings: dict[str, Hearing] = {
        "logits": lambda samples: extractor.extract(samples).numpy(),
        "log_mel": hear_log_mel,
    }
    for name, hear in hearings.items():
        for group, clips in (("", held_out), ("_natural", natural)):
            probe = phone_probe(hear, train, clips)
            metrics |= {f"{key}_by_{name}{group}": value for key, value in probe.items()}
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
