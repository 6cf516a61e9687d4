# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech to head motion."""

from __future__ import annotations

from .synthesizer import PoseSynthesizer, load_posegan

__all__ = ["PoseSynthesizer", "load_posegan"]
