# SPDX-License-Identifier: GPL-3.0-or-later
"""The character that takes a performance: our own head, or any that has been set up.

A character is known by its root object: the armature; where there is none, what was picked, the
face mesh or an Empty that its meshes are children of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from ...engine.head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from ...engine.protocol.errors import RigError
from ...engine.protocol.take import POSE_CHANNELS, Take
from ..core.retarget import face_curves, head_curves
from ..head.armature import HEAD_BONE
from ..head.rig import Rig, find_rig, validate_rig
from ..keys_write import KeyedOwner
from . import character_bones
from .character_faces import key_curves, mapped_faces
from .character_object import object_curves

HEAD, FACE = "HEAD", "FACE"
"""The parts of a take: what is on the armature, and what is on shape keys."""


@dataclass(frozen=True)
class Character:
    """Where takes go. rig: its parts, where it is our own head."""

    root: bpy.types.Object
    rig: Rig | None = None

    @property
    def name(self) -> str:
        """For people."""
        return self.root.name

    @property
    def is_own_head(self) -> bool:
        """Whether it is a head of ours, with all 52 units and an identity."""
        return self.rig is not None

    @property
    def identity(self) -> tuple[float, ...] | None:
        """The (50,) coefficients of our own head; None for the mean and for others."""
        return None if self.rig is None else self.rig.identity

    @property
    def armature(self) -> bpy.types.Object | None:
        """The armature, where the character has one."""
        return self.root if self.root.type == "ARMATURE" else None

    @property
    def head_owner(self) -> bpy.types.Object | None:
        """The object that takes the pose: the armature, or a root that moves itself."""
        if self.rig is not None or self.bones:
            return self.root
        moves = self.armature is None and self.root.rhetor_character.moves_object
        return self.root if moves else None

    @property
    def bones(self) -> tuple[str, ...]:
        """The bones of the armature that a take moves."""
        if self.rig is not None:
            return (HEAD_BONE,)
        return () if self.armature is None else character_bones.bones_that_move(self.armature)

    @property
    def faces(self) -> tuple[bpy.types.Object, ...]:
        """The meshes whose shape keys take part, one for each Key data-block."""
        if self.rig is not None:
            return (self.rig.face,) if self.rig.keys is not None else ()
        return tuple(face.mesh for face in mapped_faces(self.root))

    @property
    def face_owners(self) -> tuple[bpy.types.Key, ...]:
        """The Key data-blocks that take the face."""
        return tuple(face.data.shape_keys for face in self.faces)

    @property
    def owners(self) -> tuple[bpy.types.ID, ...]:
        """All data-blocks that a take animates: the root object, then the faces."""
        head = () if self.head_owner is None else (self.head_owner,)
        return (*head, *self.face_owners)

    def part_of(self, owner: bpy.types.ID) -> str:
        """Which part of a take one of the owners has, HEAD or FACE."""
        return HEAD if owner == self.head_owner else FACE

    def what_moves_on(self, owner: bpy.types.ID) -> str:
        """What a take moves on one of the owners, for people."""
        return "the head" if self.part_of(owner) == HEAD else "the face"

    def keyed_owners(self, take: Take) -> list[KeyedOwner]:
        """A take as curves on the properties of this character, as far as it has any.

        Raises RigError where its settings do not agree with it.
        """
        if self.rig is not None:
            return [
                KeyedOwner(self.rig.armature, head_curves(take, HEAD_BONE)),
                KeyedOwner(self.rig.keys, face_curves(take, self.rig.keys.key_blocks.keys())),
            ]
        shown_by_bones = self._units_of_bones()
        face = (
            KeyedOwner(face.mesh.data.shape_keys, key_curves(face, take, shown_by_bones))
            for face in mapped_faces(self.root)
        )
        return [keyed for keyed in (*self._head_curves(take), *face) if keyed.curves]

    def animated_paths(self, owner: bpy.types.ID) -> tuple[str, ...]:
        """The data paths on one of the owners that a take animates."""
        found = (keyed for keyed in self.keyed_owners(_STILL) if keyed.owner == owner)
        return tuple(dict.fromkeys(curve.data_path for keyed in found for curve in keyed.curves))

    def still_values(self) -> dict[str, float]:
        """What a take keys where nothing moves, by path and index, such as "path[0]"; not zeros."""
        curves = (curve for keyed in self.keyed_owners(_STILL) for curve in keyed.curves)
        values = {f"{curve.data_path}[{curve.index}]": float(curve.values[0]) for curve in curves}
        return {channel: value for channel, value in values.items() if value}

    def _head_curves(self, take: Take) -> Iterator[KeyedOwner]:
        if self.armature is not None:
            yield KeyedOwner(self.armature, character_bones.bone_curves(self.armature, take))
        elif self.head_owner is not None:
            facing = character_bones.facing_of_settings(self.root)
            yield KeyedOwner(self.root, object_curves(self.root, facing, take))

    def _units_of_bones(self) -> tuple[str, ...]:
        return () if self.armature is None else character_bones.units_of_bones(self.armature)


_STILL = Take(
    30.0,
    np.zeros((1, len(POSE_CHANNELS)), np.float32),
    np.zeros((1, len(EXPRESSION_NAMES)), np.float32),
    EXPRESSION_NAMES,
    np.zeros(IDENTITY_SIZE, np.float32),
)
"""Nothing moves: asked for the names of what would."""


def find_character(item: bpy.types.Object | None) -> Character | None:
    """The character that an object is, or is part of; None where it is none, or not set up."""
    rig = find_rig(item)
    if rig is not None:
        return Character(rig.armature, rig)
    for root in _roots(item):
        if root.rhetor_character.is_set_up:
            return Character(root)
    return None


def validate_character(character: Character) -> None:
    """Check that takes can be keyed on a character; raise RigError with advice where not."""
    if character.rig is not None:
        validate_rig(character.rig)
        return
    if not character.keyed_owners(_STILL):
        raise RigError(
            f"Neither bones nor shape keys of {character.name} take part.",
            "Press Set Up Character, or choose its bones and shape keys under Character.",
        )


def _roots(item: bpy.types.Object | None) -> Iterator[bpy.types.Object]:
    """Objects that may be the root of a character which `item` is part of."""
    while item is not None:
        yield item
        if item.type == "MESH":
            armature = item.find_armature()
            if armature is not None:
                yield armature
        item = item.parent
