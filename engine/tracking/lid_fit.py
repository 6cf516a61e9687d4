# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks and widened eyes, from the opening between the lids.

A least-squares fit would leave lids half open, for eyes differ in size: what counts is the share
of the person's own opening.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..head.channels import EXPRESSION_NAMES
from .anchored_head import AnchoredHead
from .opening import openings_mm, pair_rows
from .pose_fit import RigidPose

Array = npt.NDArray[np.float64]

_PAIRS = {
    "Left": ((387, 373), (386, 374), (385, 380)),
    "Right": ((160, 144), (159, 145), (158, 153)),
}
_OPEN_SHARE = 0.85
_CLOSED = 0.2
"""Landmarks of closed lids still stand this share of the opening apart."""
_CLOSED_AT_MOST = 0.45
_STILL = 0.07
"""Smaller changes of the opening are noise."""
LID_CHANNELS = tuple(
    i for i, name in enumerate(EXPRESSION_NAMES) if name.startswith(("eyeBlink", "eyeWide"))
)


def lid_openings(face: AnchoredHead, rays: Array, pose: RigidPose, rest: Array) -> dict[str, Array]:
    """Side -> (T,) mm between the middles of the lids; sides without landmarks are left out."""
    found = {}
    for side, numbers in _PAIRS.items():
        pairs = pair_rows(face.numbers, numbers)
        if len(pairs):
            middle = rest[pairs.ravel()].mean(0)
            found[side] = openings_mm(rays, pairs, pose, middle).mean(1)
    return found


def usual_openings(openings: dict[str, Array]) -> dict[str, tuple[float, float]]:
    """Side -> (open, closed) mm of this person."""
    usual = {}
    for side, opening in openings.items():
        wide = float(np.quantile(opening, _OPEN_SHARE))
        least = float(np.quantile(opening, 0.005)) / wide
        closed = least if _CLOSED < least < _CLOSED_AT_MOST else _CLOSED
        usual[side] = (wide, closed * wide)
    return usual


def fit_lids(
    face: AnchoredHead,
    openings: dict[str, Array],
    usual: dict[str, tuple[float, float]],
    gaze: Array,
) -> Array:
    """(T, 52) weights of eyeBlink and eyeWide, the others zero.

    gaze: (T, 52) with the eyeLook weights: looking down lowers the lid without a blink.
    """
    weights = np.zeros_like(gaze)
    for side, opening in openings.items():
        wide, closed = usual[side]
        pairs = pair_rows(face.numbers, _PAIRS[side])
        share = opening / wide
        lowered = np.zeros(len(share))
        for look in ("Down", "Up"):
            column = EXPRESSION_NAMES.index(f"eyeLook{look}{side}")
            lowered -= gaze[:, column] * _growth(face, pairs, column)
        blink = (1.0 - share - np.clip(lowered, 0.0, 0.5) - _STILL) / (1.0 - closed / wide - _STILL)
        widen = EXPRESSION_NAMES.index(f"eyeWide{side}")
        grown = (share - 1.0 - _STILL) / max(_growth(face, pairs, widen), 0.05)
        weights[:, EXPRESSION_NAMES.index(f"eyeBlink{side}")] = np.clip(blink, 0.0, 1.0)
        weights[:, widen] = np.clip(grown, 0.0, 1.0)
    return weights


def _growth(face: AnchoredHead, pairs: npt.NDArray[np.int64], column: int) -> float:
    """By which share of the head's own opening an expression moves the lids apart."""
    upper, lower = pairs[:, 0], pairs[:, 1]
    opening = (face.neutral[upper, 2] - face.neutral[lower, 2]).mean()
    moved = (face.keys[column, upper, 2] - face.keys[column, lower, 2]).mean()
    return float(moved / opening)
