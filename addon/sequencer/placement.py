# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a performance goes on its character."""

from enum import Enum

LINES_TRACK = "Rhetor lines"
"""NLA track of dialogue lines."""

IDLE_TRACK = "Rhetor idle"
"""NLA track of listening, below the lines."""


class Placement(Enum):
    """ACTION: the take that plays, as its active action. LINE: one line of a dialogue, an NLA
    strip on LINES_TRACK. IDLE: listening, an NLA strip on IDLE_TRACK, below the lines."""

    ACTION = "ACTION"
    LINE = "LINE"
    IDLE = "IDLE"
