# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips of real people: their voice, their head's motion, their face, on the default head.

On disk: FOLDER/{train,val}/NAME.npz, one clip each, beside NAME.features.npz (see `features`).
`rhetor dataset build` makes them from videos and from tracked landmarks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..head.channels import EXPRESSION_NAMES, HEAD_MODEL_ID, IDENTITY_SIZE
from ..protocol.errors import DatasetError
from ..protocol.files import UNREADABLE_NPZ
from ..protocol.take import POSE_CHANNELS, FloatArray
from .corpus import clip_paths

RIGHTS = ("open", "research", "own")
"""May be trained on for weights that are given away; only for evaluation; the user's own."""


@dataclass(frozen=True)
class PersonClip:
    """T frames at 30 fps (MODEL_RATE_HZ); sound and picture are in step.

    samples: (S,) int16 mono at 16 kHz, empty where there is no sound. pose: (T, 6) rad and mm in
    face space, about the person's own mean place. expression: (T, 52) weights in [0, 1]. identity:
    (50,) standard deviations. pose_ok, face_ok: (T,) whether the tracking saw the head and the
    face; where not, the values are interpolated. known: (52,) the expression channels that the
    tracking can tell at all. lip_gap_mm: (T,) opening of the inner lips, measured on the landmarks
    themselves; NaN where they were not seen. phone_start_s, phone_end_s, phone: (P,) as in
    `corpus.SpokenClip`, empty where the text is not known. speaker, language, source: names.
    rights: one of RIGHTS. offset_frames: by how many frames of the source its sound was moved.
    reprojection_px: median distance of fitted to tracked landmarks; NaN without landmarks.
    """

    samples: npt.NDArray[np.int16]
    pose: FloatArray
    expression: FloatArray
    identity: FloatArray
    pose_ok: npt.NDArray[np.bool_]
    face_ok: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]
    lip_gap_mm: FloatArray
    phone_start_s: FloatArray
    phone_end_s: FloatArray
    phone: npt.NDArray[np.str_]
    speaker: str
    language: str
    source: str
    rights: str
    offset_frames: float
    reprojection_px: float

    def __post_init__(self) -> None:
        frames = len(self.pose)
        shapes = {
            "pose": (frames, len(POSE_CHANNELS)),
            "expression": (frames, len(EXPRESSION_NAMES)),
            "identity": (IDENTITY_SIZE,),
            "pose_ok": (frames,),
            "face_ok": (frames,),
            "known": (len(EXPRESSION_NAMES),),
            "lip_gap_mm": (frames,),
        }
        wrong = [name for name, shape in shapes.items() if getattr(self, name).shape != shape]
        if wrong or frames == 0:
            raise DatasetError(f"The clip {self.source} has arrays that do not fit: {wrong}.")
        if self.rights not in RIGHTS:
            raise DatasetError(
                f"The clip {self.source} has rights {self.rights!r}.",
                f"Use one of {', '.join(RIGHTS)}.",
            )
        if not (np.isfinite(self.pose).all() and np.isfinite(self.expression).all()):
            raise DatasetError(f"The clip {self.source} holds numbers that are not finite.")

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.pose)


def save_person_clip(path: Path, clip: PersonClip) -> None:
    """Write a clip in one step, never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {f.name: np.asarray(getattr(clip, f.name)) for f in fields(clip)}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, head_model=np.str_(HEAD_MODEL_ID), **values)
    partial.replace(path)


def load_person_clip(path: Path) -> PersonClip:
    """Read a clip. Raises DatasetError where it is missing, damaged or made for another head."""
    try:
        with np.load(path, allow_pickle=False) as data:
            head_model = str(data["head_model"])
            values = {f.name: data[f.name] for f in fields(PersonClip)}
    except UNREADABLE_NPZ as error:
        raise DatasetError(
            f"The clip {path.name} cannot be read ({error}).",
            "Build the dataset again with `rhetor dataset build`.",
        ) from error
    if head_model != HEAD_MODEL_ID:
        raise DatasetError(
            f"The clip {path.name} was made for the head {head_model!r}, not {HEAD_MODEL_ID!r}.",
            "Build the dataset again with `rhetor dataset build`.",
        )
    for name in ("speaker", "language", "source", "rights"):
        values[name] = str(values[name])
    for name in ("offset_frames", "reprojection_px"):
        values[name] = float(values[name])
    return PersonClip(**values)


def iterate_person_clips(folder: Path) -> Iterator[tuple[Path, PersonClip]]:
    """All clips directly in a folder in order of name, with their paths."""
    for path in clip_paths(folder):
        yield path, load_person_clip(path)
