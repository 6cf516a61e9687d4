# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves to F-curves, in bulk, on a new action. All or nothing: no half-written take stays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..engine.protocol.errors import RigError
from . import compat
from .core.key_hash import KeyedCurve, hash_keys
from .core.retarget import Curve

PROVENANCE_PREFIX = "rhetor_"

TAKE_MARK = f"{PROVENANCE_PREFIX}take"
"""On the actions of one take, which before Blender 4.4 are several."""

HASH_MARK = f"{PROVENANCE_PREFIX}keys_sha256"
"""On an action: hash of the keys as they were written, by slot."""

_LARGEST_INT = 2**31 - 1


LINEAR = int(bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value)
"""Straight lines between keys, as the number that bulk access takes."""


@dataclass(frozen=True)
class KeyedOwner:
    """A data-block (object or Key) and the curves to put on it."""

    owner: Any
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class WrittenPart:
    """What a take has for one data-block. slot: None before Blender 4.4."""

    owner: Any
    action: Any
    slot: Any | None


@dataclass(frozen=True)
class WrittenTake:
    """A take in the file, which plays nowhere yet. parts: in the order of the owners."""

    parts: tuple[WrittenPart, ...]
    frame_count: int

    @property
    def actions(self) -> tuple[Any, ...]:
        """Its actions, each once: one, or before Blender 4.4 one for each data-block."""
        return tuple(dict.fromkeys(part.action for part in self.parts))


def fill_take(
    name: str, owners: Sequence[KeyedOwner], frames: np.ndarray, provenance: Mapping[str, Any]
) -> WrittenTake:
    """Write every curve to a new action called `name`, which is assigned to nothing.

    frames: (T,) float32, the frame of each value. provenance: stored on the action as custom
    properties. Raises RigError where an owner cannot be animated; the file is then as it was.
    """
    for keyed in owners:
        require_animatable(keyed.owner)
    created: list[Any] = []
    try:
        parts = _fill_actions(name, owners, frames, created)
        hashes = [hash_curves(keyed.curves, frames) for keyed in owners]
        for action in created:
            _store_provenance(action, provenance)
            _store_hashes(action, zip(parts, hashes, strict=True))
    except Exception:
        remove_actions(created)
        raise
    return WrittenTake(parts, len(frames))


def remove_actions(actions: Sequence[Any]) -> None:
    """Delete actions from the file."""
    for action in actions:
        bpy.data.actions.remove(action)


def write_curve(fcurve: Any, frames: np.ndarray, values: np.ndarray) -> None:
    """Fill an empty F-curve with a key per frame, straight lines between them."""
    count = len(frames)
    points = fcurve.keyframe_points
    points.add(count)
    coordinates = np.empty((count, 2), np.float32)
    coordinates[:, 0] = frames
    coordinates[:, 1] = values
    points.foreach_set("co", coordinates.ravel())
    points.foreach_set("interpolation", np.full(count, LINEAR, np.int32))
    fcurve.update()


def group_name(fcurve: Any) -> str:
    """The group that an F-curve is in; "" for none."""
    return "" if fcurve.group is None else str(fcurve.group.name)


def hash_curves(curves: Sequence[Curve], frames: np.ndarray) -> str:
    """The hash of keys as they are written, which their F-curves have until they are edited."""
    return hash_keys(
        KeyedCurve(curve.data_path, curve.index, np.stack([frames, curve.values], 1))
        for curve in curves
    )


def slot_key(slot: Any | None) -> str:
    """What stands for a slot in stored hashes; "" before Blender 4.4."""
    return "" if slot is None else str(slot.handle)


def _fill_actions(
    name: str, owners: Sequence[KeyedOwner], frames: np.ndarray, created: list[Any]
) -> tuple[WrittenPart, ...]:
    """A part for each owner; new actions are appended to `created` at once."""
    parts = []
    for number, keyed in enumerate(owners):
        if number == 0 or not compat.SLOTTED_ACTIONS:
            title = name if number == 0 else f"{name} face"
            created.append(bpy.data.actions.new(title))
        channels = compat.new_action_channels(created[-1], keyed.owner)
        for curve in keyed.curves:
            fcurve = compat.new_fcurve(channels, curve.data_path, curve.index, curve.group)
            write_curve(fcurve, frames, curve.values)
        parts.append(WrittenPart(keyed.owner, created[-1], channels.slot))
    return tuple(parts)


def require_animatable(owner: Any) -> None:
    """Raise RigError, with advice, where a data-block cannot be animated now."""
    if not owner.is_editable:
        raise RigError(
            f"{owner.name} is linked from another file and cannot take keys.",
            "Make a library override of the character (Object, Library Override, Make), then "
            "press Set Up Character.",
        )
    animation = owner.animation_data
    if animation is not None and animation.use_tweak_mode:
        raise RigError(
            f"An NLA strip of {owner.name} is being edited.",
            "Leave tweak mode in the NLA editor (Tab), then animate again.",
        )


def _store_provenance(action: Any, provenance: Mapping[str, Any]) -> None:
    for key, value in provenance.items():
        action[PROVENANCE_PREFIX + key] = _as_property(value)


def _store_hashes(action: Any, parts: Iterable[tuple[WrittenPart, str]]) -> None:
    hashes = {slot_key(part.slot): digest for part, digest in parts if part.action == action}
    action[HASH_MARK] = json.dumps(hashes, sort_keys=True)


def _as_property(value: Any) -> Any:
    if isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_INT else str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
