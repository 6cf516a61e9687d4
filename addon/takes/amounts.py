# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders that scale a finished take, live: head, mouth, brows, eyelids, gaze.

Each is an Envelope modifier on the take's F-curves, which maps 1 either side of rest to the amount
either side. The keys stay as they are, and the file plays the same where Rhetor is not installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
from bpy.props import FloatProperty, PointerProperty

from .. import compat
from ..core.amount_groups import AMOUNTS, amount_of
from ..keys_write import PROVENANCE_PREFIX, group_name

MODIFIER_NAME = "Rhetor amount"
STILL_MARK = f"{PROVENANCE_PREFIX}still"
"""On a take's action: the values of channels that are not 0 where nothing moves."""

_LARGEST = 4.0
_USUAL_LARGEST = 2.0


def _applies(amount: str) -> Any:
    def update(amounts: Any, _context: Any) -> None:
        scale(amounts.id_data, amount, getattr(amounts, amount))

    return update


def _slider(amount: str, name: str, description: str) -> Any:
    return FloatProperty(
        name=name,
        description=description,
        default=1.0,
        min=0.0,
        max=_LARGEST,
        soft_max=_USUAL_LARGEST,
        step=5,
        precision=2,
        options=set(),
        update=_applies(amount),
    )


class RHETOR_PG_amounts(bpy.types.PropertyGroup):
    """How much of a take is shown; 1 is as it was made."""

    head_rotation: _slider(
        "head_rotation", "Head Rotation", "How far the head turns, nods and tilts"
    )
    head_location: _slider("head_location", "Head Location", "How far the head moves to and fro")
    mouth: _slider("mouth", "Mouth", "How far jaw, lips and cheeks move")
    brows: _slider("brows", "Brows", "How far the brows move")
    eyelids: _slider("eyelids", "Eyelids", "How far the lids close and open")
    gaze: _slider("gaze", "Gaze", "How far the eyes look around")


def amounts_in(action: Any, slot: Any | None) -> tuple[str, ...]:
    """The amounts that scale something of what an action has in a slot."""
    curves = compat.slot_fcurves(action, slot)
    found = {amount_of(curve.data_path, group_name(curve)) for curve in curves}
    return tuple(amount for amount in AMOUNTS if amount in found)


def is_scaled(action: Any) -> bool:
    """Whether a take shows more or less than its keys say."""
    return any(getattr(action.rhetor_amounts, amount) != 1.0 for amount in AMOUNTS)


def scale(action: Any, amount: str, factor: float) -> None:
    """Scale all channels of an amount in a take; 1 leaves no trace."""
    stills = json.loads(action.get(STILL_MARK, "{}"))
    for curve in _scaled_by(action, amount):
        modifier = our_modifier(curve)
        if factor == 1.0:
            if modifier is not None:
                curve.modifiers.remove(modifier)
            continue
        if modifier is None:
            modifier = _new_modifier(curve, _still_value(curve, stills))
        # Not point by point: what Blender runs after setting one takes it for the modifier itself
        # and sometimes crashes (seen in 4.2 to 5.2).
        still = modifier.reference_value
        modifier.control_points.foreach_set("min", [still - factor])
        modifier.control_points.foreach_set("max", [still + factor])
    action.update_tag()


def reset(action: Any) -> None:
    """Show a take as its keys say."""
    for amount in AMOUNTS:
        setattr(action.rhetor_amounts, amount, 1.0)


def apply(action: Any) -> None:
    """Scale the keys themselves, handles too, so that a take shows the same without amounts."""
    still = json.loads(action.get(STILL_MARK, "{}"))
    for amount in AMOUNTS:
        factor = getattr(action.rhetor_amounts, amount)
        for curve in _scaled_by(action, amount) if factor != 1.0 else ():
            _scale_keys(curve, factor, _still_value(curve, still))
    reset(action)


def our_modifier(curve: Any) -> Any | None:
    """The modifier of an F-curve that an amount has put there."""
    ours = (m for m in curve.modifiers if m.type == "ENVELOPE" and m.name == MODIFIER_NAME)
    return next(ours, None)


def _scaled_by(action: Any, amount: str) -> Iterator[Any]:
    for curve in compat.all_fcurves(action):
        # The axis of a rotation by axis and angle stays: the angle alone is how far it turns.
        is_axis = curve.data_path.endswith(".rotation_axis_angle") and curve.array_index > 0
        if not is_axis and amount_of(curve.data_path, group_name(curve)) == amount:
            yield curve


def _still_value(curve: Any, still: dict[str, float]) -> float:
    return still.get(f"{curve.data_path}[{curve.array_index}]", 0.0)


def _new_modifier(curve: Any, still: float) -> Any:
    modifier = curve.modifiers.new("ENVELOPE")
    modifier.name = MODIFIER_NAME
    modifier.reference_value, modifier.default_min, modifier.default_max = still, -1.0, 1.0
    modifier.control_points.add(0.0)
    return modifier


def _scale_keys(curve: Any, factor: float, still: float) -> None:
    points = curve.keyframe_points
    coordinates = np.empty(len(points) * 2, np.float32)
    for name in ("co", "handle_left", "handle_right"):
        points.foreach_get(name, coordinates)
        coordinates[1::2] = still + factor * (coordinates[1::2] - still)
        points.foreach_set(name, coordinates)
    curve.update()


CLASSES = (RHETOR_PG_amounts,)


def register() -> None:
    """Add `Action.rhetor_amounts`."""
    bpy.types.Action.rhetor_amounts = PointerProperty(type=RHETOR_PG_amounts)


def unregister() -> None:
    """Remove it; the modifiers stay with their takes."""
    del bpy.types.Action.rhetor_amounts
