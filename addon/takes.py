# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes that a character has: find them, let one play, on the head, the face or both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import bpy

from . import compat
from .keys_write import PROVENANCE_PREFIX
from .rig import Rig

CHARACTER_MARK = f"{PROVENANCE_PREFIX}character"
"""On the armature and on its takes: the same in copies of a character, whatever they are called."""

TAKE_MARK = f"{PROVENANCE_PREFIX}take"
"""On the actions of one take, which before Blender 4.4 are two."""

HEAD, FACE = "HEAD", "FACE"


@dataclass(frozen=True)
class TakeEntry:
    """One take of a character. head, face: the actions that hold it; one and the same with slots.

    plays: the parts (HEAD, FACE) on which it plays now.
    """

    id: str
    name: str
    head: Any
    face: Any
    plays: frozenset[str]


def character_id(rig: Rig) -> str:
    """What ties takes to a character; made at the first take. "" for a linked one."""
    if CHARACTER_MARK not in rig.armature:
        if not rig.armature.is_editable:
            return ""
        rig.armature[CHARACTER_MARK] = uuid4().hex
    return str(rig.armature[CHARACTER_MARK])


def new_take_id() -> str:
    """Unique in every file."""
    return uuid4().hex


def takes_of(rig: Rig) -> tuple[TakeEntry, ...]:
    """All takes of a character that are still whole, by name."""
    character = rig.armature.get(CHARACTER_MARK)
    if character is None:
        return ()
    by_take: dict[str, list[Any]] = {}
    for action in bpy.data.actions:
        if action.get(CHARACTER_MARK) == character and TAKE_MARK in action:
            by_take.setdefault(str(action[TAKE_MARK]), []).append(action)
    entries = (_entry(rig, take, actions) for take, actions in by_take.items())
    return tuple(sorted(filter(None, entries), key=lambda entry: entry.name))


def find_take(rig: Rig, take: str) -> TakeEntry | None:
    """One of them by id."""
    return next((entry for entry in takes_of(rig) if entry.id == take), None)


def play(rig: Rig, entry: TakeEntry, parts: frozenset[str]) -> None:
    """Let a take play on some parts; an action that played there stays in the file."""
    for part, owner, action in _parts(rig, entry.head, entry.face):
        if part not in parts:
            continue
        animation = owner.animation_data
        before = animation.action if animation is not None else None
        if before is not None and before != action:
            before.use_fake_user = True
        compat.assign_action(owner, action, compat.slot_for(action, owner))


def remove(entry: TakeEntry) -> None:
    """Delete a take's actions from the file."""
    for action in {entry.head, entry.face}:
        bpy.data.actions.remove(action)


def _entry(rig: Rig, take: str, actions: list[Any]) -> TakeEntry | None:
    """The take in these actions; None where the half that has the head or the face is gone."""
    found = {
        part: next((a for a in actions if compat.has_channels(a, owner)), None)
        for part, owner in ((HEAD, rig.armature), (FACE, rig.keys))
    }
    head, face = found[HEAD], found[FACE]
    if head is None or face is None:
        return None
    playing = frozenset(
        part
        for part, owner, action in _parts(rig, head, face)
        if owner.animation_data is not None and owner.animation_data.action == action
    )
    return TakeEntry(take, head.name, head, face, playing)


def _parts(rig: Rig, head: Any, face: Any) -> Iterator[tuple[str, Any, Any]]:
    yield HEAD, rig.armature, head
    yield FACE, rig.keys, face
