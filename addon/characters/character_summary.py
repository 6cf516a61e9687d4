# SPDX-License-Identifier: GPL-3.0-or-later
"""What Set Up Character has found, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..core.key_mapping import KeyMapping
from ..core.key_names import missing_in_all, suggest
from . import character_bones, linked
from .character import Character
from .character_faces import driven_keys, keyable_mapping, mapped_faces
from .character_settings import BONES, KEYS

_BY_BONES = {"opening the mouth": "jaw", "looking around": "eyes"}


@dataclass(frozen=True)
class Summary:
    """found: what takes part. missing: what no bone or key is for. notes: what else to know."""

    name: str
    found: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def line(self) -> str:
        """What was found, as one line."""
        return f"{self.name}: {' '.join(self.found) or 'nothing was found.'}"


def summarise(character: Character, done: tuple[str, ...]) -> Summary:
    """Read the settings of a character that has been set up. done: what else was changed."""
    root = character.root
    notes = [*done, *linked.what_is_not_kept(root), *_driven(character)]
    if character.armature is not None:
        notes += [f"{what} {advice}" for what, advice in character_bones.hindrances(root)]
        notes += _constraints(character)
    found = (*_bones(character), *_faces(character))
    return Summary(character.name, found, tuple(_missing(character)), tuple(notes))


def _bones(character: Character) -> Iterator[str]:
    settings = character.root.rhetor_character
    if character.armature is None:
        yield "The object itself turns with the head."
        return
    if settings.head_bone:
        neck = f", neck {settings.neck_bone}" if settings.neck_bone else ""
        yield f"Head {settings.head_bone}{neck}."
    if settings.eyes != KEYS:
        yield f"Eyes {settings.eye_left_bone} and {settings.eye_right_bone}."
    if settings.jaw == BONES:
        yield f"Jaw {settings.jaw_bone}."


def _faces(character: Character) -> Iterator[str]:
    for face in mapped_faces(character.root):
        names = KeyMapping.from_json(face.mapping).names
        standards = suggest(block.name for block in face.mesh.data.shape_keys.key_blocks).standards
        known = f" ({', '.join(standards)})" if standards else ""
        yield f"{len(names)} shape keys of {face.mesh.name}{known}."


def _missing(character: Character) -> Iterator[str]:
    settings = character.root.rhetor_character
    if character.armature is not None and not settings.head_bone:
        yield "No bone for the head: choose it under Character."
    faces = list(mapped_faces(character.root))
    if not faces:
        yield "No shape key has a name that is known: fit them by shape under Character."
        return
    by_bones = {"jaw": settings.jaw == BONES, "eyes": settings.eyes != KEYS}
    for what in missing_in_all(keyable_mapping(face) for face in faces):
        if not by_bones.get(_BY_BONES.get(what, ""), False):
            yield f"No shape key for {what}."


def _driven(character: Character) -> Iterator[str]:
    for face in mapped_faces(character.root):
        driven = driven_keys(face.mesh.data.shape_keys)
        count = len(driven.intersection(KeyMapping.from_json(face.mapping).names))
        if count:
            yield f"{count} shape keys of {face.mesh.name} are driven by the rig and left to it."


def _constraints(character: Character) -> Iterator[str]:
    for name in character.bones:
        bone = character.armature.pose.bones.get(name)
        for constraint in () if bone is None else bone.constraints:
            if not constraint.mute and constraint.influence > 0.0:
                yield f"The constraint {constraint.name} acts on the bone {name}."
