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
from .pose_fit import RigidPose

Array = npt.NDArray[np.float64]

EXPRESSION_SIZE = len(EXPRESSION_NAMES)
GAZE = tuple(i for i, name in enumerate(EXPRESSION_NAMES) if name.startswith("eyeLook"))
_UNSEEN = ("tongueOut", "cheekPuff", "jawForward")
"""Landmarks seen from the front do not tell these."""


@dataclass(frozen=True)
class ExpressionSettings:
    """Weights of the terms, in mm² of the landmarks' squared error.

    size: of the squared weights, where the tracker gives no scores. scores: of the squared distance
    to the tracker's scores. change: of squared steps between frames. outlier_mm: residuals beyond
    this count linearly. rounds: how often outliers and correctives are looked at anew.
    """

    size: float = 30.0
    scores: float = 8.0
    change: float = 20.0
    outlier_mm: float = 4.0
    rounds: int = 3
    steps: int = 80


def known_channels(numbers: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """(52,) the channels that landmarks with these numbers can tell."""
    known = np.array([name not in _UNSEEN for name in EXPRESSION_NAMES])
    if len(numbers) < 100:  # a sparse set around lips and eyes
        poor = ("cheek", "noseSneer", "eyeSquint")
        known &= ~np.array([name.startswith(poor) for name in EXPRESSION_NAMES])
    return known


def fit_expression(
    face: AnchoredHead,
    rest: Array,
    pose: RigidPose,
    rays: Array,
    *,
    gaze: Array,
    scores: Array | None,
    settings: ExpressionSettings,
    start: Array | None = None,
) -> Array:
    """(T, 52) weights in [0, 1].

    rest: (n, 3) mm of the person's face at rest. rays: (T, n, 2) slopes of the landmarks.
    gaze: (T, 52) weights of the gaze channels, kept as they are. scores: (T, 52) or None.
    """
    free = np.flatnonzero(known_channels(face.numbers))
    free = free[~np.isin(free, GAZE)]
    units = face.keys[:EXPRESSION_SIZE]  # the head's keys begin with the 52 expressions
    basis = units[free]
    toward = _measuring(pose, rest)
    hessian = _hessian(toward, basis, face.weight)
    weights = gaze.copy() if start is None else np.where(np.isin(np.arange(52), GAZE), gaze, start)
    target = np.zeros((len(rays), len(free))) if scores is None else scores[:, free]
    pull = settings.size if scores is None else settings.scores
    for _ in range(settings.rounds):
        offset = face.moves(weights) - np.tensordot(weights[:, free], basis, 1)
        points = pose.apply(rest + offset)
        aim = (rays - slopes(points)) * points[..., 1:2]
        fitted = _seen(toward, np.tensordot(weights[:, free], basis, 1))
        aim = fitted + np.clip(aim - fitted, -settings.outlier_mm, settings.outlier_mm)
        right = _seen_back(toward, aim * face.weight[:, None], basis) + pull * target
        weights[:, free] = _solve(hessian, right, pull, settings, weights[:, free])
    return np.clip(weights, 0.0, 1.0)


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
    hessian: Array, right: Array, pull: float, settings: ExpressionSettings, start: Array
) -> Array:
    """Accelerated projected gradient, scaled by the diagonal, for all frames together."""
    size = hessian.shape[1]
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
    assert x.shape[1] == size
    return x * scale
