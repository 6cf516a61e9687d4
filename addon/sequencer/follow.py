# SPDX-License-Identifier: GPL-3.0-or-later
"""Animation follows the strip that it was made from, in the undo step that moves the strip.

The offset is kept in one place: the strip carries an id, which its takes carry too, and the frame
of its content on which they are in time. Where it has moved from there, all its takes move as far.
Trimming moves no content, so it moves no keys. A copy of a strip has no takes of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import bpy
from bpy.app.handlers import persistent

from .. import compat
from ..takes.keys_shift import shift_action
from ..takes.nla import shift_strips

STRIP_MARK = "rhetor_strip"
"""On a strip of the sequencer and on the actions made from it: what ties them together."""

_FRAME_MARK = "rhetor_strip_frame"
_NAME_MARK = "rhetor_strip_name"
_SCENE_MARK = "rhetor_followed"
"""On scenes that have a strip with takes, so that the handler leaves the others at once."""

PLACED_MARK = "rhetor_rig"
"""On strips that Rhetor has put into the sequencer: the name of the character they are for."""

_START_MARK = "rhetor_start_frame"


def tie(scene: Any, strip: Any, actions: Iterable[Any]) -> None:
    """Let actions follow a strip of a scene, on whose present place they are in time."""
    catch_up()  # else earlier takes, and these with them, would be moved later
    if STRIP_MARK not in strip:
        strip[STRIP_MARK] = uuid4().hex
        strip[_FRAME_MARK] = compat.strip_content(strip)[0]
    strip[_NAME_MARK] = _full_name(scene, strip)
    scene[_SCENE_MARK] = True
    for action in actions:
        action[STRIP_MARK] = strip[STRIP_MARK]


def tied_strip(action: Any) -> tuple[Any, Any] | None:
    """(scene, strip) that an action follows, or None."""
    mark = action.get(STRIP_MARK)
    found = (pair for pair in _marked_strips() if pair[1][STRIP_MARK] == mark)
    return next(found, None)


def catch_up() -> None:
    """Move the takes of all strips that have moved."""
    by_mark: dict[str, list[tuple[Any, Any]]] = {}
    for scene, strip in _marked_strips():
        by_mark.setdefault(strip[STRIP_MARK], []).append((scene, strip))
    moves = []
    for mark, pairs in by_mark.items():
        scene, strip = _only_strip(pairs)
        now = compat.strip_content(strip)[0]
        frames = round(now - strip[_FRAME_MARK])
        if frames:
            _move_start(scene, strip, frames)
            strip[_FRAME_MARK] = strip[_FRAME_MARK] + frames
            moves.append((mark, now, frames))
    # The foremost in the direction of the move goes first: strips that move together then do not
    # meet on the way.
    for mark, _, frames in sorted(moves, key=lambda move: move[1] * -move[2]):
        _move_takes(mark, frames)


def _marked_strips() -> Iterator[tuple[Any, Any]]:
    for scene in bpy.data.scenes:
        if _SCENE_MARK not in scene or scene.sequence_editor is None or scene.library is not None:
            continue
        for strip in compat.all_sequencer_strips(scene.sequence_editor):
            if STRIP_MARK in strip:
                yield scene, strip


def _only_strip(pairs: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The strip that takes follow, where copies carry the same mark: the one that is not new."""
    kept = next((p for p in pairs if p[1][_NAME_MARK] == _full_name(*p)), pairs[0])
    for pair in pairs:
        if pair != kept:
            for mark in (STRIP_MARK, _FRAME_MARK, _NAME_MARK):
                del pair[1][mark]
    scene, strip = kept
    if strip[_NAME_MARK] != _full_name(scene, strip):
        strip[_NAME_MARK] = _full_name(scene, strip)
    return kept


def _full_name(scene: Any, strip: Any) -> str:
    return f"{scene.name}/{strip.name}"


def _move_start(scene: Any, strip: Any, frames: int) -> None:
    """The next take of a recording that Rhetor has placed begins where that lies now."""
    if PLACED_MARK in strip and scene.rhetor.start_frame == round(strip[_FRAME_MARK]):
        scene.rhetor.start_frame += frames


def _move_takes(mark: str, frames: int) -> None:
    actions = [
        action
        for action in bpy.data.actions
        if action.get(STRIP_MARK) == mark and action.is_editable
    ]
    users = bpy.data.user_map(subset=actions)
    for action in actions:
        owners = [user for user in users[action] if getattr(user, "animation_data", None)]
        if not shift_strips(owners, action, frames):
            shift_action(action, frames)
        if _START_MARK in action:
            action[_START_MARK] = action[_START_MARK] + frames


@persistent
def _on_update(_scene: Any, depsgraph: Any) -> None:
    if depsgraph.mode != "VIEWPORT" or not depsgraph.id_type_updated("SCENE"):
        return
    if any(_SCENE_MARK in scene for scene in bpy.data.scenes):
        catch_up()


def register() -> None:
    """Watch the strips."""
    bpy.app.handlers.depsgraph_update_post.append(_on_update)


def unregister() -> None:
    """Watch no more."""
    bpy.app.handlers.depsgraph_update_post.remove(_on_update)
