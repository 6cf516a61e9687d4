# SPDX-License-Identifier: GPL-3.0-or-later
"""How far two takes of a character are apart: the head in degrees, the mouth in millimetres."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from mathutils import Euler, Quaternion

from .. import compat
from ..characters.character import HEAD, Character
from ..core.amount_groups import amount_of
from ..head.armature import HEAD_BONE
from ..keys_write import group_name
from .takes import TakeEntry, TakePart

_MOST_FRAMES = 400
"""Frames that are compared; of a longer take so many, evenly spread."""

_MM_PER_UNIT = 1000.0


@dataclass(frozen=True)
class Difference:
    """The largest differences of two takes, and the frames on which they occur."""

    head_degrees: float
    head_frame: int
    mouth_mm: float
    mouth_frame: int

    @property
    def label(self) -> str:
        """For people."""
        return (
            f"Head up to {self.head_degrees:.1f}° apart (frame {self.head_frame}), "
            f"mouth {self.mouth_mm:.1f} mm (frame {self.mouth_frame})"
        )


def compare(
    character: Character, one: TakeEntry, other: TakeEntry, scale_length: float = 1.0
) -> Difference:
    """The difference of two takes of one character on the frames of both.

    scale_length: metres in a Blender unit. Amounts count as they are set.
    """
    bones = head_bones(character)
    frames = _frames(one, other)
    turns, shapes = [(0.0, frames[0])], [(0.0, frames[0])]
    for mine, theirs in _pairs(one, other):
        if mine.part == HEAD:
            turns.append(_largest(_angles(mine, theirs, bones, frames), frames))
        else:
            apart = _mouth_distances(mine, theirs, frames) * _MM_PER_UNIT * scale_length
            shapes.append(_largest(apart, frames))
    (angle, head_frame), (distance, mouth_frame) = max(turns), max(shapes)
    return Difference(math.degrees(angle), head_frame, distance, mouth_frame)


def head_bones(character: Character) -> tuple[str, ...]:
    """The bones whose rotations add up to the head's."""
    if character.is_own_head:
        return (HEAD_BONE,)
    settings = character.root.rhetor_character
    return tuple(filter(None, (settings.neck_bone, settings.head_bone)))


def _pairs(one: TakeEntry, other: TakeEntry) -> list[tuple[TakePart, TakePart]]:
    """The parts on data-blocks that both takes move: a character may have got a face since."""
    theirs = {part.owner: part for part in other.parts}
    return [(part, theirs[part.owner]) for part in one.parts if part.owner in theirs]


def _frames(one: TakeEntry, other: TakeEntry) -> list[int]:
    spans = [_span(part) for entry in (one, other) for part in entry.parts]
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    step = max(1, math.ceil((last - first + 1) / _MOST_FRAMES))
    return list(range(first, last + 1, step))


def _span(part: TakePart) -> tuple[int, int]:
    ranges = [curve.range() for curve in compat.slot_fcurves(part.action, part.slot)]
    return (
        math.floor(min((r[0] for r in ranges), default=0.0)),
        math.ceil(max((r[1] for r in ranges), default=0.0)),
    )


def _largest(values: np.ndarray, frames: list[int]) -> tuple[float, int]:
    at = int(values.argmax())
    return float(values[at]), frames[at]


def _angles(
    one: TakePart, other: TakePart, bones: tuple[str, ...], frames: list[int]
) -> np.ndarray:
    """(T,) angle in radians between the heads of two takes."""
    ours, theirs = (_head_turns(part, bones, frames) for part in (one, other))
    apart = [a.rotation_difference(b).angle for a, b in zip(ours, theirs, strict=True)]
    return np.array([min(angle, 2 * math.pi - angle) for angle in apart])


def _head_turns(part: TakePart, bones: tuple[str, ...], frames: list[int]) -> list[Quaternion]:
    """How the head stands at each frame, in the armature's space, all other bones at rest."""
    turns = [Quaternion() for _ in frames]
    rotations = _rotations(part, frames)
    if part.owner.type != "ARMATURE":  # a head without bones moves itself
        return rotations.get("", turns)
    for bone in part.owner.data.bones:  # parents come before their children
        if bone.name in rotations and bone.name in bones:
            rest = bone.matrix_local.to_quaternion()
            local = rotations[bone.name]
            turns = [
                turn @ rest @ turned @ rest.inverted()
                for turn, turned in zip(turns, local, strict=True)
            ]
    return turns


def _rotations(part: TakePart, frames: list[int]) -> dict[str, list[Quaternion]]:
    """Of each bone that the take turns, by name; of the object itself under ""."""
    values: dict[str, dict[int, list[float]]] = defaultdict(dict)
    for curve in compat.slot_fcurves(part.action, part.slot):
        name, _, channel = curve.data_path.rpartition(".")
        if channel.startswith("rotation_"):
            values[name][curve.array_index] = [curve.evaluate(frame) for frame in frames]
    found = {}
    for path, channels in values.items():
        turned = _resolved(part.owner, path) if path else part.owner
        if turned is not None:
            name, mode = turned.name if path else "", turned.rotation_mode
            found[name] = [
                _quaternion({index: column[at] for index, column in channels.items()}, mode)
                for at in range(len(frames))
            ]
    return found


def _resolved(owner: Any, path: str) -> Any | None:
    """The bone or shape key at a path; None where it is gone or has another name now."""
    try:
        return owner.path_resolve(path)
    except ValueError:
        return None


def _quaternion(channels: dict[int, float], mode: str) -> Quaternion:
    """A rotation from its channels by index; somebody may have deleted some."""
    if mode == "QUATERNION":
        return Quaternion(
            [channels.get(index, float(index == 0)) for index in range(4)]
        ).normalized()
    if mode == "AXIS_ANGLE":
        axis = [channels.get(index, float(index == 2)) for index in (1, 2, 3)]
        return Quaternion(axis, channels.get(0, 0.0))
    return Euler([channels.get(index, 0.0) for index in range(3)], mode).to_quaternion()


def _mouth_distances(one: TakePart, other: TakePart, frames: list[int]) -> np.ndarray:
    """(T,) how far shape keys move the farthest point of the mouth apart, in the mesh's units."""
    ours, theirs = (_mouth_values(part, frames) for part in (one, other))
    names = [name for name in ours if name in theirs]
    if not names:
        return np.zeros(len(frames))
    moves = _displacements(one.owner, names)
    apart = np.array([ours[name] - theirs[name] for name in names], np.float32)  # (K, T)
    # Frame by frame: all at once would need gigabytes for a dense mesh.
    moved = (np.tensordot(column, moves, 1) for column in apart.T)
    return np.array([np.sqrt((points**2).sum(axis=1).max()) for points in moved])


def _mouth_values(part: TakePart, frames: list[int]) -> dict[str, np.ndarray]:
    values = {}
    for curve in compat.slot_fcurves(part.action, part.slot):
        block = _resolved(part.owner, curve.data_path.rpartition(".")[0])
        if block is not None and amount_of(curve.data_path, group_name(curve)) == "mouth":
            values[block.name] = np.array([curve.evaluate(frame) for frame in frames])
    return values


def _displacements(keys: Any, names: list[str]) -> np.ndarray:
    """(K, V, 3) how far each key moves each vertex."""
    moves = []
    for name in names:
        block = keys.key_blocks[name]
        moves.append(_positions(block) - _positions(block.relative_key))
    return np.array(moves)


def _positions(block: Any) -> np.ndarray:
    points = np.empty(len(block.data) * 3, np.float32)
    block.data.foreach_get("co", points)
    return points.reshape(-1, 3)
