# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two motion networks hear of each clip, written beside it as NAME.features.npz.

`python -m rhetor.engine.dataset.features CORPUS`. Keys: features (T, 29) and prosody (T, 4) at
30 fps, T = ceil(30 · seconds), and extractor, the id of the network that made them.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch

from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.prosody import prosody_channels
from ..protocol.errors import DatasetError, RhetorError
from ..protocol.take import MODEL_RATE_HZ
from ..speech.extractor import (
    DEFAULT_FEATURES_PATH,
    SpeechFeatureExtractor,
    load_extractor,
    to_frame_rate,
)
from .corpus import SPLITS, SpokenClip, clip_paths, features_path, load_clip


def write_features(corpus: Path, extractor: SpeechFeatureExtractor) -> int:
    """Features of every clip of both splits; those by the same extractor are kept.

    The number of files written. Raises DatasetError where there are no clips.
    """
    paths = [path for split in SPLITS for path in clip_paths(corpus / split)]
    if not paths:
        raise DatasetError(f"There are no clips in {corpus}.", "Build the corpus first.")
    missing = [path for path in paths if _extractor_of(features_path(path)) != extractor.id]
    started = time.monotonic()
    for done, path in enumerate(missing, start=1):
        _write(features_path(path), load_clip(path), extractor)
        if done % 50 == 0 or done == len(missing):
            print(f"{done}/{len(missing)} clips  {time.monotonic() - started:.0f} s", flush=True)
    return len(missing)


def _write(path: Path, clip: SpokenClip, extractor: SpeechFeatureExtractor) -> None:
    samples = clip.samples.astype(np.float32) / 32768
    frames = max(1, math.ceil(len(samples) * MODEL_RATE_HZ / SAMPLE_RATE_HZ))
    features = to_frame_rate(extractor.extract(samples), frames).numpy()
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            features=features,
            prosody=prosody_channels(samples, frames),
            extractor=np.str_(extractor.id),
        )
    partial.replace(path)


def _extractor_of(path: Path) -> str:
    if not path.exists():
        return ""
    with np.load(path, allow_pickle=False) as data:
        return str(data["extractor"])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the speech features of a corpus.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--weights", type=Path, default=DEFAULT_FEATURES_PATH)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        extractor = load_extractor(path=arguments.weights)
        count = write_features(arguments.corpus, extractor)
    except RhetorError as error:
        raise SystemExit(str(error)) from error
    print(f"{count} clips heard by {extractor.id}")


if __name__ == "__main__":
    main()
