# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyeballs that are part of a face mesh: found as balls behind the lids, turned like ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..head.channels import EXPRESSION_NAMES
from ..head.parts import Eye, gaze_rotation
from .surface import Indices, Points, Surface

_OPENING_RANGE = (0.5, 3.0)
_FEWEST_VERTICES = 12
_ROUND = 0.25
"""Largest spread of the radius of what counts as a ball, as a share of the radius."""
_DEEP = 0.8
"""Least depth of a ball, as a share of its radius: a shell over the cornea is none."""
_NEAR_EYES = 0.9
"""How far a ball's centre may be from the middle of the lids, in widths of the eye."""


@dataclass(frozen=True)
class Ball:
    """Vertices (n,) of an eyeball, its centre (3,), and which of our eyes it is."""

    vertices: Indices
    centre: Points
    eye: Eye


@dataclass(frozen=True)
class EyeMarks:
    """corners: name of our eye -> outer and inner corner (2, 3) of the face's. opening: how far the
    eyes are open, in sizes of ours."""

    corners: Mapping[str, Points]
    opening: float


def eye_marks(marked: Mapping[str, Points], ours: Mapping[str, Points]) -> EyeMarks:
    """What a face's landmarks tell of its eyes; unmarked lids are as far open as ours."""
    sides = {"eye.L": "left", "eye.R": "right"}
    pairs = [(f"lid_upper_{side}", f"lid_lower_{side}") for side in sides.values()]
    openings = [
        float(np.linalg.norm(marked[upper] - marked[lower]))
        / float(np.linalg.norm(ours[upper] - ours[lower]))
        for upper, lower in pairs
        if upper in marked and lower in marked
    ]
    corners = {
        name: np.stack([marked[f"eye_outer_{side}"], marked[f"eye_inner_{side}"]])
        for name, side in sides.items()
    }
    return EyeMarks(corners, float(np.clip(np.mean(openings or [1.0]), *_OPENING_RANGE)))


def find_eyeballs(face: Surface, eyes: tuple[Eye, ...], marks: EyeMarks) -> list[Ball]:
    """The connected pieces of a face that are balls at the eyes."""
    labels = face.pieces()
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    balls = []
    for vertices in groups:
        if len(vertices) < _FEWEST_VERTICES:
            continue
        places = face.points[vertices]
        centre, radius, spread = _ball(places)
        if spread > _ROUND * radius or _depth(places) < _DEEP * radius:
            continue
        for eye in eyes:
            corners = marks.corners[eye.name]
            width = float(np.linalg.norm(corners[0] - corners[1]))
            miss = np.linalg.norm(centre - corners.mean(axis=0))
            if miss < _NEAR_EYES * width and radius < width:
                balls.append(Ball(vertices, centre, eye))
    return balls


def turned(ball: Ball, points: Points) -> Points:
    """(52, n, 3) how far each unit's gaze moves the ball's points (n, 3)."""
    moved = np.zeros((len(EXPRESSION_NAMES), len(points), 3))
    for name, pitch, yaw in ball.eye.gaze:
        arm = points - ball.centre
        moved[EXPRESSION_NAMES.index(name)] = arm @ gaze_rotation(pitch, yaw).T - arm
    return moved


def _ball(points: Points) -> tuple[Points, float, float]:
    """Centre, radius and spread of the radius of the ball nearest to points (n, 3)."""
    system = np.c_[2.0 * points, np.ones(len(points))]
    solution = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    centre: Points = solution[:3]
    away = np.linalg.norm(points - centre, axis=1)
    return centre, float(away.mean()), float(away.std())


def _depth(points: Points) -> float:
    """Extent of points (n, 3) along the axis on which it is smallest."""
    axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
    return float(np.ptp(points @ axes[2]))
