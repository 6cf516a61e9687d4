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


def pack_part(part: Part) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON entry and the arrays of a part, the arrays named "part/field"."""
    name = part.name
    fields = ("neutral", "corners", "sizes", "face_slots", "bone_weights")
    arrays = {f"{name}/{f}": v for f in fields if (v := getattr(part, f)) is not None}
    arrays |= {f"{name}/attribute/{key}": value for key, value in part.attributes.items()}
    arrays |= {f"{name}/tint/{f}": getattr(part.tint, f) for f in ("skin", "hair", "fixed")}
    for field in ("shapes", "identity"):
        arrays |= _pack_basis(f"{name}/{field}", getattr(part, field))
    if part.binding is not None:
        arrays[f"{name}/binding/vertices"] = part.binding.vertices
        arrays[f"{name}/binding/weights"] = part.binding.weights
    described = ("name", "kind", "slots", "keys", "subdivision")
    return {field: getattr(part, field) for field in described}, arrays


def unpack_part(entry: Mapping[str, Any], arrays: Arrays) -> Part:
    """The part that `pack_part` described; KeyError where an array is missing."""
    name = entry["name"]
    bound = f"{name}/binding/vertices" in arrays
    weighted = f"{name}/bone_weights" in arrays
    attribute = f"{name}/attribute/"

    def floats(field: str) -> FloatArray:
        return arrays[f"{name}/{field}"].astype(np.float32)

    def integers(field: str) -> IntArray:
        return arrays[f"{name}/{field}"].astype(np.int32)

    return Part(
        name=name,
        kind=entry["kind"],
        neutral=floats("neutral"),
        corners=integers("corners"),
        sizes=integers("sizes"),
        slots=tuple(entry["slots"]),
        face_slots=integers("face_slots"),
        keys=tuple(entry["keys"]),
        shapes=_unpack_basis(f"{name}/shapes", arrays),
        identity=_unpack_basis(f"{name}/identity", arrays),
        binding=Binding(integers("binding/vertices"), floats("binding/weights")) if bound else None,
        tint=Tint(floats("tint/skin"), floats("tint/hair"), floats("tint/fixed")),
        attributes={
            key.removeprefix(attribute): value.astype(np.float32)
            for key, value in arrays.items()
            if key.startswith(attribute)
        },
        bone_weights=floats("bone_weights") if weighted else None,
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
    """Indices that fit 16 bits are stored in 16 bits; the loader widens them again."""
    array = np.asarray(value)
    if array.dtype == np.int32 and array.size and array.min() >= 0 and array.max() < 1 << 16:
        return array.astype(np.uint16)
    return array
