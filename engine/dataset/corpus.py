# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips of speech with the time of every phone: what all three networks are trained on.

On disk: FOLDER/{train,val}/NAME.npz, one clip each. Build the corpus with
`python -m rhetor.engine.dataset.corpus build --speech DIR --output DIR`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..audio.decode import SAMPLE_RATE_HZ
from ..protocol.errors import DatasetError, RhetorError
from ..protocol.files import UNREADABLE_NPZ
from .phones import PHONES

SPLITS = ("train", "val")
SOURCES = ("flite", "espeak", "natural")
FEATURES_SUFFIX = ".features.npz"


@dataclass(frozen=True)
class SpokenClip:
    """Speech with its phones.

    samples: (S,) int16 mono at 16 kHz. phone_start_s, phone_end_s: (P,) float32, ascending,
    without overlap. phone: (P,) ARPAbet without stress, lower case, or `sil`. stress: (P,) int8,
    0 to 2 on vowels, else -1. text: what is said. speaker: a name. source: one of SOURCES.
    """

    samples: npt.NDArray[np.int16]
    phone_start_s: npt.NDArray[np.float32]
    phone_end_s: npt.NDArray[np.float32]
    phone: npt.NDArray[np.str_]
    stress: npt.NDArray[np.int8]
    text: str
    speaker: str
    source: str

    def __post_init__(self) -> None:
        count = len(self.phone)
        lengths = {len(self.phone_start_s), len(self.phone_end_s), len(self.stress), count}
        if len(lengths) != 1 or count == 0:
            raise DatasetError(f"A clip of {self.speaker} has phone arrays of unlike lengths.")
        unknown = sorted(set(self.phone.tolist()) - set(PHONES))
        if unknown:
            raise DatasetError(f"A clip of {self.speaker} has unknown phones {unknown}.")
        edges = np.stack([self.phone_start_s, self.phone_end_s], axis=1).ravel()
        if np.any(np.diff(edges) < -1e-4) or edges[-1] > self.duration_s + 1e-3:
            raise DatasetError(f"A clip of {self.speaker} has phones out of order.")

    @property
    def duration_s(self) -> float:
        """Length of the sound in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ


def save_clip(path: Path, clip: SpokenClip) -> None:
    """Write a clip in one step, never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(
            file,
            samples=clip.samples,
            phone_start_s=clip.phone_start_s,
            phone_end_s=clip.phone_end_s,
            phone=clip.phone,
            stress=clip.stress,
            text=np.str_(clip.text),
            speaker=np.str_(clip.speaker),
            source=np.str_(clip.source),
        )
    partial.replace(path)


def load_clip(path: Path) -> SpokenClip:
    """Read a clip. Raises DatasetError where the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            return SpokenClip(
                samples=data["samples"],
                phone_start_s=data["phone_start_s"],
                phone_end_s=data["phone_end_s"],
                phone=data["phone"],
                stress=data["stress"],
                text=str(data["text"]),
                speaker=str(data["speaker"]),
                source=str(data["source"]),
            )
    except UNREADABLE_NPZ as error:
        raise DatasetError(
            f"The clip {path.name} cannot be read ({error}).", "Build the corpus again."
        ) from error


def clip_paths(folder: Path) -> list[Path]:
    """The clips directly in a folder, by name, without the feature files beside them."""
    return sorted(p for p in folder.glob("*.npz") if not p.name.endswith(FEATURES_SUFFIX))


def features_path(clip: Path) -> Path:
    """Where the features of a clip lie."""
    return clip.with_name(clip.name.removesuffix(".npz") + FEATURES_SUFFIX)


def iterate_clips(folder: Path) -> Iterator[tuple[Path, SpokenClip]]:
    """All clips of a folder in order of name, with their paths."""
    for path in clip_paths(folder):
        yield path, load_clip(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the corpus of speech with phone times.")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="synthesise and align; goes on where it stopped")
    build.add_argument("--speech", type=Path, help="folder of natural speech; else synthetic only")
    build.add_argument("--output", type=Path, required=True, help="folder for train/ and val/")
    build.add_argument("--synthetic-min", type=float, default=90.0, help="minutes of synthesis")
    build.add_argument("--limit", type=int, default=0, help="at most so many clips (0: all)")
    build.add_argument("--seed", type=int, default=1)
    build.add_argument("--workers", type=int, default=1, help="processes")
    show = commands.add_parser("show", help="minutes by split and source")
    show.add_argument("--output", type=Path, required=True)
    return parser.parse_args()


def _show(folder: Path) -> None:
    for split in SPLITS:
        minutes: dict[str, float] = {}
        for _, clip in iterate_clips(folder / split):
            minutes[clip.source] = minutes.get(clip.source, 0.0) + clip.duration_s / 60
        print(split, {name: round(value, 1) for name, value in sorted(minutes.items())})


def main() -> None:
    """Command line."""
    arguments = _arguments()
    try:
        if arguments.command == "show":
            _show(arguments.output)
        else:
            # The synthesisers and the aligner are needed to build a corpus, not to read one.
            from .corpus_build import build_corpus, plan_corpus

            plans = plan_corpus(arguments.speech, arguments.synthetic_min, arguments.seed)
            limited = plans[: arguments.limit] if arguments.limit else plans
            build_corpus(limited, arguments.output, arguments.workers)
    except RhetorError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
