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

from ...engine.head.channels import EXPRESSION_NAMES
from ...engine.head.model import FACE, HeadModel
from ...engine.head.parts import Part, Pigments
from ...engine.protocol.errors import RigError
from ..core.axes import HEAD_ROTATION_MODE
from . import drivers, head_mesh
from .armature import HEAD_BONE, add_armature, attach_to_bone, place_eye
from .head_looks import IDENTITY_MARK, Looks, read_looks, store_looks
from .materials import make_materials

RIG_MARK = "rhetor_rig"
PART_MARK = "rhetor_part"
_RIG_FORMAT = 1
_PREVIEW = "_preview"
_MISSING_KEYS_SHOWN = 4
_AVERAGE = Looks()


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
    def meshes(self) -> tuple[bpy.types.Object, ...]:
        """The objects of all parts."""
        return tuple(self.parts.values())

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
    looks: Looks = _AVERAGE,
    location: Sequence[float] = (0.0, 0.0, 0.0),
) -> Rig:
    """Add a character to the scene and make its armature the active object.

    location: where the bust stands, in metres.
    """
    collection = bpy.data.collections.new(name)
    context.scene.collection.children.link(collection)
    armature = add_armature(context, collection, head, name)
    armature.location = location
    armature[RIG_MARK] = _RIG_FORMAT
    # Stored now: an override of a linked head can keep only settings that the head has (5.0).
    armature.rhetor_character.is_set_up = False
    materials = make_materials({slot for part in head.parts.values() for slot in part.slots})
    identity, pigments = looks.coefficients, looks.pigments(head)
    for part in head.parts.values():
        item = head_mesh.build_part(head, part, materials, identity, pigments)
        collection.objects.link(item)
        item[PART_MARK] = part.name
        item.lock_location = item.lock_rotation = item.lock_scale = (True, True, True)
        _attach(item, part, armature)
        head_mesh.add_subdivision(item, part)
        item.hide_select = part.kind == "hair"
    rig = find_rig(armature)
    if rig is None:
        raise RigError("The head model has no face.", "Build the head model again.")
    store_looks(armature, looks)
    _show_hair(rig, head, looks.has_hair)
    _place_eyes(rig, head, identity)
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


def set_looks(rig: Rig, head: HeadModel, looks: Looks) -> None:
    """Make another person of a head; its takes play on.

    Linked duplicates, which share its meshes, change with it. Raises RigError where a mesh has
    other vertices than the head model.
    """
    before = read_looks(rig.armature)
    for name, item in rig.parts.items():
        if len(item.data.vertices) != head.parts[name].vertex_count:
            raise RigError(
                f"The vertices of {item.name} have been changed.", "Undo that, or make a new head."
            )
    is_another = before.identity != looks.identity
    if is_another:
        change = head.identity_deltas(looks.coefficients - before.coefficients)
        for name, item in rig.parts.items():
            head_mesh.move_vertices(item, change[name])
    _paint(rig, head, before.pigments(head), looks.pigments(head))
    for twin in _twins(rig):
        store_looks(twin.armature, looks)
        if is_another:
            _place_eyes(twin, head, looks.coefficients)
        if before.has_hair != looks.has_hair:
            _show_hair(twin, head, looks.has_hair)


def _twins(rig: Rig) -> list[Rig]:
    """The heads that share a face mesh, this one among them."""
    if rig.face.data.users == 1:
        return [rig]
    faces = [item for item in bpy.data.objects if item.data == rig.face.data]
    return [twin for twin in map(find_rig, faces) if twin is not None]


def _paint(rig: Rig, head: HeadModel, before: Pigments, after: Pigments) -> None:
    """Give new colours to the parts that show them."""
    changed = {
        field
        for field, colour in vars(before).items()
        if not np.array_equal(colour, getattr(after, field))
    }
    for name, item in rig.parts.items():
        if head.parts[name].tint.uses & changed:
            head_mesh.paint_part(head, head.parts[name], item.data, after)


def _attach(item: bpy.types.Object, part: Part, armature: bpy.types.Object) -> None:
    """Bind a part: rigid parts cost nothing on their bone, the others are skinned."""
    item.parent = armature
    if part.bone_weights is None:
        return  # an eye, see _place_eyes
    if not part.keys and np.allclose(part.bone_weights[:, 2], 1.0):
        attach_to_bone(item, armature, HEAD_BONE)
    else:
        head_mesh.add_skinning(item, part, armature)


def _show_hair(rig: Rig, head: HeadModel, shown: bool) -> None:
    """Full hair in renders, its light stand-in (where the model has one) in the viewport."""
    for name, item in rig.parts.items():
        if head.parts[name].kind == "hair":
            item.hide_viewport = not shown or f"{name}{_PREVIEW}" in head.parts
            item.hide_render = not shown or name.endswith(_PREVIEW)


def _place_eyes(rig: Rig, head: HeadModel, identity: Any) -> None:
    for eye in head.eyes:
        if eye.name not in rig.parts:
            continue  # deleted by hand
        place_eye(rig.parts[eye.name], rig.armature, head, eye.name, identity)


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
