# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes that a character has: find them, let one play, on the head, the face or both."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import bpy

from ...engine.protocol.errors import RigError
from .. import compat
from ..characters.character import Character
from ..keys_write import PROVENANCE_PREFIX, TAKE_MARK, WrittenPart, remove_actions
from ..sequencer.placement import Placement
from . import nla, playback

CHARACTER_MARK = f"{PROVENANCE_PREFIX}character"
"""On the actions of a take: whose it is. Copies of a character have its takes too."""

MADE_MARK = f"{PROVENANCE_PREFIX}made_s"
"""On the actions of a take: when it was made, in seconds since 1970."""


@dataclass(frozen=True)
class TakePart:
    """What a take has for one data-block of its character. part: HEAD or FACE."""

    part: str
    owner: Any
    action: Any
    slot: Any | None

    @property
    def plays(self) -> bool:
        """Whether it is what plays there."""
        return bool(playback.playing_action(self.owner) == self.action)


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
    def made_s(self) -> float:
        """When it was made, in seconds since 1970; 0 where that is not known."""
        return float(self.main.get(MADE_MARK, 0.0))

    @property
    def actions(self) -> tuple[Any, ...]:
        """All its actions, each once."""
        return tuple(dict.fromkeys(part.action for part in self.parts))

    @property
    def plays(self) -> frozenset[str]:
        """The parts (HEAD, FACE) on which it plays now."""
        silent = {part.part for part in self.parts if not part.plays}
        return frozenset(part.part for part in self.parts) - silent


def character_id(character: Character) -> str:
    """What ties takes to a character; made at the first take. "" for a linked one."""
    settings = character.root.rhetor_character
    if not settings.takes_id and character.root.is_editable:
        settings.takes_id = uuid4().hex
    return str(settings.takes_id)


def new_take_id() -> str:
    """Unique in every file."""
    return uuid4().hex


def takes_of(character: Character) -> tuple[TakeEntry, ...]:
    """All takes of a character that are still whole, in the order in which they were made.

    Lines of a dialogue are no takes to choose from: they play together.
    """
    by_take: dict[str, list[Any]] = {}
    for action in _actions_of(character):
        by_take.setdefault(str(action[TAKE_MARK]), []).append(action)
    entries = (_entry(character, take, actions) for take, actions in by_take.items())
    return tuple(sorted(filter(None, entries), key=lambda entry: (entry.made_s, entry.name)))


def has_takes(character: Character) -> bool:
    """Whether a character has any; quicker than to list them."""
    return next(_actions_of(character), None) is not None


def find_take(character: Character, take: str) -> TakeEntry | None:
    """One of them by id."""
    actions = [action for action in _actions_of(character) if action[TAKE_MARK] == take]
    return _entry(character, take, actions) if actions else None


def play(entry: TakeEntry, parts: frozenset[str], scene: Any) -> playback.Displaced:
    """Let a take play on some parts, beside what is there as the scene's settings say.

    Raises RigError where one of the data-blocks cannot be animated; nothing has changed then.
    """
    wanted = (part for part in entry.parts if part.part in parts)
    written = (WrittenPart(part.owner, part.action, part.slot) for part in wanted)
    span = scene.frame_start, scene.frame_end
    return playback.play(written, scene.rhetor.existing, span)


def duplicate(character: Character, entry: TakeEntry) -> TakeEntry:
    """A copy with the same keys and settings, to be edited; it plays nowhere yet."""
    take = new_take_id()
    copies = {action: action.copy() for action in entry.actions}
    for action, copy in copies.items():
        copy[TAKE_MARK], copy[MADE_MARK] = take, time.time()
        copy.name = f"{action.name} copy"
        copy.use_fake_user = True
    copied = find_take(character, take)
    assert copied is not None, "a copy has all parts of its original"
    return copied


def remove(entry: TakeEntry) -> None:
    """Delete a take from the file, with its strips. Raises RigError where it is linked."""
    if any(not action.is_editable for action in entry.actions):
        raise RigError(
            f"{entry.name} is linked from another file.", "Open that file to remove it there."
        )
    for part in entry.parts:
        for _, strip in nla.find_strips(part.owner, entry.id):
            nla.remove_strip(part.owner, strip)
    remove_actions(entry.actions)


def _actions_of(character: Character) -> Iterator[Any]:
    mark = character.root.rhetor_character.takes_id
    for action in bpy.data.actions if mark else ():
        if action.get(CHARACTER_MARK) == mark and TAKE_MARK in action and not _is_line(action):
            yield action


def _is_line(action: Any) -> bool:
    placement = action.get(f"{PROVENANCE_PREFIX}placement", Placement.ACTION.value)
    return bool(placement != Placement.ACTION.value)


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
