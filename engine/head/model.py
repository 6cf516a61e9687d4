# SPDX-License-Identifier: GPL-3.0-or-later
"""The head as a 3D morphable model: neutral + identity + expression, evaluated with numpy.

Face space (see protocol/take.py): mm, +X the character's left, -Y forward, +Z up, origin at the
head's pivot. The model is linear but for the correctives, which are products of expression
weights, and the eyes, which turn about their pivots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..protocol.errors import HeadError
from ..protocol.take import FloatArray
from .archive import Arrays, read_archive, write_archive
from .channels import EXPRESSION_NAMES, HEAD_MODEL_ID, IDENTITY_SIZE
from .packing import narrow, pack_part, unpack_part
from .parts import BONES, Corrective, Eye, IntArray, Part, Pigments, gaze_rotation

DEFAULT_HEAD_PATH = (
    Path(__file__).resolve().parent.parent.parent / "assets" / "head" / "default_head.npz"
)

FACE = "face"
"""The part with skin, mouth, lashes and brows: the one mesh that carries all 52 keys."""

Expression = Mapping[str, float] | npt.NDArray[Any]

_DRAW_SPREAD = 0.85
_DRAW_LIMIT = 1.7
_LANDMARK, _TRAIT = "landmark/", "trait/"


@dataclass(frozen=True)
class HeadModel:
    """A head.

    id: HEAD_MODEL_ID of the channels it was built for. parts: by name, "face" first.
    correctives: driven shapes. eyes: ("eye.L", "eye.R"). bones: "root", "neck", "head" -> (3,) mm,
    where the bone turns. landmarks: name -> vertex indices of the face part (see build/landmarks).
    log_tone: (51, 3) mean and modes of the logarithm of the skin tone. hair_colour,
    iris_colour: (3,) linear RGB of who has no other. traits: what people say about a face -> (50,)
    unit vector, see traits.py. provenance: sources and their hashes.
    """

    id: str
    parts: Mapping[str, Part]
    correctives: tuple[Corrective, ...]
    eyes: tuple[Eye, ...]
    bones: Mapping[str, FloatArray]
    landmarks: Mapping[str, IntArray]
    log_tone: FloatArray
    hair_colour: FloatArray
    iris_colour: FloatArray
    traits: Mapping[str, FloatArray]
    provenance: Mapping[str, Any]

    @property
    def face(self) -> Part:
        """The part with all expression keys."""
        return self.parts[FACE]

    def vertices(
        self,
        part: str,
        identity: npt.NDArray[Any] | None = None,
        expression: Expression | None = None,
    ) -> FloatArray:
        """(V, 3) vertices of a part in mm, for identity (50,) and expression (52,) or by name."""
        mesh = self._part(part)
        shape = mesh.neutral + self.identity_delta(part, identity)
        if expression is None:
            return shape
        weights = self.key_weights(expression)
        if mesh.shapes is not None:
            shape = shape + mesh.shapes.combine(np.array([weights[key] for key in mesh.keys]))
        for eye in self.eyes:
            if eye.name == part:
                pivot = self.eye_pivot(part, identity)
                turn = gaze_rotation(*eye.angles(weights))
                shape = ((shape - pivot) @ turn.T + pivot).astype(np.float32)
        return shape

    def identity_delta(self, part: str, identity: npt.NDArray[Any] | None) -> FloatArray:
        """(V, 3) displacement in mm of a part's neutral for identity (50,); None is the mean."""
        mesh = self._part(part)
        if identity is None:
            return np.zeros_like(mesh.neutral)
        coefficients = np.asarray(identity, np.float32)
        if coefficients.shape != (IDENTITY_SIZE,):
            raise HeadError(f"An identity has {IDENTITY_SIZE} coefficients.")
        if mesh.binding is not None:
            return mesh.binding.follow(self.identity_delta(FACE, coefficients))
        if mesh.identity is None:
            return np.zeros_like(mesh.neutral)
        return mesh.identity.combine(coefficients)

    def identity_deltas(self, identity: npt.NDArray[Any]) -> dict[str, FloatArray]:
        """Part -> its `identity_delta`, all at once."""
        face = self.identity_delta(FACE, identity)
        return {
            name: self.identity_delta(name, identity)
            if part.binding is None
            else part.binding.follow(face)
            for name, part in self.parts.items()
        }

    def key_weights(self, expression: Expression) -> dict[str, Any]:
        """Weights of all keys by name, correctives included.

        expression: names and weights (missing names are 0), or an array (..., 52) in the order of
        EXPRESSION_NAMES; the values then have shape (...).
        """
        weights: dict[str, Any]
        if isinstance(expression, Mapping):
            weights = dict.fromkeys(EXPRESSION_NAMES, 0.0)
            unknown = sorted(set(expression) - set(weights))
            if unknown:
                raise HeadError(f"The head has no expression {', '.join(unknown)}.")
            weights.update(expression)
        else:
            values = np.asarray(expression)
            if values.shape[-1:] != (len(EXPRESSION_NAMES),):
                raise HeadError(f"An expression has {len(EXPRESSION_NAMES)} weights.")
            weights = {name: values[..., i] for i, name in enumerate(EXPRESSION_NAMES)}
        weights.update({item.name: item.value(weights) for item in self.correctives})
        return weights

    def landmark(
        self,
        name: str,
        expression: Expression | None = None,
        identity: npt.NDArray[Any] | None = None,
    ) -> FloatArray:
        """(..., n, 3) mm positions of a landmark set, for expressions of shape (..., 52)."""
        if name not in self.landmarks:
            raise HeadError(f"The head has no landmark {name!r}.")
        rows = self.landmarks[name]
        points = (self.face.neutral + self.identity_delta(FACE, identity))[rows]
        if expression is None or self.face.shapes is None:
            return points
        weights = self.key_weights(expression)
        values = np.stack(np.broadcast_arrays(*(weights[key] for key in self.face.keys)), -1)
        moved = np.tensordot(values.astype(np.float32), self.face.shapes.dense(rows), 1)
        return (points + moved).astype(np.float32)

    def lip_gap_mm(
        self, expression: Expression | None = None, identity: npt.NDArray[Any] | None = None
    ) -> FloatArray:
        """(...) mm of opening between the middles of the inner lips, for (..., 52) expressions.

        Vertical distance, averaged over the middle of the mouth; negative where the lips press
        into each other.
        """
        upper = self.landmark("lip_inner_upper_middle", expression, identity)
        lower = self.landmark("lip_inner_lower_middle", expression, identity)
        gap: FloatArray = (upper[..., 2] - lower[..., 2]).mean(-1)
        return gap

    def skin_tone(self, identity: npt.NDArray[Any] | None = None) -> FloatArray:
        """(3,) linear RGB of the skin."""
        log_tone = self.log_tone[0]
        if identity is not None:
            log_tone = log_tone + np.asarray(identity, np.float32) @ self.log_tone[1:]
        tone: FloatArray = np.clip(np.exp(log_tone), 0.03, 0.62).astype(np.float32)
        return tone

    def pigments(self, identity: npt.NDArray[Any] | None = None) -> Pigments:
        """The colours that an identity has by itself."""
        return Pigments(self.skin_tone(identity), self.hair_colour, self.iris_colour)

    def colours(self, part: str, pigments: Pigments | None = None) -> FloatArray:
        """(V, 4) linear RGBA vertex colours of a part; pigments of the mean without any."""
        return self._part(part).tint.colours(pigments or self.pigments())

    def eye_pivot(self, name: str, identity: npt.NDArray[Any] | None = None) -> FloatArray:
        """(3,) mm centre of rotation of "eye.L" or "eye.R"."""
        eye = next((eye for eye in self.eyes if eye.name == name), None)
        if eye is None:
            raise HeadError(f"The head has no eye {name!r}.")
        if identity is None:
            return eye.pivot
        moved: FloatArray = eye.pivot + np.asarray(identity, np.float32) @ eye.pivot_modes
        return moved

    def _part(self, name: str) -> Part:
        if name not in self.parts:
            raise HeadError(f"The head has no part {name!r}; it has {', '.join(self.parts)}.")
        return self.parts[name]


def draw_identity(seed: int) -> FloatArray:
    """(50,) coefficients of a plausible adult, the same for the same seed."""
    drawn = np.random.default_rng(seed).normal(0.0, _DRAW_SPREAD, IDENTITY_SIZE)
    return np.clip(drawn, -_DRAW_LIMIT, _DRAW_LIMIT).astype(np.float32)


def load_head(path: Path = DEFAULT_HEAD_PATH) -> HeadModel:
    """Read a head file.

    Raises HeadError where it is missing, damaged, foreign, or for other channels than ours.
    """
    header, arrays = read_archive(path)
    if header.get("id") != HEAD_MODEL_ID:
        raise HeadError(
            f"{path.name} holds the head {header.get('id')!r}, not {HEAD_MODEL_ID!r}.",
            "Build it again with `python3 build.py setup`.",
        )
    try:
        return _unpack(header, arrays)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise HeadError(
            f"The head model {path.name} is incomplete ({error!r}).",
            "Build it again with `python3 build.py setup`.",
        ) from error


def save_head(head: HeadModel, path: Path) -> None:
    """Write a head file; equal heads give equal bytes."""
    named = ("log_tone", "hair_colour", "iris_colour")
    arrays: dict[str, Any] = {name: getattr(head, name) for name in named}
    parts = []
    for part in head.parts.values():
        entry, packed = pack_part(part)
        parts.append(entry)
        arrays |= packed
    eyes = []
    for eye in head.eyes:
        arrays[f"{eye.name}/pivot_modes"] = eye.pivot_modes
        arrays[f"{eye.name}/pivot"] = eye.pivot
        eyes.append({"name": eye.name, "radius_mm": eye.radius_mm, "gaze": eye.gaze})
    arrays |= {f"{_LANDMARK}{name}": rows for name, rows in head.landmarks.items()}
    arrays |= {f"bone/{name}": place for name, place in head.bones.items()}
    arrays |= {f"{_TRAIT}{name}": row for name, row in head.traits.items()}
    header = {
        "id": head.id,
        "parts": parts,
        "eyes": eyes,
        "correctives": [[c.name, c.kind, c.terms] for c in head.correctives],
        "provenance": dict(head.provenance),
    }
    write_archive(path, header, {name: narrow(value) for name, value in arrays.items()})


def _unpack(header: Mapping[str, Any], arrays: Arrays) -> HeadModel:
    parts = {entry["name"]: unpack_part(entry, arrays) for entry in header["parts"]}
    eyes = tuple(
        Eye(
            name=entry["name"],
            pivot=arrays[f"{entry['name']}/pivot"].astype(np.float32),
            radius_mm=float(entry["radius_mm"]),
            gaze=tuple((str(n), float(p), float(y)) for n, p, y in entry["gaze"]),
            pivot_modes=arrays[f"{entry['name']}/pivot_modes"].astype(np.float32),
        )
        for entry in header["eyes"]
    )
    correctives = tuple(
        Corrective(name, kind, tuple((str(n), int(p)) for n, p in terms))
        for name, kind, terms in header["correctives"]
    )
    keys = {*EXPRESSION_NAMES, *(item.name for item in correctives)}
    if FACE not in parts or not set(parts[FACE].keys) <= keys:
        raise HeadError("The head model's face lacks keys or has unknown ones.")
    return HeadModel(
        id=header["id"],
        parts=parts,
        correctives=correctives,
        eyes=eyes,
        bones={name: arrays[f"bone/{name}"].astype(np.float32) for name in BONES},
        landmarks={
            name.removeprefix(_LANDMARK): rows.astype(np.int32)
            for name, rows in arrays.items()
            if name.startswith(_LANDMARK)
        },
        log_tone=arrays["log_tone"].astype(np.float32).reshape(IDENTITY_SIZE + 1, 3),
        hair_colour=arrays["hair_colour"].astype(np.float32).reshape(3),
        iris_colour=arrays["iris_colour"].astype(np.float32).reshape(3),
        traits={
            name.removeprefix(_TRAIT): row.astype(np.float32).reshape(IDENTITY_SIZE)
            for name, row in arrays.items()
            if name.startswith(_TRAIT)
        },
        provenance=header["provenance"],
    )
