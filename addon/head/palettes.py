# SPDX-License-Identifier: GPL-3.0-or-later
"""Natural colours to choose from, linear RGB by name."""

from __future__ import annotations

from .head_looks import Colour

SKIN_COLOURS: dict[str, Colour] = {
    "porcelain": (0.62, 0.42, 0.32),
    "fair": (0.56, 0.36, 0.26),
    "beige": (0.48, 0.29, 0.19),
    "medium": (0.39, 0.23, 0.15),
    "olive": (0.33, 0.205, 0.125),
    "tan": (0.26, 0.145, 0.09),
    "brown": (0.165, 0.083, 0.052),
    "dark": (0.105, 0.053, 0.034),
    "deep": (0.065, 0.034, 0.024),
}
IRIS_COLOURS: dict[str, Colour] = {
    "dark brown": (0.035, 0.018, 0.010),
    "brown": (0.10, 0.055, 0.025),
    "hazel": (0.14, 0.095, 0.030),
    "amber": (0.24, 0.11, 0.025),
    "green": (0.085, 0.13, 0.060),
    "gray": (0.15, 0.17, 0.185),
    "blue": (0.065, 0.13, 0.24),
    "light blue": (0.17, 0.29, 0.41),
}
HAIR_COLOURS: dict[str, Colour] = {
    "black": (0.010, 0.008, 0.007),
    "dark brown": (0.022, 0.012, 0.007),
    "brown": (0.050, 0.024, 0.012),
    "auburn": (0.085, 0.026, 0.010),
    "red": (0.22, 0.055, 0.014),
    "blond": (0.26, 0.18, 0.10),
    "gray": (0.14, 0.135, 0.13),
    "white": (0.52, 0.51, 0.48),
}
"""Of hair, brows and lashes."""
