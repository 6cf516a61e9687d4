# SPDX-License-Identifier: GPL-3.0-or-later
"""A head without bones: the object itself turns and moves, about its origin.

Its delta transforms take the pose, so that it can still be placed, and animated, as before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.protocol.errors import RigError
from ...engine.protocol.take import Take
from ..core.head_bones import Joint, head_channels
from ..core.quaternions import IDENTITY, multiply
from ..core.retarget import Curve, property_curves


def object_curves(root: Any, facing: np.ndarray, take: Take) -> tuple[Curve, ...]:
    """A take on the delta transforms of an object. facing: (4,), the face's axes in its own."""
    if root.rotation_mode == "AXIS_ANGLE":
        raise RigError(
            f"{root.name} turns by Axis Angle, which has no delta rotation.",
            "Choose another rotation mode for the object.",
        )
    euler = root.rotation_mode != "QUATERNION"
    turned = root.rotation_euler.to_quaternion() if euler else root.rotation_quaternion
    placed = Joint(root.name, IDENTITY, root.rotation_mode, IDENTITY)
    scale = root.rhetor_character.pose_scale * float(np.mean(np.abs(root.scale)))
    channels = head_channels(take, multiply(np.array(turned), facing), placed, None, scale)
    return tuple(
        curve
        for item in channels
        for curve in property_curves(
            f"delta_{item.prop}",
            item.values,
            "head_location" if item.prop == "location" else "head_rotation",
        )
    )
