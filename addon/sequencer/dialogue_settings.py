# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a dialogue: which strip is spoken by whom, and how each character performs."""

from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty, StringProperty

from ..characters.character import find_character
from ..styles.style_choice import StyleChoice


def _may_speak(_line: Any, candidate: Any) -> bool:
    return candidate.type in {"ARMATURE", "MESH"}


def _cast_speaker(line: Any, _context: Any) -> None:
    """Whoever speaks a line has settings of their own, and is known by the root object."""
    character = find_character(line.character)
    if character is None:
        return
    if line.character != character.root:
        line.character = character.root
    ensure_speaker(line.id_data.rhetor_dialogue, character.root)


class RHETOR_PG_line(bpy.types.PropertyGroup):
    """One line of a dialogue."""

    strip: StringProperty(name="Strip", description="The sound strip of the sequencer")
    character: PointerProperty(
        name="Speaker",
        description="The character that speaks this strip",
        type=bpy.types.Object,
        poll=_may_speak,
        update=_cast_speaker,
    )
    use: BoolProperty(
        name="Animate", description="Let this strip be spoken in the dialogue", default=True
    )


class RHETOR_PG_speaker(StyleChoice, bpy.types.PropertyGroup):
    """How one character takes part in a dialogue."""

    character: PointerProperty(
        name="Speaker",
        description="The character that speaks this strip",
        type=bpy.types.Object,
    )
    listens: BoolProperty(
        name="Listens",
        description="Let this character blink, look and move a little while others speak",
        default=True,
    )


class RHETOR_PG_dialogue(bpy.types.PropertyGroup):
    """The lines of a scene's dialogue, and who speaks them."""

    lines: CollectionProperty(type=RHETOR_PG_line)
    active_line: IntProperty(name="Line", description="The line whose speaker is shown below")
    speakers: CollectionProperty(type=RHETOR_PG_speaker)


def ensure_speaker(dialogue: Any, root: Any) -> Any:
    """The settings of a character in a dialogue; made where there are none."""
    known = find_speaker(dialogue, root)
    if known is None:
        known = dialogue.speakers.add()
        known.character = root
        # Two that listen alike would look like twins.
        known.seed = len(dialogue.speakers) - 1
    return known


def find_speaker(dialogue: Any, root: Any) -> Any | None:
    """The settings of a character in a dialogue, or None."""
    return next((s for s in dialogue.speakers if s.character == root), None)


CLASSES = (RHETOR_PG_line, RHETOR_PG_speaker, RHETOR_PG_dialogue)


def register() -> None:
    """Add `Scene.rhetor_dialogue`."""
    bpy.types.Scene.rhetor_dialogue = PointerProperty(type=RHETOR_PG_dialogue)


def unregister() -> None:
    """Remove `Scene.rhetor_dialogue`."""
    del bpy.types.Scene.rhetor_dialogue
