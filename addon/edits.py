# SPDX-License-Identifier: GPL-3.0-or-later
"""Which takes were edited by hand since they were written: their keys differ from a stored hash.

Panels must not hash thousands of keys whenever they draw. So Blender's word that an action has
changed marks it, a timer looks a moment later, and panels show what it found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from . import compat
from .core.key_hash import KeyedCurve, hash_keys
from .keys_write import HASH_MARK, LINEAR, slot_key

_LOOK_AFTER_S = 0.4

_edited: dict[int, bool] = {}
_to_look_at: set[int] = set()


def is_edited(action: Any) -> bool:
    """Whether the keys of a take's action are no longer those that were written."""
    written = json.loads(action.get(HASH_MARK, "{}"))
    return any(
        key not in written or hash_keys(_keyed_curves(curves)) != written[key]
        for key, curves in compat.fcurves_by_slot(action, slot_key).items()
    )


def known_edited(action: Any) -> bool:
    """The same as last looked at; for panels."""
    return _edited.get(action.session_uid, False)


def _keyed_curves(fcurves: Iterable[Any]) -> list[KeyedCurve]:
    return [
        KeyedCurve(curve.data_path, curve.array_index, _column(curve, "co", 2), _shape(curve))
        for curve in fcurves
    ]


def _shape(curve: Any) -> bytes:
    """Interpolation and handles, where they are not the straight lines that are written."""
    kinds = _column(curve, "interpolation", 1, np.int32)
    if (kinds == LINEAR).all():
        return b""
    handles = (_column(curve, name, 2) for name in ("handle_left", "handle_right"))
    return b"".join(array.tobytes() for array in (kinds, *handles))


def _column(curve: Any, name: str, width: int, dtype: Any = np.float32) -> Any:
    points = curve.keyframe_points
    values = np.empty(len(points) * width, dtype)
    points.foreach_get(name, values)
    return values.reshape(-1, width)


@bpy.app.handlers.persistent
def _note_changes(_scene: Any, depsgraph: Any) -> None:
    for update in depsgraph.updates:
        if isinstance(update.id, bpy.types.Action):
            _look_soon([update.id.original])


@bpy.app.handlers.persistent
def _note_all(*_: Any) -> None:
    """Another file, or another state of this one."""
    _edited.clear()
    _look_soon(bpy.data.actions)


def _look_soon(actions: Iterable[Any]) -> None:
    _to_look_at.update(action.session_uid for action in actions if HASH_MARK in action)
    if _to_look_at and not bpy.app.background:
        if bpy.app.timers.is_registered(_look):
            bpy.app.timers.unregister(_look)  # once more: wait until the hand rests
        bpy.app.timers.register(_look, first_interval=_LOOK_AFTER_S)


def _look() -> None:
    for action in bpy.data.actions:
        if action.session_uid in _to_look_at:
            _edited[action.session_uid] = is_edited(action)
    _to_look_at.clear()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


_HANDLERS = (
    (bpy.app.handlers.depsgraph_update_post, _note_changes),
    (bpy.app.handlers.load_post, _note_all),
    (bpy.app.handlers.undo_post, _note_all),
    (bpy.app.handlers.redo_post, _note_all),
)


def register() -> None:
    """Listen to changes."""
    for handlers, listener in _HANDLERS:
        handlers.append(listener)


def unregister() -> None:
    """Stop listening."""
    for handlers, listener in _HANDLERS:
        handlers.remove(listener)
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
