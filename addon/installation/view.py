# SPDX-License-Identifier: GPL-3.0-or-later
"""How the engine's installation looks, in the preferences and in the panel. Computes nothing."""

from __future__ import annotations

from typing import Any

from .. import session
from ..core.installation.download import size_label
from ..core.installation.hardware import Variant
from ..core.installation.home import Installed
from ..panel_text import draw_error, draw_text
from ..words import say
from .installer import current, named_python
from .report import check_line, verdict

_BUTTON_HEIGHT = 1.4


def draw_engine(layout: Any, context: Any, settings: Any) -> None:
    """The preferences: what is there, one button, the check, and more for those who want it."""
    _draw_state(layout, context, settings)
    draw_progress(layout, context)
    if not current.is_working:
        _draw_main_button(layout, settings)
    layout.prop(settings, "device")
    _draw_check(layout, context)
    header, body = layout.panel("rhetor_engine_advanced", default_closed=True)
    header.label(text="Advanced")
    if body is not None:
        _draw_advanced(body, settings)


def draw_progress(layout: Any, context: Any) -> None:
    """How far an installation is, or how the last one ended."""
    if current.is_working:
        row = layout.row(align=True)
        row.scale_y = _BUTTON_HEIGHT
        row.progress(factor=current.fraction, text=say(current.stage))
        row.operator("rhetor.cancel_installation", text="", icon="X")
        return
    if current.error is not None:
        box = draw_error(layout, context, current.error)
        box.operator("rhetor.open_install_log", icon="TEXT")
    for note in current.notes:
        draw_text(layout, context, note, "INFO")


def draw_install_button(layout: Any) -> None:
    """The one button that a new person needs."""
    row = layout.row()
    row.scale_y = _BUTTON_HEIGHT
    text = "Update Engine" if current.is_outdated else "Install Engine"
    row.operator("rhetor.install_engine", text=text, icon="IMPORT").is_update = current.is_outdated


def _draw_state(layout: Any, context: Any, settings: Any) -> None:
    installed = current.installed
    named = named_python(settings.engine_python)
    if named:
        draw_text(layout, context, f"Uses the environment of {named}", "INFO")
    elif installed is None:
        draw_text(layout, context, "The engine is not installed yet.", "ERROR")
    else:
        draw_text(layout, context, _summary(installed), "CHECKMARK")
        place = f"{size_label(installed.size_bytes)} in {current.home.root}"
        draw_text(layout, context, place, "BLANK1")
    if session.current.engine_line:
        draw_text(layout, context, f"{session.current.engine_line} runs.", "BLANK1")
    if current.is_outdated and not named:
        draw_text(layout, context, "This version of Rhetor needs newer packages.", "INFO")


def _summary(installed: Installed) -> str:
    variant = Variant(installed.variant).label
    what = f"PyTorch {installed.torch} for {variant}"
    if installed.learning:
        return f"The engine is installed, ready for New Style: {what}."
    return f"The engine is installed, without what New Style needs: {what}."


def _draw_main_button(layout: Any, settings: Any) -> None:
    if named_python(settings.engine_python):
        return
    if current.installed is None or current.is_outdated:
        draw_install_button(layout)


def _draw_check(layout: Any, context: Any) -> None:
    row = layout.row(align=True)
    row.operator("rhetor.check_engine", icon="CHECKMARK")
    row.operator("rhetor.copy_engine_report", text="", icon="COPYDOWN")
    checks = session.current.engine_checks
    if session.current.is_examining:
        layout.label(text="Looking at the engine", icon="TIME")
    elif checks:
        box = layout.box()
        draw_text(box, context, verdict(checks), "INFO")
        for check in checks:
            draw_text(box, context, check_line(check), "CHECKMARK" if check["is_good"] else "ERROR")


def _draw_advanced(layout: Any, settings: Any) -> None:
    layout.prop(settings, "engine_variant")
    layout.prop(settings, "engine_learning")
    layout.prop(settings, "wheel_source")
    column = layout.column(align=True)
    installed = current.installed
    if installed is not None:
        if not installed.learning:
            more = column.operator("rhetor.install_engine", text="Add New Style", icon="ADD")
            more.is_update = True
        column.operator("rhetor.install_engine", text="Install Again", icon="FILE_REFRESH")
    column.operator("rhetor.install_offline_kit", icon="PACKAGE")
    column.operator("rhetor.uninstall_engine", icon="TRASH")
    row = layout.row(align=True)
    row.operator("rhetor.open_engine_folder", icon="FILE_FOLDER")
    row.operator("rhetor.open_install_log", icon="TEXT")
    layout.prop(settings, "engine_python")
    layout.operator("rhetor.use_environment", icon="SCRIPT")
