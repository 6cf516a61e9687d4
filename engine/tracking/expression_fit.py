# SPDX-License-Identifier: GPL-3.0-or-later
"""Expression weights of all frames at once: least squares inside the box [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..head.channels import EXPRESSION_NAMES
from .anchored_head import AnchoredHead
from .camera import slopes
from .lid_fit import LID_CHANNELS
from .lip_gap import lip_pairs
from .pose_fit import RigidPose

Array = npt.NDArray[np.float64]

EXPRESSION_SIZE = len(EXPRESSION_NAMES)
GAZE = tuple(i for i, name in enumerate(EXPRESSION_NAMES) if name.startswith("eyeLook"))
_UNSEEN = ("tongueOut", "cheekPuff", "jawForward")
"""Landmarks seen from the front do not tell these."""
_DENSE = 100
_LID_SHARE = 0.2
"""The lids are measured apart; what they say of squinting and the brows is little."""


@dataclass(frozen=True)
class ExpressionSettings:
    """Weights of the terms, in mm² of the landmarks' squared error.

    size: of the squared weights. sparse: of the weights themselves. scores: of the squared
    distance to the tracker's scores, where it gave any. change: of squared steps between frames.
    lips: of the openings between the inner lips. outlier_mm: residuals beyond this count linearly.
    rounds: how often outliers and correctives are looked at anew. steps: of the solver.
    """

    size: float = 20.0
    sparse: float = 3.0
    scores: float = 5.0
    change: float = 300.0
    lips: float = 12.0
    outlier_mm: float = 4.0
    rounds: int = 3
    steps: int = 80


_RELUCTANCE = np.array(
    [
        4.0 if name.startswith(("mouthRoll", "mouthShrugUpper", "jawLeft", "jawRight")) else 1.0
        for name in EXPRESSION_NAMES
    ]
)
"""Factor on `size`: opened lips look thinner, which is not yet rolling them in."""

FIXED = GAZE + LID_CHANNELS
"""Channels that are measured on irises and lids before the others are fitted."""


def known_channels(numbers: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """(52,) the channels that landmarks with these numbers can tell."""
    known = np.array([name not in _UNSEEN for name in EXPRESSION_NAMES])
    if len(numbers) < _DENSE:  # a sparse set around lips and eyes
        poor = ("cheek", "noseSneer", "eyeSquint")
        known &= ~np.array([name.startswith(poor) for name in EXPRESSION_NAMES])
    return known


def free_channels(numbers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """(k,) the channels that the least-squares fit finds."""
    known = np.flatnonzero(known_channels(numbers))
    return known[~np.isin(known, FIXED)]


def fit_expression(
    face: AnchoredHead,
    rest: Array,
    pose: RigidPose,
    rays: Array,
    *,
    fixed: Array,
    scores: Array | None,
    settings: ExpressionSettings,
) -> Array:
    """(T, 52) weights in [0, 1].

    rest: (n, 3) mm of the person's face at rest. rays: (T, n, 2) slopes of the landmarks.
    fixed: (T, 52) weights of the FIXED channels. scores: (T, 52) or None.
    """
    free = free_channels(face.numbers)
    units = face.keys[:EXPRESSION_SIZE]  # the head's keys begin with the 52 expressions
    pairs = lip_pairs(face.numbers)
    basis = _with_pairs(units[free], pairs)
    weight = face.weight.copy()
    weight[face.rows("lids")] *= _LID_SHARE
    weight = np.r_[weight, np.full(len(pairs), settings.lips)]
    toward = _measuring(pose, rest)
    hessian = _hessian(toward, basis, weight)
    weights = fixed.copy()
    pull = settings.size * _RELUCTANCE[free]
    wanted = np.zeros((len(rays), len(free)))
    if scores is not None:
        pull += settings.scores
        wanted = settings.scores * scores[:, free]
    for number in range(settings.rounds):
        other = face.moves(weights) - np.tensordot(weights[:, free], units[free], 1)
        points = pose.apply(rest + other)
        aim = (rays - slopes(points)) * points[..., 1:2]
        fitted = _seen(toward, np.tensordot(weights[:, free], units[free], 1))
        if number:  # before the first answer nothing can be told to be an outlier
            aim = fitted + np.clip(aim - fitted, -settings.outlier_mm, settings.outlier_mm)
        aim = np.concatenate([aim, aim[:, pairs[:, 0]] - aim[:, pairs[:, 1]]], axis=1)
        right = _seen_back(toward, aim * weight[:, None], basis) + wanted - settings.sparse
        weights[:, free] = _solve(hessian, right, pull, settings, weights[:, free])
    return np.clip(weights, 0.0, 1.0)


def _with_pairs(basis: Array, pairs: npt.NDArray[np.int64]) -> Array:
    """(k, n + p, 3): the modes (k, n, 3), then how they move the points of pairs apart."""
    return np.concatenate([basis, basis[:, pairs[:, 0]] - basis[:, pairs[:, 1]]], axis=1)


def _measuring(pose: RigidPose, rest: Array) -> Array:
    """(T, 2, 3): how a small move of the head's surface (mm) looks in the image, in mm."""
    centre = pose.rotation @ rest.mean(0) + pose.place
    slope = slopes(centre)
    look = np.zeros((len(slope), 2, 3))
    look[:, 0, 0] = look[:, 1, 2] = 1.0
    look[:, :, 1] = -slope
    measured: Array = look @ pose.rotation
    return measured


def _seen(toward: Array, moves: Array) -> Array:
    """(T, n, 2) image moves of (T, n, 3) moves."""
    return moves @ np.swapaxes(toward, 1, 2)


def _seen_back(toward: Array, values: Array, basis: Array) -> Array:
    """(T, k): the transpose of `_seen` and of the basis (k, n, 3), applied to (T, n, 2)."""
    spread = values @ toward
    return spread.reshape(len(spread), -1) @ basis.reshape(len(basis), -1).T


def _hessian(toward: Array, basis: Array, weight: Array) -> Array:
    """(T, k, k) of the squared image error."""
    size = len(basis)
    gram = np.einsum("knc,n,lnd->cdkl", basis, weight, basis, optimize=True)
    metric = np.einsum("tic,tid->tcd", toward, toward).reshape(len(toward), 9)
    hessian: Array = (metric @ gram.reshape(9, size * size)).reshape(-1, size, size)
    return hessian


def _solve(
    hessian: Array, right: Array, pull: Array, settings: ExpressionSettings, start: Array
) -> Array:
    """Accelerated projected gradient, scaled by the diagonal, for all frames together."""
    scale = 1.0 / np.sqrt(np.einsum("tkk->tk", hessian).mean(0) + pull + 4.0 * settings.change)
    scaled = hessian * scale[:, None] * scale[None, :] + np.diag(pull * scale**2)
    limit = 1.05 * float(np.linalg.eigvalsh(scaled[:: max(1, len(scaled) // 50)])[:, -1].max())
    limit += 4.0 * settings.change * float((scale**2).max())
    upper = 1.0 / scale
    x = start / scale
    ahead, momentum = x, 1.0
    for _ in range(settings.steps):
        slope = (scaled @ ahead[..., None])[..., 0] - right * scale
        if len(x) > 1:
            step = np.diff(ahead * scale, axis=0)
            slope[1:] += settings.change * step * scale
            slope[:-1] -= settings.change * step * scale
        new = np.clip(ahead - slope / limit, 0.0, upper)
        grown = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        ahead = new + (momentum - 1.0) / grown * (new - x)
        x, momentum = new, grown
    solved: Array = x * scale
    return solved
