# SPDX-License-Identifier: GPL-3.0-or-later
"""Which takes were edited by hand since they were written: their keys differ from a stored hash.

Panels must not hash thousands of keys whenever they draw. So Blender's word that an action has
changed marks it, a timer looks a moment later, a slice at a time, and panels show what it found.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..core.key_hash import KeyedCurve, hash_keys
from ..keys_write import HASH_MARK, LINEAR, slot_key

_LOOK_AFTER_S = 0.4
_SLICE_S = 0.02

_edited: dict[int, bool] = {}
_to_look_at: set[int] = set()
_read: dict[int, list[tuple[str, KeyedCurve]]] = {}
"""What has been read of an action that is looked at: curves with the keys of their slots."""


def is_edited(action: Any) -> bool:
    """Whether the keys of a take's action are no longer those that were written."""
    read: list[tuple[str, KeyedCurve]] = []
    _read_on(action, read, math.inf)
    return _differs(action, read)


def known_edited(action: Any) -> bool:
    """The same as last looked at; for panels."""
    return _edited.get(action.session_uid, False)


def _read_on(action: Any, read: list[tuple[str, KeyedCurve]], ends_s: float) -> bool:
    """Read the keys of further curves until that time; whether all are read."""
    by_slot = compat.fcurves_by_slot(action, slot_key)
    curves = [(key, curve) for key, found in by_slot.items() for curve in found]
    for key, curve in curves[len(read) :]:
        if time.perf_counter() > ends_s:
            return False
        keys = _column(curve, "co", 2)
        read.append((key, KeyedCurve(curve.data_path, curve.array_index, keys, _shape(curve))))
    return True


def _differs(action: Any, read: list[tuple[str, KeyedCurve]]) -> bool:
    written = json.loads(action.get(HASH_MARK, "{}"))
    by_slot: dict[str, list[KeyedCurve]] = {}
    for key, curve in read:
        by_slot.setdefault(key, []).append(curve)
    return any(
        key not in written or hash_keys(curves) != written[key] for key, curves in by_slot.items()
    )


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
    changed = {action.session_uid for action in actions if HASH_MARK in action}
    _to_look_at.update(changed)
    for uid in changed:
        _read.pop(uid, None)
    if _to_look_at and not bpy.app.background:
        if bpy.app.timers.is_registered(_look):
            bpy.app.timers.unregister(_look)  # once more: wait until the hand rests
        bpy.app.timers.register(_look, first_interval=_LOOK_AFTER_S)


def _look() -> float | None:
    # Blender's data may be gone at the next slice: only what was read of it is kept till then.
    ends_s = time.perf_counter() + _SLICE_S
    for action in bpy.data.actions:
        uid = action.session_uid
        if uid not in _to_look_at:
            continue
        if not _read_on(action, _read.setdefault(uid, []), ends_s):
            return 0.0
        _edited[uid] = _differs(action, _read.pop(uid))
        _to_look_at.discard(uid)
    _to_look_at.clear()
    _read.clear()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()
    return None


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
