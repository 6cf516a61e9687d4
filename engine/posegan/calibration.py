# SPDX-License-Identifier: GPL-3.0-or-later
"""Gains by which a style's motion is brought to the amount that its person moves.

An adversary teaches the manner of a motion well and its size less so. The size is therefore
measured once training has ended, and corrected by a gentle gain for each channel in each of three
bands of frequency.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from ..protocol.take import MODEL_RATE_HZ
from .windows import ease_from

FloatArray = npt.NDArray[np.float32]

EDGES_HZ = (0.5, 2.0)
"""Where posture ends and gesture begins, and where gesture ends."""

BANDS = len(EDGES_HZ) + 1

_HALF_POWER = np.sqrt(np.log(2.0)) / (2.0 * np.pi)


def split_bands(motion: FloatArray) -> FloatArray:
    """(T, C) to (BANDS, T, C), slow first; their sum is the motion. Zero phase."""
    smooth = [
        gaussian_filter1d(
            motion.astype(np.float64), _HALF_POWER * MODEL_RATE_HZ / edge, axis=0, mode="nearest"
        )
        for edge in EDGES_HZ
    ]
    bands = [smooth[0], smooth[1] - smooth[0], motion - smooth[1]]
    split: FloatArray = np.stack(bands).astype(np.float32)
    return split


def apply_gains(motion: FloatArray, gains: FloatArray, home: FloatArray) -> FloatArray:
    """A motion (T, 6) with its bands multiplied by `gains` (BANDS, 6), about the pose `home` (6,).

    The first frame stays as it is; gains of one change nothing.
    """
    if np.all(gains == 1.0):
        return motion
    bands = split_bands(motion - home)
    scaled: FloatArray = (home + (bands * gains[:, None]).sum(axis=0)).astype(np.float32)
    ease_from(scaled, motion[0])
    return scaled
