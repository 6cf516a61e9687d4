# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes that a character has: find them, let one play, on the head, the face or both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import bpy

from . import compat
from .character import Character
from .keys_write import PROVENANCE_PREFIX

CHARACTER_MARK = f"{PROVENANCE_PREFIX}character"
"""On the armature and on its takes: the same in copies of a character, whatever they are called."""

TAKE_MARK = f"{PROVENANCE_PREFIX}take"
"""On the actions of one take, which before Blender 4.4 are two."""


@dataclass(frozen=True)
class TakePart:
    """What a take has for one data-block of its character. part: HEAD or FACE."""

    part: str
    owner: Any
    action: Any
    slot: Any | None

    @property
    def plays(self) -> bool:
        """Whether it is the active action there."""
        animation = self.owner.animation_data
        return animation is not None and animation.action == self.action


@dataclass(frozen=True)
class TakeEntry:
    """One take of a character: a part for each data-block that it moves."""

    id: str
    parts: tuple[TakePart, ...]

    @property
    def main(self) -> Any:
        """The action that is called like the take; all of them have its settings."""
        return self.parts[0].action

    @property
    def name(self) -> str:
        """For people."""
        return str(self.main.name)

    @property
    def plays(self) -> frozenset[str]:
        """The parts (HEAD, FACE) on which it plays now."""
        silent = {part.part for part in self.parts if not part.plays}
        return frozenset(part.part for part in self.parts) - silent


def character_id(character: Character) -> str:
    """What ties takes to a character; made at the first take. "" for a linked one."""
    root = character.root
    if CHARACTER_MARK not in root:
        if not root.is_editable:
            return ""
        root[CHARACTER_MARK] = uuid4().hex
    return str(root[CHARACTER_MARK])


def new_take_id() -> str:
    """Unique in every file."""
    return uuid4().hex


def takes_of(character: Character) -> tuple[TakeEntry, ...]:
    """All takes of a character that are still whole, by name."""
    mark = character.root.get(CHARACTER_MARK)
    if mark is None:
        return ()
    by_take: dict[str, list[Any]] = {}
    for action in bpy.data.actions:
        if action.get(CHARACTER_MARK) == mark and TAKE_MARK in action:
            by_take.setdefault(str(action[TAKE_MARK]), []).append(action)
    entries = (_entry(character, take, actions) for take, actions in by_take.items())
    return tuple(sorted(filter(None, entries), key=lambda entry: entry.name))


def find_take(character: Character, take: str) -> TakeEntry | None:
    """One of them by id."""
    return next((entry for entry in takes_of(character) if entry.id == take), None)


def play(entry: TakeEntry, parts: frozenset[str]) -> None:
    """Let a take play on some parts; an action that played there stays in the file."""
    for part in entry.parts:
        if part.part not in parts:
            continue
        animation = part.owner.animation_data
        before = animation.action if animation is not None else None
        if before is not None and before != part.action:
            before.use_fake_user = True
        compat.assign_action(part.owner, part.action, part.slot)


def remove(entry: TakeEntry) -> None:
    """Delete a take's actions from the file."""
    for action in {part.action for part in entry.parts}:
        bpy.data.actions.remove(action)


def _entry(character: Character, take: str, actions: list[Any]) -> TakeEntry | None:
    """The take in these actions; None where the half that has the head or the face is gone."""
    parts = tuple(_parts(character, actions))
    wanted = {character.part_of(owner) for owner in character.owners}
    return TakeEntry(take, parts) if {part.part for part in parts} == wanted else None


def _parts(character: Character, actions: list[Any]) -> Iterator[TakePart]:
    """The n-th face goes with the n-th face of the take: copies have other names."""
    seen: Counter[str] = Counter()
    for owner in character.owners:
        found = [(action, slot) for action in actions for slot in compat.slots_for(action, owner)]
        number = seen[owner.id_type]
        seen[owner.id_type] += 1
        if number < len(found):
            yield TakePart(character.part_of(owner), owner, *found[number])
