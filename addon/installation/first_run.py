# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel shows to somebody who has just installed the extension."""

from __future__ import annotations

from typing import Any

from .. import prefs
from ..panel_text import draw_text
from .installer import current
from .view import draw_install_button, draw_progress

_WELCOME = (
    "Rhetor needs its engine to animate: PyTorch and a few other packages. "
    "They are installed once, outside Blender."
)


def draw_first_run(layout: Any, context: Any) -> bool:
    """What is missing and one button, or how far that is; whether only this is to be shown."""
    is_missing = not prefs.engine_python_setting(context)
    if not is_missing and not current.is_working:
        return False
    column = layout.column()
    if is_missing and not current.is_working:
        draw_text(column, context, _WELCOME, "INFO")
    draw_progress(column, context)
    if not current.is_working:
        draw_install_button(column)
    return is_missing and not current.is_working
