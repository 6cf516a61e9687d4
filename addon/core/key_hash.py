# SPDX-License-Identifier: GPL-3.0-or-later
"""A fingerprint of keys: tells whether anybody has edited them, or another run made the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class KeyedCurve:
    """The keys of one property.

    coordinates: (T, 2) float32 frames and values. shape: what else makes the curve, such as
    handles; empty for straight lines between the keys.
    """

    data_path: str
    index: int
    coordinates: npt.NDArray[np.float32]
    shape: bytes = b""


def hash_keys(curves: Iterable[KeyedCurve]) -> str:
    """SHA-256 of keys, to the last bit.

    The order of the curves does not matter, nor does the frame on which the first of them begins:
    a take that is moved in time as a whole has not been edited.
    """
    digest = hashlib.sha256()
    ordered = sorted(curves, key=lambda curve: (curve.data_path, curve.index))
    first = min((c.coordinates[0, 0] for c in ordered if len(c.coordinates)), default=0.0)
    for curve in ordered:
        keys = np.array(curve.coordinates, dtype="<f4")
        keys[:, 0] -= first
        digest.update(f"{curve.data_path}\0{curve.index}\0{len(keys)}\0".encode())
        digest.update(keys.tobytes())
        digest.update(len(curve.shape).to_bytes(8, "little"))
        digest.update(curve.shape)
    return digest.hexdigest()
