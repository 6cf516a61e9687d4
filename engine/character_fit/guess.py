# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the landmarks of a face by itself: take pictures of the mesh, let MediaPipe look at them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..protocol.errors import DatasetError, RigError
from ..protocol.face_landmarks import FACE_LANDMARKS, mirrored
from ..protocol.face_shape import FaceShape
from ..stages import ProgressCallback
from ..tracking.landmarker import Landmarker, open_landmarker
from .picture import Picture, take_picture
from .reference import FACE_MESH_POINTS
from .surface import Points, Surface

Window = tuple[Points, Points]
"""Lower and upper corner (2,) of what is shown, x and z of the view."""

_SEARCH_PIXELS = 320
_PIXELS = 640
_STAGE = "Looking for the face"
_MOVED_SHARE = 0.3
"""A vertex that moves so much as the one that moves most counts as part of the face."""
_CLOSE_UP = 2.6
"""Side of the second picture, in sizes of what was found in the first."""
_QUARTERS = (0.0, 0.5, -0.5, 1.0)
_LIGHTS = ((0.45, -0.75, 0.5), (-0.45, -0.75, 0.5), (0.0, -0.8, 0.6))
_NAMES = tuple(FACE_LANDMARKS)
_OTHER_SIDE = [_NAMES.index(mirrored(name)) for name in _NAMES]


def guess_landmarks(
    face: FaceShape, progress: ProgressCallback = lambda _share, _stage: None
) -> dict[str, npt.NDArray[np.float32]]:
    """Name -> (3,) place on the mesh of all landmarks. The face is upright, its keys at rest.

    Raises RigError where it sees no face, or MediaPipe is not there.
    """
    landmarker = _open()
    surface = Surface(face.vertices.astype(np.float64), face.triangles.astype(np.int64))
    looks = list(_looks(face, surface))
    for number, (view, window) in enumerate(looks):
        progress(number / len(looks), _STAGE)
        found = _look(landmarker, surface, view, window, _SEARCH_PIXELS)
        if found is None:
            continue
        found = _look(landmarker, surface, view, _around(*found), _PIXELS) or found
        places = _on_mesh(surface, *found)
        if places is not None:
            return places
    raise RigError("No face was recognized on this mesh.", "Mark the landmarks yourself.")


def _open() -> Landmarker:
    try:
        return open_landmarker()
    except DatasetError as error:
        raise RigError(
            "Landmarks are guessed with MediaPipe, which this engine does not have.",
            "Mark the landmarks yourself, or install the engine with what New Style needs.",
        ) from error


def _looks(face: FaceShape, surface: Surface) -> Iterator[tuple[Points, Window]]:
    """Views and windows to try: where keys move the mesh, its top, all of it."""
    moved, used = _most_moved(face), np.unique(surface.triangles)
    for quarter in _QUARTERS:
        cos, sin = np.cos(np.pi * quarter), np.sin(np.pi * quarter)
        view = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        plane = (surface.points @ view.T)[:, [0, 2]]
        if len(moved):
            yield view, _square(plane[moved], 1.5)
        shown = plane[used]
        high, low = shown[:, 1].max(), shown[:, 1].min()
        yield view, _square(shown[shown[:, 1] > high - 0.16 * (high - low)], 1.3)
        yield view, _square(shown, 1.1)


def _most_moved(face: FaceShape) -> npt.NDArray[np.int64]:
    """Vertices that some key moves about as much as it moves any."""
    marked = np.zeros(len(face.vertices), bool)
    for index in range(len(face.key_names)):
        moved, deltas = face.key(index)
        size = np.linalg.norm(deltas, axis=1)
        marked[moved[size > _MOVED_SHARE * size.max(initial=0.0)]] = True
    return np.flatnonzero(marked)


def _square(plane: Points, margin: float) -> Window:
    """Corners of a square around points (n, 2)."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    half = 0.5 * margin * float((high - low).max())
    middle = 0.5 * (low + high)
    return middle - half, middle + half


def _look(
    landmarker: Landmarker,
    surface: Surface,
    view: Points,
    window: Window,
    pixels: int,
) -> tuple[Picture, Points] | None:
    """A picture and the pixels (L, 2) of the landmarks in it, or None where no face is seen.

    Several lights and the mirror image are looked at: what leans to one side cancels.
    """
    low, high = window
    picture = take_picture(surface, view, low, high, float((high - low).max()) / pixels)
    seen = []
    for light_from in _LIGHTS:
        image = picture.shaded(surface, view, light_from)
        for is_mirrored in (False, True):
            landmarker.restart()
            faces = landmarker.find(
                np.ascontiguousarray(image[:, ::-1]) if is_mirrored else image, 0.0
            )
            if not faces:
                return None
            points = max(faces, key=lambda face: face.size).points[:, :2]
            marks = np.stack([points[list(FACE_MESH_POINTS[n])].mean(axis=0) for n in _NAMES])
            if is_mirrored:
                marks = marks[_OTHER_SIDE] * [-1.0, 1.0] + [image.shape[1] - 1.0, 0.0]
            seen.append(marks)
    middle: Points = np.median(seen, axis=0)
    return picture, middle


def _around(picture: Picture, marks: Points) -> Window:
    """Corners (2,) of a close-up of marks (L, 2)."""
    plane = picture.corner + np.array([1.0, -1.0]) * marks * picture.pixel
    return _square(plane, _CLOSE_UP)


def _on_mesh(
    surface: Surface, picture: Picture, marks: Points
) -> dict[str, npt.NDArray[np.float32]] | None:
    """The landmarks where the picture shows the mesh; None where one lies beside it."""
    places = {}
    for name, (column, row) in zip(_NAMES, marks, strict=True):
        place = picture.place(surface, column, row)
        if place is None:
            return None
        places[name] = place.astype(np.float32)
    return places
