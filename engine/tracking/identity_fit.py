# SPDX-License-Identifier: GPL-3.0-or-later
"""The person: identity of the head, and their face at rest as the tracker sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from .anchored_head import AnchoredHead
from .camera import slopes
from .expression_fit import (
    EXPRESSION_SIZE,
    FIXED,
    ExpressionSettings,
    fit_expression,
    free_channels,
)
from .lid_fit import fit_lids, lid_openings, usual_openings
from .lip_gap import close_lips, closed_frames, lip_pairs
from .pose_fit import RigidPose, fit_pose, linearised, moved

Array = npt.NDArray[np.float64]
Frames = npt.NDArray[np.int64]

_IDENTITY_FRAMES = 24
_REST_FRAMES = 240
_PERSON_FRAMES = 1200
_ROUNDS = 4
_REST_ROUNDS = 2
_MISFIT_MM = 1.6
"""Standard deviation of a landmark about the best identity, as seen on recordings."""
_OWN_LIMIT_MM = 5.0
_IDENTITY_LIMIT = 3.0
_REST_SHARE = 0.08
"""Each channel is at rest in this share of the frames at least."""
_OF_THE_MOUTH = np.array([name.startswith(("mouth", "jaw")) for name in EXPRESSION_NAMES])
_STILL = ExpressionSettings(size=60.0, change=0.0, rounds=2, steps=60)


@dataclass(frozen=True)
class Sight:
    """What the camera saw: T frames of n landmarks.

    rays: (T, n, 2) slopes. relief: (T, n) depths in the same unit. scores: (T, 52) or None.
    """

    rays: Array
    relief: Array
    scores: Array | None

    def select(self, frames: Frames) -> Sight:
        """Some of the frames."""
        scores = None if self.scores is None else self.scores[frames]
        return Sight(self.rays[frames], self.relief[frames], scores)

    def pose_of(self, face: AnchoredHead, shape: Array, start: RigidPose | None) -> RigidPose:
        """The pose of a shape (n, 3) or (T, n, 3), from points that expressions move little."""
        rows = face.rows("rigid")
        return fit_pose(
            self.rays[:, rows], self.relief[:, rows], shape[..., rows, :], face.weight[rows], start
        )


@dataclass(frozen=True)
class Person:
    """identity: (50,) standard deviations. rest: (n, 3) mm, the landmarks on the face at rest:
    what the identity says, and what this person has beside it. lids: side -> opening in mm of the
    open and of the closed eye. baseline: (52,) mean of the tracker's scores at rest, or None."""

    identity: Array
    rest: Array
    lids: dict[str, tuple[float, float]]
    baseline: Array | None


def fit_person(face: AnchoredHead, sight: Sight) -> Person:
    """The person of all frames of a sight, in each of which the face was seen."""
    sight = sight.select(_even_frames(sight, _PERSON_FRAMES))
    pose = sight.pose_of(face, face.neutral, None)
    baseline = None if sight.scores is None else np.quantile(sight.scores, _REST_SHARE, axis=0)
    some = _spread_frames(pose, _IDENTITY_FRAMES)
    identity = _fit_identity(face, _above(sight.select(some), baseline), pose.select(some))
    even = _even_frames(sight, _REST_FRAMES)
    sight = _above(sight.select(even), baseline)
    rest = face.shape(identity)
    pose = sight.pose_of(face, rest, pose.select(even))
    lids = usual_openings(lid_openings(face, sight.rays, pose, rest))
    pairs, lips = lip_pairs(face.numbers), face.rows("lips_inner", "lips_outer")
    rest = close_lips(sight.rays, pairs, pose, rest)
    units = face.keys[:EXPRESSION_SIZE]
    for _ in range(_REST_ROUNDS):
        expression = _expression_of(face, sight, rest, pose, lids)
        usual = _usual(face, expression)
        remains = _remaining(face, sight.rays, expression, rest, pose)
        closed = closed_frames(sight.rays, pairs, pose, rest)
        calm = np.where(_OF_THE_MOUTH, 0.0, expression[closed])
        shut = _remaining(face, sight.rays[closed], calm, rest, pose.select(closed))
        remains[lips] = shut[lips] - np.tensordot(usual, units[:, lips], 1)
        rest = rest + np.tensordot(usual, units, 1) + remains
        rest = _near(rest, face.shape(identity))
        pose = sight.pose_of(face, rest, pose)
        rest = close_lips(sight.rays, pairs, pose, rest)
    return Person(identity, rest, lids, baseline)


def above_rest(scores: Array | None, baseline: Array | None) -> Array | None:
    """Scores (T, 52) counted from what the tracker says of the face at rest."""
    if scores is None or baseline is None:
        return None
    above: Array = np.clip((scores - baseline) / np.maximum(1.0 - baseline, 0.3), 0.0, 1.0)
    return above


def _above(sight: Sight, baseline: Array | None) -> Sight:
    return Sight(sight.rays, sight.relief, above_rest(sight.scores, baseline))


def _even_frames(sight: Sight, count: int) -> Frames:
    return np.unique(np.linspace(0, len(sight.rays) - 1, count).astype(np.int64))


def _spread_frames(pose: RigidPose, count: int) -> Frames:
    """Frames whose head angles differ the most from each other, spread over the clip."""
    angles = pose.angles()
    if len(angles) <= count:
        return np.arange(len(angles))
    features = np.c_[angles / 0.15, np.linspace(0.0, 2.0, len(angles))]
    chosen = [int(np.linalg.norm(features - np.median(features, axis=0), axis=1).argmin())]
    distance = np.full(len(angles), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.linalg.norm(features - features[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return np.sort(np.array(chosen))


def _fit_identity(face: AnchoredHead, sight: Sight, pose: RigidPose) -> Array:
    """(50,) from few frames, in turn with their poses and expressions."""
    identity = np.zeros(IDENTITY_SIZE)
    expression = np.zeros((len(sight.rays), EXPRESSION_SIZE))
    for number in range(_ROUNDS):
        for _ in range(1 if number else 3):
            identity, pose = _identity_step(face, sight.rays, expression, identity, pose)
        rest = face.shape(identity)
        pose = sight.pose_of(face, rest, pose)
        lids = usual_openings(lid_openings(face, sight.rays, pose, rest))
        expression = _expression_of(face, sight, rest, pose, lids)
        expression = np.clip(expression - _usual(face, expression), 0.0, 1.0)
    return identity


def _expression_of(
    face: AnchoredHead,
    sight: Sight,
    rest: Array,
    pose: RigidPose,
    lids: dict[str, tuple[float, float]],
) -> Array:
    still = np.zeros((len(sight.rays), EXPRESSION_SIZE))
    fixed = fit_lids(face, lid_openings(face, sight.rays, pose, rest), lids, still)
    return fit_expression(
        face, rest, pose, sight.rays, fixed=fixed, scores=sight.scores, settings=_STILL
    )


def _usual(face: AnchoredHead, expression: Array) -> Array:
    """(52,) what every channel shows nearly always: the face's own shape, not an expression."""
    usual = np.zeros(EXPRESSION_SIZE)
    free = free_channels(face.numbers)
    usual[free] = np.quantile(expression[:, free], _REST_SHARE, axis=0)
    assert not usual[list(FIXED)].any()
    return usual


def _near(rest: Array, shape: Array) -> Array:
    """The face at rest, no point farther from the identity's than the limit."""
    own = rest - shape
    length = np.linalg.norm(own, axis=1, keepdims=True)
    near: Array = shape + own * np.minimum(1.0, _OWN_LIMIT_MM / np.maximum(length, 1e-9))
    return near


def _identity_step(
    face: AnchoredHead, rays: Array, expression: Array, identity: Array, pose: RigidPose
) -> tuple[Array, RigidPose]:
    """One joint Gauss-Newton step for identity and poses; the poses are eliminated."""
    shape = face.shape(identity) + face.moves(expression)
    turn, residual = linearised(pose, rays, shape)
    slope = slopes(pose.apply(shape))
    modes = face.identity.transpose(1, 2, 0)  # (n, 3, 50)
    seen = np.einsum("tac,nck->tnak", pose.rotation[:, [0, 2]], modes, optimize=True)
    depth = np.einsum("tc,nck->tnk", pose.rotation[:, 1], modes, optimize=True)
    seen -= slope[..., None] * depth[:, :, None]
    miss = (residual**2).sum(-1)
    trust = np.sqrt(face.weight / (1.0 + miss / 36.0))[..., None]
    frames = len(rays)
    shaped = (seen * trust[..., None]).reshape(frames, -1, IDENTITY_SIZE)
    turned = (turn * trust[..., None]).reshape(frames, -1, 6)
    missed = (residual * trust).reshape(frames, -1, 1)
    own = np.swapaxes(turned, 1, 2) @ turned + 1e-6 * np.eye(6)
    cross = np.swapaxes(turned, 1, 2) @ shaped
    solved = np.linalg.solve(
        own, np.concatenate([cross, np.swapaxes(turned, 1, 2) @ missed], axis=2)
    )
    crossed = np.swapaxes(cross, 1, 2)
    normal = (np.swapaxes(shaped, 1, 2) @ shaped - crossed @ solved[..., :-1]).sum(0)
    right = (np.swapaxes(shaped, 1, 2) @ missed - crossed @ solved[..., -1:]).sum(0)[:, 0]
    prior = frames * _MISFIT_MM**2  # the misfit is the same in every frame
    step = np.linalg.solve(normal + prior * np.eye(IDENTITY_SIZE), right - prior * identity)
    new = np.clip(identity + step, -_IDENTITY_LIMIT, _IDENTITY_LIMIT)
    return new, moved(pose, solved[..., -1] - solved[..., :-1] @ (new - identity))


def _remaining(
    face: AnchoredHead, rays: Array, expression: Array, rest: Array, pose: RigidPose
) -> Array:
    """(n, 3) mm: what stays of the landmarks in most frames, moved in the image plane only."""
    points = pose.apply(rest + face.moves(expression))
    slope = slopes(points)
    residual = (rays - slope) * points[..., 1:2]
    look = pose.rotation[:, None, [0, 2]] - slope[..., None] * pose.rotation[:, None, 1:2]
    normal = np.einsum("tnac,tnad->ncd", look, look) / len(rays) + 0.15 * np.eye(3)
    middle = np.median(residual, axis=0)
    clipped = np.clip(residual, middle - 3.0, middle + 3.0)
    right = np.einsum("tnac,tna->nc", look, clipped) / len(rays)
    remains: Array = np.linalg.solve(normal, right[..., None])[..., 0]
    return remains
