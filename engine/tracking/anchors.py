# SPDX-License-Identifier: GPL-3.0-or-later
"""Anchors: where on the default head each landmark of the tracker lies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..head.model import DEFAULT_HEAD_PATH, HeadModel
from ..protocol.errors import HeadError
from ..protocol.files import UNREADABLE_NPZ
from ..protocol.take import FloatArray

DEFAULT_ANCHORS_PATH = DEFAULT_HEAD_PATH.parent / "landmark_anchors.npz"
FACE_POINTS = 468
"""Landmarks on the skin; the ten behind them are the irises."""

SETS = ("rigid", "lips_inner", "lips_outer", "lids", "brows", "contour")
_SAME_MM = 0.1
"""Heads built on other machines may differ in the last digits."""
_REBUILD = "Build the anchors again with `python -m rhetor.engine.tracking.anchor_registration`."


@dataclass(frozen=True)
class LandmarkAnchors:
    """Barycentric anchors of the 468 face landmarks on the head's face part.

    vertices: (468, 3) int32 corners of the triangle that holds each landmark. barycentric:
    (468, 3) float32, rows sum to 1. weight: (468,) trust in [0, 1]; points of the outline slide
    along it as the head turns and weigh little. sets: name of SETS -> landmark numbers.
    """

    vertices: npt.NDArray[np.int32]
    barycentric: FloatArray
    weight: FloatArray
    sets: Mapping[str, npt.NDArray[np.int32]]

    def on_vertices(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(..., 468, 3) values at the anchors, for values (..., V, 3) at the vertices."""
        parts = [
            values[..., self.vertices[:, k], :] * self.barycentric[:, k, None] for k in (0, 1, 2)
        ]
        placed: npt.NDArray[Any] = parts[0] + parts[1] + parts[2]
        return placed

    def on_basis(self, basis: Any) -> FloatArray:
        """(K, 468, 3) modes of a `Basis` at the anchors, in mm."""
        used, places = np.unique(self.vertices, return_inverse=True)
        rows = basis.dense(used)
        places = places.reshape(self.vertices.shape)
        total = sum(rows[:, places[:, k]] * self.barycentric[:, k, None] for k in (0, 1, 2))
        return np.asarray(total, np.float32)


def head_fingerprint(head: HeadModel) -> str:
    """Identity of a head's channels and of the polygons of its face."""
    digest = hashlib.sha256(head.id.encode())
    digest.update(np.ascontiguousarray(head.face.corners, np.int32).tobytes())
    return digest.hexdigest()[:16]


def load_anchors(head: HeadModel, path: Path = DEFAULT_ANCHORS_PATH) -> LandmarkAnchors:
    """Read the anchors. Raises HeadError where they are missing, damaged or of another head."""
    try:
        with np.load(path, allow_pickle=False) as data:
            made_for = str(data["head"])
            places = data["places"].astype(np.float32)
            anchors = LandmarkAnchors(
                vertices=data["vertices"].astype(np.int32),
                barycentric=data["barycentric"].astype(np.float32),
                weight=data["weight"].astype(np.float32),
                sets={name: data[f"set_{name}"].astype(np.int32) for name in SETS},
            )
    except UNREADABLE_NPZ as error:
        raise HeadError(
            f"The landmark anchors {path.name} cannot be read ({error}).", _REBUILD
        ) from error
    shape = (FACE_POINTS, 3)
    if anchors.vertices.shape != shape or anchors.barycentric.shape != shape:
        raise HeadError("The landmark anchors are incomplete.", _REBUILD)
    if made_for != head_fingerprint(head):
        raise HeadError("The landmark anchors were made for another head.", _REBUILD)
    if np.abs(anchors.on_vertices(head.face.neutral) - places).max() > _SAME_MM:
        raise HeadError(
            "The head's shape has changed since the landmark anchors were made.", _REBUILD
        )
    return anchors


def save_anchors(path: Path, anchors: LandmarkAnchors, head: HeadModel, provenance: str) -> None:
    """Write the anchors for this head in one step."""
    arrays: dict[str, Any] = {f"set_{name}": anchors.sets[name].astype(np.int16) for name in SETS}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(
            file,
            vertices=anchors.vertices.astype(np.uint16),
            barycentric=anchors.barycentric,
            weight=anchors.weight,
            head=np.str_(head_fingerprint(head)),
            places=anchors.on_vertices(head.face.neutral).astype(np.float32),
            provenance=np.str_(provenance),
            **arrays,
        )
    partial.replace(path)
