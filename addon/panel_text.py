# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences in panels: labels do not wrap by themselves."""

import textwrap
from typing import Any

from ..engine.protocol.errors import RhetorError
from .words import say

_PIXELS_PER_CHARACTER = 5.9
_FEWEST_CHARACTERS = 12
_BORDER_PIXELS = 56
_ICON_PIXELS = 24


def draw_text(layout: Any, context: Any, text: str, icon: str = "NONE", share: float = 1.0) -> None:
    """Text in as many lines as its share of the panel's width asks for."""
    pixels = context.region.width / context.preferences.system.ui_scale - _BORDER_PIXELS
    pixels = pixels * share - (0 if icon == "NONE" else _ICON_PIXELS)
    draw_lines(layout, text, icon, max(_FEWEST_CHARACTERS, int(pixels / _PIXELS_PER_CHARACTER)))


def draw_lines(layout: Any, text: str, icon: str, characters: int) -> None:
    """Text in lines of at most so many characters: a dialog does not know its width."""
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(say(text), characters)):
        column.label(text=line, icon=icon if number == 0 or icon == "NONE" else "BLANK1")


def joined(*parts: str) -> str:
    """What there is of some words, each in the person's language, with commas between."""
    return ", ".join(say(part) for part in parts if part)


def draw_error(layout: Any, context: Any, error: RhetorError) -> Any:
    """What went wrong and what to do, in a box; returns the box for buttons."""
    box = layout.box()
    draw_text(box, context, error.message, "ERROR")
    if error.hint:
        draw_text(box, context, error.hint, "BLANK1")
    return box
