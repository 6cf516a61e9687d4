# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech beside head motion, one sequence each: what PoseGAN is trained on, of whatever origin.

The synthetic performer's folders (`motion_clips`) and datasets of real people (`person_clip`) are
read into the same form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..protocol.errors import DatasetError
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from .corpus import clip_paths, features_path
from .motion_clips import MotionClip, load_motion_clips
from .person_clip import PersonClip, load_person_clip

SHIPPABLE = ("open", "own")
"""Rights of recordings that weights to be given away may learn from."""

LEAST_FRAMES = 32
"""Shortest stretch of good tracking that is of use, about a second."""

_RMS = 31
_QUIET_S = (0.7, 1.3)
_MIRROR = np.array([1, -1, -1, -1, 1, 1], dtype=np.float32)


@dataclass(frozen=True)
class MotionSequence:
    """T frames at 30 fps. audio: (T, 33) speech features, then prosody. pose: (T, 6) rad and mm.

    person: whose motion it is. real: tracked on a person, not performed by the synthetic one.
    extractor: id of the speech features.
    """

    audio: FloatArray
    pose: FloatArray
    person: str
    real: bool
    extractor: str

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.pose)


def load_sequences(
    folders: Sequence[Path], split: str = "train", rights: Sequence[str] = SHIPPABLE
) -> list[MotionSequence]:
    """All sequences of a split in folders of either kind.

    Recordings whose rights are not among `rights` are left out. Raises DatasetError where nothing
    is left, or where the speech features come from several extractors.
    """
    sequences: list[MotionSequence] = []
    for folder in folders:
        if is_motion_folder(folder / split):
            for clip in load_motion_clips(folder / split):
                sequences += performed_sequences(clip)
        else:
            sequences += load_people(folder / split, rights)
    if not sequences:
        raise DatasetError(
            "There is no head motion with speech in these folders that may be trained on.",
            "Build a dataset with `rhetor dataset build`, or allow recordings of more rights.",
        )
    if len({s.extractor for s in sequences}) > 1:
        raise DatasetError(
            "The speech features of these folders come from unlike extractors.",
            "Write them again with the installed weights.",
        )
    return sequences


def is_motion_folder(folder: Path) -> bool:
    """Whether the clips of a folder are the synthetic performer's."""
    first = next(iter(sorted(folder.glob("*.npz"))), None)
    if first is None:
        return False
    with np.load(first, allow_pickle=False) as data:
        return "people" in data


def performed_sequences(clip: MotionClip) -> list[MotionSequence]:
    """One sequence for each performance; they share the audio."""
    return [
        MotionSequence(clip.audio, pose, person, False, clip.extractor)
        for person, takes in zip(clip.people, clip.pose, strict=True)
        for pose in takes
    ]


def load_people(folder: Path, rights: Sequence[str] = SHIPPABLE) -> list[MotionSequence]:
    """The well-tracked stretches of every clip in a folder that has sound and features."""
    sequences: list[MotionSequence] = []
    for path in clip_paths(folder):
        clip = load_person_clip(path)
        if clip.rights in rights and len(clip.samples) and features_path(path).exists():
            sequences += tracked_sequences(clip, *load_audio_features(path))
    return sequences


def load_audio_features(path: Path) -> tuple[FloatArray, str]:
    """(T, 33) speech features and prosody written beside a clip, and the extractor's id."""
    with np.load(features_path(path), allow_pickle=False) as data:
        audio = np.concatenate([data["features"], data["prosody"]], axis=1).astype(np.float32)
        return audio, str(data["extractor"])


def tracked_sequences(clip: PersonClip, audio: FloatArray, extractor: str) -> list[MotionSequence]:
    """Stretches of a clip in which the head was tracked throughout, a second or longer."""
    frames = min(len(audio), clip.frame_count)
    edges = np.flatnonzero(np.diff(np.pad(clip.pose_ok[:frames].astype(np.int8), 1)))
    return [
        MotionSequence(audio[a:b], clip.pose[a:b].astype(np.float32), clip.speaker, True, extractor)
        for a, b in edges.reshape(-1, 2)
        if b - a >= LEAST_FRAMES
    ]


def mirrored(sequence: MotionSequence) -> MotionSequence:
    """The same speech with left and right of the motion exchanged."""
    return replace(sequence, pose=sequence.pose * _MIRROR)


def time_warped(sequence: MotionSequence, speed: float) -> MotionSequence:
    """Speech and motion `speed` times as fast, resampled linearly."""
    count = max(2, round(sequence.frame_count / speed))
    at = np.linspace(0.0, sequence.frame_count - 1.0, count)
    first = np.minimum(at.astype(np.int64), sequence.frame_count - 2)
    share = (at - first)[:, None].astype(np.float32)

    def resampled(values: FloatArray) -> FloatArray:
        mixed: FloatArray = (1 - share) * values[first] + share * values[first + 1]
        return mixed

    return replace(sequence, audio=resampled(sequence.audio), pose=resampled(sequence.pose))


def strung_together(
    sequences: Sequence[MotionSequence], rng: np.random.Generator
) -> MotionSequence:
    """Short sequences of one person in random order, as one.

    Between two of them the voice pauses for about a second (its quietest frame is held), and the
    head goes over to the next pose along a minimum jerk.
    """
    order = rng.permutation(len(sequences))
    first: MotionSequence = sequences[order[0]]
    audio, pose = [first.audio], [first.pose]
    for index in order[1:]:
        after = sequences[index]
        count = round(rng.uniform(*_QUIET_S) * MODEL_RATE_HZ)
        u = (np.arange(1, count + 1) / (count + 1))[:, None].astype(np.float32)
        quiet = min((audio[-1], after.audio), key=lambda a: float(a[:, _RMS].min()))
        held = quiet[quiet[:, _RMS].argmin()]
        audio += [np.repeat(held[None], count, axis=0), after.audio]
        way = u**3 * (10 - 15 * u + 6 * u**2)
        pose += [pose[-1][-1] + way * (after.pose[0] - pose[-1][-1]), after.pose]
    whole: MotionSequence = replace(first, audio=np.concatenate(audio), pose=np.concatenate(pose))
    return whole
