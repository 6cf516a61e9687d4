# SPDX-License-Identifier: GPL-3.0-or-later
"""How a character that is not our own head takes a performance. Stored on its root object.

So the settings are copied, saved, linked and appended with the character.
"""

from __future__ import annotations

import math
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

BONES, KEYS, BOTH = "BONES", "KEYS", "BOTH"

AXES = {
    f"{sign}{letter}": tuple((-1.0 if sign else 1.0) * (letter == axis) for axis in "XYZ")
    for letter in "XYZ"
    for sign in ("", "-")
}
"""The choices for Forward and Up, as vectors."""

_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
_DIRECTIONS = [(axis, axis, f"Along {axis} of the character's own axes") for axis in AXES]


def _is_mesh(_settings: Any, candidate: Any) -> bool:
    return candidate.type == "MESH"


def _bone(name: str, description: str) -> Any:
    return StringProperty(name=name, description=description, override=_OVERRIDABLE)


class RHETOR_PG_face(bpy.types.PropertyGroup):
    """A mesh with shape keys, and what they show."""

    mesh: PointerProperty(
        name="Mesh",
        description="A mesh whose shape keys take part in the face",
        type=bpy.types.Object,
        poll=_is_mesh,
        override=_OVERRIDABLE,
    )
    mapping: StringProperty(
        name="Mapping",
        description="How its shape keys follow the 52 expression units, as JSON",
        override=_OVERRIDABLE,
    )


class RHETOR_PG_character(bpy.types.PropertyGroup):
    """Which bones and which shape keys of a character take what of a performance."""

    is_set_up: BoolProperty(
        name="Set Up",
        description="These settings are filled in",
        options={"HIDDEN"},
        override=_OVERRIDABLE,
    )
    takes_id: StringProperty(
        name="Takes",
        description="What ties the takes in this file to the character",
        options={"HIDDEN"},
        override=_OVERRIDABLE,
    )
    faces: CollectionProperty(
        name="Faces",
        description="The meshes whose shape keys take part",
        type=RHETOR_PG_face,
        override=_OVERRIDABLE | {"USE_INSERTION"},
    )
    active_face: IntProperty(name="Active Face", options={"HIDDEN"}, min=0)
    head_bone: _bone("Head", "The bone that turns the head")
    neck_bone: _bone("Neck", "A bone below the head that turns with it; may stay empty")
    neck_share: FloatProperty(
        name="Neck Share",
        description="How much of each turn the neck makes; the head bone makes the rest",
        default=0.35,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        override=_OVERRIDABLE,
    )
    eyes: EnumProperty(
        name="Eyes",
        description="What makes the eyes look around",
        items=[
            (KEYS, "Shape Keys", "Keys of the face mesh"),
            (BONES, "Bones", "A bone for each eye"),
            (BOTH, "Both", "Bones turn the eyes, keys of the face mesh move the lids with them"),
        ],
        override=_OVERRIDABLE,
    )
    eye_left_bone: _bone("Left Eye", "The bone that turns the character's left eye")
    eye_right_bone: _bone("Right Eye", "The bone that turns the character's right eye")
    moves_object: BoolProperty(
        name="Move Object",
        description="Where there are no bones, let the object itself turn and move with the head",
        default=True,
        override=_OVERRIDABLE,
    )
    offsets: StringProperty(
        name="Earlier Pose",
        description="The pose that the bones had at set-up, which a performance is added to",
        options={"HIDDEN"},
        override=_OVERRIDABLE,
    )
    jaw: EnumProperty(
        name="Jaw",
        description="What opens the mouth",
        items=[
            (KEYS, "Shape Keys", "Keys of the face mesh"),
            (BONES, "Bone", "A bone that turns the lower jaw"),
        ],
        override=_OVERRIDABLE,
    )
    jaw_bone: _bone("Jaw Bone", "The bone that turns the lower jaw")
    jaw_angle: FloatProperty(
        name="Opening Angle",
        description="How far the jaw turns when the mouth is wide open",
        default=math.radians(22.0),
        min=math.radians(-90.0),
        max=math.radians(90.0),
        subtype="ANGLE",
        override=_OVERRIDABLE,
    )
    forward: EnumProperty(
        name="Forward",
        description="Where the face looks at rest, in the armature's own axes",
        items=_DIRECTIONS,
        default="-Y",
        override=_OVERRIDABLE,
    )
    up: EnumProperty(
        name="Up",
        description="Where the crown points at rest, in the armature's own axes",
        items=_DIRECTIONS,
        default="Z",
        override=_OVERRIDABLE,
    )
    pose_scale: FloatProperty(
        name="Movement Scale",
        description="How far the head moves; 1 fits a head as large as Rhetor's own, in meters",
        default=1.0,
        min=0.0,
        soft_max=100.0,
        max=10_000.0,
        override=_OVERRIDABLE,
    )


CLASSES = (RHETOR_PG_face, RHETOR_PG_character)


def register() -> None:
    """Add `Object.rhetor_character`."""
    bpy.types.Object.rhetor_character = PointerProperty(
        type=RHETOR_PG_character, override=_OVERRIDABLE
    )


def unregister() -> None:
    """Remove it; the settings stay in the file."""
    del bpy.types.Object.rhetor_character
