# SPDX-License-Identifier: GPL-3.0-or-later
"""Our 52 units on a character's own shape keys, by shape alone: the whole way in one function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..protocol.errors import RigError
from ..protocol.face_landmarks import FACE_LANDMARKS
from ..protocol.face_shape import FaceShape
from ..stages import ProgressCallback, Stages
from .alignment import Similarity, align
from .eyes import eye_marks
from .reference import reference_head
from .registration import register
from .solve import sparse_weights
from .surface import Points, Surface
from .transfer import Motion, transfer

Rows = npt.NDArray[np.int64]

_STAGES = {"Aligning the face": 0.1, "Bending our head onto it": 0.6, "Fitting the keys": 0.3}
_ZONE_MM = 190.0
"""How far the face reaches from the tip of the nose."""
_LARGEST_WEIGHT = 1.5
_LEAST_WEIGHT = 0.02
_SPARSENESS = 0.15
"""Few keys that mean the same are better than many that add up to it."""
_IN_PLACE = 0.25
"""Share of a key's motion that must lie where the unit moves the face."""
_IN_FACE = 0.5
"""Share of a key's motion that must lie in the face."""
_MOVING_SHARE = 0.1
_MOST_GAIN = 1.3
"""Least squares make a motion smaller where its shape is a little different; this gives back."""
_GAIN_FROM = 0.5
_LEAST_EXPLAINED = 0.2
"""A unit whose motion the keys can make no better is left still: it would show something else."""
_NOTHING = 1e-9


@dataclass(frozen=True)
class Fit:
    """weights: (52, M), not negative. explained: (52,) share of each unit's motion that the keys
    can make, from 0 to 1."""

    weights: npt.NDArray[np.float32]
    explained: npt.NDArray[np.float32]


def fit_mapping(face: FaceShape, progress: ProgressCallback = lambda _share, _stage: None) -> Fit:
    """Find the shape keys, and how much of each, that move a face as our units move our head.

    Raises RigError where the landmarks or the keys do not allow it.
    """
    if not face.key_names:
        raise RigError("The face has no shape keys.", "Add shape keys, or pick another mesh.")
    stages, reference = Stages(_STAGES, progress), reference_head()
    ours = dict(zip(FACE_LANDMARKS, reference.landmarks, strict=True))
    with stages.stage("Aligning the face"):
        similarity = align(face.landmarks, ours)
        in_zone = _zone(face, similarity)
        surface, kept = _face_surface(face, similarity, in_zone)
    marked = {n: similarity.places(place[None])[0] for n, place in face.landmarks.items()}
    with stages.stage("Bending our head onto it"):
        source = np.stack([ours[name] for name in marked])
        bent = register(reference, source, np.stack(list(marked.values())), surface)
        moves = np.zeros(len(face.vertices), bool)
        moves[face.moved] = True
        motion = transfer(reference, bent, surface, eye_marks(marked, ours), moves[kept])
    with stages.stage("Fitting the keys"):
        keys, shares = _key_motion(face, similarity, in_zone, kept[motion.vertices])
        return _solve(motion, keys, shares)


def _zone(face: FaceShape, similarity: Similarity) -> npt.NDArray[np.bool_]:
    """(V,) whether a vertex is part of the head, not of the body."""
    nose = similarity.places(face.landmarks["nose_tip"][None])
    away = np.linalg.norm(similarity.places(face.vertices) - nose, axis=1)
    return np.asarray(away < _ZONE_MM)


def _face_surface(
    face: FaceShape, similarity: Similarity, in_zone: npt.NDArray[np.bool_]
) -> tuple[Surface, Rows]:
    """The head alone in our space, and its (v,) vertices' numbers in the whole mesh."""
    triangles = face.triangles[in_zone[face.triangles].all(axis=1)].astype(np.int64)
    kept = np.unique(triangles)
    if not len(kept):
        raise RigError("There is no face where the landmarks are.", "Mark them on this mesh.")
    number = np.zeros(len(face.vertices), np.int64)
    number[kept] = np.arange(len(kept))
    return Surface(similarity.places(face.vertices[kept]), number[triangles]), kept


def _key_motion(
    face: FaceShape, similarity: Similarity, in_zone: npt.NDArray[np.bool_], rows: Rows
) -> tuple[Points, Points]:
    """What the keys move, in our space.

    Returns (M, R, 3) mm of the mesh's vertices `rows` (R,), and the share (M,) of each key's motion
    that is in the zone (V,) of the face.
    """
    place_of = np.full(len(face.vertices), -1)
    place_of[rows] = np.arange(len(rows))
    keys = np.zeros((len(face.key_names), len(rows), 3))
    shares = np.zeros(len(face.key_names))
    for index in range(len(face.key_names)):
        moved, deltas = face.key(index)
        deltas_mm = similarity.vectors(deltas)
        at = place_of[moved]
        keys[index, at[at >= 0]] = deltas_mm[at >= 0]
        energy = np.square(deltas_mm).sum(axis=1)
        shares[index] = energy[in_zone[moved]].sum() / max(float(energy.sum()), _NOTHING)
    return keys, shares


def _solve(motion: Motion, keys: Points, shares: Points) -> Fit:
    """Keys (M, R, 3) for the motion of R vertices; shares as in `_key_motion`."""
    root = np.sqrt(motion.weight)[:, None]
    system = (keys * root).reshape(len(keys), -1).T
    target = (motion.units * root).reshape(len(motion.units), -1).T
    may_use = _in_place(motion, keys) & (shares > _IN_FACE)
    chosen = sparse_weights(system, target, may_use, _LARGEST_WEIGHT, _SPARSENESS)
    weights = sparse_weights(system, target, chosen > _LEAST_WEIGHT, _LARGEST_WEIGHT)
    made, energy = system @ weights.T, np.square(target).sum(axis=0)
    left = np.square(made - target).sum(axis=0)
    explained = np.where(energy > _NOTHING, 1.0 - left / energy.clip(_NOTHING), 0.0).clip(0.0, 1.0)
    lost = np.sqrt(energy / np.square(made).sum(axis=0).clip(_NOTHING))
    gain = np.where(explained > _GAIN_FROM, lost.clip(1.0, _MOST_GAIN), 1.0)
    gain[explained < _LEAST_EXPLAINED] = 0.0
    return Fit((weights * gain[:, None]).astype(np.float32), explained.astype(np.float32))


def _in_place(motion: Motion, keys: Points) -> npt.NDArray[np.bool_]:
    """(52, M) whether enough of a key's motion is where the unit moves the face.

    A blink does not use the keys of the mouth, however well they would help.
    """
    size = np.square(motion.units).sum(axis=2)
    moving = size > _MOVING_SHARE**2 * size.max(axis=1, keepdims=True).clip(_NOTHING)
    energy = np.square(keys).sum(axis=2) * motion.weight
    inside = moving.astype(np.float64) @ energy.T
    return np.asarray(inside > _IN_PLACE * energy.sum(axis=1).clip(_NOTHING))
