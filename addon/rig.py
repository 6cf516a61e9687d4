# SPDX-License-Identifier: GPL-3.0-or-later
"""The character in the scene: build it, find it, check it, change who it is.

Armature root > neck > head > eye.L, eye.R. The head bone takes the pose (see core/axes.py), the
face mesh carries the 52 expression keys, the eye bones and correctives follow these by drivers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..engine.head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from ..engine.head.model import FACE, HeadModel
from ..engine.head.parts import Part
from ..engine.protocol.errors import RigError
from . import drivers, head_mesh
from .armature import HEAD_BONE, add_armature, attach_to_bone, place_eye_bones
from .core.axes import HEAD_ROTATION_MODE
from .materials import HAIR_COLOURS, make_materials

RIG_MARK = "rhetor_rig"
PART_MARK = "rhetor_part"
IDENTITY_MARK = "rhetor_identity"
HAIR_MARK = "rhetor_hair_colour"
_RIG_FORMAT = 1
_PREVIEW = "_preview"
_MISSING_KEYS_SHOWN = 4


@dataclass(frozen=True)
class Rig:
    """A character: its armature, the face mesh with the 52 keys, and all meshes by part name."""

    armature: bpy.types.Object
    face: bpy.types.Object
    parts: dict[str, bpy.types.Object]

    @property
    def keys(self) -> bpy.types.Key:
        """The data-block of the expression keys, the owner of their animation."""
        return self.face.data.shape_keys

    @property
    def head_bone(self) -> bpy.types.PoseBone:
        """The bone that takes the head pose."""
        return self.armature.pose.bones[HEAD_BONE]

    @property
    def identity(self) -> tuple[float, ...] | None:
        """The (50,) coefficients that are baked in, or None for the mean."""
        stored = self.armature.get(IDENTITY_MARK)
        return None if stored is None else tuple(stored)


def build_rig(
    context: bpy.types.Context,
    head: HeadModel,
    *,
    name: str = "Rhetor Head",
    identity: Any = None,
    hair: bool = True,
    hair_colour: str | None = None,
    location: Sequence[float] = (0.0, 0.0, 0.0),
) -> Rig:
    """Add a character to the scene and make its armature the active object.

    identity: (50,) standard deviations, None for the mean. hair_colour: a name in HAIR_COLOURS,
    None for the model's own. location: where the bust stands, in metres.
    """
    identity = _checked_identity(identity)
    collection = bpy.data.collections.new(name)
    context.scene.collection.children.link(collection)
    armature = add_armature(context, collection, head, name, identity)
    armature.location = location
    armature[RIG_MARK] = _RIG_FORMAT
    chosen = [part for part in head.parts.values() if hair or part.kind != "hair"]
    materials = make_materials({slot for part in chosen for slot in part.slots})
    for part in chosen:
        item = head_mesh.build_part(head, part, materials, identity, _hair_rgb(hair_colour))
        collection.objects.link(item)
        item[PART_MARK] = part.name
        item.lock_location = item.lock_rotation = item.lock_scale = (True, True, True)
        _attach(item, part, armature)
        head_mesh.add_subdivision(item, part)
        if part.kind == "hair":
            _share_hair(item, part.name, head)
    rig = find_rig(armature)
    if rig is None:
        raise RigError("The head model has no face.", "Build the head model again.")
    _store_identity(armature, identity)
    if hair_colour is not None:
        armature[HAIR_MARK] = hair_colour
    _add_drivers(rig, head)
    return rig


def find_rig(item: bpy.types.Object | None) -> Rig | None:
    """The character that an object is part of, or None."""
    while item is not None and RIG_MARK not in item:
        item = item.parent
    if item is None or item.type != "ARMATURE":
        return None
    parts = {child[PART_MARK]: child for child in item.children if PART_MARK in child}
    face = parts.get(FACE)
    return None if face is None else Rig(item, face, parts)


def validate_rig(rig: Rig) -> None:
    """Check that takes can be keyed on a rig; raise RigError where they cannot."""
    name = rig.armature.name
    again = "Create a new head, or undo the change."
    bone = rig.armature.pose.bones.get(HEAD_BONE)
    if bone is None:
        raise RigError(f"{name} has no bone named {HEAD_BONE!r}.", again)
    if bone.rotation_mode != HEAD_ROTATION_MODE:
        raise RigError(
            f"The head bone of {name} has the rotation order {bone.rotation_mode}.",
            f"Set it to {HEAD_ROTATION_MODE} Euler.",
        )
    keys = rig.face.data.shape_keys
    present = set() if keys is None else set(keys.key_blocks.keys())
    missing = [key for key in EXPRESSION_NAMES if key not in present]
    if missing:
        shown = ", ".join(missing[:_MISSING_KEYS_SHOWN])
        more = len(missing) - _MISSING_KEYS_SHOWN
        shown += f" and {more} more" if more > 0 else ""
        raise RigError(f"The face of {name} lacks the shape keys {shown}.", again)


def set_identity(rig: Rig, head: HeadModel, identity: Any) -> None:
    """Bake another identity (50,) into the meshes, colours and eye bones; None is the mean.

    The hair keeps its colour.
    """
    identity = _checked_identity(identity)
    hair_rgb = _hair_rgb(rig.armature.get(HAIR_MARK))
    for name, item in rig.parts.items():
        part = head.parts[name]
        head_mesh.reshape_part(head, part, item, identity)
        head_mesh.paint_part(head, part, item.data, identity, hair_rgb)
    place_eye_bones(bpy.context, rig.armature, head, identity)
    for eye in head.eyes:
        attach_to_bone(rig.parts[eye.name], rig.armature, eye.name)
    _store_identity(rig.armature, identity)


def _checked_identity(identity: Any) -> Any:
    if identity is None:
        return None
    coefficients = np.asarray(identity, np.float32)
    if coefficients.shape != (IDENTITY_SIZE,) or not np.isfinite(coefficients).all():
        raise RigError(f"An identity has {IDENTITY_SIZE} finite coefficients.")
    return coefficients


def _hair_rgb(name: str | None) -> Any:
    if name is not None and name not in HAIR_COLOURS:
        raise RigError(f"No hair is {name!r}.", f"Choose one of {', '.join(HAIR_COLOURS)}.")
    return HAIR_COLOURS.get(name)


def _store_identity(armature: bpy.types.Object, identity: Any) -> None:
    if identity is not None:
        armature[IDENTITY_MARK] = [float(value) for value in identity]
    elif IDENTITY_MARK in armature:
        del armature[IDENTITY_MARK]


def _attach(item: bpy.types.Object, part: Part, armature: bpy.types.Object) -> None:
    """Bind a part: rigid parts cost nothing on their bone, the others are skinned."""
    item.parent = armature
    if part.bone_weights is None:
        attach_to_bone(item, armature, part.name)
    elif not part.keys and np.allclose(part.bone_weights[:, 2], 1.0):
        attach_to_bone(item, armature, HEAD_BONE)
    else:
        head_mesh.add_skinning(item, part, armature)


def _share_hair(item: bpy.types.Object, name: str, head: HeadModel) -> None:
    """Full hair in renders, its light stand-in (where the model has one) in the viewport."""
    item.hide_select = True
    item.hide_viewport = f"{name}{_PREVIEW}" in head.parts
    item.hide_render = name.endswith(_PREVIEW)


def _add_drivers(rig: Rig, head: HeadModel) -> None:
    correctives = {item.name: item for item in head.correctives}
    for item in rig.parts.values():
        keys = item.data.shape_keys
        if keys is None:
            continue
        for block in keys.key_blocks[1:]:
            if block.name in correctives:
                drivers.drive_corrective(keys, correctives[block.name], rig.keys)
            elif keys != rig.keys:
                drivers.follow_key(keys, block.name, rig.keys)
    for eye in head.eyes:
        drivers.drive_eye(rig.armature.pose.bones[eye.name], eye, rig.keys)
