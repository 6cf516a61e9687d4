# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a head as named arrays and JSON entries, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..protocol.take import FloatArray
from .archive import Arrays
from .basis import Basis
from .parts import Binding, IntArray, Part, Tint

BOUND_STEP_MM = 0.01
"""Resolution at which the neutral of a bound part (hair) is stored."""


def pack_part(part: Part) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON entry and the arrays of a part, the arrays named "part/field"."""
    name = part.name
    fields = ("neutral", "corners", "sizes", "face_slots")
    arrays: dict[str, Any] = {f"{name}/{field}": getattr(part, field) for field in fields}
    arrays |= {f"{name}/attribute/{key}": value for key, value in part.attributes.items()}
    tint = {f"{name}/tint/{f}": getattr(part.tint, f) for f in ("skin", "hair", "iris", "fixed")}
    arrays |= {key: _shortened(value).astype(np.float16) for key, value in tint.items()}
    if part.bone_weights is not None:
        arrays[f"{name}/bone_weights"] = _shortened(part.bone_weights)
    for field in ("shapes", "identity"):
        arrays |= _pack_basis(f"{name}/{field}", getattr(part, field))
    if part.binding is not None:
        # Bound parts have many vertices and are seen from afar.
        arrays[f"{name}/neutral"] = np.round(part.neutral / BOUND_STEP_MM).astype(np.int16)
        arrays[f"{name}/binding/vertices"] = part.binding.vertices
        arrays[f"{name}/binding/weights"] = part.binding.weights
        arrays[f"{name}/binding/repeat"] = np.int32(part.binding.repeat)
    described = ("name", "kind", "slots", "keys", "subdivision")
    return {field: getattr(part, field) for field in described}, arrays


def unpack_part(entry: Mapping[str, Any], arrays: Arrays) -> Part:
    """The part that `pack_part` described; KeyError where an array is missing."""
    name = entry["name"]
    binding = None
    if f"{name}/binding/vertices" in arrays:
        binding = Binding(
            vertices=arrays[f"{name}/binding/vertices"].astype(np.int32),
            weights=arrays[f"{name}/binding/weights"].astype(np.float32),
            repeat=int(arrays[f"{name}/binding/repeat"]),
        )
    weighted = f"{name}/bone_weights" in arrays
    attribute = f"{name}/attribute/"

    def floats(field: str) -> FloatArray:
        return arrays[f"{name}/{field}"].astype(np.float32)

    def integers(field: str) -> IntArray:
        return arrays[f"{name}/{field}"].astype(np.int32)

    count = len(arrays[f"{name}/neutral"])

    def per_vertex(field: str) -> FloatArray:
        values = floats(field)
        return np.broadcast_to(values, (count, *values.shape[1:])) if len(values) == 1 else values

    return Part(
        name=name,
        kind=entry["kind"],
        neutral=floats("neutral") * (1.0 if binding is None else np.float32(BOUND_STEP_MM)),
        corners=integers("corners"),
        sizes=integers("sizes"),
        slots=tuple(entry["slots"]),
        face_slots=integers("face_slots"),
        keys=tuple(entry["keys"]),
        shapes=_unpack_basis(f"{name}/shapes", arrays),
        identity=_unpack_basis(f"{name}/identity", arrays),
        binding=binding,
        tint=Tint(*(per_vertex(f"tint/{field}") for field in ("skin", "hair", "iris", "fixed"))),
        attributes={
            key.removeprefix(attribute): value.astype(np.float32)
            for key, value in arrays.items()
            if key.startswith(attribute)
        },
        bone_weights=per_vertex("bone_weights") if weighted else None,
        subdivision=(int(entry["subdivision"][0]), int(entry["subdivision"][1])),
    )


def _pack_basis(prefix: str, basis: Basis | None) -> dict[str, Any]:
    if basis is None:
        return {}
    fields = ("codes", "vertices", "starts", "scale")
    packed: dict[str, Any] = {f"{prefix}/{field}": getattr(basis, field) for field in fields}
    packed[f"{prefix}/vertex_count"] = np.int32(basis.vertex_count)
    return packed


def _unpack_basis(prefix: str, arrays: Arrays) -> Basis | None:
    if f"{prefix}/codes" not in arrays:
        return None
    return Basis(
        vertex_count=int(arrays[f"{prefix}/vertex_count"]),
        codes=arrays[f"{prefix}/codes"],
        vertices=arrays[f"{prefix}/vertices"],
        starts=arrays[f"{prefix}/starts"],
        scale=arrays[f"{prefix}/scale"],
    )


def narrow(value: Any) -> Any:
    """Indices in the smallest type that holds them; the loader widens them again."""
    array = np.asarray(value)
    if array.dtype != np.int32 or not array.size or array.min() < 0:
        return array
    for kind in (np.uint8, np.uint16):
        if array.max() <= np.iinfo(kind).max:
            return array.astype(kind)
    return array


def _shortened(values: FloatArray) -> FloatArray:
    """One row where all rows are equal: most parts have one colour or hang on one bone."""
    return values[:1] if len(values) > 1 and bool((values == values[:1]).all()) else values
