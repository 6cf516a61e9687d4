# SPDX-License-Identifier: GPL-3.0-or-later
"""The rigid pose of a known shape under a pinhole camera, for all frames at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..space import euler_to_matrix, matrix_to_euler
from .camera import slopes

Array = npt.NDArray[np.float64]

_ROUNDS = 12
_RELIEF_SHARE = 0.4
"""Weight of the tracker's depths, which are guesses, against that of the image. On recordings this
takes a third off the jitter of pitch and yaw, and off the jaw's pull on the pitch."""
_OUTLIER_MM = 4.0
"""Residuals beyond this count ever less (Cauchy)."""


@dataclass(frozen=True)
class RigidPose:
    """rotation: (T, 3, 3). place: (T, 3) mm of the head's origin in camera space."""

    rotation: Array
    place: Array

    def apply(self, shape: Array) -> Array:
        """(T, n, 3) camera space positions of a shape (n, 3) or (T, n, 3)."""
        return shape @ np.swapaxes(self.rotation, 1, 2) + self.place[:, None]

    def angles(self) -> Array:
        """(T, 3) pitch, yaw, roll in radians."""
        return matrix_to_euler(self.rotation)

    def select(self, frames: npt.NDArray[np.int64]) -> RigidPose:
        """The poses of some frames."""
        return RigidPose(self.rotation[frames], self.place[frames])


def fit_pose(
    rays: Array,
    relief: Array,
    shape: Array,
    weight: Array,
    start: RigidPose | None = None,
) -> RigidPose:
    """The pose whose projection fits best in the least-squares sense, outliers damped.

    rays: (T, n, 2) slopes of the landmarks. relief: (T, n) the tracker's depths in the same unit,
    about any zero; they steady the angles. shape: (n, 3) or (T, n, 3) mm. weight: (n,).
    """
    pose = start if start is not None else _first_guess(rays, shape, weight)
    for _ in range(_ROUNDS):
        jacobian, residual = linearised(pose, rays, shape)
        miss = (residual**2).sum(-1)
        trust = (weight / (1.0 + miss / _OUTLIER_MM**2))[..., None]
        deep, deep_residual = _relief_terms(pose, relief, shape, weight)
        trusted = jacobian * trust[..., None]
        normal = np.einsum("tnci,tncj->tij", trusted, jacobian, optimize=True)
        normal += _RELIEF_SHARE * np.swapaxes(deep * weight[:, None], 1, 2) @ deep
        right = np.einsum("tnci,tnc->ti", trusted, residual)
        right += _RELIEF_SHARE * np.einsum("tni,tn->ti", deep, deep_residual * weight)
        normal += (
            1e-6
            * np.trace(normal, axis1=1, axis2=2)[:, None, None]
            * np.diag([1, 1, 1, 1e-3, 1e-3, 1e-3])
        )
        step = np.linalg.solve(normal, right[..., None])[..., 0]
        pose = moved(pose, step)
        if np.abs(step[:, :3]).max() < 1e-6:
            break
    return pose


def _relief_terms(
    pose: RigidPose, relief: Array, shape: Array, weight: Array
) -> tuple[Array, Array]:
    """Jacobian (T, n, 6) and residual (T, n) in mm of the depths about their mean."""
    turned = shape @ np.swapaxes(pose.rotation, 1, 2)
    share = weight / weight.sum()
    residual = relief * pose.place[:, 1:2] - turned[..., 1]
    residual -= (residual @ share)[:, None]
    jacobian = np.zeros((*residual.shape, 6))
    jacobian[..., 0], jacobian[..., 2] = -turned[..., 2], turned[..., 0]
    jacobian -= np.einsum("tni,n->ti", jacobian, share)[:, None]
    return jacobian, residual


def linearised(pose: RigidPose, rays: Array, shape: Array) -> tuple[Array, Array]:
    """Jacobian (T, n, 2, 6) and residual (T, n, 2) in mm at the landmark's depth.

    The six unknowns are a turn about the head's origin (rad, camera axes) and a shift in mm.
    """
    turned = shape @ np.swapaxes(pose.rotation, 1, 2)
    points = turned + pose.place[:, None]
    slope = slopes(points)
    depth = points[..., 1]
    residual = (rays - slope) * depth[..., None]
    x, y, z = np.moveaxis(turned, -1, 0)
    jacobian = np.zeros((*slope.shape, 6))
    for row, axis in ((0, 0), (1, 2)):
        s = slope[..., row]
        turn = [(0.0 * x, -z, y), (z, 0.0 * x, -x), (-y, x, 0.0 * x)]  # columns of -[Y]x by axis
        for k in range(3):
            jacobian[..., row, k] = turn[k][axis] - s * turn[k][1]
        jacobian[..., row, 3 + axis] = 1.0
        jacobian[..., row, 4] = -s
    return jacobian, residual


def moved(pose: RigidPose, step: Array) -> RigidPose:
    """The pose after a step (T, 6) of `linearised`."""
    turn = rotation_of(step[:, :3])
    return RigidPose(turn @ pose.rotation, pose.place + step[:, 3:])


def rotation_of(vector: Array) -> Array:
    """(T, 3, 3) rotation matrices of rotation vectors (T, 3) in radians."""
    angle = np.linalg.norm(vector, axis=1)
    axis = vector / np.maximum(angle, 1e-12)[:, None]
    x, y, z = axis.T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    s, c = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    turn: Array = np.eye(3) + s * cross + (1.0 - c) * cross @ cross
    return turn


def from_angles(angles: Array, place: Array) -> RigidPose:
    """The pose of pitch, yaw, roll (T, 3) and places (T, 3)."""
    return RigidPose(euler_to_matrix(angles), place)


def _first_guess(rays: Array, shape: Array, weight: Array) -> RigidPose:
    """Scaled orthography: the affine map from shape to rays, made orthonormal."""
    flat = shape if shape.ndim == 2 else shape.mean(0)
    share = weight / weight.sum()
    middle = share @ flat
    seen = np.einsum("n,tnc->tc", share, rays)
    centred = (flat - middle) * share[:, None]
    system = centred.T @ (flat - middle)
    system += 1e-4 * np.trace(system) * np.eye(3)
    affine = np.einsum("tnc,nk->tck", rays - seen[:, None], centred) @ np.linalg.inv(system)
    u, size, vt = np.linalg.svd(affine, full_matrices=False)
    across = u @ vt  # rows: image right and up in head axes
    right, up = across[:, 0], across[:, 1]
    rotation = np.stack([right, np.cross(up, right), up], axis=1)
    depth = 1.0 / size.mean(1)
    centre = np.stack([seen[:, 0] * depth, depth, seen[:, 1] * depth], axis=1)
    return RigidPose(rotation, centre - rotation @ middle)
