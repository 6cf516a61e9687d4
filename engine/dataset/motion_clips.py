# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGAN's material on disk: long recordings, their features, several performances of each.

Command: `python -m rhetor.engine.dataset.motion_clips CORPUS OUTPUT`. Clips of one speaker are
strung together with pauses of many lengths, since a head's manner shows over half a minute, not
over a sentence. Some recordings are silence only, for the idle head. With `--prosody-only` the
speech features stay zero, so that PoseGAN can begin to train before they exist; run again without
it, the command adds them and keeps the performances.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.prosody import prosody_channels
from ..protocol.errors import DatasetError
from ..protocol.take import MODEL_RATE_HZ
from ..speech.extractor import SpeechFeatureExtractor, load_extractor, to_frame_rate
from ..speech.network import SYMBOLS
from .corpus import SPLITS, SpokenClip, clip_paths, load_clip
from .performer import perform
from .personality import PERSONALITIES
from .speech_events import Phones, find_events

SPEECH_SIZE = len(SYMBOLS)

NO_FEATURES = "none"
"""In place of an extractor's id where the speech features are zero."""

RECORDING_S = 45.0
_SILENT_SHARE = 0.06
"""Recordings without speech, as a share of those with."""

_PAUSES_S = ((0.6, 0.15, 0.8), (0.28, 0.8, 2.2), (0.12, 2.5, 7.0))
"""Pauses between clips: how often, from, to."""


@dataclass(frozen=True)
class MotionClip:
    """A recording with what it was said to look like.

    audio: (T, 33) speech features and prosody at 30 fps. pose: (P, K, T, 6) rad and mm: K
    performances by each of the personalities named in `people` (P). extractor: id of the features.
    """

    audio: npt.NDArray[np.float32]
    pose: npt.NDArray[np.float32]
    people: tuple[str, ...]
    extractor: str

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.audio)


@dataclass(frozen=True)
class Recording:
    """Samples (S,) float32 at 16 kHz with their phones."""

    samples: npt.NDArray[np.float32]
    phones: Phones


def string_together(clips: Sequence[SpokenClip], rng: np.random.Generator) -> Recording:
    """One recording from clips, with pauses between, before and after them."""
    level = float(np.exp(rng.uniform(np.log(1e-5), np.log(2e-3)))) * (rng.random() < 0.7)
    parts: list[npt.NDArray[np.float32]] = []
    columns: list[tuple[npt.NDArray[Any], ...]] = []
    length = 0

    def add(samples: npt.NDArray[np.float32]) -> None:
        nonlocal length
        parts.append(samples)
        length += len(samples)

    add(np.zeros(int(rng.uniform(0.0, 1.5) * SAMPLE_RATE_HZ), dtype=np.float32))
    for clip in clips:
        at = np.float32(length / SAMPLE_RATE_HZ)
        columns.append((clip.phone_start_s + at, clip.phone_end_s + at, clip.phone, clip.stress))
        add(clip.samples.astype(np.float32) / 32768.0)
        add(np.zeros(int(_pause_s(rng) * SAMPLE_RATE_HZ), dtype=np.float32))
    samples = np.concatenate(parts)
    samples += level * rng.standard_normal(len(samples)).astype(np.float32)
    start, end, name, stress = (np.concatenate(column) for column in zip(*columns, strict=True))
    return Recording(samples, Phones(start, end, name, stress))


def silence(seconds: float, rng: np.random.Generator) -> Recording:
    """A recording in which nobody speaks; every third is digital silence."""
    level = np.exp(rng.uniform(np.log(1e-5), np.log(3e-3))) * (rng.random() > 1 / 3)
    samples = level * rng.standard_normal(int(seconds * SAMPLE_RATE_HZ))
    none = np.zeros(0, dtype=np.float32)
    phones = Phones(none, none, np.zeros(0, dtype="U3"), np.zeros(0, dtype=np.int8))
    return Recording(samples.astype(np.float32), phones)


def make_motion_clip(recording: Recording, performances: int, seed: int) -> MotionClip:
    """Prosody of a recording and `performances` of it by every personality, without features."""
    frames = max(1, int(len(recording.samples) / SAMPLE_RATE_HZ * MODEL_RATE_HZ))
    prosody = prosody_channels(recording.samples, frames)
    events = find_events(recording.phones, prosody)
    pose = [
        [perform(events, who, 1000 * seed + k) for k in range(performances)]
        for who in PERSONALITIES.values()
    ]
    audio = np.concatenate([np.zeros((frames, SPEECH_SIZE), np.float32), prosody], axis=1)
    return MotionClip(audio, np.array(pose), tuple(PERSONALITIES), NO_FEATURES)


def with_features(
    clip: MotionClip, recording: Recording, extractor: SpeechFeatureExtractor
) -> MotionClip:
    """The clip with the extractor's view of its recording."""
    features = to_frame_rate(extractor.extract(recording.samples), clip.frame_count)
    audio = np.concatenate([features.cpu().numpy(), clip.audio[:, SPEECH_SIZE:]], axis=1)
    return replace(clip, audio=audio.astype(np.float32), extractor=extractor.id)


def save_motion_clip(path: Path, clip: MotionClip) -> None:
    """Write a clip in one step, never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            audio=clip.audio.astype(np.float16),
            pose=clip.pose,
            people=np.array(clip.people),
            extractor=np.str_(clip.extractor),
        )
    partial.replace(path)


def load_motion_clip(path: Path) -> MotionClip:
    """Read a clip."""
    with np.load(path, allow_pickle=False) as data:
        people = tuple(str(name) for name in data["people"])
        audio = data["audio"].astype(np.float32)
        return MotionClip(audio, data["pose"], people, str(data["extractor"]))


def load_motion_clips(folder: Path) -> list[MotionClip]:
    """All clips of a folder. Raises DatasetError where there are none or they do not agree."""
    clips = [load_motion_clip(path) for path in sorted(folder.glob("*.npz"))]
    if not clips:
        raise DatasetError(
            f"There is no motion in {folder.name}.",
            "Make it: python -m rhetor.engine.dataset.motion_clips CORPUS OUTPUT",
        )
    if len({(clip.people, clip.extractor) for clip in clips}) > 1:
        raise DatasetError(f"The motion in {folder.name} comes from unlike settings.")
    return clips


def build(
    corpus: Path,
    output: Path,
    extractor: SpeechFeatureExtractor | None,
    performances: int,
    seed: int,
) -> None:
    """Make the clips of both splits; what is there already is kept.

    extractor: None leaves the speech features zero.
    """
    wanted = NO_FEATURES if extractor is None else extractor.id
    for split in SPLITS:
        groups = list(_groups(clip_paths(corpus / split), np.random.default_rng(seed)))
        silent = max(1, round(_SILENT_SHARE * len(groups)))
        for index in range(len(groups) + silent):
            path = output / split / f"motion_{index:04d}.npz"
            clip = load_motion_clip(path) if path.exists() else None
            if clip is not None and clip.extractor == wanted:
                continue
            rng = np.random.default_rng([seed, SPLITS.index(split), index])
            if index < len(groups):
                recording = string_together([load_clip(p) for p in groups[index]], rng)
            else:
                recording = silence(RECORDING_S, rng)
            if clip is None:
                clip_seed = seed + 100_000 * SPLITS.index(split) + index
                clip = make_motion_clip(recording, performances, clip_seed)
            if extractor is not None:
                clip = with_features(clip, recording, extractor)
            save_motion_clip(path, clip)
            print(f"{split} {index + 1} of {len(groups) + silent}", flush=True)


def _groups(paths: Iterable[Path], rng: np.random.Generator) -> Iterator[list[Path]]:
    """Clips for about RECORDING_S each, of one speaker; what is left over is mixed."""
    speakers: dict[str, list[tuple[Path, float]]] = {}
    for path in paths:
        clip = load_clip(path)
        speakers.setdefault(clip.speaker, []).append((path, clip.duration_s))
    rest: list[tuple[Path, float]] = []
    for name in sorted(speakers):
        clips = [speakers[name][i] for i in rng.permutation(len(speakers[name]))]
        while (count := _reaching(clips, RECORDING_S)) > 0:
            yield [path for path, _ in clips[:count]]
            clips = clips[count:]
        rest += clips
    while rest:
        count = _reaching(rest, RECORDING_S) or len(rest)
        yield [path for path, _ in rest[:count]]
        rest = rest[count:]


def _reaching(clips: Sequence[tuple[Path, float]], seconds: float) -> int:
    """How many of the first clips (with a pause each) last that long; 0 if all do not."""
    total = np.cumsum([duration + 1.0 for _, duration in clips])
    enough = np.flatnonzero(total >= seconds)
    return int(enough[0]) + 1 if len(enough) else 0


def _pause_s(rng: np.random.Generator) -> float:
    kind = rng.choice(len(_PAUSES_S), p=[p[0] for p in _PAUSES_S])
    return float(rng.uniform(*_PAUSES_S[kind][1:]))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Make head motion to train PoseGAN on.")
    parser.add_argument("corpus", type=Path, help="folder with train/ and val/ clips")
    parser.add_argument("output", type=Path)
    parser.add_argument("--performances", type=int, default=3, help="of each personality")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prosody-only", action="store_true", help="leave the features zero")
    a = parser.parse_args()
    extractor = None if a.prosody_only else load_extractor("cpu")
    build(a.corpus, a.output, extractor, a.performances, a.seed)


if __name__ == "__main__":
    main()
