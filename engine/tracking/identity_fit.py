# SPDX-License-Identifier: GPL-3.0-or-later
"""The person: identity of the head, and how their landmarks differ from any identity of ours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..head.channels import IDENTITY_SIZE
from .anchored_head import AnchoredHead
from .camera import slopes
from .expression_fit import ExpressionSettings, fit_expression
from .pose_fit import RigidPose, fit_pose, linearised, moved

Array = npt.NDArray[np.float64]
Frames = npt.NDArray[np.int64]

_FRAMES = 24
_ROUNDS = 5
_MISFIT_MM = 1.6
"""Standard deviation of a landmark about the best identity, as seen on recordings."""
_OWN_LIMIT_MM = 5.0
_IDENTITY_LIMIT = 3.0
_STILL = ExpressionSettings(size=90.0, scores=30.0, change=0.0)


@dataclass(frozen=True)
class Person:
    """identity: (50,) standard deviations. own: (n, 3) mm, what the landmarks of this person
    have beside every identity; rest: (n, 3) mm, the landmarks on the face at rest."""

    identity: Array
    own: Array
    rest: Array


def spread_frames(pose: RigidPose, ok: npt.NDArray[np.bool_], count: int = _FRAMES) -> Frames:
    """Frames whose head angles differ the most from each other, spread over the clip."""
    seen = np.flatnonzero(ok)
    if len(seen) <= count:
        return seen
    angles = pose.angles()[seen]
    features = np.c_[angles / 0.15, np.linspace(0.0, 1.0, len(seen))]
    chosen = [int(np.linalg.norm(features - np.median(features, axis=0), axis=1).argmin())]
    distance = np.full(len(seen), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.linalg.norm(features - features[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return seen[np.sort(chosen)]


def fit_person(face: AnchoredHead, rays: Array, scores: Array | None, pose: RigidPose) -> Person:
    """Identity and own shape from K frames: rays (K, n, 2), scores (K, 52), poses of the frames."""
    identity = np.zeros(IDENTITY_SIZE)
    own = np.zeros_like(face.neutral)
    expression = np.zeros((len(rays), 52))
    gaze = np.zeros_like(expression)
    rigid = face.rows("rigid")
    for _ in range(_ROUNDS):
        for _ in range(2):
            identity, pose = _identity_step(face, rays, expression, identity, pose)
        rest = face.shape(identity)
        pose = fit_pose(rays[:, rigid], rest[rigid], face.weight[rigid], pose)
        expression = fit_expression(
            face, rest, pose, rays, gaze=gaze, scores=scores, settings=_STILL, start=expression
        )
    rest = face.shape(identity)
    own = _own_shape(face, rays, expression, rest, pose)
    return Person(identity, own, rest + own)


def _identity_step(
    face: AnchoredHead, rays: Array, expression: Array, identity: Array, pose: RigidPose
) -> tuple[Array, RigidPose]:
    """One joint Gauss-Newton step for identity and poses; the poses are eliminated."""
    shape = face.shape(identity) + face.moves(expression)
    turn, residual = linearised(pose, rays, shape)
    points = pose.apply(shape)
    slope = slopes(points)
    modes = face.identity.transpose(1, 2, 0)  # (n, 3, 50)
    seen = np.einsum("tac,nck->tnak", pose.rotation[:, [0, 2]], modes, optimize=True)
    depth = np.einsum("tc,nck->tnk", pose.rotation[:, 1], modes, optimize=True)
    seen -= slope[..., None] * depth[:, :, None]
    miss = (residual**2).sum(-1)
    trust = (face.weight / (1.0 + miss / 36.0))[..., None, None]
    size = 2 * residual.shape[1]
    frames = len(rays)
    shaped = (seen * trust).reshape(frames, size, -1)
    turned = (turn * trust).reshape(frames, size, 6)
    flat_seen, flat_turn = seen.reshape(frames, size, -1), turn.reshape(frames, size, 6)
    flat_residual = residual.reshape(frames, size, 1)
    own = np.swapaxes(turned, 1, 2) @ flat_turn + 1e-6 * np.eye(6)
    cross = np.swapaxes(turned, 1, 2) @ flat_seen
    right_pose = np.swapaxes(turned, 1, 2) @ flat_residual
    solved = np.linalg.solve(own, np.concatenate([cross, right_pose], axis=2))
    normal = (np.swapaxes(shaped, 1, 2) @ flat_seen).sum(0)
    normal -= np.einsum("tpk,tpl->kl", cross, solved[..., :-1])
    right = (np.swapaxes(shaped, 1, 2) @ flat_residual)[..., 0].sum(0)
    right -= np.einsum("tpk,tp->k", cross, solved[..., -1])
    prior = frames * _MISFIT_MM**2  # the misfit is the same in every frame
    step = np.linalg.solve(normal + prior * np.eye(IDENTITY_SIZE), right - prior * identity)
    new = np.clip(identity + step, -_IDENTITY_LIMIT, _IDENTITY_LIMIT)
    taken = new - identity
    return new, moved(pose, solved[..., -1] - solved[..., :-1] @ taken)


def _own_shape(
    face: AnchoredHead, rays: Array, expression: Array, rest: Array, pose: RigidPose
) -> Array:
    """(n, 3) mm: what stays of the landmarks in all frames, moved in the image plane only."""
    shape = rest + face.moves(expression)
    points = pose.apply(shape)
    slope = slopes(points)
    residual = (rays - slope) * points[..., 1:2]
    rotation = pose.rotation
    look = np.repeat(rotation[:, None, [0, 2]], slope.shape[1], 1)
    look = look - slope[..., None] * rotation[:, None, 1:2]
    normal = np.einsum("tnac,tnad->ncd", look, look) / len(rays) + 0.15 * np.eye(3)
    middle = np.median(residual, axis=0)
    clipped = np.clip(residual, middle - 3.0, middle + 3.0)
    right = np.einsum("tnac,tna->nc", look, clipped) / len(rays)
    own = np.linalg.solve(normal, right[..., None])[..., 0]
    length = np.linalg.norm(own, axis=1, keepdims=True)
    kept: Array = own * np.minimum(1.0, _OWN_LIMIT_MM / np.maximum(length, 1e-9))
    return kept
