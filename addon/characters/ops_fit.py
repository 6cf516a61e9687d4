# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit by Shape, and landmarks that are found by themselves."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import bpy
import numpy as np

from ...engine.head.channels import EXPRESSION_NAMES
from ...engine.protocol.errors import RigError
from ...engine.protocol.face_landmarks import ESSENTIAL_LANDMARKS
from ...engine.protocol.face_shape import FaceShape
from ...engine.protocol.messages import Reply
from .. import prefs, session
from ..core.key_mapping import KeyMapping
from ..identify import BlockId
from ..jobs.engine_question import FaceQuestion
from ..words import say
from . import face_read
from .mapping_settings import active_face, edited_character, mapping_of, obstacle, set_mapping

POORLY_SHOWN = 0.5
"""A unit of which the keys show less is named to the artist."""


class _OnFace:
    """A face that is set up, of a character that can be changed, and an engine to ask."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Everything is there."""
        reason = obstacle(context)
        if not reason and session.current.question is not None:
            reason = "The engine is being asked already"
        if not reason and not prefs.engine_python_setting(context):
            reason = "Install the engine first: the button is at the top of this tab"
        reason = reason or cls.missing(context)
        if reason:
            cls.poll_message_set(say(reason))
        return not reason

    @classmethod
    def missing(cls, _context: Any) -> str:
        """What else is missing."""
        return ""

    def remember(self, root: bpy.types.Object, item: bpy.types.Object) -> None:
        """Where the answer is to go: other things may be picked until it comes."""
        self._root, self._mesh = BlockId.of(root), BlockId.of(item)

    def find(self) -> tuple[bpy.types.Object, bpy.types.Object]:
        """Character and mesh of the question. Raises RigError where they are gone."""
        root, item = self._root.find(bpy.data.objects), self._mesh.find(bpy.data.objects)
        if root is None or item is None:
            raise RigError("The character is no longer in this file.")
        return root, item


class RHETOR_OT_fit_mapping(_OnFace, FaceQuestion, bpy.types.Operator):
    """Compare what the shape keys do with what Rhetor's own head does, and fill in the table.

    It needs landmarks on the face. What the table says now is replaced
    """

    bl_idname = "rhetor.fit_mapping"
    bl_label = "Fit by Shape"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    method = "fit_mapping"

    @classmethod
    def missing(cls, context: Any) -> str:
        """Landmarks come first."""
        marked = face_read.read_landmarks(active_face(edited_character(context).root).mesh)
        lacks = [name for name in ESSENTIAL_LANDMARKS if name not in marked]
        return "Guess or mark the landmarks of the face first" if lacks else ""

    def face(self, context: Any) -> FaceShape:
        """The mesh that is shown in the table."""
        root = edited_character(context).root
        face = active_face(root)
        self.remember(root, face.mesh)
        return face_read.read_face(face.mesh, root, mapping_of(face).names)

    def take_in(self, _context: Any, reply: Reply) -> None:
        """Write the table, and say what could not be reached."""
        root, item = self.find()
        face = next((f for f in root.rhetor_character.faces if f.mesh == item), None)
        if face is None:
            raise RigError(f"{item.name} is no longer a face of {root.name}.")
        weights = reply.arrays["weights"].astype(np.float64)
        used = np.flatnonzero(weights.any(axis=0))
        names = [reply.result["key_names"][column] for column in used]
        if not names:
            raise RigError(
                "No shape key moves the face as Rhetor's own head does.",
                "Check the landmarks, or pick another mesh.",
            )
        before, mapping = mapping_of(face), KeyMapping(tuple(names), weights[:, used])
        set_mapping(face, mapping)
        _share(root, item, mapping, before)
        explained = reply.arrays["explained"].astype(float).round(3)
        root.rhetor_mapping.fitted = json.dumps(
            dict(zip(EXPRESSION_NAMES, explained.tolist(), strict=True))
        )
        good = int((explained >= POORLY_SHOWN).sum())
        count = len(EXPRESSION_NAMES)
        left_out = len(item.data.shape_keys.key_blocks) - 1 - len(reply.result["key_names"])
        if left_out:
            told = f"{left_out} shape keys that are muted or in use were left out"
            self.report({"WARNING"}, say(told))
        self.report({"INFO"}, say(f"{len(names)} shape keys show {good} of {count} units well"))


class RHETOR_OT_guess_landmarks(_OnFace, FaceQuestion, bpy.types.Operator):
    """Find the landmarks on pictures of the mesh. Look at them afterwards, and mark anew what
    is wrong"""

    bl_idname = "rhetor.guess_landmarks"
    bl_label = "Guess Landmarks"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    method = "guess_landmarks"

    def face(self, context: Any) -> FaceShape:
        """The mesh that is shown in the table, with the eyes and what else is near it."""
        root = edited_character(context).root
        face = active_face(root)
        self.remember(root, face.mesh)
        shape = face_read.read_face(face.mesh, root, mapping_of(face).names)
        return face_read.read_surroundings(shape, face.mesh, root)

    def take_in(self, _context: Any, reply: Reply) -> None:
        """Store them on the mesh."""
        root, item = self.find()
        found = zip(reply.result["landmark_names"], reply.arrays["landmarks"], strict=True)
        places = {name: face_read.to_mesh_axes(place, item, root) for name, place in found}
        face_read.store_landmarks(item, places)
        self.report({"INFO"}, say(f"Found {len(places)} landmarks: look whether they are right"))


def _share(
    root: bpy.types.Object, item: bpy.types.Object, mapping: KeyMapping, before: KeyMapping
) -> None:
    """Teeth, tongue and lashes of their own have keys of the same names: they go along.

    What was edited on them since the mapping `before` stays.
    """
    faces = root.rhetor_character.faces
    listed = {face.mesh: face for face in faces}
    for other in root.children_recursive:
        if other == item or other.type != "MESH" or other.data.shape_keys is None:
            continue
        names = other.data.shape_keys.key_blocks.keys()
        known = listed[other].mapping if other in listed else ""
        if mapping.only(names).names and known in {"", before.only(names).to_json()}:
            face = listed.get(other) or faces.add()
            face.mesh, face.mapping = other, mapping.only(names).to_json()


CLASSES = (RHETOR_OT_fit_mapping, RHETOR_OT_guess_landmarks)
