# SPDX-License-Identifier: GPL-3.0-or-later
"""Named vertices of the face: lips, lids, nose, chin, and sets for metrics."""

from __future__ import annotations

import numpy as np

from .anatomy import SIDES, Anatomy
from .wheel import Indices


def find_landmarks(anatomy: Anatomy, skin: Indices) -> dict[str, Indices]:
    """Landmark name -> vertices of the skin piece.

    skin: base vertices of the skin piece, ascending. Rings run from the character's left corner of
    the mouth (or outer corner of the eye) to the right (inner) one.
    """
    named = {**_lips(anatomy), **_lids(anatomy), **_profile(anatomy)}
    on_skin = np.zeros(len(anatomy.points), bool)
    on_skin[skin] = True
    lips = np.flatnonzero((anatomy.lip > 0.5) & on_skin)
    high = anatomy.from_eyes[:, 2] > -14.0
    front = anatomy.from_eyes[:, 1] < 30.0
    low = anatomy.from_eyes[:, 2] < 70.0
    named["lips"] = lips
    named["upper_face"] = np.flatnonzero(high & low & front & on_skin)
    named["lower_face"] = np.flatnonzero(
        (anatomy.from_eyes[:, 2] < -30.0) & (anatomy.from_eyes[:, 2] > -118.0) & front & on_skin
    )
    return {name: np.searchsorted(skin, vertices) for name, vertices in named.items()}


def _lips(anatomy: Anatomy) -> dict[str, Indices]:
    x = anatomy.points[:, 0]
    named = {}
    for label, ring in (("inner", anatomy.seam), ("front", anatomy.front_seam)):
        left = ring.index(max(ring, key=lambda v: x[v]))
        turned = ring[left:] + ring[:left]
        right = turned.index(min(ring, key=lambda v: x[v]))
        one, other = turned[: right + 1], turned[right:] + turned[:1]
        upper, lower = (one, other[::-1]) if ring[0] in one else (other[::-1], one)
        named[f"lip_{label}_upper"] = np.array(upper)
        named[f"lip_{label}_lower"] = np.array(lower)
        named[f"lip_corner_{label}"] = np.array([upper[0], upper[-1]])
    for half in ("upper", "lower"):
        rings = [named[f"lip_{label}_{half}"] for label in ("inner", "front")]
        middle = [ring[np.argmin(np.abs(x[ring]))] for ring in rings]
        named[f"lip_inner_{half}_middle"] = np.array(middle)
        named[f"lip_outer_{half}_middle"] = _border(anatomy, half)
    named["lip_corner_left"] = named["lip_corner_front"][:1]
    named["lip_corner_right"] = named["lip_corner_front"][1:]
    del named["lip_corner_inner"], named["lip_corner_front"]
    return named


def _border(anatomy: Anatomy, half: str) -> Indices:
    """The lip border on the middle line."""
    chosen = (np.abs(anatomy.points[:, 0]) < 0.2) & (anatomy.lip_edges == 5.0)
    candidates = np.flatnonzero(chosen)
    height = anatomy.points[candidates, 2]
    return candidates[[height.argmax() if half == "upper" else height.argmin()]]


def _lids(anatomy: Anatomy) -> dict[str, Indices]:
    """Edges of the lids, from the outer corner to the inner one."""
    named = {}
    for side, name in SIDES.items():
        upper, lower = anatomy.lid_ring(side)
        named[f"lid_upper_{name.lower()}"] = np.array(upper)
        named[f"lid_lower_{name.lower()}"] = np.array(lower)
    return named


def _profile(anatomy: Anatomy) -> dict[str, Indices]:
    """Tip of the nose and of the chin on the middle line."""
    middle = (np.abs(anatomy.points[:, 0]) < 0.2) & (anatomy.on_skin > 0)
    height = anatomy.from_eyes[:, 2]
    forward = -anatomy.points[:, 1]

    def foremost(low: float, high: float) -> Indices:
        candidates = np.flatnonzero(middle & (height > low) & (height < high))
        return candidates[[forward[candidates].argmax()]]

    return {"nose_tip": foremost(-60.0, 0.0), "chin": foremost(-118.0, -92.0)}
