# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two motion networks hear of each clip, written beside it as NAME.features.npz.

`python -m rhetor.engine.dataset.features FOLDER...` for corpora of speech and for clips of real
people alike. Keys: features (T, 29) and prosody (T, 4) at 30 fps, T = ceil(30 · seconds), and
extractor, the id of the network that made them. A clip without sound gets no such file.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.prosody import prosody_channels
from ..protocol.errors import DatasetError, RhetorError
from ..protocol.files import UNREADABLE_NPZ
from ..protocol.take import MODEL_RATE_HZ
from ..speech.extractor import (
    DEFAULT_FEATURES_PATH,
    SpeechFeatureExtractor,
    load_extractor,
    to_frame_rate,
)
from .corpus import SPLITS, clip_paths, features_path

Samples = npt.NDArray[np.int16]


def write_features(folder: Path, extractor: SpeechFeatureExtractor) -> int:
    """Features of every clip of both splits; those by the same extractor are kept.

    The number of files written. Raises DatasetError where there are no clips.
    """
    paths = [path for split in SPLITS for path in clip_paths(folder / split)]
    if not paths:
        raise DatasetError(f"There are no clips in {folder}.", "Build them first.")
    missing = [path for path in paths if extractor_of(path) != extractor.id]
    started, written = time.monotonic(), 0
    for done, path in enumerate(missing, start=1):
        written += write_clip_features(path, _samples_of(path), extractor)
        if done % 50 == 0 or done == len(missing):
            print(f"{done}/{len(missing)} clips  {time.monotonic() - started:.0f} s", flush=True)
    return written


def write_clip_features(clip: Path, samples: Samples, extractor: SpeechFeatureExtractor) -> bool:
    """Write the features of one clip from its samples (S,); False where it has no sound."""
    path = features_path(clip)
    if len(samples) == 0:
        path.unlink(missing_ok=True)
        return False
    heard = samples.astype(np.float32) / 32768
    frames = max(1, math.ceil(len(heard) * MODEL_RATE_HZ / SAMPLE_RATE_HZ))
    features = to_frame_rate(extractor.extract(heard), frames).numpy()
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            features=features,
            prosody=prosody_channels(heard, frames),
            extractor=np.str_(extractor.id),
        )
    partial.replace(path)
    return True


def _samples_of(path: Path) -> Samples:
    try:
        with np.load(path, allow_pickle=False) as data:
            samples: Samples = data["samples"]
            return samples
    except UNREADABLE_NPZ as error:
        raise DatasetError(
            f"The clip {path.name} cannot be read ({error}).", "Build the dataset again."
        ) from error


def extractor_of(clip: Path) -> str:
    """The id of the network that made a clip's features; empty where there are none."""
    path = features_path(clip)
    if not path.exists():
        return ""
    with np.load(path, allow_pickle=False) as data:
        return str(data["extractor"])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the speech features of clips.")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="has train/, val/")
    parser.add_argument("--weights", type=Path, default=DEFAULT_FEATURES_PATH)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        extractor = load_extractor(path=arguments.weights)
        count = sum(write_features(folder, extractor) for folder in arguments.folders)
    except RhetorError as error:
        raise SystemExit(str(error)) from error
    print(f"{count} clips heard by {extractor.id}")


if __name__ == "__main__":
    main()
