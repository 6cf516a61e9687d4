# SPDX-License-Identifier: GPL-3.0-or-later
"""How a dataset is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..protocol.errors import ConfigError
from .corpus import SPLITS
from .listing import Source

SPLIT_WAYS = ("time", "file", *SPLITS)


@dataclass(frozen=True)
class BuildSettings:
    """How to build a dataset.

    split: `time` holds out the last val_share of each recording, `file` whole recordings, `train`
    and `val` put everything there; where a list names a split, `time` and `file` keep it. gap_s:
    seconds left out between training and validation. min_clip_s, max_clip_s: shortest and longest
    clip. min_face_px: smallest face. max_error: largest median distance of fitted to tracked
    landmarks, as a share of the face's size. speaker, language, rights: for recordings that no
    list describes. only: patterns of paths to take. only_rights: take no others. mix_rights: allow
    recordings for research only beside others. fit_alone: fit each recording alone, because those
    of one speaker's name show several people. landmarker: a MediaPipe .task file to use instead of
    its built-in face mesh. pictures: draw sheets and plots.
    """

    split: str = "time"
    val_share: float = 0.15
    gap_s: float = 1.0
    min_clip_s: float = 1.0
    max_clip_s: float = 120.0
    min_face_px: float = 60.0
    max_error: float = 0.05
    speaker: str = ""
    language: str = ""
    rights: str = "own"
    only: tuple[str, ...] = ()
    only_rights: str = ""
    mix_rights: bool = False
    fit_alone: bool = False
    landmarker: str = ""
    pictures: bool = True

    def __post_init__(self) -> None:
        if self.split not in SPLIT_WAYS:
            raise ConfigError(f"There is no split {self.split!r}.", f"Use one of {SPLIT_WAYS}.")
        if not 0.0 <= self.val_share <= 0.9:
            raise ConfigError("The share to hold out has to be between 0 and 0.9.")
        if not 0.0 < self.min_clip_s < self.max_clip_s:
            raise ConfigError("The shortest clip has to be shorter than the longest.")


def with_splits(sources: Sequence[Source], settings: BuildSettings) -> list[Source]:
    """Each source with its split; empty where it is to be parted by time."""
    if settings.split in SPLITS:
        return [replace(source, split=settings.split) for source in sources]
    if settings.split == "time":
        return list(sources)
    free = [i for i, source in enumerate(sources) if not source.split]
    splits = dict(zip(free, file_splits(len(free), settings.val_share), strict=True))
    if free and settings.val_share and len(set(splits.values())) < 2:
        raise ConfigError(
            f"{len(free)} recordings cannot be parted by file.", "Use --split time, or more files."
        )
    return [replace(s, split=splits.get(i, s.split)) for i, s in enumerate(sources)]


def file_splits(count: int, val_share: float) -> list[str]:
    """The split of each of `count` recordings; those held out are spread over all of them, because
    neighbours are often of one session. One or two recordings are too few to hold one out."""
    held_out = round(count * val_share) if count > 2 else 0
    if count > 2 and val_share > 0:
        held_out = max(1, held_out)
    at = np.linspace(0, count - 1, 2 * held_out + 1)[1::2].round().astype(int).tolist()
    return ["val" if index in at else "train" for index in range(count)]
