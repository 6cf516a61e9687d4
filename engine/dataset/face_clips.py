# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips for training the face: speech features, a performer's pose, and what the face does."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from ..head.channels import IDENTITY_SIZE
from ..head.model import HeadModel
from ..protocol.errors import DatasetError
from ..protocol.files import UNREADABLE_NPZ
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from .articulation import GAP_MM, articulate_styles, closure_frames, open_frames
from .corpus import SpokenClip, clip_paths, features_path, load_clip
from .facial_style import PERSONALITIES as FACES
from .mouth_model import MouthModel, channels_of
from .performer import perform
from .personality import PERSONALITIES
from .phone_track import PhoneTrack, phone_loudness
from .speech_events import Phones, SpeechEvents, find_events

_IDENTITY_SPREAD = 0.3
_REST_AFTER_S = 0.25


REAL = "real"
"""`FaceClip.source` of tracked people."""

_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FaceClip:
    """One clip of T frames, as a personality performs it or as a real person was tracked.

    speech: (T, 29). prosody: (T, 4). pose: (T, 6) rad, mm. expression: (T, 52). identity: (50,).
    closed, opened, silent: (T,) 1 where a /p b m/ has its lips together, in the middle of open
    vowels, and where the mouth rests in a pause; else 0. style: name of the personality or of the
    speaker. source: of the speech, or REAL. Of real people: known (52,) channels that were tracked;
    tracked, pose_known (T,) frames; gap_mm (T,) opening of the lips as seen, NaN where it was not;
    identity_known. None: everything is known, and the lips open as the expression says.
    """

    speech: FloatArray
    prosody: FloatArray
    pose: FloatArray
    expression: FloatArray
    identity: FloatArray
    closed: FloatArray
    opened: FloatArray
    silent: FloatArray
    style: str
    source: str
    known: _Mask | None = None
    tracked: _Mask | None = None
    gap_mm: FloatArray | None = None
    pose_known: _Mask | None = None
    identity_known: bool = True


def phone_track(clip: SpokenClip, prosody: FloatArray) -> PhoneTrack:
    """The clip's phones with how loud and how accented each of them is."""
    return _track(clip, find_events(_phones(clip), prosody))


def _track(clip: SpokenClip, events: SpeechEvents) -> PhoneTrack:
    prominence = np.zeros(len(clip.phone))
    prominence[clip.stress >= 0] = events.prominence
    return PhoneTrack(
        clip.phone_start_s,
        clip.phone_end_s,
        tuple(clip.phone.tolist()),
        clip.stress,
        phone_loudness(clip.samples, clip.phone_start_s, clip.phone_end_s, clip.phone),
        prominence,
    )


def lip_gaps_mm(head: HeadModel) -> dict[str, float]:
    """What each unit of GAP_MM does to the lip opening of a head at weight 1."""
    rest = head.lip_gap_mm()
    gaps = {}
    for name in GAP_MM:
        gaps[name] = float(head.lip_gap_mm(dict.fromkeys(channels_of(name), 1.0)) - rest)
    return gaps


def speaker_identity(speaker: str) -> FloatArray:
    """(50,) a calm shape for a speaker, always the same one: within ± 1 standard deviation."""
    drawn = np.random.default_rng(crc32(speaker.encode())).normal(0, 1, IDENTITY_SIZE)
    return np.clip(_IDENTITY_SPREAD * drawn, -1.0, 1.0).astype(np.float32)


def read_face_clips(
    folder: Path,
    styles: tuple[str, ...] = tuple(FACES),
    *,
    limit: int = 0,
    head: HeadModel | None = None,
    model: MouthModel | None = None,
    without: Collection[str] = (),
) -> Iterator[FaceClip]:
    """All clips of a corpus folder, each performed in each style.

    head: the head that is to speak, so that its lips meet; by default the one of GAP_MM. limit: at
    most so many recordings (0: all). model: the mouth, by default the one that ships.
    without: speakers who are left out. Raises DatasetError where features are missing.
    """
    paths = clip_paths(folder)
    if not paths:
        raise DatasetError(f"{folder.name} holds no clips.", "Build the corpus first.")
    gap_mm = GAP_MM if head is None else lip_gaps_mm(head)
    for number, path in enumerate(paths[:limit] if limit else paths):
        clip = load_clip(path)
        if clip.speaker in without:
            continue
        speech, prosody, _ = read_features(features_path(path))
        yield from perform_clip(
            clip, speech, prosody, styles, gap_mm=gap_mm, seed=number, model=model
        )


def perform_clip(
    clip: SpokenClip,
    speech: FloatArray,
    prosody: FloatArray,
    styles: tuple[str, ...],
    *,
    gap_mm: Mapping[str, float],
    seed: int,
    model: MouthModel | None = None,
) -> Iterator[FaceClip]:
    """A recording performed by personalities; `seed` draws their head motion."""
    frames = len(speech)
    events = find_events(_phones(clip), prosody)
    track = _track(clip, events)
    faces = articulate_styles(track, frames, [FACES[s] for s in styles], gap_mm=gap_mm, model=model)
    closed = closure_frames(track, frames, MODEL_RATE_HZ).astype(np.float32)
    opened = open_frames(track, frames, MODEL_RATE_HZ).astype(np.float32)
    silent = silent_frames(track, frames)
    for style, expression in zip(styles, faces, strict=True):
        yield FaceClip(
            speech,
            prosody,
            perform(events, PERSONALITIES[style], seed),
            expression,
            speaker_identity(clip.speaker),
            closed,
            opened,
            silent,
            style,
            clip.source,
        )


def silent_frames(track: PhoneTrack, frame_count: int) -> FloatArray:
    """(T,) 1 where the mouth has come to rest in a pause and is not about to open again."""
    silent = np.zeros(frame_count, np.float32)
    last = len(track.phone) - 1
    for index, phone in enumerate(track.phone):
        if phone == "sil":
            start = float(track.start_s[index]) + (_REST_AFTER_S if index > 0 else 0.0)
            end = float(track.end_s[index]) - (_REST_AFTER_S if index < last else 0.0)
            first, stop = np.ceil(np.array([start, end]) * MODEL_RATE_HZ).astype(int)
            silent[max(first, 0) : max(stop, 0)] = 1.0
    return silent


def read_features(path: Path) -> tuple[FloatArray, FloatArray, str]:
    """Speech features (T, 29), prosody (T, 4) and the extractor's id of a features file."""
    try:
        with np.load(path, allow_pickle=False) as data:
            speech, prosody = (data[key].astype(np.float32) for key in ("features", "prosody"))
            return speech, prosody, str(data["extractor"]) if "extractor" in data else ""
    except UNREADABLE_NPZ as error:
        raise DatasetError(
            f"The features {path.name} cannot be read ({error}).",
            "Write them with `python -m rhetor.engine.dataset.features`.",
        ) from error


def _phones(clip: SpokenClip) -> Phones:
    return Phones(clip.phone_start_s, clip.phone_end_s, clip.phone, clip.stress)
