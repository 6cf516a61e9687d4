# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips of real people as material for the face: what their mouth does beyond their own rest.

A tracked expression holds what a person's face is like besides what it does: lips that are thin at
rest look rolled in. Networks for everybody learn only what a mouth does, measured from the
speaker's own mouth in silence; a personal style may keep the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..head.channels import EXPRESSION_NAMES
from ..pgface.lips import LipGeometry
from ..protocol.errors import DatasetError
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from .articulation import closure_frames, open_frames
from .corpus import clip_paths, features_path
from .face_clips import REAL, FaceClip, read_features, silent_frames
from .mouth_model import UNIT_NAMES, channels_of
from .person_clip import PersonClip, load_person_clip
from .phone_track import PhoneTrack

SHIPPABLE = ("open", "own")
"""Rights of recordings from which weights may be trained that are given away."""

MOUTH_CHANNELS = ("mouthClose", *(name for unit in UNIT_NAMES for name in channels_of(unit)))
"""Channels in which real faces teach: the eyes are drawn, the brows say little of the speech."""
_IN_MOUTH = np.array([name in MOUTH_CHANNELS for name in EXPRESSION_NAMES])
_JAW, _CLOSE = (EXPRESSION_NAMES.index(name) for name in ("jawOpen", "mouthClose"))
_MIRRORED_POSE = np.array([1, -1, -1, -1, 1, 1], np.float32)
_QUIET = 0.25
"""Share of the loud frames' level below which nobody speaks."""
_LEAST_QUIET_FRAMES = 8
_MOST_REST_GAP_MM = 1.5


@dataclass(frozen=True)
class Rest:
    """A speaker's mouth in silence: expression (52,) and opening of the inner lips in mm."""

    expression: FloatArray
    gap_mm: float


@dataclass(frozen=True)
class HeardPerson:
    """A clip with what the networks hear of it: speech (T, 29), prosody (T, 4)."""

    clip: PersonClip
    speech: FloatArray
    prosody: FloatArray
    extractor: str


def is_people_folder(folder: Path) -> bool:
    """Whether the clips of a folder are of real people (else of speech alone)."""
    paths = clip_paths(folder)
    if not paths:
        return False
    with np.load(paths[0], allow_pickle=False) as data:
        return "expression" in data


def read_people(folder: Path, rights: Sequence[str] = SHIPPABLE) -> list[HeardPerson]:
    """The clips of a folder that have sound and whose rights are among those given.

    Raises DatasetError where features are missing.
    """
    people = []
    for path in clip_paths(folder):
        clip = load_person_clip(path)
        if clip.rights in rights and len(clip.samples):
            people.append(HeardPerson(clip, *read_features(features_path(path))))
    return people


def rests(people: Iterable[HeardPerson]) -> dict[str, Rest]:
    """Each speaker's rest, from all of their clips."""
    by_speaker: dict[str, list[HeardPerson]] = {}
    for person in people:
        by_speaker.setdefault(person.clip.speaker, []).append(person)
    return {speaker: _rest(clips) for speaker, clips in by_speaker.items()}


def _rest(people: Sequence[HeardPerson]) -> Rest:
    """Medians over the frames in which nobody speaks; over the most closed ones where none are."""
    frames = [min(len(p.speech), p.clip.frame_count) for p in people]
    parts = list(zip(people, frames, strict=True))
    expression = np.concatenate([p.clip.expression[:n] for p, n in parts])
    gap = np.concatenate([p.clip.lip_gap_mm[:n] for p, n in parts])
    seen = np.concatenate([p.clip.face_ok[:n] for p, n in parts])
    quiet = np.concatenate([_quiet(p.prosody[:n, 2]) for p, n in parts]) & seen
    if quiet.sum() < _LEAST_QUIET_FRAMES:
        opening = expression[:, EXPRESSION_NAMES.index("jawOpen")]
        quiet = opening <= np.quantile(opening, 0.1)
    gaps = gap[quiet & np.isfinite(gap)]
    rest_gap = float(np.clip(np.median(gaps), -1.0, _MOST_REST_GAP_MM)) if len(gaps) else 0.0
    return Rest(np.median(expression[quiet], 0).astype(np.float32), rest_gap)


def _quiet(level: FloatArray) -> npt.NDArray[np.bool_]:
    """(T,) frames that lie in at least 0.2 s of silence."""
    loud = level > _QUIET * np.quantile(level, 0.95)
    near = np.convolve(loud.astype(np.float32), np.ones(7), "same")
    quiet: npt.NDArray[np.bool_] = near < 0.5
    return quiet


def beyond_rest(
    expression: FloatArray, gap_mm: FloatArray, rest: Rest, lips: LipGeometry
) -> tuple[FloatArray, FloatArray]:
    """Expression (T, 52) in [0, 1] and lip opening (T,) in mm, measured from the mouth at rest.

    Where a unit falls below its rest it becomes 0. What that does to the opening of the lips is
    made up for by jawOpen and mouthClose, so that they open as far as they were seen to.
    """
    gap = gap_mm - rest.gap_mm + lips.rest_gap_mm
    moved = expression - rest.expression
    told = lips.opening_mm(torch.from_numpy(moved.astype(np.float32))).numpy()
    limited = np.clip(moved, 0.0, 1.0).astype(np.float32)
    shown = lips.opening_mm(torch.from_numpy(limited)).numpy()
    wanted = np.maximum(np.where(np.isfinite(gap), gap, told), 0.0)
    more = (wanted - shown) / float(lips.gap[_JAW])
    given_up = np.minimum(np.maximum(more, 0.0), limited[:, _CLOSE])
    limited[:, _CLOSE] += np.maximum(-more, 0.0) - given_up
    limited[:, _JAW] += np.maximum(more, 0.0) - given_up
    return np.clip(limited, 0.0, 1.0), gap.astype(np.float32)


def face_clip(person: HeardPerson, rest: Rest | None, lips: LipGeometry) -> FaceClip:
    """What the face is to learn from a clip.

    rest: the speaker's, taken off; None keeps the tracked expression whole.
    """
    clip = person.clip
    frames = min(len(person.speech), clip.frame_count)
    expression, gap = clip.expression[:frames], clip.lip_gap_mm[:frames]
    if rest is not None:
        expression, gap = beyond_rest(expression, gap, rest, lips)
    track = PhoneTrack(
        clip.phone_start_s,
        clip.phone_end_s,
        tuple(clip.phone.tolist()),
        np.full(len(clip.phone), -1),
    )
    return FaceClip(
        speech=person.speech[:frames],
        prosody=person.prosody[:frames],
        pose=clip.pose[:frames],
        expression=expression.astype(np.float32),
        identity=clip.identity,
        closed=closure_frames(track, frames, MODEL_RATE_HZ).astype(np.float32),
        opened=open_frames(track, frames, MODEL_RATE_HZ).astype(np.float32),
        silent=silent_frames(track, frames),
        style=clip.speaker,
        source=REAL,
        known=clip.known & _IN_MOUTH,
        tracked=clip.face_ok[:frames],
        gap_mm=gap.astype(np.float32),
        pose_known=clip.pose_ok[:frames],
        identity_known=bool(np.isfinite(clip.reprojection_px)),
    )


def mirrored(clip: FaceClip) -> FaceClip:
    """The same with left and right of the face and of the motion exchanged."""
    order = [EXPRESSION_NAMES.index(_other_side(name)) for name in EXPRESSION_NAMES]
    return replace(
        clip,
        pose=clip.pose * _MIRRORED_POSE,
        expression=clip.expression[:, order],
        known=None if clip.known is None else clip.known[order],
    )


def _other_side(name: str) -> str:
    for one, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(one):
            return name.removesuffix(one) + other
    return name


def time_warped(clip: FaceClip, speed: float) -> FaceClip:
    """Speech and face together `speed` times as fast, as if the sound had been stretched without a
    change of pitch."""
    count = len(clip.speech)
    at = np.arange(int((count - 1) / speed) + 1) * speed
    nearest = np.minimum(np.round(at).astype(np.int64), count - 1)

    def curve(values: npt.NDArray[Any]) -> FloatArray:
        columns = values.reshape(count, -1).T
        moved = [np.interp(at, np.arange(count), column) for column in columns]
        return np.stack(moved, 1).reshape(len(at), *values.shape[1:]).astype(np.float32)

    return replace(
        clip,
        speech=curve(clip.speech),
        prosody=curve(clip.prosody),
        pose=curve(clip.pose),
        expression=curve(clip.expression),
        closed=clip.closed[nearest],
        opened=clip.opened[nearest],
        silent=clip.silent[nearest],
        gap_mm=None if clip.gap_mm is None else curve(clip.gap_mm),
        tracked=None if clip.tracked is None else clip.tracked[nearest],
        pose_known=None if clip.pose_known is None else clip.pose_known[nearest],
    )


def varied(clips: Iterable[FaceClip], speeds: Sequence[float] = (0.88, 1.14)) -> list[FaceClip]:
    """Clips, and of each a mirrored copy and copies at other speeds, these mirrored in turn."""
    result: list[FaceClip] = []
    for number, clip in enumerate(clips):
        result += [clip, mirrored(clip)]
        for place, speed in enumerate(speeds):
            warped = time_warped(clip, speed)
            result.append(mirrored(warped) if (number + place) % 2 else warped)
    return result


def read_real_clips(
    folder: Path, lips: LipGeometry, rights: Sequence[str] = SHIPPABLE
) -> list[FaceClip]:
    """The clips of a folder, each less its speaker's rest.

    Raises DatasetError where features are missing or come from several extractors.
    """
    people = read_people(folder, rights)
    known = rests(people)
    if len({person.extractor for person in people}) > 1:
        raise DatasetError(
            f"The speech features in {folder.parent.name} come from unlike extractors.",
            "Write them again with `python -m rhetor.engine.dataset.features`.",
        )
    return [face_clip(person, known[person.clip.speaker], lips) for person in people]
