# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the 478 landmarks of MediaPipe's face mesh lies where, and hand-placed ones on the head.

The character's right is the image's left: landmark 33 is the outer corner of the right eye.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..head.build.anatomy import brow_coordinates
from ..head.model import HeadModel

Points = npt.NDArray[np.float64]

LIP_OUTER_UPPER = (291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 61)
LIP_OUTER_LOWER = (291, 375, 321, 405, 314, 17, 84, 181, 91, 146, 61)
LIP_INNER_UPPER = (308, 415, 310, 311, 312, 13, 82, 81, 80, 191, 78)
LIP_INNER_LOWER = (308, 324, 318, 402, 317, 14, 87, 178, 88, 95, 78)
LID_UPPER_LEFT = (263, 466, 388, 387, 386, 385, 384, 398, 362)
LID_LOWER_LEFT = (263, 249, 390, 373, 374, 380, 381, 382, 362)
LID_UPPER_RIGHT = (33, 246, 161, 160, 159, 158, 157, 173, 133)
LID_LOWER_RIGHT = (33, 7, 163, 144, 145, 153, 154, 155, 133)
BROW_UPPER_LEFT = (336, 296, 334, 293, 300)
BROW_LOWER_LEFT = (285, 295, 282, 283, 276)
BROW_UPPER_RIGHT = (107, 66, 105, 63, 70)
BROW_LOWER_RIGHT = (55, 65, 52, 53, 46)
# fmt: off
CONTOUR = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
# fmt: on
IRIS_LEFT = (473, 474, 475, 476, 477)
IRIS_RIGHT = (468, 469, 470, 471, 472)
"""Centre, then the rim."""

# fmt: off
RIGID = (
    33, 133, 263, 362,  # corners of the eyes
    168, 6, 197, 195, 5, 4, 1, 8, 9, 193, 417, 122, 351, 188, 412, 174, 399, 196, 419,  # nose
    10, 151, 108, 337, 69, 299, 67, 297, 109, 338,  # forehead
    54, 284, 21, 251, 162, 389, 127, 356, 234, 454,  # temples
    143, 372, 34, 264, 227, 447, 116, 345, 111, 340, 117, 346, 118, 347,  # cheek bones
)
# fmt: on
"""Points that neither jaw nor lips, lids or brows move much: the head's pose is read from them."""

_MIDDLE_LINE = {4: "nose_tip", 200: "chin"}


def hand_placed(head: HeadModel) -> dict[int, Points]:
    """Landmark -> (3,) mm on the neutral head, for the points that anatomy defines."""
    neutral = head.face.neutral.astype(np.float64)
    placed: dict[int, Points] = {
        index: neutral[head.landmarks[name][0]] for index, name in _MIDDLE_LINE.items()
    }
    rings = {
        LIP_INNER_UPPER: neutral[head.landmarks["lip_front_upper"]],
        LIP_INNER_LOWER: neutral[head.landmarks["lip_front_lower"]],
        LID_UPPER_LEFT: neutral[head.landmarks["lid_upper_left"]],
        LID_LOWER_LEFT: neutral[head.landmarks["lid_lower_left"]],
        LID_UPPER_RIGHT: neutral[head.landmarks["lid_upper_right"]],
        LID_LOWER_RIGHT: neutral[head.landmarks["lid_lower_right"]],
        **_lip_border(head),
    }
    for indices, ring in rings.items():
        placed |= dict(zip(indices, _along(ring, _SPACING[len(indices)]), strict=True))
    return placed


def on_brows(head: HeadModel, surface: Points) -> dict[int, Points]:
    """Landmark -> (3,) mm on the upper and lower edges of the brows; surface (n, 3) is the skin."""
    middle = np.mean([eye.pivot for eye in head.eyes], axis=0)
    front = surface[surface[:, 1] < middle[1]]
    along, above = brow_coordinates(front - middle)
    placed = {}
    rows = (
        (BROW_UPPER_LEFT, 1.0, 3.4),
        (BROW_LOWER_LEFT, 1.0, -3.4),
        (BROW_UPPER_RIGHT, -1.0, 3.4),
        (BROW_LOWER_RIGHT, -1.0, -3.4),
    )
    for indices, side, height in rows:
        for index, at in zip(indices, (0.05, 0.3, 0.55, 0.76, 0.95), strict=True):
            miss = np.hypot(41.0 * (along - at), above - height) + 1e3 * (front[:, 0] * side < 0)
            placed[index] = front[miss.argmin()]
    return placed


# Share of the arc length from the outer corner; the mesh is denser towards the corners.
_SPACING = {
    11: (0.0, 0.085, 0.185, 0.29, 0.395, 0.5, 0.605, 0.71, 0.815, 0.915, 1.0),
    9: (0.0, 0.11, 0.235, 0.365, 0.5, 0.635, 0.765, 0.89, 1.0),
}


def _lip_border(head: HeadModel) -> dict[tuple[int, ...], Points]:
    """The borders of the upper and the lower lip, from the left corner to the right."""
    lip = head.face.attributes["lip"]
    border = lip[head.landmarks["lips"]].min()
    ring = head.face.neutral[head.landmarks["lips"]].astype(np.float64)
    ring = ring[np.abs(lip[head.landmarks["lips"]] - border) < 1e-3]
    left, right = ring[ring[:, 0].argmax()], ring[ring[:, 0].argmin()]
    halves: dict[tuple[int, ...], Points] = {}
    for indices, side in ((LIP_OUTER_UPPER, 1.0), (LIP_OUTER_LOWER, -1.0)):
        half = ring[(ring[:, 2] - left[2]) * side > 0]
        half = half[np.argsort(-half[:, 0])]
        halves[indices] = np.concatenate([left[None], half, right[None]])
    return halves


def _along(ring: Points, shares: Sequence[float]) -> npt.NDArray[Any]:
    """(n, 3) points at shares of the length of an open line (m, 3)."""
    length = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(ring, axis=0), axis=1))]
    at = np.asarray(shares) * length[-1]
    return np.stack([np.interp(at, length, ring[:, axis]) for axis in range(3)], axis=1)
