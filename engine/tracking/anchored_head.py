# SPDX-License-Identifier: GPL-3.0-or-later
"""The default head, only where the landmarks of one track lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..head.model import HeadModel
from .anchors import FACE_POINTS, LandmarkAnchors
from .landmark_track import LandmarkTrack

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class AnchoredHead:
    """n face landmarks of a track on the head.

    columns: (n,) their columns in the track. numbers: (n,) which of the 468 they are. neutral:
    (n, 3) mm. identity: (50, n, 3) mm per standard deviation. keys: (K, n, 3) mm, rows as the
    names of the head's face keys. weight: (n,) trust.
    """

    head: HeadModel
    columns: Rows
    numbers: Rows
    neutral: Array
    identity: Array
    keys: Array
    weight: Array
    anchors: LandmarkAnchors

    @staticmethod
    def of(track: LandmarkTrack, head: HeadModel, anchors: LandmarkAnchors) -> AnchoredHead:
        """The head at the landmarks that the track has; iris points are left out."""
        columns = np.flatnonzero(track.index < FACE_POINTS)
        numbers = track.index[columns].astype(np.int64)
        face = head.face
        assert face.identity is not None and face.shapes is not None
        return AnchoredHead(
            head=head,
            columns=columns,
            numbers=numbers,
            neutral=anchors.on_vertices(face.neutral)[numbers].astype(np.float64),
            identity=anchors.on_basis(face.identity)[:, numbers].astype(np.float64),
            keys=anchors.on_basis(face.shapes)[:, numbers].astype(np.float64),
            weight=anchors.weight[numbers].astype(np.float64),
            anchors=anchors,
        )

    def shape(self, identity: npt.NDArray[Any]) -> Array:
        """(n, 3) mm of the face at rest for an identity (50,)."""
        shape: Array = self.neutral + np.tensordot(identity, self.identity, 1)
        return shape

    def moves(self, expression: npt.NDArray[Any]) -> Array:
        """(T, n, 3) mm by which expressions (T, 52) move the landmarks."""
        weights = self.head.key_weights(np.asarray(expression, np.float64))
        values = np.stack([weights[key] for key in self.head.face.keys], axis=-1)
        count = len(self.numbers)
        moved: Array = values @ self.keys.reshape(len(self.keys), -1)
        return moved.reshape(-1, count, 3)

    def rows(self, *sets: str) -> Rows:
        """Which of the n landmarks belong to any of the anchors' sets."""
        members = np.concatenate([self.anchors.sets[name] for name in sets])
        return np.flatnonzero(np.isin(self.numbers, members))
