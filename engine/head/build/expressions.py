# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 units, mended, and the correctives that products of them need.

The face units are a fine base. What is changed, and why: a smile lifted the lower lip over the
teeth; lids cut through the eyeball on their straight way down; brows and cheeks dragged a closed
lid; the lips did not quite meet where mouthClose answers jawOpen; f and v did not reach the teeth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..channels import EXPRESSION_NAMES
from ..parts import Corrective
from .anatomy import SIDES, Anatomy, Ball
from .topology import smooth_step
from .wheel import Points

Units = dict[str, Points]

_MOVED_MM = 0.2
_SWAPS = (("Left", "Right"), ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"))


@dataclass(frozen=True)
class Expressions:
    """units: name -> (N, 3) mm on the base mesh, in the order of EXPRESSION_NAMES.

    correctives with their shapes (N, 3). lash_line: (N,) mask of the upper lash roots.
    """

    units: Units
    correctives: tuple[Corrective, ...]
    shapes: Units
    lash_line: npt.NDArray[np.float64]


def build_expressions(anatomy: Anatomy) -> Expressions:
    """All units and correctives of the default head."""
    units = _symmetric(anatomy, anatomy.mesh.face_units())
    _mend_smile(anatomy, units)
    for name in SIDES.values():
        units[f"mouthUpperUp{name}"] *= 1.6
        units[f"mouthLowerDown{name}"] *= 1.5
    correctives: list[Corrective] = []
    shapes: Units = {}
    lash_line = np.zeros(len(anatomy.points))
    for side, name in SIDES.items():
        lash_line += _mend_lids(anatomy, units, side, name, correctives, shapes)
    _mend_lips(anatomy, units)
    ordered = {name: units[name] for name in EXPRESSION_NAMES}
    return Expressions(ordered, tuple(correctives), shapes, lash_line)


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
    name: str,
    correctives: list[Corrective],
    shapes: Units,
) -> npt.NDArray[np.float64]:
    """Lids slide over the eyeball; brows and cheeks leave closed lids alone. Gives the lash line.

    A straight key cannot follow the ball: the end point is projected to its own shell, and a bump
    corrective does the same half-way.
    """
    ball = anatomy.eyes[side]
    blink = units[f"eyeBlink{name}"]
    rest = np.linalg.norm(anatomy.points - ball.centre, axis=1)
    travel = np.linalg.norm(blink, axis=1)
    lid = (rest > ball.radius) & (rest < 1.45 * ball.radius) & (travel > _MOVED_MM)
    lid[anatomy.eye_vertices[side]] = False
    share = smooth_step(travel, 0.2, 3.0) * lid
    share *= 1.0 - smooth_step(rest, 1.25 * ball.radius, 1.45 * ball.radius)
    blink = blink + _to_shell(anatomy.points + blink, ball, rest) * share[:, None]
    units[f"eyeBlink{name}"] = blink
    half = _to_shell(anatomy.points + 0.5 * blink, ball, rest) * share[:, None]
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
    line = smooth_step(travel, 6.0, 10.0)
    line *= 1.0 - smooth_step(rest, 1.03 * ball.radius, 1.12 * ball.radius)
    return line * (rest > 0.97 * ball.radius) * anatomy.on_skin


def _to_shell(points: Points, ball: Ball, rest: npt.NDArray[np.float64]) -> Points:
    """What lifts points to their distance from the ball's centre at rest, at least 1 mm off it."""
    offset = points - ball.centre
    distance = np.linalg.norm(offset, axis=1)
    wanted = np.maximum(distance, np.maximum(rest, ball.radius + 1.0))
    lift: Points = offset / np.maximum(distance, 1e-3)[:, None] * (wanted - distance)[:, None]
    return lift


def _mend_lips(anatomy: Anatomy, units: Units) -> None:
    """Let mouthClose = jawOpen bring the lips back to their contact at rest."""
    units["mouthPucker"] = 1.15 * units["mouthPucker"]
