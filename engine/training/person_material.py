# SPDX-License-Identifier: GPL-3.0-or-later
"""One person's recordings, parted into what a style learns from and what it is judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..audio.decode import SAMPLE_RATE_HZ
from ..dataset.person_clip import RIGHTS, PersonClip
from ..dataset.real_faces import HeardPerson, read_people
from ..protocol.errors import DatasetError
from ..protocol.take import MODEL_RATE_HZ, FloatArray

HELD_OUT_SHARE = 0.15
"""Of the recordings, where the dataset itself holds nothing out."""

LITTLE_S = 30.0
"""Less than this is told to be little."""

_LEAST_PART_S = 3.0
_GAP_S = 1.0
_WELL_SEEN = 0.85


@dataclass(frozen=True)
class PersonMaterial:
    """What there is of one person. warnings: what may make the style poor, one sentence each."""

    train: tuple[HeardPerson, ...]
    held_out: tuple[HeardPerson, ...]
    warnings: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """How much there is to learn from."""
        return _seconds(self.train)

    @property
    def held_out_seconds(self) -> float:
        """How much it is judged on."""
        return _seconds(self.held_out)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(dict.fromkeys(p.clip.speaker for p in (*self.train, *self.held_out)))

    @property
    def rights(self) -> tuple[str, ...]:
        """Those of the recordings."""
        found = {p.clip.rights for p in (*self.train, *self.held_out)}
        return tuple(r for r in RIGHTS if r in found)

    @property
    def extractor(self) -> str:
        """The speech features' id."""
        return self.train[0].extractor

    def identity(self) -> FloatArray:
        """(50,) mean of the fitted shapes in standard deviations, longer clips counting more."""
        shapes = np.array([p.clip.identity for p in self.train], dtype=np.float64)
        lengths = np.array([p.clip.frame_count for p in self.train], dtype=np.float64)
        mean: FloatArray = (lengths @ shapes / lengths.sum()).astype(np.float32)
        return mean


def read_person(dataset: Path) -> PersonMaterial:
    """Read a folder that `rhetor dataset build` made of one person's recordings.

    Where it holds nothing out, whole clips are, or the end of the only one. Raises DatasetError
    where there is no clip with sound, or the features come from several extractors.
    """
    train, held_out = (_read(dataset / split) for split in ("train", "val"))
    if not train:
        train, held_out = held_out, []
    if not train:
        raise DatasetError(
            f"There are no clips with sound in {dataset}.",
            "Make them from videos with `rhetor dataset build VIDEO... -o DIR`.",
        )
    if len({p.extractor for p in (*train, *held_out)}) > 1:
        raise DatasetError(
            f"The speech features in {dataset} come from unlike extractors.",
            "Build the dataset again with `rhetor dataset build`.",
        )
    if not held_out:
        train, held_out = _parted(train)
    material = PersonMaterial(tuple(train), tuple(held_out), ())
    return replace(material, warnings=tuple(_warnings(material)))


def _read(folder: Path) -> list[HeardPerson]:
    return read_people(folder, RIGHTS) if folder.is_dir() else []


def _parted(clips: Sequence[HeardPerson]) -> tuple[list[HeardPerson], list[HeardPerson]]:
    """Hold out the last clips, or the end of the only one; nothing where there is too little."""
    wanted_s = max(_LEAST_PART_S, HELD_OUT_SHARE * _seconds(clips))
    for count in range(1, len(clips)):
        held_out = list(clips[-count:])
        if _seconds(held_out) >= wanted_s:
            return list(clips[:-count]), held_out
    last, frames = clips[-1], clips[-1].clip.frame_count
    split = frames - round(wanted_s * MODEL_RATE_HZ)
    gap = round(_GAP_S * MODEL_RATE_HZ)
    if len(clips) > 1 or split - gap < round(_LEAST_PART_S * MODEL_RATE_HZ):
        return list(clips), []
    return [part_of(last, 0, split - gap)], [part_of(last, split, frames)]


def part_of(person: HeardPerson, first: int, last: int) -> HeardPerson:
    """Frames first to last (not included) of a clip."""
    clip, frames = person.clip, slice(first, last)
    begin_s = first / MODEL_RATE_HZ
    sound = slice(*(round(f / MODEL_RATE_HZ * SAMPLE_RATE_HZ) for f in (first, last)))
    spoken = (clip.phone_end_s > begin_s) & (clip.phone_start_s < last / MODEL_RATE_HZ)
    part = replace(
        clip,
        samples=clip.samples[sound],
        **{n: getattr(clip, n)[frames] for n in ("pose", "expression", "pose_ok", "face_ok")},
        lip_gap_mm=clip.lip_gap_mm[frames],
        phone=clip.phone[spoken],
        phone_start_s=(clip.phone_start_s[spoken] - begin_s).astype(np.float32),
        phone_end_s=(clip.phone_end_s[spoken] - begin_s).astype(np.float32),
    )
    return replace(person, clip=part, speech=person.speech[frames], prosody=person.prosody[frames])


def _warnings(material: PersonMaterial) -> list[str]:
    found = []
    if material.seconds < LITTLE_S:
        found.append(
            f"There are only {material.seconds:.0f} s to learn from. A minute or more of speech "
            "gives a style that is much more like the person."
        )
    if len(material.speakers) > 1:
        found.append(
            f"Several people speak ({', '.join(material.speakers)}): the style will be a mixture."
        )
    clips = [p.clip for p in (*material.train, *material.held_out)]
    for name, part in (("pose_ok", "head"), ("face_ok", "face")):
        share = _share_seen(clips, name)
        if share < _WELL_SEEN:
            found.append(
                f"The {part} was followed in only {share:.0%} of the frames: look at the pictures "
                "in the dataset's folder."
            )
    if not material.held_out:
        found.append("There is too little to hold anything out: the style is not judged.")
    return found


def _share_seen(clips: Sequence[PersonClip], name: str) -> float:
    return float(np.concatenate([getattr(clip, name) for clip in clips]).mean())


def _seconds(people: Sequence[HeardPerson]) -> float:
    return sum(p.clip.frame_count for p in people) / MODEL_RATE_HZ
