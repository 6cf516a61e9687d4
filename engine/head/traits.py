# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities in the words of a person: the width of a jaw instead of fifty components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..protocol.errors import HeadError
from ..protocol.take import FloatArray
from .channels import IDENTITY_SIZE

BROAD_TRAITS = ("masculine", "age")
"""Traits of the whole face: what is measured in one place changes with them."""


_LARGEST_SD = 8.0
"""Of any coefficient: beyond, the modes of the head mean nothing."""


class TraitSpace:
    """Reads traits from an identity and changes one of them.

    A change is the likeliest one: the smallest that leaves the skin tone and the other traits as
    they are (for a broad trait: the other broad ones).
    """

    def __init__(self, traits: Mapping[str, FloatArray], log_tone: FloatArray) -> None:
        """traits: name -> (50,) unit vector. log_tone: (51, 3), see HeadModel."""
        self.names: tuple[str, ...] = tuple(traits)
        self._rows = np.array([traits[name] for name in self.names], np.float64)  # (K, 50)
        tone = np.asarray(log_tone[1:], np.float64).T
        broad = np.array([name in BROAD_TRAITS for name in self.names])
        self._ways = np.zeros_like(self._rows)
        for chosen, fixed in ((broad, broad), (~broad, np.ones_like(broad))):
            kept = np.concatenate([self._rows[fixed], tone])
            ways = np.linalg.pinv(kept).T[: fixed.sum()]
            self._ways[chosen] = ways[chosen[fixed]]

    def values(self, identity: npt.NDArray[Any] | None) -> dict[str, float]:
        """Trait -> standard deviations from the average; identity (50,), None is the mean."""
        return dict(zip(self.names, (self._rows @ _checked(identity)).tolist(), strict=True))

    def changed(self, identity: npt.NDArray[Any] | None, name: str, value: float) -> FloatArray:
        """(50,) identity whose trait `name` is `value` standard deviations, as far as it goes."""
        if name not in self.names:
            raise HeadError(f"The head has no trait {name!r}; it has {', '.join(self.names)}.")
        at = self.names.index(name)
        before = _checked(identity)
        moved = before + (value - self._rows[at] @ before) * self._ways[at]
        limited: FloatArray = np.clip(moved, -_LARGEST_SD, _LARGEST_SD).astype(np.float32)
        return limited


def _checked(identity: npt.NDArray[Any] | None) -> npt.NDArray[np.float64]:
    if identity is None:
        return np.zeros(IDENTITY_SIZE)
    coefficients = np.asarray(identity, np.float64)
    if coefficients.shape != (IDENTITY_SIZE,):
        raise HeadError(f"An identity has {IDENTITY_SIZE} coefficients.")
    return coefficients
