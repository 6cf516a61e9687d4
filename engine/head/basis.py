# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear shape modes, stored sparsely as 16-bit integers with one scale per mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..protocol.errors import HeadError
from ..protocol.take import FloatArray

_LARGEST_CODE = 32767


@dataclass(frozen=True)
class Basis:
    """K modes over V vertices; codes[starts[k]:starts[k + 1]] belong to mode k.

    codes: (N, 3) int16. vertices: (N,) uint16, the vertex of each code, or (N / K,) where all
    modes move the same vertices. starts: (K + 1,) int32. scale: (K,) float32, mm per code. The
    stored deltas differ from the true ones by at most scale / 2.
    """

    vertex_count: int
    codes: npt.NDArray[np.int16]
    vertices: npt.NDArray[np.uint16]
    starts: npt.NDArray[np.int32]
    scale: FloatArray

    def __post_init__(self) -> None:
        rows, entries = len(self.scale), len(self.codes)
        consistent = (
            self.codes.shape == (entries, 3)
            and len(self.vertices) in (entries, entries // max(rows, 1))
            and self.starts.shape == (rows + 1,)
            and int(self.starts[0]) == 0
            and int(self.starts[-1]) == entries
            and bool((np.diff(self.starts) >= 0).all())
            and (entries == 0 or int(self.vertices.max()) < self.vertex_count)
            and bool(np.isfinite(self.scale).all())
        )
        if not consistent:
            raise HeadError("The shape modes of the head model are inconsistent.")

    @staticmethod
    def from_dense(
        modes: npt.NDArray[Any], *, still_mm: float = 0.004, same_vertices: bool = False
    ) -> Basis:
        """Quantise dense (K, V, 3) modes in mm; deltas shorter than still_mm are dropped.

        same_vertices: keep a vertex in all modes if any moves it, which is smaller for modes that
        move nearly everything.
        """
        modes = np.asarray(modes, np.float64)
        moving = np.linalg.norm(modes, axis=2) > still_mm
        if same_vertices:
            moving[:] = moving.any(0)
        peak = np.abs(np.where(moving[..., None], modes, 0.0)).reshape(len(modes), -1).max(1)
        scale = np.where(peak > 0.0, peak / _LARGEST_CODE, 1.0).astype(np.float32)
        codes = [np.round(m[at] / step) for m, at, step in zip(modes, moving, scale, strict=True)]
        rows = moving[:1] if same_vertices else moving
        return Basis(
            vertex_count=modes.shape[1],
            codes=np.concatenate(codes).clip(-_LARGEST_CODE, _LARGEST_CODE).astype(np.int16),
            vertices=np.nonzero(rows)[1].astype(np.uint16),
            starts=np.cumsum([0, *moving.sum(1)]).astype(np.int32),
            scale=scale,
        )

    def __len__(self) -> int:
        return len(self.scale)

    def mode(self, index: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """The vertices (n,) that mode `index` moves, and their deltas (n, 3) in mm."""
        part = slice(int(self.starts[index]), int(self.starts[index + 1]))
        deltas = self.codes[part] * self.scale[index]
        shared = len(self.vertices) < len(self.codes)
        moved = self.vertices if shared else self.vertices[part]
        return moved.astype(np.int64), deltas.astype(np.float32)

    def dense(self, vertices: npt.NDArray[Any] | None = None) -> FloatArray:
        """(K, V, 3) deltas in mm, or (K, n, 3) for the given vertices only."""
        modes = np.zeros((len(self), self.vertex_count, 3), np.float32)
        for index in range(len(self)):
            moved, deltas = self.mode(index)
            modes[index, moved] = deltas
        return modes if vertices is None else np.ascontiguousarray(modes[:, vertices])

    def combine(self, weights: npt.NDArray[Any]) -> FloatArray:
        """(V, 3) sum of the modes weighted by (K,) weights, in mm."""
        total = np.zeros((self.vertex_count, 3), np.float32)
        if len(self.vertices) < len(self.codes):  # the same vertices in all modes
            factors = np.asarray(weights, np.float32) * self.scale
            total[self.vertices] = (factors @ self.codes.reshape(len(self), -1)).reshape(-1, 3)
            return total
        for index in np.flatnonzero(weights):
            moved, deltas = self.mode(int(index))
            total[moved] += np.float32(weights[index]) * deltas
        return total
