# SPDX-License-Identifier: GPL-3.0-or-later
"""The vertices of the head that faces are compared at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..head.model import HeadModel
from ..protocol.take import FloatArray

_EACH_UPPER, _EACH_LOWER = 8, 6
"""Every which vertex of the larger regions is compared; neighbours move alike."""


@dataclass(frozen=True)
class FaceGeometry:
    """Displacements in mm from the neutral face, head pose removed, at the mean identity.

    head: whose shapes they are. rows: (V,) vertices of the face part. lips, upper: which of the V
    belong to the lips and to the upper face. basis: (keys, V · 3) displacement at weight 1. gap:
    (keys,) opening of the lips at weight 1, rest_gap_mm that of the neutral face.
    """

    head: HeadModel
    rows: npt.NDArray[np.int32]
    lips: npt.NDArray[np.bool_]
    upper: npt.NDArray[np.bool_]
    basis: FloatArray
    gap: FloatArray
    rest_gap_mm: float

    @staticmethod
    def of(head: HeadModel) -> FaceGeometry:
        """Choose the vertices of a head."""
        lips = np.unique(head.landmarks["lips"])
        upper = np.unique(head.landmarks["upper_face"])[::_EACH_UPPER]
        lower = np.unique(head.landmarks["lower_face"])[::_EACH_LOWER]
        rows = np.unique(np.concatenate([lips, upper, lower]))
        shapes = head.face.shapes
        assert shapes is not None  # the face part always has its expression keys
        dense = shapes.dense(rows)
        sides = [
            shapes.dense(head.landmarks[f"lip_inner_{side}_middle"])[:, :, 2].mean(1)
            for side in ("upper", "lower")
        ]
        return FaceGeometry(
            head,
            rows,
            np.isin(rows, lips),
            np.isin(rows, upper),
            np.ascontiguousarray(dense.reshape(len(dense), -1), dtype=np.float32),
            (sides[0] - sides[1]).astype(np.float32),
            float(head.lip_gap_mm()),
        )

    def displacement_mm(self, expression: FloatArray) -> FloatArray:
        """(T, V, 3) for expressions (T, 52), correctives included."""
        moved = self._keys(expression) @ self.basis
        return np.asarray(moved.reshape(len(expression), len(self.rows), 3))

    def lip_gap_mm(self, expression: FloatArray) -> FloatArray:
        """(T,) opening between the middles of the inner lips."""
        return np.asarray(self._keys(expression) @ self.gap + np.float32(self.rest_gap_mm))

    def _keys(self, expression: FloatArray) -> FloatArray:
        """(T, keys) weights, correctives included."""
        weights = self.head.key_weights(expression)
        values = np.stack([weights[key] for key in self.head.face.keys], axis=-1)
        return np.asarray(values, dtype=np.float32)
