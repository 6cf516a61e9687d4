# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a character's face into our head's space by its landmarks, and check these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..protocol.errors import RigError
from ..protocol.face_landmarks import ESSENTIAL_LANDMARKS, FACE_LANDMARKS, mirrored
from .surface import Points

_AGAIN = "Mark it again."
_SAME_SHARE = 0.004
_MIRROR_IS_BETTER = 0.6
_FAR_MM = 35.0
_ABOVE = (
    ("eye_outer_left", "mouth_corner_left"),
    ("eye_outer_right", "mouth_corner_right"),
    ("lid_upper_left", "lid_lower_left"),
    ("lid_upper_right", "lid_lower_right"),
    ("nose_tip", "lip_upper"),
    ("lip_upper", "lip_lower"),
    ("lip_upper", "lip_seam"),
    ("lip_seam", "lip_lower"),
    ("lip_lower", "chin"),
)
"""Pairs of which the first is higher on every face."""


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + offset; scale is our millimetres per unit of the character."""

    scale: float
    rotation: Points
    offset: Points

    def places(self, points: npt.NDArray[Any]) -> Points:
        """(n, 3) places in our head's space."""
        moved: Points = self.scale * (points @ self.rotation.T) + self.offset
        return moved

    def vectors(self, vectors: npt.NDArray[Any]) -> Points:
        """(n, 3) displacements in our head's space."""
        moved: Points = self.scale * (vectors @ self.rotation.T)
        return moved

    def inverse_places(self, points: npt.NDArray[Any]) -> Points:
        """(n, 3) places of our space in the character's."""
        moved: Points = (points - self.offset) @ self.rotation / self.scale
        return moved


def align(landmarks: Mapping[str, npt.NDArray[Any]], ours: Mapping[str, Points]) -> Similarity:
    """The similarity from a character's landmarks to ours.

    Raises RigError, with what to do, where essential ones are missing, or where they coincide, are
    crossed, or mixed up between left and right.
    """
    missing = [name for name in ESSENTIAL_LANDMARKS if name not in landmarks]
    if missing:
        label = FACE_LANDMARKS[missing[0]]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise RigError(f"Not marked on the face: {label}{more}.", "Mark the landmarks.")
    names = list(landmarks)
    theirs = np.stack([landmarks[name] for name in names]).astype(np.float64)
    _check_distinct(names, theirs)
    target = np.stack([ours[name] for name in names])
    similarity = similarity_between(theirs, target)
    placed = similarity.places(theirs)
    _check_sides(names, theirs, target, placed)
    _check_order(dict(zip(names, placed, strict=True)))
    far = np.linalg.norm(placed - target, axis=1)
    if far.max() > _FAR_MM and far.max() > 2.5 * np.median(far):
        label = FACE_LANDMARKS[names[int(far.argmax())]]
        raise RigError(f"This landmark is far from its place: {label}.", _AGAIN)
    return similarity


def similarity_between(source: Points, target: Points) -> Similarity:
    """The rotation, scale and offset that bring source (n, 3) nearest to target (n, 3)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, size, vt = np.linalg.svd(a.T @ b)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = ((u * sign) @ vt).T
    scale = float((size * sign).sum() / (a**2).sum())
    return Similarity(scale, rotation, target.mean(axis=0) - scale * rotation @ source.mean(axis=0))


def _check_distinct(names: list[str], theirs: Points) -> None:
    apart = np.linalg.norm(theirs[:, None] - theirs[None], axis=2)
    size = float(apart.max())
    np.fill_diagonal(apart, np.inf)
    first, second = np.unravel_index(int(apart.argmin()), apart.shape)
    if apart[first, second] <= _SAME_SHARE * size:
        labels = FACE_LANDMARKS[names[first]], FACE_LANDMARKS[names[second]]
        raise RigError(f"Two landmarks are in one place: {labels[0]}; {labels[1]}.", _AGAIN)
    spread = np.linalg.svd(theirs - theirs.mean(axis=0), compute_uv=False)
    if spread[1] <= 0.05 * spread[0]:
        raise RigError("The landmarks lie on one line.", "Mark them again, seen from the front.")


def _check_sides(names: list[str], theirs: Points, target: Points, placed: Points) -> None:
    """A face whose sides are swapped fits its own mirror image better."""
    swapped = [names.index(mirrored(n)) if mirrored(n) in names else i for i, n in enumerate(names)]
    other = similarity_between(theirs[swapped], target)
    miss = np.square(placed - target).sum()
    if np.square(other.places(theirs[swapped]) - target).sum() < _MIRROR_IS_BETTER**2 * miss:
        raise RigError(
            "Left and right landmarks are swapped.",
            "Mark them again: left is the character's left, on your right when it looks at you.",
        )


def _check_order(placed: Mapping[str, Points]) -> None:
    for above, below in _ABOVE:
        if above in placed and below in placed and placed[above][2] <= placed[below][2]:
            labels = FACE_LANDMARKS[above], FACE_LANDMARKS[below]
            raise RigError(f"These landmarks are crossed: {labels[0]}; {labels[1]}.", _AGAIN)
    for name, place in placed.items():
        other = mirrored(name)
        if name.endswith("_left") and other in placed and place[0] <= placed[other][0]:
            labels = FACE_LANDMARKS[name], FACE_LANDMARKS[other]
            raise RigError(f"These landmarks are crossed: {labels[0]}; {labels[1]}.", _AGAIN)
