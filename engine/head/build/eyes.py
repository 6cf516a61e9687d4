# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyeballs with a cornea, and how far gaze turns them."""

from __future__ import annotations

import numpy as np

from .anatomy import SIDES, Anatomy
from .expressions import Units
from .pieces import Piece, plain
from .topology import smooth_step
from .wheel import Points

_IRIS_RADIUS_MM = 6.0
_CORNEA_BULGE = 0.085
_SEGMENTS = 32
_GAZE_GAIN = 1.8
"""The face units turn the eyes by only 10 to 15 degrees; people reach 25 and more."""

_PUPIL = (0.010, 0.008, 0.008)
_LIMBUS = (0.02, 0.015, 0.012)
_SCLERA = (0.76, 0.70, 0.66)


def eye_piece(anatomy: Anatomy, side: str) -> Piece:
    """One eyeball, poles on the line of sight.

    Attributes: ang (angle from the line of sight, 1 at the edge of the iris), streak (position for
    the fibres of the iris). It follows the base eye's translation and size.
    """
    ball = anatomy.eyes[side]
    iris = np.arcsin(_IRIS_RADIUS_MM / ball.radius)
    front = np.linspace(0.06, iris * 1.25, 14)
    polar = np.r_[front, np.linspace(iris * 1.25, np.pi, 13)[1:-1]]
    around = np.arange(_SEGMENTS) * 2.0 * np.pi / _SEGMENTS
    t, a = (grid.ravel() for grid in np.meshgrid(polar, around, indexing="ij"))
    bulge = 1.0 + _CORNEA_BULGE * (1.0 - smooth_step(t, iris * 0.15, iris * 1.15))
    direction = np.stack([np.sin(t) * np.cos(a), -np.cos(t), np.sin(t) * np.sin(a)], 1)
    offsets = 0.99 * ball.radius * bulge[:, None] * direction
    angle = t / iris
    fixed, pigmented = _eye_colours(angle)
    base = anatomy.eye_vertices[side]
    spokes = anatomy.points[base] - ball.centre

    def follow(delta: Points) -> Points:
        moved = delta[base]
        growth = float((moved * spokes).sum() / (spokes * spokes).sum())
        shifted: Points = moved.mean(0) + offsets * growth
        return shifted

    return plain(
        offsets + ball.centre,
        _sphere_faces(len(polar)),
        follow,
        slot="eye",
        colour=fixed,
        iris=pigmented,
        attributes={
            "ang": angle,
            "streak": np.stack([4.0 * np.cos(a), 4.0 * np.sin(a), 0.5 * t], 1),
        },
    )


def _sphere_faces(rings: int) -> list[list[int]]:
    faces = []
    for ring in range(rings - 1):
        for k in range(_SEGMENTS):
            here, beside = ring * _SEGMENTS + k, ring * _SEGMENTS + (k + 1) % _SEGMENTS
            quad = [here, beside, beside + _SEGMENTS, here + _SEGMENTS]
            faces.append(quad[::-1])
    last = (rings - 1) * _SEGMENTS
    pupil = list(range(_SEGMENTS))
    return [*faces, pupil, [last + k for k in reversed(range(_SEGMENTS))]]


def _eye_colours(angle: Points) -> tuple[Points, Points]:
    """(V, 3) colour of all but the iris, and (V,) share of the iris."""
    iris, limbus, sclera = (
        smooth_step(angle, low, high) for low, high in ((0.27, 0.36), (0.75, 0.93), (0.94, 1.12))
    )
    shares = [
        (1.0 - iris) * (1.0 - limbus) * (1.0 - sclera),
        limbus * (1.0 - sclera),
        sclera,
    ]
    fixed: Points = np.stack(shares, 1) @ np.array([_PUPIL, _LIMBUS, _SCLERA])
    return fixed, iris * (1.0 - limbus) * (1.0 - sclera)


def gaze_gains(anatomy: Anatomy, units: Units, side: str) -> tuple[tuple[str, float, float], ...]:
    """(unit, pitch, yaw) in radians per unit of gaze: the rotation in the unit, times a gain."""
    gains = []
    for way in ("Up", "Down", "In", "Out"):
        name = f"eyeLook{way}{SIDES[side]}"
        base = anatomy.eye_vertices[side]
        before = anatomy.points[base]
        after = before + units[name][base]
        u, _, vt = np.linalg.svd((before - before.mean(0)).T @ (after - after.mean(0)))
        turn = (u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt).T
        sight = turn @ np.array([0.0, -1.0, 0.0])
        yaw = float(np.arctan2(sight[0], -sight[1]))
        pitch = float(-np.arcsin(sight[2]))
        vertical = way in ("Up", "Down")
        gains.append(
            (name, _GAZE_GAIN * pitch if vertical else 0.0, 0.0 if vertical else _GAZE_GAIN * yaw)
        )
    return tuple(gains)
