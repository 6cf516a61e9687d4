# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed styles as a menu with pictures, which follows the folders on disk.

A scene stores the name of its style. A name that is not installed here stays in the file and is
shown as missing, so that nothing is replaced in silence.
"""

from __future__ import annotations

import time
from typing import Any
from zlib import crc32

import bpy
import bpy.utils.previews

from ...engine.protocol.errors import CheckpointError, ConfigError
from ...engine.styles import STYLE_PRESET, StyleEntry, installed_styles, styles_stamp

NEUTRAL = "neutral"
LOOK_AGAIN_S = 0.3
"""Redraws come in bursts; the folders are looked at once in this time."""

_WITHOUT_WEIGHTS = StyleEntry(NEUTRAL, "Neutral", "The mean of all styles", "table", STYLE_PRESET)
_NO_PICTURE = "FCURVE"
_BROKEN = "ERROR"

Item = tuple[str, str, str, int | str, int]


class StyleMenu:
    """The styles as they lie on disk, and their menu items.

    Blender keeps no copy of an item's texts: every text that was ever shown is kept here.
    """

    def __init__(self) -> None:
        self._entries: tuple[StyleEntry, ...] = ()
        self._items: list[Item] = []
        self._with_missing: dict[str, list[Item]] = {}
        self._names: dict[int, str] = {}
        self._texts: dict[str, str] = {}
        self._stamp: object = None
        self._looked_at_s = float("-inf")
        self._previews: Any = None

    @property
    def entries(self) -> tuple[StyleEntry, ...]:
        """One entry for each name, usable ones first among equals; read again after a change."""
        self._follow_disk()
        return self._entries

    def entry(self, name: str) -> StyleEntry | None:
        """The installed style of that name."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def items(self, chosen: str) -> list[Item]:
        """Menu items; the chosen name is among them even where it is not installed."""
        self._follow_disk()
        if any(item[0] == chosen for item in self._items):
            return self._items
        if chosen not in self._with_missing:
            self._with_missing[chosen] = [*self._items, self._missing_item(chosen)]
        return self._with_missing[chosen]

    def name(self, number: int) -> str:
        """The style that an item's number stands for."""
        return self._names.get(number, NEUTRAL)

    def picture(self, entry: StyleEntry) -> Any | None:
        """The style's thumbnail as Blender's preview, None where it has none."""
        if entry.thumbnail is None or self._previews is None:
            return None
        try:
            key = f"{entry.thumbnail}|{entry.thumbnail.stat().st_mtime_ns}"
        except OSError:
            return None
        if key not in self._previews:
            self._previews.load(key, str(entry.thumbnail), "IMAGE")
        return self._previews[key]

    def refresh(self) -> None:
        """Look at the folders at the next question, however soon it comes."""
        self._looked_at_s = float("-inf")

    def open(self) -> None:
        """Make room for pictures."""
        self._previews = bpy.utils.previews.new()
        self._stamp = None
        self.refresh()

    def close(self) -> None:
        """Drop the pictures."""
        if self._previews is not None:
            bpy.utils.previews.remove(self._previews)
        self._previews = None

    def _follow_disk(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_at_s < LOOK_AGAIN_S:
            return
        self._looked_at_s = now_s
        stamp = styles_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        self._entries = _one_for_each_name()
        self._items = [self._item(entry) for entry in self._entries]
        self._with_missing.clear()

    def _item(self, entry: StyleEntry) -> Item:
        if not entry.is_usable:
            return self._kept(entry.name, f"{entry.label} (not usable)", entry.problem, _BROKEN)
        picture = self.picture(entry)
        icon = picture.icon_id if picture is not None else 0  # without a window always 0
        return self._kept(entry.name, entry.label, entry.description, icon or _NO_PICTURE)

    def _missing_item(self, name: str) -> Item:
        description = "This style is not installed here: choose another one, or import its file"
        return self._kept(name, f"{name} (missing)", description, _BROKEN)

    def _kept(self, name: str, label: str, description: str, icon: int | str) -> Item:
        number = style_number(name)
        keep = self._texts.setdefault
        self._names[number] = keep(name, name)
        return (
            self._names[number],
            keep(label, label),
            keep(description, description),
            icon,
            number,
        )


menu = StyleMenu()


def style_number(name: str) -> int:
    """The number of a style in the menu: always the same, whatever else is installed."""
    return crc32(name.encode()) >> 2


def require_style(name: str, preset: str) -> None:
    """Raise ConfigError or CheckpointError, with advice, where a style cannot be used."""
    menu.refresh()
    if preset != STYLE_PRESET:
        _require_in_preset(name, preset)
        return
    entry = menu.entry(name)
    if entry is None:
        known = ", ".join(entry.name for entry in menu.entries if entry.is_usable)
        raise ConfigError(
            f"The style {name} is not installed.",
            f"Choose another one, or import its file. Installed: {known or 'none'}.",
        )
    if not entry.is_usable:
        raise CheckpointError(
            f"The style {entry.label} cannot be used: {entry.problem}", "Choose another style."
        )


def obstacle(name: str, preset: str) -> str:
    """Why Animate would refuse a style, in a few words; "" where it would not."""
    if preset != STYLE_PRESET:
        return "" if name == NEUTRAL else "Choose the style Neutral: this preset has no other"
    entry = menu.entry(name)
    if entry is None:
        return f"The style {name} is not installed: choose another one, or import its file"
    return "" if entry.is_usable else f"The style {entry.label} cannot be used: choose another one"


def _require_in_preset(name: str, preset: str) -> None:
    known = [entry.name for entry in installed_styles(preset)]
    if name not in known:
        raise ConfigError(
            f"The preset {preset} has no style {name}.", f"Choose {', '.join(known)}."
        )


def _one_for_each_name() -> tuple[StyleEntry, ...]:
    try:
        found = installed_styles()
    except CheckpointError:
        return (_WITHOUT_WEIGHTS,)  # the engine says what is missing when it is asked to animate
    by_name: dict[str, StyleEntry] = {}
    for entry in found:
        known = by_name.get(entry.name)
        if known is None or (entry.is_usable and not known.is_usable):
            by_name[entry.name] = entry
    return tuple(by_name.values())


def register() -> None:
    """Make room for pictures."""
    menu.open()


def unregister() -> None:
    """Drop the pictures."""
    menu.close()
