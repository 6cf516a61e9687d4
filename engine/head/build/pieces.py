# SPDX-License-Identifier: GPL-3.0-or-later
"""A piece of mesh that follows the base mesh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .topology import Faces
from .wheel import Points

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Piece:
    """V vertices with polygons.

    points: (V, 3) mm at rest. follow: maps a displacement of the base mesh (N, 3) to one of the
    piece (V, 3), linearly. slots: material names; face_slots: slot of each polygon. skin, fixed:
    (V, 3), hair and iris (V,) parts of the vertex colours (see parts.Tint). attributes: (V,) or
    (V, 3).
    """

    points: Points
    faces: Faces
    follow: Callable[[Points], Points]
    slots: tuple[str, ...]
    face_slots: list[int]
    skin: Array
    hair: Array
    iris: Array
    fixed: Array
    attributes: dict[str, Array] = field(default_factory=dict)


def follower(matrix: Any) -> Callable[[Points], Points]:
    """`follow` for a sparse (V, N) matrix."""

    def follow(delta: Points) -> Points:
        moved: Points = matrix @ delta
        return moved

    return follow


def plain(
    points: Points,
    faces: Faces,
    follow: Callable[[Points], Points],
    *,
    slot: str,
    colour: Any,
    hair: Array | None = None,
    iris: Array | None = None,
    attributes: dict[str, Array] | None = None,
) -> Piece:
    """A piece of one material with fixed colours (3,) or (V, 3); hair, iris: shares (V,)."""
    count = len(points)
    return Piece(
        points=points,
        faces=faces,
        follow=follow,
        slots=(slot,),
        face_slots=[0] * len(faces),
        skin=np.zeros((count, 3)),
        hair=np.zeros(count) if hair is None else hair,
        iris=np.zeros(count) if iris is None else iris,
        fixed=np.broadcast_to(np.asarray(colour, np.float64), (count, 3)).copy(),
        attributes=attributes or {},
    )


def join(pieces: list[Piece]) -> Piece:
    """One piece made of several; attributes that a piece lacks are 0 on it."""
    starts = np.cumsum([0, *(len(piece.points) for piece in pieces)])
    slots = tuple(dict.fromkeys(slot for piece in pieces for slot in piece.slots))
    names = dict.fromkeys(name for piece in pieces for name in piece.attributes)

    def follow(delta: Points) -> Points:
        return np.concatenate([piece.follow(delta) for piece in pieces])

    def attribute(name: str) -> Array:
        shape = next(p.attributes[name].shape[1:] for p in pieces if name in p.attributes)
        return np.concatenate(
            [p.attributes.get(name, np.zeros((len(p.points), *shape))) for p in pieces]
        )

    return Piece(
        points=np.concatenate([piece.points for piece in pieces]),
        faces=[
            [vertex + int(start) for vertex in face]
            for piece, start in zip(pieces, starts, strict=False)
            for face in piece.faces
        ],
        follow=follow,
        slots=slots,
        face_slots=[slots.index(p.slots[s]) for p in pieces for s in p.face_slots],
        skin=np.concatenate([piece.skin for piece in pieces]),
        hair=np.concatenate([piece.hair for piece in pieces]),
        iris=np.concatenate([piece.iris for piece in pieces]),
        fixed=np.concatenate([piece.fixed for piece in pieces]),
        attributes={name: attribute(name) for name in names},
    )
