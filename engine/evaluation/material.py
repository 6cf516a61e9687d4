# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings that an evaluation works on, sorted by speaker."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.mel import MEL_BANDS, level_gain, log_mel
from ..audio.prosody import prosody_channels
from ..dataset.corpus import clip_paths, features_path
from ..dataset.person_clip import PersonClip, load_person_clip
from ..protocol.errors import DatasetError
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from ..speech.extractor import SpeechFeatureExtractor, to_frame_rate

MEL_STEPS = 3
"""Mel frames for each frame of the motion."""

MEL_SIZE = MEL_STEPS * MEL_BANDS

LEAST_FRAMES = 30
"""Shorter clips say nothing."""

_QUIET_RMS, _QUIET_VOICING = 0.2, 0.1
_QUIET_FRAMES, _QUIET_EDGE = 12, 4


@dataclass(frozen=True)
class EvaluationClip:
    """One clip with what the networks hear of it, T frames at 30 fps.

    name: of its file. speaker: key under which it is reported. corpus: the part of its folder's
    name before the first underscore. speech: (T, 29). prosody: (T, 4). has_sound: whether there is
    any; without, both are zeros. held_out: whether it is of the part that nothing is trained on.
    """

    name: str
    speaker: str
    corpus: str
    clip: PersonClip
    speech: FloatArray
    prosody: FloatArray
    has_sound: bool
    held_out: bool

    @property
    def frame_count(self) -> int:
        """T."""
        return self.clip.frame_count

    def silent(self) -> npt.NDArray[np.bool_]:
        """(T,) pauses of 0.4 s and more, by loudness and voicing, without their edges."""
        quiet = (self.prosody[:, 2] < _QUIET_RMS) & (self.prosody[:, 1] < _QUIET_VOICING)
        result = np.zeros(len(quiet), dtype=bool)
        if not self.has_sound:
            return result
        edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
        for start, end in edges.reshape(-1, 2):
            if end - start >= _QUIET_FRAMES:
                result[start + _QUIET_EDGE : end - _QUIET_EDGE] = True
        return result

    def log_mel(self) -> FloatArray:
        """(T, MEL_SIZE) log-mel spectrum around each frame, three steps of 1/90 s."""
        return mel_frames(self.clip.samples, self.frame_count)


def mel_frames(samples: npt.NDArray[np.int16], frames: int) -> FloatArray:
    """(T, MEL_SIZE) log-mel of int16 samples, brought to one level, as the ridge hears it."""
    sound = samples.astype(np.float32) / 32768.0
    if len(sound) < SAMPLE_RATE_HZ // 10:
        return np.zeros((frames, MEL_SIZE), np.float32)
    mel = log_mel(torch.from_numpy(sound * np.float32(level_gain(sound)))[None])[0].T
    steps = np.arange(MEL_STEPS * frames) / MEL_STEPS - (MEL_STEPS - 1) / (2 * MEL_STEPS)
    at = np.clip(steps / MODEL_RATE_HZ * 100.0 - 0.5, 0, len(mel) - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, len(mel) - 1)
    share = (at - low).astype(np.float32)[:, None]
    table = mel.numpy()
    between: FloatArray = table[low] * (1.0 - share) + table[high] * share
    return between.reshape(frames, MEL_SIZE)


@dataclass(frozen=True)
class Material:
    """Clips to judge on, and those that baselines may learn from."""

    train: tuple[EvaluationClip, ...]
    held_out: tuple[EvaluationClip, ...]

    @property
    def speakers(self) -> tuple[str, ...]:
        """Keys of the speakers that are held out, in order."""
        return tuple(dict.fromkeys(clip.speaker for clip in self.held_out))

    def of(self, speaker: str, *, held_out: bool = True) -> tuple[EvaluationClip, ...]:
        """A speaker's clips, held out or to learn from."""
        clips = self.held_out if held_out else self.train
        return tuple(clip for clip in clips if clip.speaker == speaker)

    def whole(self, speaker: str) -> tuple[EvaluationClip, ...]:
        """All of a speaker's clips."""
        return self.of(speaker, held_out=False) + self.of(speaker)


def load_material(
    folders: Sequence[Path],
    extractor: SpeechFeatureExtractor,
    *,
    speakers: Collection[str] = (),
    limit: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Material:
    """The clips of datasets with train/ and val/; a folder of clips is held out as a whole.

    speakers: keys or names of those wanted, all if empty. limit: at most so many held-out clips of
    a dataset, evenly chosen; what is learned from stays whole. Features that lie beside a clip are
    used where they are the extractor's; others are computed. Raises DatasetError where nothing is
    held out.
    """
    files = [(path, folder, held) for folder in folders for path, held in _files(folder)]
    loaded: list[EvaluationClip] = []
    for done, (folder, held, chosen) in enumerate(_by_part(files, limit), start=1):
        loaded += _load_part(folder, chosen, held, extractor)
        if progress is not None:
            progress(done / max(1, len({(f, h) for _, f, h in files})))
    wanted = set(speakers)
    if wanted:
        loaded = [c for c in loaded if c.speaker in wanted or c.clip.speaker in wanted]
    material = Material(
        tuple(clip for clip in loaded if not clip.held_out),
        tuple(clip for clip in loaded if clip.held_out),
    )
    if not material.held_out:
        raise DatasetError(
            f"There are no held-out clips in {', '.join(str(f) for f in folders)}.",
            "Give datasets of `rhetor dataset build`, which have a folder val.",
        )
    return material


def _files(folder: Path) -> list[tuple[Path, bool]]:
    split = [
        (p, held)
        for part, held in (("train", False), ("val", True))
        for p in clip_paths(folder / part)
    ]
    return split or [(p, True) for p in clip_paths(folder)]


def _by_part(
    files: Sequence[tuple[Path, Path, bool]], limit: int
) -> list[tuple[Path, bool, list[Path]]]:
    parts: dict[tuple[Path, bool], list[Path]] = {}
    for path, folder, held in files:
        parts.setdefault((folder, held), []).append(path)
    return [
        (folder, held, _evenly(paths, limit if held else 0))
        for (folder, held), paths in parts.items()
    ]


def _evenly(paths: list[Path], limit: int) -> list[Path]:
    if limit <= 0 or len(paths) <= limit:
        return paths
    return [paths[i] for i in np.linspace(0, len(paths) - 1, limit).round().astype(int)]


def _load_part(
    folder: Path, paths: Sequence[Path], held: bool, extractor: SpeechFeatureExtractor
) -> list[EvaluationClip]:
    clips = [(path, load_person_clip(path)) for path in paths]
    people = {clip.speaker for _, clip in clips}
    result = []
    for path, clip in clips:
        if clip.frame_count < LEAST_FRAMES:
            continue
        speech, prosody = heard(path, clip, extractor)
        key = folder.name if len(people) == 1 else f"{folder.name}/{clip.speaker}"
        result.append(
            EvaluationClip(
                path.stem,
                key,
                folder.name.partition("_")[0],
                clip,
                speech,
                prosody,
                len(clip.samples) > 0,
                held,
            )
        )
    return result


def heard(
    path: Path, clip: PersonClip, extractor: SpeechFeatureExtractor
) -> tuple[FloatArray, FloatArray]:
    """Speech features (T, 29) and prosody (T, 4) of a clip, from beside it or computed."""
    frames = clip.frame_count
    if len(clip.samples) == 0:
        return np.zeros((frames, 29), np.float32), np.zeros((frames, 4), np.float32)
    beside = features_path(path)
    if beside.exists():
        with np.load(beside, allow_pickle=False) as data:
            if str(data["extractor"]) == extractor.id:
                return _fitted(data["features"], frames), _fitted(data["prosody"], frames)
    samples = clip.samples.astype(np.float32) / 32768.0
    features = to_frame_rate(extractor.extract(samples), frames).numpy()
    return features.astype(np.float32), prosody_channels(samples, frames)


def _fitted(values: FloatArray, frames: int) -> FloatArray:
    """(frames, C): cut, or held at the end, where sound and picture are not equally long."""
    if len(values) < frames:
        values = np.pad(values, ((0, frames - len(values)), (0, 0)), mode="edge")
    return np.ascontiguousarray(values[:frames], dtype=np.float32)


def group_of(clip: EvaluationClip, known: Collection[str], known_corpora: Collection[str]) -> str:
    """The group that a clip's speaker is in.

    "known": the weights learned from this person. "same_corpus": from other people of the same
    corpus. "unknown": neither.
    """
    if clip.speaker in known or clip.clip.speaker in known:
        return "known"
    return "same_corpus" if clip.corpus in known_corpora else "unknown"
