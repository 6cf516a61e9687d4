# SPDX-License-Identifier: GPL-3.0-or-later
"""What people say about a face, as directions in the space of identities.

Each trait is a linear function of the identity: a distance measured on the face, or what the drawn
people were drawn with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .anatomy import Anatomy
from .identity import Identities
from .landmarks import find_landmarks
from .wheel import Points

_X, _Y, _Z = range(3)
_EAR_SHARE = 0.05
"""Skin that stands off the head more than this is the ear's."""

Span = tuple[float, float]


@dataclass(frozen=True)
class _Region:
    """A box in mm from the middle between the eyes; x counts from the middle to both sides."""

    x: Span
    y: Span
    z: Span


_TEMPLES = _Region(x=(60, 75), y=(0, 40), z=(-30, 5))
_LOWER_CHEEKS = _Region(x=(38, 60), y=(-20, 20), z=(-58, -34))
_JAW = _Region(x=(42, 60), y=(0, 40), z=(-92, -72))
_CHIN_EDGE = _Region(x=(0, 8), y=(-25, 0), z=(-114, -104))
_CHIN_FRONT = _Region(x=(0, 8), y=(-40, -15), z=(-102, -88))
_CHIN_CREASE = _Region(x=(0, 8), y=(-40, -15), z=(-84, -77))
_NOSE_ROOT = _Region(x=(0, 3), y=(-40, -15), z=(-8, 4))
_NOSE_BASE = _Region(x=(0, 4), y=(-40, -25), z=(-53, -45))
_NOSTRILS = _Region(x=(11, 20), y=(-36, -15), z=(-48, -34))
_BROWS = _Region(x=(15, 42), y=(-40, 0), z=(10, 20))


def find_traits(anatomy: Anatomy, identities: Identities) -> dict[str, Points]:
    """Trait -> (50,) unit vector; its product with an identity is the trait in deviations."""
    measure = _Measures(anatomy, identities)
    found = {
        **identities.drawn,
        "face_width": measure.width(_TEMPLES),
        "cheek_fullness": measure.width(_LOWER_CHEEKS),
        "jaw_width": measure.width(_JAW),
        "chin_length": measure.distance(_CHIN_CREASE, _CHIN_EDGE, _Z),
        "chin_depth": measure.distance(_CHIN_CREASE, _CHIN_FRONT, _Y),
        "nose_length": measure.distance(_NOSE_ROOT, _NOSE_BASE, _Z),
        "nose_width": measure.width(_NOSTRILS),
        "mouth_width": measure.between("lip_corner_left", "lip_corner_right", _X),
        "lip_fullness": measure.between("lip_outer_upper_middle", "lip_outer_lower_middle", _Z),
        "brow_height": measure.place(_BROWS, _Z),
    }
    return {name: row / np.linalg.norm(row) for name, row in found.items()}


class _Measures:
    """What the modes of identity change, each (50,) mm per standard deviation."""

    def __init__(self, anatomy: Anatomy, identities: Identities) -> None:
        self._modes = identities.modes
        self._from_eyes = anatomy.from_eyes
        self._outside = (anatomy.on_skin > 0.0) & (anatomy.cavity == 0.0)
        self._outside &= anatomy.ear_flap < _EAR_SHARE
        self._landmarks = find_landmarks(anatomy, np.arange(len(anatomy.points)))

    def place(self, region: _Region, axis: int) -> Points:
        """Where a region lies along an axis."""
        mean: Points = self._modes[:, self._inside(region), axis].mean(1)
        return mean

    def distance(self, high: _Region, low: _Region, axis: int) -> Points:
        """From one region to another along an axis."""
        return self.place(high, axis) - self.place(low, axis)

    def width(self, region: _Region) -> Points:
        """From the left part of a region to its right part."""
        chosen = self._inside(region)
        side = np.sign(self._from_eyes[chosen, _X])
        width: Points = 2.0 * (self._modes[:, chosen, _X] * side).mean(1)
        return width

    def between(self, high: str, low: str, axis: int) -> Points:
        """From one landmark to another along an axis."""
        one, other = (self._modes[:, self._landmarks[name], axis].mean(1) for name in (high, low))
        distance: Points = one - other
        return distance

    def _inside(self, region: _Region) -> npt.NDArray[np.bool_]:
        chosen: npt.NDArray[np.bool_] = self._outside.copy()
        sides = (np.abs(self._from_eyes[:, _X]), self._from_eyes[:, _Y], self._from_eyes[:, _Z])
        for place, (low, high) in zip(sides, (region.x, region.y, region.z), strict=True):
            chosen &= (place >= low) & (place <= high)
        return chosen
