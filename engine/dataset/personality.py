# SPDX-License-Identifier: GPL-3.0-or-later
"""Four ways to move a head while speaking, as numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Personality:
    """How somebody moves. Angles in degrees, times in seconds; (pitch, yaw, roll) in this order.

    home: usual posture. posture: deviation of the postures taken in speech. shift_s: time to take
    one; shift_share: phrases that bring a new one. nod: size of a beat on an accent; nod_share: how
    readily accents bring one; nod_s: its attack; nod_gap_s: shortest time between two. raised:
    share of beats that lift the chin instead of lowering it. sideways: share of beats that turn or
    tilt instead of nodding. double: share of beats that come twice. follow: pitch per deviation of
    loudness. lift: chin raised where a phrase starts; close: nod that ends a statement; ask: chin
    raised (and head tilted) where the pitch rises. sway, sway_s: size and period of slow rocking in
    yaw and roll. away: size of a look-away in a pause; away_share: pauses that bring one. drift:
    size of the slow wander; texture: of the small restless moves of speech. lean_mm: deviation of
    the body's own moves.
    """

    name: str
    label: str
    description: str
    home: tuple[float, float, float]
    posture: tuple[float, float, float]
    shift_s: float
    shift_share: float
    nod: float
    nod_share: float
    nod_s: float
    nod_gap_s: float
    raised: float
    sideways: float
    double: float
    follow: float
    lift: float
    close: float
    ask: float
    sway: float
    sway_s: float
    away: float
    away_share: float
    drift: float
    texture: float
    lean_mm: float


CALM = Personality(
    name="calm",
    label="Calm",
    description="Slow and even: soft nods, little turning, long quiet stretches.",
    home=(0.5, 0.0, 0.0),
    posture=(1.0, 2.4, 2.0),
    shift_s=1.5,
    shift_share=0.55,
    nod=1.9,
    nod_share=0.40,
    nod_s=0.34,
    nod_gap_s=0.8,
    raised=0.1,
    sideways=0.15,
    double=0.0,
    follow=0.35,
    lift=0.9,
    close=1.0,
    ask=2.0,
    sway=0.5,
    sway_s=4.5,
    away=2.0,
    away_share=0.15,
    drift=0.7,
    texture=0.8,
    lean_mm=1.6,
)
LIVELY = Personality(
    name="lively",
    label="Lively",
    description="Quick and wide: frequent beats, turns to both sides, double nods.",
    home=(-0.5, 0.0, 0.0),
    posture=(1.8, 5.5, 2.8),
    shift_s=0.7,
    shift_share=0.9,
    nod=4.2,
    nod_share=0.85,
    nod_s=0.20,
    nod_gap_s=0.38,
    raised=0.4,
    sideways=0.45,
    double=0.25,
    follow=0.3,
    lift=1.8,
    close=2.2,
    ask=4.0,
    sway=1.3,
    sway_s=2.2,
    away=4.0,
    away_share=0.2,
    drift=0.8,
    texture=1.3,
    lean_mm=3.5,
)
FORMAL = Personality(
    name="formal",
    label="Formal",
    description="Upright and measured: small vertical nods, hardly any turn or tilt.",
    home=(-1.5, 0.0, 0.0),
    posture=(0.7, 1.1, 0.5),
    shift_s=0.9,
    shift_share=0.4,
    nod=2.6,
    nod_share=0.65,
    nod_s=0.22,
    nod_gap_s=0.5,
    raised=0.0,
    sideways=0.0,
    double=0.05,
    follow=0.5,
    lift=1.0,
    close=2.8,
    ask=2.0,
    sway=0.2,
    sway_s=3.5,
    away=0.0,
    away_share=0.0,
    drift=0.3,
    texture=0.55,
    lean_mm=0.8,
)
THOUGHTFUL = Personality(
    name="thoughtful",
    label="Thoughtful",
    description="Long tilts of the head, looks away in pauses, lifts the chin on accents.",
    home=(1.5, 0.0, 0.0),
    posture=(1.5, 2.4, 4.2),
    shift_s=1.1,
    shift_share=0.6,
    nod=1.8,
    nod_share=0.35,
    nod_s=0.32,
    nod_gap_s=0.9,
    raised=0.85,
    sideways=0.35,
    double=0.0,
    follow=-0.6,
    lift=0.6,
    close=1.0,
    ask=2.0,
    sway=0.8,
    sway_s=3.4,
    away=8.0,
    away_share=0.75,
    drift=0.9,
    texture=1.0,
    lean_mm=2.6,
)

PERSONALITIES = {p.name: p for p in (CALM, LIVELY, FORMAL, THOUGHTFUL)}
