# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the anchors: bend MediaPipe's canonical face onto the head, then find its points there.

`python -m rhetor.engine.tracking.anchor_registration --canonical FILE` with the canonical face
(468 vertices in cm as `verts`, Apache-2.0) as .npz.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RBFInterpolator

from ..head.model import HeadModel, load_head
from ..protocol.errors import HeadError, RhetorError
from ..space import CAMERA_TO_FACE
from . import anchor_points as at
from .anchors import DEFAULT_ANCHORS_PATH, FACE_POINTS, LandmarkAnchors, save_anchors

Points = npt.NDArray[np.float64]
PROVENANCE = (
    "Points of the canonical face model of MediaPipe (Google, Apache-2.0), registered onto the "
    "default head (CC0) by rhetor.engine.tracking.anchor_registration."
)
_ROUNDS = 4
_OUTLINE_WEIGHT = 0.1


def register(head: HeadModel, canonical: Points) -> LandmarkAnchors:
    """Anchors for a head and the canonical face (468, 3), OpenGL axes, any unit."""
    if canonical.shape != (FACE_POINTS, 3):
        raise HeadError(f"The canonical face has {FACE_POINTS} points, not {len(canonical)}.")
    triangles = skin_triangles(head)
    corners = head.face.neutral.astype(np.float64)[triangles]
    source = canonical @ CAMERA_TO_FACE.T
    placed = at.hand_placed(head)
    placed |= at.on_brows(head, head.face.neutral[np.unique(triangles)].astype(np.float64))
    known = np.array(sorted(placed))
    target = np.stack([placed[index] for index in known])
    source = _similar(source, source[known], target)
    moved = source + _bend(source[known], target - source[known], source, 0.0)
    free = np.setdiff1d(np.arange(FACE_POINTS), known)
    for _ in range(_ROUNDS):  # pull towards the surface, but only as far as neighbours agree
        nearest, _, _ = closest_points(moved[free], corners)
        goal = np.concatenate([target, nearest])
        begin = np.concatenate([source[known], source[free]])
        moved = source + _bend(begin, goal - begin, source, 1.0)
        moved[known] = target
    _, triangle, barycentric = closest_points(moved, corners)
    return LandmarkAnchors(
        vertices=triangles[triangle].astype(np.int32),
        barycentric=barycentric.astype(np.float32),
        weight=_weights(),
        sets=_sets(),
    )


def skin_triangles(head: HeadModel) -> npt.NDArray[np.int64]:
    """(n, 3) vertices of the triangles of the face's skin."""
    skin = head.face.slots.index("skin")
    fans = [
        (polygon[0], polygon[k], polygon[k + 1])
        for polygon, slot in zip(head.face.faces(), head.face.face_slots, strict=True)
        if slot == skin
        for k in range(1, len(polygon) - 1)
    ]
    return np.array(fans, np.int64)


def closest_points(points: Points, corners: Points) -> tuple[Points, npt.NDArray[np.int64], Points]:
    """Nearest places on triangles (n, 3, 3): (p, 3) positions, (p,) triangles, (p, 3) weights."""
    centre = corners.mean(1)
    found = np.zeros_like(points)
    triangle = np.zeros(len(points), np.int64)
    weights = np.zeros_like(points)
    for i, point in enumerate(points):
        near = np.argsort(((centre - point) ** 2).sum(1))[:40]
        candidates = np.stack([_barycentric(point, corners[n]) for n in near])
        places = np.einsum("nk,nkc->nc", candidates, corners[near])
        best = ((places - point) ** 2).sum(1).argmin()
        found[i], triangle[i], weights[i] = places[best], near[best], candidates[best]
    return found, triangle, weights


def _barycentric(point: Points, corners: Points) -> Points:
    """(3,) weights of the point of a triangle (3, 3) that is nearest to a point (3,)."""
    edges = np.stack([corners[1] - corners[0], corners[2] - corners[0]])
    gram = edges @ edges.T
    inside = np.linalg.solve(gram + 1e-12 * np.eye(2), edges @ (point - corners[0]))
    weights = np.array([1.0 - inside.sum(), inside[0], inside[1]])
    if weights.min() >= 0.0:
        return weights
    best, best_miss = weights, np.inf
    for a, b in ((0, 1), (1, 2), (2, 0)):
        edge = corners[b] - corners[a]
        share = float(np.clip((point - corners[a]) @ edge / max(edge @ edge, 1e-12), 0.0, 1.0))
        miss = float(((corners[a] + share * edge - point) ** 2).sum())
        if miss < best_miss:
            best, best_miss = np.zeros(3), miss
            best[a], best[b] = 1.0 - share, share
    return best


def _similar(points: Points, source: Points, target: Points) -> Points:
    """Points under the similarity that brings source (n, 3) nearest to target (n, 3)."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, size, vt = np.linalg.svd(a.T @ b)
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = float((size * flip).sum() / (a**2).sum())
    moved: Points = scale * (points - source.mean(0)) @ ((u * flip) @ vt) + target.mean(0)
    return moved


def _bend(places: Points, moves: Points, at_points: Points, smoothing: float) -> Points:
    """Thin-plate interpolation of moves (n, 3) known at places (n, 3)."""
    _, first = np.unique(places.round(6), axis=0, return_index=True)
    spline = RBFInterpolator(places[first], moves[first], smoothing=smoothing, kernel="linear")
    bent: Points = spline(at_points)
    return bent


def _weights() -> npt.NDArray[np.float32]:
    weight = np.full(FACE_POINTS, 0.6, np.float32)
    lips = [*at.LIP_INNER_LOWER, *at.LIP_INNER_UPPER, *at.LIP_OUTER_LOWER, *at.LIP_OUTER_UPPER]
    lids = [*at.LID_LOWER_LEFT, *at.LID_UPPER_LEFT, *at.LID_LOWER_RIGHT, *at.LID_UPPER_RIGHT]
    weight[lips + lids] = 1.0
    weight[list(at.CONTOUR)] = _OUTLINE_WEIGHT
    return weight


def _sets() -> Mapping[str, npt.NDArray[np.int32]]:
    named: dict[str, tuple[int, ...]] = {
        "rigid": at.RIGID,
        "lips_inner": at.LIP_INNER_UPPER + at.LIP_INNER_LOWER,
        "lips_outer": at.LIP_OUTER_UPPER + at.LIP_OUTER_LOWER,
        "lids": at.LID_UPPER_LEFT + at.LID_LOWER_LEFT + at.LID_UPPER_RIGHT + at.LID_LOWER_RIGHT,
        "brows": at.BROW_UPPER_LEFT
        + at.BROW_LOWER_LEFT
        + at.BROW_UPPER_RIGHT
        + at.BROW_LOWER_RIGHT,
        "contour": at.CONTOUR,
    }
    return {name: np.unique(np.array(rows, np.int32)) for name, rows in named.items()}


def main(arguments: list[str] | None = None) -> int:
    """Register the canonical face and write the anchors; 0 on success."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--canonical", type=Path, required=True, help="canonical face as .npz")
    parser.add_argument("--output", type=Path, default=DEFAULT_ANCHORS_PATH)
    options = parser.parse_args(arguments)
    try:
        head = load_head()
        with np.load(options.canonical, allow_pickle=False) as data:
            canonical: npt.NDArray[Any] = data["verts"].astype(np.float64)
        save_anchors(options.output, register(head, canonical), head, PROVENANCE)
    except (RhetorError, OSError, KeyError, ValueError) as error:
        print(f"The anchors could not be made: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
