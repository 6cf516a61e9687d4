# SPDX-License-Identifier: GPL-3.0-or-later
"""`Object.rhetor_looks`: the looks of a head as sliders and colours.

Nothing is stored here: every property reads and writes what head_looks keeps on the armature, and
the meshes follow at once.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import bpy
import numpy as np
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    PointerProperty,
    StringProperty,
)

from ...engine.head.channels import IDENTITY_SIZE
from ...engine.head.model import HeadModel, load_head
from ...engine.head.traits import TraitSpace
from ...engine.protocol.errors import RhetorError
from .head_looks import Looks, read_looks
from .rig import Rig, find_rig, set_looks
from .swatches import PALETTES, swatches

# Trait: label, tooltip, how many standard deviations a slider's 1 is.
TRAITS = {
    "masculine": ("Masculine", "Feminine to masculine", 2.0),
    "age": ("Age", "Younger to older", 4.0),
    "face_width": ("Face Width", "At the temples and cheekbones", 2.0),
    "cheek_fullness": ("Cheeks", "Hollow to full", 2.5),
    "jaw_width": ("Jaw Width", "Between the corners of the jaw", 2.5),
    "chin_length": ("Chin Length", "From the lower lip to the edge of the chin", 1.5),
    "chin_depth": ("Chin Depth", "How far the chin stands forward", 3.0),
    "nose_length": ("Nose Length", "From its root to its base", 2.5),
    "nose_width": ("Nose Width", "Between the wings of the nose", 2.5),
    "mouth_width": ("Mouth Width", "Between the corners of the mouth", 2.5),
    "lip_fullness": ("Lip Fullness", "Height of both lips", 3.0),
    "brow_height": ("Brow Height", "Above the eyes", 3.0),
}
# Modes in which Blender holds the vertices of a mesh itself.
_BUSY_MODES = {"EDIT": "Leave Edit Mode first", "SCULPT": "Leave Sculpt Mode first"}
_HARD_LIMIT = 1.5
_PLACES = 4


@cache
def head_model() -> HeadModel:
    """The head that all characters are made of, read once. Raises HeadError where it cannot be."""
    return load_head()


@cache
def trait_space() -> TraitSpace:
    """Its traits."""
    head = head_model()
    return TraitSpace(head.traits, head.log_tone)


def obstacle(rig: Rig) -> str:
    """Why the looks of a head cannot be changed now, in a few words; "" where they can."""
    if any(item.data.library is not None or item.library is not None for item in rig.meshes):
        return "This head is linked: change it in its own file"
    for mode, reason in _BUSY_MODES.items():
        if any(item.mode == mode for item in rig.meshes):
            return reason
    try:
        parts = head_model().parts
    except RhetorError as error:
        return error.message
    if any(len(item.data.vertices) != parts[n].vertex_count for n, item in rig.parts.items()):
        return "The meshes of this head have been edited: its looks are theirs now"
    return ""


def change_looks(rig: Rig, **changes: Any) -> None:
    """Change some of the looks of a head, if nothing is in the way."""
    if not obstacle(rig):
        set_looks(rig, head_model(), replace(read_looks(rig.armature), **changes))


def _looks(settings: Any) -> Looks:
    rig = find_rig(settings.id_data)
    return Looks() if rig is None else read_looks(rig.armature)


def _change(settings: Any, **changes: Any) -> None:
    rig = find_rig(settings.id_data)
    if rig is not None:
        change_looks(rig, **changes)


def _trait_property(name: str) -> Any:
    label, description, reach = TRAITS[name]

    def get(settings: Any) -> float:
        value = trait_space().values(_looks(settings).coefficients)[name] / reach
        return round(value, _PLACES) + 0.0  # no "-0.00"

    def put(settings: Any, value: float) -> None:
        identity = trait_space().changed(_looks(settings).coefficients, name, value * reach)
        _change(settings, identity=tuple(identity.tolist()))

    return FloatProperty(
        name=label,
        description=description,
        min=-_HARD_LIMIT,
        max=_HARD_LIMIT,
        soft_min=-1.0,
        soft_max=1.0,
        step=2,
        precision=2,
        get=get,
        set=put,
        options=set(),
    )


def _colour_property(pigment: str, label: str, description: str) -> Any:
    def get(settings: Any) -> Any:
        return getattr(_looks(settings).pigments(head_model()), pigment).tolist()

    def put(settings: Any, rgb: Any) -> None:
        _change(settings, **{pigment: tuple(rgb)})

    return FloatVectorProperty(
        name=label,
        description=description,
        subtype="COLOR",
        size=3,
        min=0.0,
        max=1.0,
        get=get,
        set=put,
        options=set(),
    )


def _palette_property(pigment: str, label: str, description: str) -> Any:
    colours = list(PALETTES[pigment].values())

    def items(_settings: Any, _context: Any) -> list[Any]:
        return swatches.items_and_custom(pigment)

    def get(settings: Any) -> int:
        chosen = getattr(_looks(settings), pigment)
        if chosen is None:
            return 0
        near = [np.allclose(chosen, colour, atol=1e-3) for colour in colours]
        return near.index(True) + 1 if any(near) else len(colours) + 1

    def put(settings: Any, number: int) -> None:
        if number <= len(colours):
            _change(settings, **{pigment: colours[number - 1] if number else None})

    return EnumProperty(
        name=label, description=description, items=items, get=get, set=put, options=set()
    )


def _get_face(settings: Any) -> str:
    return " ".join(f"{value:.{_PLACES}g}" for value in _looks(settings).coefficients)


def _set_face(settings: Any, text: str) -> None:
    try:
        identity = tuple(float(word) for word in text.split())
    except ValueError:
        return
    if len(identity) == IDENTITY_SIZE and np.isfinite(identity).all():
        _change(settings, identity=identity)
    elif not identity:
        _change(settings, identity=None)


class RHETOR_PG_looks(bpy.types.PropertyGroup):
    """What a head of Rhetor looks like."""

    face: StringProperty(
        name="Face",
        description="The face as fifty numbers, as presets keep it",
        get=_get_face,
        set=_set_face,
        options={"HIDDEN"},
    )
    skin: _colour_property("skin", "Skin", "Color of the skin")
    iris: _colour_property("iris", "Eyes", "Color of the irises")
    hair: _colour_property("hair", "Hair", "Color of hair, brows and lashes")
    skin_palette: _palette_property("skin", "Skin Colors", "Natural colors of skin")
    iris_palette: _palette_property("iris", "Eye Colors", "Natural colors of eyes")
    hair_palette: _palette_property("hair", "Hair Colors", "Natural colors of hair")
    has_hair: BoolProperty(
        name="Show Hair",
        description="Hair on the head; brows and lashes stay",
        get=lambda settings: _looks(settings).has_hair,
        set=lambda settings, shown: _change(settings, has_hair=shown),
        options=set(),
    )
    masculine: _trait_property("masculine")
    age: _trait_property("age")
    face_width: _trait_property("face_width")
    cheek_fullness: _trait_property("cheek_fullness")
    jaw_width: _trait_property("jaw_width")
    chin_length: _trait_property("chin_length")
    chin_depth: _trait_property("chin_depth")
    nose_length: _trait_property("nose_length")
    nose_width: _trait_property("nose_width")
    mouth_width: _trait_property("mouth_width")
    lip_fullness: _trait_property("lip_fullness")
    brow_height: _trait_property("brow_height")


CLASSES = (RHETOR_PG_looks,)


def register() -> None:
    """Add `Object.rhetor_looks`."""
    bpy.types.Object.rhetor_looks = PointerProperty(
        type=RHETOR_PG_looks, name="Looks", description="What a head of Rhetor looks like"
    )


def unregister() -> None:
    """Remove it, and let go of the head model."""
    del bpy.types.Object.rhetor_looks
    trait_space.cache_clear()
    head_model.cache_clear()
