# SPDX-License-Identifier: GPL-3.0-or-later
"""A pinhole camera in face space axes: it stands at the origin and looks along +Y."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """focal_px: focal length in pixels. centre_px: (x, y) of the optical axis in the image."""

    focal_px: float
    centre_px: tuple[float, float]

    @staticmethod
    def guessed(size: tuple[int, int], focal_share: float) -> Camera:
        """A camera for an image (width, height): focal length as a share of the longer side."""
        width, height = size
        return Camera(focal_share * max(width, height), (width / 2.0, height / 2.0))

    def rays(self, points: npt.NDArray[Any]) -> Array:
        """(..., 2) slopes x / y and z / y of the rays through image points (..., 2)."""
        x, y = self.centre_px
        right = (np.asarray(points[..., 0], np.float64) - x) / self.focal_px
        up = (y - np.asarray(points[..., 1], np.float64)) / self.focal_px
        return np.stack([right, up], axis=-1)

    def pixels(self, rays: Array) -> Array:
        """(..., 2) image points of slopes (..., 2)."""
        x, y = self.centre_px
        return np.stack([x + self.focal_px * rays[..., 0], y - self.focal_px * rays[..., 1]], -1)


def slopes(points: Array) -> Array:
    """(..., 2) slopes of the rays to points (..., 3) in camera space."""
    seen: Array = points[..., [0, 2]] / points[..., 1:2]
    return seen
