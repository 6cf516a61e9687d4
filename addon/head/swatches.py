# SPDX-License-Identifier: GPL-3.0-or-later
"""Palettes as menus of coloured icons."""

from __future__ import annotations

from typing import Any

import bpy
import bpy.utils.previews

from .head_looks import Colour
from .palettes import HAIR_COLOURS, IRIS_COLOURS, SKIN_COLOURS

PALETTES: dict[str, dict[str, Colour]] = {
    "skin": SKIN_COLOURS,
    "iris": IRIS_COLOURS,
    "hair": HAIR_COLOURS,
}
_OWN = ("OWN", "Natural", "As it belongs to the face", "LOOP_BACK", 0)
_CUSTOM = ("CUSTOM", "Custom", "A color of your own", "COLOR")
_ICON_SIZE = 32
_SRGB_CURVE = 2.2


class Swatches:
    """Menu items of the palettes; Blender keeps no copy of their texts, so they are kept here."""

    def __init__(self) -> None:
        self._previews: Any = None
        self._items: dict[str, list[Any]] = {}
        self._with_custom: dict[str, list[Any]] = {}

    def items(self, pigment: str) -> list[Any]:
        """The face's own colour is number 0; those of the palette are 1, 2, …"""
        if pigment not in self._items:
            palette = PALETTES[pigment]
            self._items[pigment] = [
                _OWN,
                *(
                    (name, name.title(), "", self._icon(pigment, name), number)
                    for number, name in enumerate(palette, 1)
                ),
            ]
        return self._items[pigment]

    def items_and_custom(self, pigment: str) -> list[Any]:
        """The same, and last whatever is not on the palette."""
        if pigment not in self._with_custom:
            items = self.items(pigment)
            self._with_custom[pigment] = [*items, (*_CUSTOM, len(items))]
        return self._with_custom[pigment]

    def open(self) -> None:
        """Make room for the icons."""
        self._previews = bpy.utils.previews.new()
        self._items.clear()
        self._with_custom.clear()

    def close(self) -> None:
        """Drop the icons."""
        if self._previews is not None:
            bpy.utils.previews.remove(self._previews)
        self._previews = None
        self._items.clear()
        self._with_custom.clear()

    def _icon(self, pigment: str, name: str) -> int:
        if self._previews is None:
            return 0
        preview = self._previews.new(f"{pigment} {name}")
        shown = [channel ** (1.0 / _SRGB_CURVE) for channel in PALETTES[pigment][name]]
        preview.icon_size = (_ICON_SIZE, _ICON_SIZE)
        preview.icon_pixels_float = [*shown, 1.0] * (_ICON_SIZE * _ICON_SIZE)
        number: int = preview.icon_id
        return number


swatches = Swatches()


def register() -> None:
    """Make room for the icons."""
    swatches.open()


def unregister() -> None:
    """Drop the icons."""
    swatches.close()
