# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of a head: meshes, corrective shapes, eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..protocol.errors import HeadError
from ..protocol.take import FloatArray
from .basis import Basis

IntArray = npt.NDArray[np.int32]

PART_KINDS = ("face", "eye", "hair", "clothing")
BONES = ("root", "neck", "head")


@dataclass(frozen=True)
class Corrective:
    """A shape that follows from expression weights, to be driven in Blender.

    kind "product": the product of weight ** power over terms (expression name, power).
    kind "bump": 4 w (1 - w) of its only term, so that it is 0 at both ends and 1 in the middle.
    """

    name: str
    kind: str
    terms: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        if self.kind not in ("product", "bump") or not self.terms:
            raise HeadError(f"The corrective {self.name} has the unknown kind {self.kind!r}.")

    def value(self, weights: Mapping[str, Any]) -> Any:
        """Its weight; `weights` maps expression names to numbers or to arrays of equal shape."""
        if self.kind == "bump":
            weight = weights[self.terms[0][0]]
            return 4.0 * weight * (1.0 - weight)
        value: Any = 1.0
        for name, power in self.terms:
            value = value * weights[name] ** power
        return value


@dataclass(frozen=True)
class Binding:
    """Ties the vertices of a part to the face part, for identity only.

    Each of R rows carries `repeat` consecutive vertices, R * repeat = V: a ribbon of hair moves
    with its root. vertices: (R, 3) int32 indices into the face. weights: (R, 3), rows sum to 1.
    """

    vertices: IntArray
    weights: FloatArray
    repeat: int

    def follow(self, face_delta: FloatArray) -> FloatArray:
        """(V, 3) displacement in mm for a displacement of the face (F, 3)."""
        moved: FloatArray = np.einsum("rk,rkc->rc", self.weights, face_delta[self.vertices])
        return np.repeat(moved, self.repeat, axis=0)


@dataclass(frozen=True)
class Pigments:
    """The colours of a person, each (3,) linear RGB."""

    skin: FloatArray
    hair: FloatArray
    iris: FloatArray


@dataclass(frozen=True)
class Tint:
    """Vertex colours that follow the person's pigments: fixed + their shares of each.

    skin, fixed: (V, 3); hair, iris: (V,); linear RGB.
    """

    skin: FloatArray
    hair: FloatArray
    iris: FloatArray
    fixed: FloatArray

    @property
    def uses(self) -> frozenset[str]:
        """The pigments that show, by name."""
        return frozenset(name for name in ("skin", "hair", "iris") if getattr(self, name).any())

    def colours(self, pigments: Pigments) -> FloatArray:
        """(V, 4) linear RGBA."""
        rgb = self.fixed + self.skin * pigments.skin
        rgb = rgb + self.hair[:, None] * pigments.hair + self.iris[:, None] * pigments.iris
        rgba: FloatArray = np.c_[np.clip(rgb, 0.0, 1.0), np.ones(len(rgb))].astype(np.float32)
        return rgba


@dataclass(frozen=True)
class Part:
    """One mesh of V vertices in face space, mm.

    kind: one of PART_KINDS. neutral: (V, 3). corners: vertex indices of all polygons one after the
    other; sizes: (P,) corners per polygon, counter-clockwise seen from outside. slots: material
    names; face_slots: (P,) index into slots. keys: names of the rows of `shapes` (expression names
    that move this part, then corrective names). identity: 50 modes, or None where `binding` (or
    nothing) moves the part. attributes: name -> (V,) or (V, 3) float32 for the materials.
    bone_weights: (V, 3) columns BONES, rows sum to 1; None for eyes, which turn with their own
    bone. subdivision: suggested (viewport, render) levels.
    """

    name: str
    kind: str
    neutral: FloatArray
    corners: IntArray
    sizes: IntArray
    slots: tuple[str, ...]
    face_slots: IntArray
    keys: tuple[str, ...]
    shapes: Basis | None
    identity: Basis | None
    binding: Binding | None
    tint: Tint
    attributes: Mapping[str, FloatArray]
    bone_weights: FloatArray | None
    subdivision: tuple[int, int]

    def __post_init__(self) -> None:
        count = len(self.neutral)
        shapes = 0 if self.shapes is None else len(self.shapes)
        bases = [basis for basis in (self.shapes, self.identity) if basis is not None]
        consistent = (
            self.kind in PART_KINDS
            and self.neutral.shape == (count, 3)
            and int(self.sizes.sum()) == len(self.corners)
            and (len(self.corners) == 0 or self.corners.min() >= 0)
            and (len(self.corners) == 0 or self.corners.max() < count)
            and self.face_slots.shape == self.sizes.shape
            and len(self.keys) == shapes
            and all(basis.vertex_count == count for basis in bases)
            and (self.binding is None or len(self.binding.weights) * self.binding.repeat == count)
            and all(len(values) == count for values in self.attributes.values())
            and (self.bone_weights is None or self.bone_weights.shape == (count, len(BONES)))
            and bool(np.isfinite(self.neutral).all())
        )
        if not consistent:
            raise HeadError(f"The part {self.name} of the head model is inconsistent.")

    @property
    def vertex_count(self) -> int:
        """V."""
        return len(self.neutral)

    def faces(self) -> list[list[int]]:
        """The polygons as lists of vertex indices."""
        ends = np.cumsum(self.sizes)
        return [chunk.tolist() for chunk in np.split(self.corners, ends[:-1])]


@dataclass(frozen=True)
class Eye:
    """An eye on its bone.

    name: "eye.L" or "eye.R", also the name of its part and bone. pivot: (3,) mm, centre of
    rotation. radius_mm: of the eyeball. gaze: (expression name, pitch, yaw) in radians at weight 1,
    the angles of all units add up; pitch and yaw as in a pose (positive: down, to the character's
    left). pivot_modes: (50, 3) mm per standard deviation of identity.
    """

    name: str
    pivot: FloatArray
    radius_mm: float
    gaze: tuple[tuple[str, float, float], ...]
    pivot_modes: FloatArray

    def angles(self, weights: Mapping[str, Any]) -> tuple[Any, Any]:
        """(pitch, yaw) in radians for expression weights by name."""
        pitch: Any = 0.0
        yaw: Any = 0.0
        for name, unit_pitch, unit_yaw in self.gaze:
            pitch = pitch + unit_pitch * weights[name]
            yaw = yaw + unit_yaw * weights[name]
        return pitch, yaw


def gaze_rotation(pitch: float, yaw: float) -> npt.NDArray[np.float64]:
    """(3, 3) R_yaw · R_pitch in face space: pitch about +X, yaw about +Z."""
    cp, sp, cy, sy = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    turn = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
    nod = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
    rotation: npt.NDArray[np.float64] = turn @ nod
    return rotation
