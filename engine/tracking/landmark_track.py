# SPDX-License-Identifier: GPL-3.0-or-later
"""Face landmarks of one shot, frame by frame, as a tracker found them in the image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..protocol.errors import DatasetError
from ..protocol.files import UNREADABLE_NPZ
from ..protocol.take import FloatArray

LANDMARK_COUNT = 478
"""Points of the dense face mesh: 468 of the face, then five of each iris."""


@dataclass(frozen=True)
class LandmarkTrack:
    """T frames of N landmarks.

    points: (T, N, 3) float32 pixels, x to the image's right, y down, z away from the camera in the
    same unit and relative to the head. index: (N,) which of the 478 points the columns are. ok:
    (T,) whether the face was found. fps: frames per second; frame i is at i / fps seconds. size:
    (width, height) of the image in pixels. scores: (T, 52) the tracker's own guess of the
    expression in [0, 1], named by score_names; None where it made none.
    """

    points: FloatArray
    index: npt.NDArray[np.int32]
    ok: npt.NDArray[np.bool_]
    fps: float
    size: tuple[int, int]
    scores: FloatArray | None = None
    score_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frames, count = self.points.shape[:2]
        fits = self.points.shape == (frames, count, 3) and self.index.shape == (count,)
        if not fits or self.ok.shape != (frames,) or frames == 0:
            raise DatasetError(
                f"The landmark track is inconsistent: points {self.points.shape}, "
                f"index {self.index.shape}, ok {self.ok.shape}."
            )
        if not np.isfinite(self.fps) or self.fps <= 0:
            raise DatasetError("The landmark track has no frame rate.")
        if not np.isfinite(self.points[self.ok]).all():
            raise DatasetError("The landmark track holds numbers that are not finite.")


def load_landmark_track(path: Path) -> LandmarkTrack:
    """Read a track from .npz: `landmarks`, `ok`, `fps`, `size`; `idx` names the points where they
    are fewer than 478, `blendshapes` with `names` are the tracker's scores.

    Raises DatasetError where the file is missing, damaged or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            points = data["landmarks"].astype(np.float32)
            index = data["idx"] if "idx" in data else np.arange(points.shape[1])
            named = "blendshapes" in data and "names" in data
            width, height = (int(side) for side in data["size"])
            return LandmarkTrack(
                points=points,
                index=index.astype(np.int32),
                ok=data["ok"].astype(bool),
                fps=float(data["fps"]),
                size=(width, height),
                scores=data["blendshapes"].astype(np.float32) if named else None,
                score_names=tuple(str(name) for name in data["names"]) if named else (),
            )
    except UNREADABLE_NPZ as error:
        raise DatasetError(
            f"{path.name} is no file of face landmarks ({error}).",
            "Give a video, or landmarks as .npz with the arrays landmarks, ok, fps and size.",
        ) from error


def save_landmark_track(path: Path, track: LandmarkTrack) -> None:
    """Write a track in one step, never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "landmarks": track.points,
        "idx": track.index,
        "ok": track.ok,
        "fps": np.array(track.fps),
        "size": np.array(track.size),
    }
    if track.scores is not None:
        arrays |= {"blendshapes": track.scores, "names": np.array(track.score_names)}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, **arrays)
    partial.replace(path)
