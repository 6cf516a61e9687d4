# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's face as it travels to the engine: one mesh, what its shape keys move, landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ProtocolError, RigError
from .face_landmarks import FACE_LANDMARKS
from .frames import Array

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

STILL_SHARE = 1e-5
"""A vertex that a key moves by less than this share of the mesh's size stays where it is."""


@dataclass(frozen=True)
class FaceShape:
    """A mesh of V vertices with M shape keys, at rest, in any unit and any axes.

    vertices: (V, 3). triangles: (F, 3), counter-clockwise seen from outside. key_names: M names.
    Key m moves the vertices moved[starts[m]:starts[m + 1]] by `deltas` of the same rows (N, 3).
    landmarks: name in FACE_LANDMARKS -> (3,) place. Raises RigError where the mesh cannot be used.
    """

    vertices: FloatArray
    triangles: IntArray
    key_names: tuple[str, ...]
    starts: IntArray
    moved: IntArray
    deltas: FloatArray
    landmarks: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        count, entries = len(self.vertices), len(self.moved)
        consistent = (
            self.vertices.shape == (count, 3)
            and self.triangles.shape == (len(self.triangles), 3)
            and self.starts.shape == (len(self.key_names) + 1,)
            and self.deltas.shape == (entries, 3)
            and int(self.starts[0]) == 0
            and int(self.starts[-1]) == entries
            and bool((np.diff(self.starts) >= 0).all())
            and _are_indices(self.triangles, count)
            and _are_indices(self.moved, count)
            and all(np.shape(place) == (3,) for place in self.landmarks.values())
        )
        if not consistent:
            raise ProtocolError("The description of the face is inconsistent.")
        places = [self.vertices, self.deltas, *self.landmarks.values()]
        if not all(bool(np.isfinite(values).all()) for values in places):
            raise RigError(
                "The face mesh has places that are not numbers.", "Repair the mesh in Edit Mode."
            )
        if not len(self.triangles):
            raise RigError("The face mesh has no faces.", "Pick the mesh of the face.")
        unknown = sorted(set(self.landmarks) - set(FACE_LANDMARKS))
        if unknown:
            raise RigError(f"There is no landmark {unknown[0]!r}.", "Mark the landmarks again.")

    @staticmethod
    def of(
        vertices: npt.NDArray[Any],
        triangles: npt.NDArray[Any],
        key_names: Sequence[str],
        key_deltas: Sequence[npt.NDArray[Any]],
        landmarks: Mapping[str, npt.NDArray[Any]],
    ) -> FaceShape:
        """From the displacements (V, 3) of all vertices by each key on its own."""
        rest = np.asarray(vertices, np.float32)
        still = STILL_SHARE * float(np.ptp(rest, axis=0).max(initial=0.0))
        rows, deltas = [], []
        for dense in key_deltas:
            at = np.flatnonzero((np.abs(dense) > still).any(axis=1))
            rows.append(at)
            deltas.append(np.asarray(dense, np.float32)[at])
        return FaceShape(
            vertices=rest,
            triangles=np.asarray(triangles, np.int32),
            key_names=tuple(key_names),
            starts=np.cumsum([0, *map(len, rows)]).astype(np.int32),
            moved=np.concatenate([np.zeros(0, np.int32), *rows]).astype(np.int32),
            deltas=np.concatenate([np.zeros((0, 3), np.float32), *deltas]).astype(np.float32),
            landmarks={n: np.asarray(p, np.float32) for n, p in landmarks.items()},
        )

    def key(self, index: int) -> tuple[IntArray, FloatArray]:
        """The vertices (n,) that key `index` moves, and by how much (n, 3)."""
        rows = slice(int(self.starts[index]), int(self.starts[index + 1]))
        return self.moved[rows], self.deltas[rows]


def pack_face(face: FaceShape) -> tuple[dict[str, Any], dict[str, Array]]:
    """A face as parameters and arrays of a request."""
    params = {"key_names": list(face.key_names), "landmark_names": list(face.landmarks)}
    places = np.array(list(face.landmarks.values()), np.float32).reshape(-1, 3)
    arrays = {
        "vertices": face.vertices,
        "triangles": face.triangles,
        "starts": face.starts,
        "moved": face.moved,
        "deltas": face.deltas,
        "landmarks": places,
    }
    return params, arrays


def unpack_face(params: Mapping[str, Any], arrays: Mapping[str, Array]) -> FaceShape:
    """The face in a request. Raises ProtocolError where it is incomplete, RigError as FaceShape."""
    try:
        names = [str(name) for name in params["landmark_names"]]
        return FaceShape(
            vertices=arrays["vertices"].astype(np.float32),
            triangles=arrays["triangles"].astype(np.int32),
            key_names=tuple(str(name) for name in params["key_names"]),
            starts=arrays["starts"].astype(np.int32),
            moved=arrays["moved"].astype(np.int32),
            deltas=arrays["deltas"].astype(np.float32),
            landmarks=dict(zip(names, arrays["landmarks"].astype(np.float32), strict=True)),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ProtocolError(f"The description of the face is incomplete: {error!r}.") from error


def _are_indices(values: IntArray, count: int) -> bool:
    return not values.size or (int(values.min()) >= 0 and int(values.max()) < count)
