# SPDX-License-Identifier: GPL-3.0-or-later
"""The line of jobs in the main panel: what runs, what waits, and what came of it."""

from typing import Any

from .. import session
from ..panel_text import draw_error, draw_text, joined
from ..words import say
from .jobs import Failure, Job

_BAR_HEIGHT = 1.2
_MOST_ROWS = 6


def draw_queue(layout: Any, context: Any, job: Job) -> None:
    """How far the running job is, and the ones behind it."""
    waiting = session.current.waiting
    column = layout.column(align=True)
    if waiting:
        column.label(text=job.order.title, icon="PLAY")
    row = column.row(align=True)
    row.scale_y = _BAR_HEIGHT
    row.progress(factor=job.fraction, text=joined(job.stage, job.time_left))
    row.operator("rhetor.cancel", text="", icon="X")
    if job.restarts:
        draw_text(layout, context, session.STARTED_AGAIN, "INFO")
    if waiting:
        _draw_waiting(layout.box(), waiting)


def draw_outcome(layout: Any, context: Any) -> None:
    """The last take, and what went wrong and what to do."""
    for index, failure in list(enumerate(session.current.failures))[-_MOST_ROWS:]:
        _draw_failure(layout, context, index, failure)
    written = session.current.written
    if written is None or not written.is_in_file:
        return
    column = layout.column(align=True)
    column.label(text=written.title, icon="CHECKMARK")
    column.label(text=say(written.length), icon="BLANK1")
    for warning in session.current.warnings:
        draw_text(layout, context, warning, "INFO")


def _draw_waiting(box: Any, waiting: tuple[session.Order, ...]) -> None:
    column = box.column(align=True)
    for index, order in enumerate(waiting[:_MOST_ROWS]):
        row = column.row()
        row.label(text=order.title, icon="TIME")
        row.operator("rhetor.remove_waiting", text="", icon="X", emboss=False).index = index
    if len(waiting) > _MOST_ROWS:
        column.label(text=say(f"{len(waiting) - _MOST_ROWS} more"), icon="BLANK1")
    box.operator("rhetor.cancel_all")


def _draw_failure(layout: Any, context: Any, index: int, failure: Failure) -> None:
    column = layout.column(align=True)
    row = column.row()
    row.label(text=failure.title or "Not started")
    row.operator("rhetor.forget_failure", text="", icon="X", emboss=False).index = index
    box = draw_error(column, context, failure.error)
    if failure.performance is not None:
        box.operator("rhetor.redirect_take").index = index
