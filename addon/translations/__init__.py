# SPDX-License-Identifier: GPL-3.0-or-later
"""Rhetor in other languages: one gettext file for each, named by its language ("de.po").

A new language is a new file: translate the msgid lines of de.po.
"""

from functools import cache
from pathlib import Path

import bpy

from ..core.phrases import read_po

_CONTEXTS = ("*", "Operator")
"""Blender looks up labels of buttons that run something in a context of their own."""


@cache
def catalogue(language: str) -> dict[str, str]:
    """English texts and their translations. Raises OSError where there is no such language."""
    return read_po(Path(__file__).with_name(f"{language}.po").read_text("utf-8"))


def languages() -> list[str]:
    """All that there are, such as "de"."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.po"))


def register() -> None:
    """Let Blender know the translations."""
    bpy.app.translations.register(
        __name__,
        {
            language: {
                (context, english): other
                for english, other in catalogue(language).items()
                for context in _CONTEXTS
            }
            for language in languages()
        },
    )


def unregister() -> None:
    """Take them back."""
    bpy.app.translations.unregister(__name__)
