# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators and panels on takes have in common: which character, which take."""

from __future__ import annotations

from typing import Any

from bpy.props import StringProperty

from ..characters.character import FACE, HEAD, Character, find_character
from ..keys_write import PROVENANCE_PREFIX, TAKE_MARK
from ..words import say
from . import takes
from .playback import playing_action

BOTH = "BOTH"
PARTS = {
    BOTH: frozenset((HEAD, FACE)),
    HEAD: frozenset((HEAD,)),
    FACE: frozenset((FACE,)),
}


class OnTake:
    """An operator on one take of the picked character."""

    take: StringProperty(
        name="Take",
        description="Which take, by its id; the one that plays where this is empty",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        """The picked character has a take."""
        character = picked_character(context)
        if character is None:
            cls.poll_message_set(say("Create or pick a head first"))
        elif not takes.has_takes(character):
            cls.poll_message_set(say("This character has no take yet: press Animate"))
        else:
            return True
        return False

    def found(self, context: Any) -> takes.TakeEntry | None:
        """The take; where there is none, the person has been told."""
        character = picked_character(context)
        entry = takes.find_take(character, self.take) if self.take else active_take(character)
        if entry is None:
            gone = "This take is no longer in the file." if self.take else "No take plays."
            self.report({"ERROR"}, say(gone))
        return entry


def picked_character(context: Any) -> Character | None:
    """The character that the scene's settings name, where it can have takes."""
    character = find_character(context.scene.rhetor.head)
    return character if character is not None and character.owners else None


def active_take(character: Character) -> takes.TakeEntry | None:
    """The take that plays; of two that play in part the one that has the head."""
    playing = filter(None, map(playing_action, character.owners))
    found = (takes.find_take(character, action.get(TAKE_MARK, "")) for action in playing)
    return next(filter(None, found), None)


def stored(entry: takes.TakeEntry, key: str, missing: Any = "") -> Any:
    """What was stored about a take when it was written."""
    return entry.main.get(PROVENANCE_PREFIX + key, missing)
