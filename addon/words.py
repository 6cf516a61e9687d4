# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in the language of Blender's interface.

Blender translates labels and tooltips by itself; whatever is put together at run time, and all
reports and reasons, go through `say`.
"""

from functools import cache, lru_cache

import bpy

from ..engine.protocol.errors import RhetorError
from .core.phrases import Phrases
from .translations import catalogue, languages

_REMEMBERED = 512


def say(what: str | RhetorError) -> str:
    """A text, or the message and hint of an error, as the person reads it."""
    if isinstance(what, RhetorError):
        return f"{say(what.message)} {say(what.hint)}".rstrip() if what.hint else say(what.message)
    view = bpy.context.preferences.view
    if not view.use_translate_interface:
        return what
    return _said(what, bpy.app.translations.locale)


@lru_cache(_REMEMBERED)
def _said(text: str, _locale: str) -> str:
    return _phrases().translated(text, bpy.app.translations.pgettext_iface)


@cache
def _phrases() -> Phrases:
    return Phrases(english for language in languages() for english in catalogue(language))
