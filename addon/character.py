# SPDX-License-Identifier: GPL-3.0-or-later
"""The character that takes a performance: our own head, or any that has been set up.

A character is known by its root object: the armature, or the face mesh where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..engine.head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from ..engine.protocol.errors import RigError
from ..engine.protocol.take import POSE_CHANNELS, Take
from .armature import HEAD_BONE
from .core.key_mapping import KeyMapping
from .core.retarget import face_curves, head_curves, mapped_curves
from .keys_write import KeyedOwner
from .rig import Rig, find_rig, validate_rig

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
    def head_owner(self) -> bpy.types.Object | None:
        """The armature whose bones take the pose."""
        return self.root if self.root.type == "ARMATURE" else None

    @property
    def bones(self) -> tuple[str, ...]:
        """The bones of the armature that a take moves."""
        return (HEAD_BONE,) if self.rig is not None else ()

    @property
    def faces(self) -> tuple[bpy.types.Object, ...]:
        """The meshes whose shape keys take part, one for each Key data-block."""
        if self.rig is not None:
            return (self.rig.face,) if self.rig.keys is not None else ()
        return tuple(face.mesh for face in _mapped_faces(self.root))

    @property
    def face_owners(self) -> tuple[bpy.types.Key, ...]:
        """The Key data-blocks that take the face."""
        return tuple(face.data.shape_keys for face in self.faces)

    @property
    def owners(self) -> tuple[bpy.types.ID, ...]:
        """All data-blocks that a take animates: the armature, then the faces."""
        head = () if self.head_owner is None else (self.head_owner,)
        return (*head, *self.face_owners)

    def part_of(self, owner: bpy.types.ID) -> str:
        """Which part of a take one of the owners has, HEAD or FACE."""
        return HEAD if owner == self.head_owner else FACE

    def what_moves_on(self, owner: bpy.types.ID) -> str:
        """What a take moves on one of the owners, for people."""
        return "the head" if self.part_of(owner) == HEAD else "the face"

    def keyed_owners(self, take: Take) -> list[KeyedOwner]:
        """A take as curves on the properties of this character. Raises RigError without any."""
        if self.rig is not None:
            return [
                KeyedOwner(self.rig.armature, head_curves(take, HEAD_BONE)),
                KeyedOwner(self.rig.keys, face_curves(take, self.rig.keys.key_blocks.keys())),
            ]
        return [
            KeyedOwner(face.mesh.data.shape_keys, mapped_curves(take, _mapping(face)))
            for face in _mapped_faces(self.root)
        ]

    def animated_paths(self, owner: bpy.types.ID) -> tuple[str, ...]:
        """The data paths on one of the owners that a take animates."""
        found = (keyed for keyed in self.keyed_owners(_STILL) if keyed.owner == owner)
        return tuple(dict.fromkeys(curve.data_path for keyed in found for curve in keyed.curves))


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


def _mapped_faces(root: bpy.types.Object) -> Iterator[Any]:
    """The faces of the settings that have keys and a mapping, one for each Key data-block."""
    seen = set()
    for face in root.rhetor_character.faces:
        keys = None if face.mesh is None else face.mesh.data.shape_keys
        if keys is not None and face.mapping and keys not in seen:
            seen.add(keys)
            yield face


def _mapping(face: Any) -> KeyMapping:
    """The mapping of a face for the keys that its mesh has, with their sliders' ranges."""
    blocks = face.mesh.data.shape_keys.key_blocks
    mapping = KeyMapping.from_json(face.mapping).only(blocks.keys())
    ranges = [(blocks[name].slider_min, blocks[name].slider_max) for name in mapping.names]
    return mapping.with_ranges(np.reshape(ranges, (-1, 2)))
