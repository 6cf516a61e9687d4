# SPDX-License-Identifier: GPL-3.0-or-later
"""How a personality uses its face: amounts, not curves."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class FacialStyle:
    """Amounts of one personality.

    jaw, rounding, spreading, lips: gains on the articulators. brows: height of a raise on the
    strongest accent. accent_threshold: accents of a lower rank leave the brows alone. brow_down,
    smile, squint: resting amounts. asymmetry: the left side's surplus over the right, -1 ... 1.
    inhale: how far the mouth opens just before a phrase.
    """

    jaw: float
    rounding: float
    spreading: float
    lips: float
    brows: float
    accent_threshold: float
    brow_down: float
    smile: float
    squint: float
    asymmetry: float
    inhale: float


PERSONALITIES: dict[str, FacialStyle] = {
    "calm": FacialStyle(0.82, 0.88, 0.75, 0.80, 0.16, 0.80, 0.0, 0.03, 0.02, 0.06, 0.025),
    "lively": FacialStyle(1.10, 1.10, 1.25, 1.10, 0.55, 0.60, 0.0, 0.14, 0.08, -0.10, 0.05),
    "formal": FacialStyle(1.00, 1.12, 0.95, 1.15, 0.12, 0.85, 0.03, 0.0, 0.0, 0.03, 0.02),
    "thoughtful": FacialStyle(0.88, 0.95, 0.80, 0.85, 0.28, 0.72, 0.16, 0.01, 0.10, 0.22, 0.035),
}


def mean_style() -> FacialStyle:
    """The mean of all personalities: what a network without a style can aim at best."""
    styles = PERSONALITIES.values()
    return FacialStyle(
        *(sum(getattr(s, f.name) for s in styles) / len(styles) for f in fields(FacialStyle))
    )
