# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a scene, as the panel shows them. They are saved with the file."""

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import compat
from .sequencer.voice import FILE, STRIP, matching_strips
from .styles.style_choice import StyleChoice
from .takes.playback import LEAVE, PUSH_DOWN


def _may_be_head(_settings: Any, candidate: Any) -> bool:
    return candidate.type in {"ARMATURE", "MESH", "EMPTY"}


class RHETOR_PG_settings(StyleChoice, bpy.types.PropertyGroup):
    """What to animate, and how."""

    source: EnumProperty(
        name="Voice",
        description="Where the voice comes from",
        items=[
            (FILE, "File", "A whole sound file, or the sound of a video"),
            (STRIP, "Strip", "What a strip of the sequencer plays, where it plays"),
        ],
        default=FILE,
    )
    strip: StringProperty(
        name="Strip",
        description="The sound strip to animate to; its trim and place are those of the animation",
        search=matching_strips,
    )
    audio: StringProperty(
        name="Recording",
        description="The voice: any sound file, or the sound of a video",
        subtype="FILE_PATH",
        options=compat.RELATIVE_PATH,
    )
    head: PointerProperty(
        name="Head",
        description="The character to animate: its armature or its face mesh",
        type=bpy.types.Object,
        poll=_may_be_head,
    )
    start_frame: IntProperty(
        name="Start Frame",
        description="Frame on which the recording and the performance begin",
        default=1,
        min=-100_000,
        max=900_000,
    )
    preset: EnumProperty(
        name="Preset",
        description="Which networks to use",
        items=[
            ("plus", "Plus", "The full networks: styles, seeds and recordings of any length"),
            ("paper", "Paper", "The networks as first published, always the same performance"),
        ],
        default="plus",
    )
    eyes: BoolProperty(
        name="Blinks and Gaze",
        description="Let the eyes blink and look around",
        default=True,
    )
    existing: EnumProperty(
        name="Existing Action",
        description="What happens to an action of yours that is active on the character when a "
        "take is written. Takes always make room for each other",
        items=[
            (
                PUSH_DOWN,
                "Push Down",
                "It moves to an NLA track as it is and plays on under the take, so that a body "
                "animation goes on. Where both have keys, the take shows",
            ),
            (
                LEAVE,
                "Leave",
                "It stays active; the take becomes an NLA strip under it. Where both have keys, "
                "your action shows",
            ),
        ],
        default=PUSH_DOWN,
    )


CLASSES = (RHETOR_PG_settings,)


def register() -> None:
    """Add `Scene.rhetor`."""
    bpy.types.Scene.rhetor = PointerProperty(type=RHETOR_PG_settings)


def unregister() -> None:
    """Remove `Scene.rhetor`."""
    del bpy.types.Scene.rhetor
