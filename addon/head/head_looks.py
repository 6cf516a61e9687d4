# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head looks like: its face, its colours, its hair. Kept on the armature, put on meshes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from ...engine.head.channels import IDENTITY_SIZE
from ...engine.head.model import HeadModel
from ...engine.head.parts import Pigments
from ...engine.protocol.errors import RigError

IDENTITY_MARK = "rhetor_identity"
_COLOUR_MARKS = {
    "skin": "rhetor_skin_colour",
    "iris": "rhetor_iris_colour",
    "hair": "rhetor_hair_colour",
}
_BALD_MARK = "rhetor_bald"

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Looks:
    """A person.

    identity: (50,) standard deviations, None for the mean. skin, iris, hair: linear RGB, None for
    what the identity has by itself; hair is also the colour of brows and lashes.
    """

    identity: tuple[float, ...] | None = None
    skin: Colour | None = None
    iris: Colour | None = None
    hair: Colour | None = None
    has_hair: bool = True

    def __post_init__(self) -> None:
        if self.identity is not None:
            coefficients = np.asarray(self.identity, np.float32)
            if coefficients.shape != (IDENTITY_SIZE,) or not np.isfinite(coefficients).all():
                raise RigError(f"An identity has {IDENTITY_SIZE} finite coefficients.")

    @property
    def coefficients(self) -> npt.NDArray[np.float32]:
        """(50,) the identity; zeros for the mean."""
        if self.identity is None:
            return np.zeros(IDENTITY_SIZE, np.float32)
        return np.array(self.identity, np.float32)

    def pigments(self, head: HeadModel) -> Pigments:
        """All colours, those of the identity where no other was chosen."""
        own = head.pigments(self.coefficients)
        chosen = {"skin": self.skin, "hair": self.hair, "iris": self.iris}
        return Pigments(
            **{
                name: getattr(own, name) if colour is None else np.array(colour, np.float32)
                for name, colour in chosen.items()
            }
        )


def read_looks(armature: bpy.types.Object) -> Looks:
    """The looks that are stored on the armature of a head."""
    identity = armature.get(IDENTITY_MARK)
    colours = {name: armature.get(mark) for name, mark in _COLOUR_MARKS.items()}
    return Looks(
        identity=None if identity is None else tuple(identity),
        has_hair=_BALD_MARK not in armature,
        **{name: None if rgb is None else tuple(rgb) for name, rgb in colours.items()},
    )


def store_looks(armature: bpy.types.Object, looks: Looks) -> None:
    """Keep looks on the armature of a head; copied, saved and undone with it."""
    _store(armature, IDENTITY_MARK, looks.identity)
    for name, mark in _COLOUR_MARKS.items():
        _store(armature, mark, getattr(looks, name))
    _store(armature, _BALD_MARK, None if looks.has_hair else True)


def _store(armature: bpy.types.Object, mark: str, value: Any) -> None:
    if value is None:
        armature.pop(mark, None)
    else:
        armature[mark] = value if value is True else [float(number) for number in value]
