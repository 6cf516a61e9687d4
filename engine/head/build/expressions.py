# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 units, mended, and the correctives that products of them need.

The face units are a fine base. What is changed, and why: a smile lifted the lower lip over the
teeth; lids cut through the eyeball on their straight way down; brows and cheeks dragged a closed
lid; the lips did not quite meet where mouthClose answers jawOpen; f and v did not reach the teeth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..channels import EXPRESSION_NAMES
from ..parts import Corrective
from .anatomy import SIDES, Anatomy, Ball, Mask
from .topology import smooth_step, steps_from
from .wheel import Points

Units = dict[str, Points]
Slide = Callable[[Points], Points]

_MOVED_MM = 0.2
_LID_OVERLAP_MM = 0.8
_CLOSING_STEPS = 8
_INNER_CORNER = 5  # vertices of a lid's edge, from the inner corner, that bear no lashes
# Where the wet edge of the lower lip goes in f and v: behind its place, to the upper incisors.
_BITE_BACK_MM = 3.2
_BITE_SINK_MM = 1.8
_SWAPS = (("Left", "Right"), ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"))


@dataclass(frozen=True)
class Expressions:
    """units: name -> (N, 3) mm on the base mesh, in the order of EXPRESSION_NAMES.

    correctives with their shapes (N, 3).
    """

    units: Units
    correctives: tuple[Corrective, ...]
    shapes: Units


def build_expressions(anatomy: Anatomy) -> Expressions:
    """All units and correctives of the default head."""
    units = _symmetric(anatomy, anatomy.mesh.face_units())
    _mend_smile(anatomy, units)
    for name in SIDES.values():
        units[f"mouthUpperUp{name}"] *= 1.6
        units[f"mouthLowerDown{name}"] *= 1.5
    correctives: list[Corrective] = []
    shapes: Units = {}
    for side in SIDES:
        _mend_lids(anatomy, units, side, correctives, shapes)
    _mend_lips(anatomy, units)
    ordered = {name: units[name] for name in EXPRESSION_NAMES}
    return Expressions(ordered, tuple(correctives), shapes)


def _partner(name: str) -> str:
    for left, right in _SWAPS:
        if name.endswith(left):
            return name.removesuffix(left) + right
        if name.endswith(right):
            return name.removesuffix(right) + left
    return name


def _symmetric(anatomy: Anatomy, units: Units) -> Units:
    """Each unit averaged with the mirror image of its partner."""
    flip = np.array([-1.0, 1.0, 1.0])
    return {
        name: 0.5 * (delta + units[_partner(name)][anatomy.mirror] * flip)
        for name, delta in units.items()
    }


def _mend_smile(anatomy: Anatomy, units: Units) -> None:
    """Keep the middle of the lips from rising with the corners; show the upper teeth."""
    lips = [f"{k}{s}" for k in ("mouthLowerDown", "mouthUpperUp") for s in SIDES.values()]
    reach = sum((np.linalg.norm(units[k], axis=1) for k in lips), np.zeros(len(anatomy.points)))
    middle = 1.0 - smooth_step(np.abs(anatomy.points[:, 0]), 7.0, 24.0)
    keep = 1.0 - 0.85 * np.clip(reach / (0.5 * reach.max()), 0.0, 1.0) * middle
    for name in SIDES.values():
        smile = units[f"mouthSmile{name}"]
        smile[:, 2] *= keep
        lift = 0.35 * units[f"mouthUpperUp{name}"] + 0.10 * units[f"cheekSquint{name}"]
        units[f"mouthSmile{name}"] = 0.72 * smile + lift


def _mend_lids(
    anatomy: Anatomy,
    units: Units,
    side: str,
    correctives: list[Corrective],
    shapes: Units,
) -> None:
    """Lids slide over the eyeball; brows and cheeks leave closed lids alone.

    A straight key cannot follow the ball: the end point is projected to its own shell, and a bump
    corrective does the same half-way.
    """
    ball, name = anatomy.eyes[side], SIDES[side]
    raw = units[f"eyeBlink{name}"]
    rest = np.linalg.norm(anatomy.points - ball.centre, axis=1)
    travel = np.linalg.norm(raw, axis=1)
    lid = (rest > ball.radius) & (rest < 1.45 * ball.radius) & (travel > _MOVED_MM)
    lid[anatomy.eye_vertices[side]] = False
    share = smooth_step(travel, 0.2, 3.0) * lid
    share *= 1.0 - smooth_step(rest, 1.25 * ball.radius, 1.45 * ball.radius)

    def slide(delta: Points) -> Points:
        lifted: Points = _to_shell(anatomy.points + delta, ball, rest) * share[:, None]
        return lifted

    blink = _closing_blink(anatomy, raw, side, slide)
    units[f"eyeBlink{name}"] = blink
    half = slide(0.5 * blink)
    correctives.append(Corrective(f"blinkMiddle{name}", "bump", ((f"eyeBlink{name}", 1),)))
    shapes[f"blinkMiddle{name}"] = half

    near = np.clip(travel / 5.0, 0.0, 1.0)
    near *= 1.0 - smooth_step(rest, 1.3 * ball.radius, 2.2 * ball.radius)
    down = units[f"browDown{name}"]
    squint = units[f"eyeSquint{name}"]
    units[f"browDown{name}"] = down * (1.0 - 0.45 * near)[:, None]
    for other, shape in (
        ("browDown", -0.5 * down * near[:, None]),
        ("eyeSquint", -0.8 * squint * near[:, None]),
    ):
        terms = ((f"eyeBlink{name}", 1), (f"{other}{name}", 1))
        label = f"blink{other[0].upper()}{other[1:]}{name}"
        correctives.append(Corrective(label, "product", terms))
        shapes[label] = shape


def _closing_blink(anatomy: Anatomy, raw: Points, side: str, slide: Slide) -> Points:
    """(N, 3) blink with which the upper lid just covers the edge of the lower one, all along.

    raw: the face unit. slide: projects a blink onto the eyeball. Both change the way, hence the
    iteration; the correction depends on the place across the eye alone.
    """
    upper, lower = anatomy.lid_ring(side)
    across = anatomy.points[:, 0]
    moving = np.array(sorted(upper[1:-1], key=lambda v: float(across[v])))
    below = np.array(sorted(lower, key=lambda v: float(across[v])))
    factor = np.ones(len(moving))
    blink = raw
    for _ in range(_CLOSING_STEPS):
        scaled = raw * np.interp(across, across[moving], factor)[:, None]
        blink = scaled + slide(scaled)
        closed = anatomy.points + blink
        edge = np.interp(closed[moving, 0], closed[below, 0], closed[below, 2])
        missing = closed[moving, 2] - edge + _LID_OVERLAP_MM
        factor += missing / np.maximum(-raw[moving, 2], 2.0)
        padded = np.pad(factor, 1, mode="edge")
        factor = np.clip(np.convolve(padded, [0.2, 0.6, 0.2], mode="valid"), 0.3, 1.6)
    return blink


def lash_line(anatomy: Anatomy) -> Mask:
    """(N,) mask of the roots of the upper lashes: the edge of the lid and the row in front."""
    line = np.zeros(len(anatomy.points))
    for side, ball in anatomy.eyes.items():
        upper, lower = anatomy.lid_ring(side)
        from_upper = steps_from(anatomy.near, upper[:-_INNER_CORNER], len(line))
        from_lower = steps_from(anatomy.near, lower[:-_INNER_CORNER], len(line))
        outside = np.linalg.norm(anatomy.points - ball.centre, axis=1) > ball.radius
        line += np.interp(from_upper, [0.0, 1.0, 2.0], [1.0, 0.85, 0.0]) * outside
        line += 0.35 * (from_lower == 0.0) * (from_upper > 0.0)
    return np.minimum(line, 1.0) * anatomy.on_skin


def _to_shell(points: Points, ball: Ball, rest: Mask) -> Points:
    """What lifts points to their distance from the ball's centre at rest, at least 1 mm off it."""
    offset = points - ball.centre
    distance = np.linalg.norm(offset, axis=1)
    wanted = np.maximum(distance, np.maximum(rest, ball.radius + 1.0))
    lift: Points = offset / np.maximum(distance, 1e-3)[:, None] * (wanted - distance)[:, None]
    return lift


def _mend_lips(anatomy: Anatomy, units: Units) -> None:
    """Round and narrow the pucker, soften presses, and let f and v reach the teeth."""
    near = _near_seam(anatomy, 9.0, 22.0)
    upper = near * anatomy.upper_lip
    pucker = 1.1 * units["mouthPucker"]
    pucker[:, 0] *= 1.2
    pucker[:, 2] *= 1.0 - 0.6 * upper
    units["mouthPucker"] = pucker
    for name in SIDES.values():
        press = units[f"mouthPress{name}"]
        units[f"mouthPress{name}"] = press * [0.45, 1.0, 0.45]
    # The raw unit draws the upper lip through the teeth.
    units["mouthRollUpper"] *= 0.5
    bite = _near_seam(anatomy, 3.5, 10.0) * ~anatomy.upper_lip
    bite *= 1.0 - smooth_step(np.abs(anatomy.points[:, 0]), 10.0, 20.0)
    units["mouthRollLower"] += bite[:, None] * [0.0, _BITE_BACK_MM, -_BITE_SINK_MM]


def _near_seam(anatomy: Anatomy, inner_mm: float, outer_mm: float) -> Mask:
    """(N,) 1 near where the lips touch, 0 beyond outer_mm; only the skin."""
    ring = anatomy.points[[*anatomy.seam, *anatomy.front_seam]]
    distance, _ = cKDTree(ring).query(anatomy.points)
    return (1.0 - smooth_step(distance, inner_mm, outer_mm)) * anatomy.on_skin
