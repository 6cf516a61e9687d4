# SPDX-License-Identifier: GPL-3.0-or-later
"""Face landmarks of single pictures by MediaPipe, an optional package with its own model."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..protocol.errors import DatasetError
from ..protocol.take import FloatArray
from .landmark_track import LANDMARK_COUNT

MOST_FACES = 3
_TRACKED_HINT = "Landmarks tracked elsewhere are accepted as .npz."


@dataclass(frozen=True)
class Face:
    """points: (478, 3) px as in LandmarkTrack. scores: (52,) in [0, 1], or None."""

    points: FloatArray
    scores: FloatArray | None = None

    @property
    def centre(self) -> FloatArray:
        """(2,) px."""
        middle: FloatArray = self.points[:, :2].mean(axis=0)
        return middle

    @property
    def size(self) -> float:
        """Root of the area of the box around it, px."""
        sides = self.points[:, :2].max(axis=0) - self.points[:, :2].min(axis=0)
        return float(np.sqrt(np.prod(sides)))


class Landmarker(Protocol):
    """Finds the faces in the pictures of a film. name: of the model. score_names: its scores."""

    name: str
    score_names: tuple[str, ...]

    def find(self, image: npt.NDArray[np.uint8], time_s: float) -> list[Face]:
        """All faces of an RGB picture (H, W, 3); pictures come in order of time."""
        ...

    def restart(self) -> None:
        """The next picture is of another shot."""
        ...


def require_landmarker(task_file: str = "") -> None:
    """Raise DatasetError where MediaPipe is not installed or the .task file does not exist."""
    if task_file and not Path(task_file).is_file():
        raise DatasetError(f"There is no file {task_file}.", "Check --landmarker.")
    if importlib.util.find_spec("mediapipe") is not None:
        return
    if sys.version_info >= (3, 13):
        version = ".".join(map(str, sys.version_info[:2]))
        raise DatasetError(
            f"Tracking faces in films needs MediaPipe; there is none for Python {version}.",
            "Build the dataset with Python 3.11 or 3.12. " + _TRACKED_HINT,
        )
    raise DatasetError(
        "Tracking faces in films needs MediaPipe.",
        "Install it: pip install rhetor[video]. " + _TRACKED_HINT,
    )


def open_landmarker(task_file: str = "") -> Landmarker:
    """The face mesh in MediaPipe's own package, or a .task file of the face landmarker.

    Raises DatasetError where MediaPipe or the file is missing or does not work.
    """
    require_landmarker(task_file)
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import mediapipe
    except ImportError as error:
        raise DatasetError(
            f"MediaPipe cannot be loaded ({error}).", "Install it again: pip install rhetor[video]."
        ) from error
    if task_file:
        return _TaskLandmarker(mediapipe, task_file)
    if not hasattr(mediapipe, "solutions"):
        raise DatasetError(
            f"MediaPipe {mediapipe.__version__} does not carry a face model any more.",
            "Install mediapipe==0.10.21 (pip install rhetor[video]), or give a model with "
            "--landmarker FILE.task. " + _TRACKED_HINT,
        )
    return _MeshLandmarker(mediapipe)


class _MeshLandmarker:
    """The face mesh with irises. It has no scores of expression."""

    name = "face_mesh"
    score_names: tuple[str, ...] = ()

    def __init__(self, mediapipe: Any) -> None:
        self._mesh = mediapipe.solutions.face_mesh.FaceMesh(
            refine_landmarks=True, max_num_faces=MOST_FACES
        )

    def find(self, image: npt.NDArray[np.uint8], _time_s: float) -> list[Face]:
        result = self._mesh.process(image)
        return [Face(_pixels(f.landmark, image)) for f in result.multi_face_landmarks or ()]

    def restart(self) -> None:
        self._mesh.reset()


class _TaskLandmarker:
    """The face landmarker with scores.

    It is asked for several faces even where there is one: for a single one it smooths over time,
    which delays the lips.
    """

    def __init__(self, mediapipe: Any, task_file: str) -> None:
        self._mediapipe, self._task_file = mediapipe, task_file
        self.name = Path(task_file).stem
        self.score_names: tuple[str, ...] = ()
        self._landmarker: Any = None
        self.restart()

    def restart(self) -> None:
        vision = self._mediapipe.tasks.vision
        options = vision.FaceLandmarkerOptions(
            base_options=self._mediapipe.tasks.BaseOptions(model_asset_path=self._task_file),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=MOST_FACES,
            output_face_blendshapes=True,
        )
        if self._landmarker is not None:
            self._landmarker.close()
        try:
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise DatasetError(
                f"{Path(self._task_file).name} is no face landmarker ({error}).",
                "Give MediaPipe's face_landmarker_v2_with_blendshapes.task.",
            ) from error

    def find(self, image: npt.NDArray[np.uint8], time_s: float) -> list[Face]:
        picture = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image)
        )
        result = self._landmarker.detect_for_video(picture, round(time_s * 1000))
        faces = []
        for index, landmarks in enumerate(result.face_landmarks):
            scores = None
            if index < len(result.face_blendshapes):
                given = result.face_blendshapes[index]
                self.score_names = tuple(str(score.category_name) for score in given)
                scores = np.array([score.score for score in given], np.float32)
            faces.append(Face(_pixels(landmarks, image), scores))
        return faces


def _pixels(landmarks: Sequence[Any], image: npt.NDArray[np.uint8]) -> FloatArray:
    """MediaPipe counts in widths and heights of the picture, depth in widths."""
    height, width = image.shape[:2]
    points = np.array([(p.x * width, p.y * height, p.z * width) for p in landmarks], np.float32)
    if len(points) != LANDMARK_COUNT:
        raise DatasetError(
            f"The face model gives {len(points)} landmarks, not {LANDMARK_COUNT}.",
            "Use MediaPipe's face mesh with irises.",
        )
    return points
