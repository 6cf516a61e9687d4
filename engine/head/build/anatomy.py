# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are on the default head: origin, eyes, lips, and soft masks of skin regions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .character import DEFAULT_PERSON, shape_of
from .topology import edge_loop, faces_around, mirror_map, neighbours, smooth_step, steps_from
from .wheel import BaseMesh, Indices, Points

Mask = npt.NDArray[np.float64]

SIDES = {"l": "Left", "r": "Right"}

# Vertices of MakeHuman's base mesh (hm08) on the middle of the lips. The lips are concentric edge
# loops; each pair lies on one loop: where the lips touch, then one and two edges in front of it.
_SEAM = (520, 523)
_FRONT_SEAM = (474, 493)
# On the middle of the left upper lid, on the edge loop that lies on the eyeball.
_LID_MIDDLE = 13352
_LIP_EDGES = 5.5
"""The border of the lips lies this many edges outside the seam."""

_HAIRLINE_AZIMUTH = [0, 22, 36, 48, 58, 68, 74, 84, 90, 102, 108, 118, 140, 180]
_HAIRLINE_HEIGHT = [69, 70, 66, 55, 42, 24, -18, -30, -2, -2, -36, -52, -66, -76]
_SKULL_AXIS_Y = 74.5


@dataclass(frozen=True)
class Ball:
    """A sphere: centre (3,) and radius in mm."""

    centre: Points
    radius: float


class Anatomy:
    """The default person in face space.

    points: (N, 3) base mesh in mm, origin at the rig's head joint. eyes: "l"/"r" -> eyeball.
    All masks are (N,) in [0, 1] and zero off the skin.
    """

    def __init__(self, mesh: BaseMesh) -> None:
        self.mesh = mesh
        shape = shape_of(mesh, DEFAULT_PERSON)
        groups = mesh.group_vertices
        self.mirror: Indices = mirror_map(mesh.points)
        shape = 0.5 * (shape + shape[self.mirror] * [-1.0, 1.0, 1.0])
        self.origin: Points = shape[groups["joint-head"]].mean(0)
        self.points: Points = shape - self.origin
        self.neck_joint: Points = self.points[groups["joint-neck"]].mean(0)
        self.eye_vertices = {side: groups[f"helper-{side}-eye"] for side in SIDES}
        self.eyes = {side: _fit_ball(self.points[v]) for side, v in self.eye_vertices.items()}
        both = np.concatenate(list(self.eye_vertices.values()))
        self.eye_middle: Points = self.points[both].mean(0)
        self.body: Indices = groups["body"]
        self.skin_faces = mesh.group_faces("body")
        self.on_skin: Mask = np.zeros(len(shape))
        self.on_skin[self.body] = 1.0

    @cached_property
    def from_eyes(self) -> Points:
        """(N, 3) points relative to the middle between the eyes."""
        relative: Points = self.points - self.eye_middle
        return relative

    @cached_property
    def seam(self) -> list[int]:
        """The closed loop where the lips touch."""
        return self._lip_loop(_SEAM[0])

    @cached_property
    def front_seam(self) -> list[int]:
        """The loop one edge in front of the seam."""
        return self._lip_loop(_FRONT_SEAM[0])

    def _lip_loop(self, start: int) -> list[int]:
        return self._loop(start, max(self.near[start], key=lambda v: float(self.points[v, 0])))

    def _loop(self, start: int, towards: int) -> list[int]:
        return edge_loop(self.near, self._around, start, towards)

    @cached_property
    def near(self) -> dict[int, set[int]]:
        """Vertices of the skin that share an edge with each."""
        return neighbours(self.skin_faces)

    @cached_property
    def _around(self) -> dict[int, set[int]]:
        return faces_around(self.skin_faces)

    @cached_property
    def lip_edges(self) -> Mask:
        """(N,) edges between a vertex and the lip seam, outside the mouth; infinite inside it."""
        steps = steps_from(self.near, self.front_seam, len(self.points), walls=self.seam)
        steps[self.seam] = -1.0
        return steps + 1.0

    @cached_property
    def lip(self) -> Mask:
        """Lips: 1 on the seam, falling evenly outwards, 0.5 at the border."""
        return _unit(1.0 - self.lip_edges / (2.0 * _LIP_EDGES))

    @cached_property
    def cavity(self) -> Mask:
        """The inside of the mouth."""
        inner = steps_from(self.near, self.seam, len(self.points), walls=self.front_seam)
        inside = np.isfinite(inner) & (inner > 0)
        return inside.astype(np.float64)

    @cached_property
    def upper_lip(self) -> npt.NDArray[np.bool_]:
        """(N,) whether a vertex near the mouth belongs to the upper lip (else to the lower)."""
        corner = max(self.front_seam, key=lambda v: self.points[v, 0])
        ring = self.front_seam
        at = ring.index(corner)
        upper, lower = ring[:at], ring[at + 1 : len(ring) // 2 + 1]
        mirrored = self.mirror
        tops = [*upper, *mirrored[upper]]
        bottoms = [*lower, *mirrored[lower]]
        count = len(self.points)
        return steps_from(self.near, tops, count) < steps_from(self.near, bottoms, count)

    def _reach(self, *names: str) -> Mask:
        return self.mesh.reach(*names) * self.on_skin

    def lid_ring(self, side: str) -> tuple[list[int], list[int]]:
        """The edges of an eye's lids, upper and lower, each from the outer corner to the inner."""
        out = max(self.near[_LID_MIDDLE], key=lambda v: float(self.points[v, 0]))
        ring = self._loop(_LID_MIDDLE, out)
        x = self.points[ring, 0]
        inner = int(x.argmin())
        turned = ring[inner:] + ring[:inner]
        outer = turned.index(ring[int(x.argmax())])
        upper, lower = turned[outer:] + turned[:1], turned[: outer + 1][::-1]
        if _LID_MIDDLE not in upper:
            upper, lower = lower, upper
        if side == "r":
            return self.mirror[upper].tolist(), self.mirror[lower].tolist()
        return upper, lower

    @cached_property
    def nose(self) -> Mask:
        """The tip of the nose."""
        reach = self._reach("nose/nose-point-up")
        return _unit(reach / (0.7 * reach.max()))

    @cached_property
    def cheek(self) -> Mask:
        """The cheeks."""
        reach = self._reach("cheek/l-cheek-volume-incr", "cheek/r-cheek-volume-incr")
        return _unit(reach / (0.8 * reach.max()))

    @cached_property
    def ear(self) -> Mask:
        """The ears."""
        names = [f"ears/{s}-ear-{k}-incr" for s in SIDES for k in ("scale", "wing")]
        return _unit(self._reach(*names) / 6.0)

    @cached_property
    def ear_flap(self) -> Mask:
        """What stands off the head."""
        reach = self._reach("ears/l-ear-wing-incr", "ears/r-ear-wing-incr")
        return _unit(reach / reach.max())

    @cached_property
    def lid_rim(self) -> Mask:
        """The edges of the lids."""
        rim = np.zeros(len(self.points))
        for ball in self.eyes.values():
            distance = np.linalg.norm(self.points - ball.centre, axis=1)
            rim += np.exp(-(((distance - 1.12 * ball.radius) / 3.5) ** 2))
        front = self.points[:, 1] < self.eyes["l"].centre[1]
        return _unit(rim * self.on_skin * front)

    @cached_property
    def scalp(self) -> Mask:
        """Skin under hair."""
        flap = self.ear_flap
        low = self.from_eyes[:, 2] < 12.0
        cover = smooth_step(hairline_height(self.from_eyes), -4.0, 9.0)
        cover *= 1.0 - smooth_step(flap, 0.22, 0.40)
        return cover * (1.0 - low * smooth_step(flap, 0.06, 0.16)) * self.on_skin


def hairline_height(from_eyes: Points) -> Mask:
    """(n,) mm above the hairline, for points (n, 3) relative to the middle between the eyes."""
    forward = _SKULL_AXIS_Y - from_eyes[:, 1]
    azimuth = np.degrees(np.arctan2(np.abs(from_eyes[:, 0]), forward))
    line = np.interp(azimuth, _HAIRLINE_AZIMUTH, _HAIRLINE_HEIGHT)
    height: Mask = from_eyes[:, 2] - line
    return height


def brow_coordinates(from_eyes: Points) -> tuple[Mask, Mask]:
    """Along a brow (0 inner end, 1 outer end) and mm above its middle line, for (n, 3) points."""
    along = (np.abs(from_eyes[:, 0]) - 8.5) / 41.0
    arch = 11.2 + 10.6 * along - 25.0 * np.clip(along - 0.62, 0.0, 1.0)
    return along, from_eyes[:, 2] - arch


def _unit(values: Mask) -> Mask:
    """Values clipped to [0, 1]."""
    clipped: Mask = np.clip(values, 0.0, 1.0)
    return clipped


def _fit_ball(points: Points) -> Ball:
    """The sphere that fits points best, by linear least squares."""
    system = np.c_[2.0 * points, np.ones(len(points))]
    solution = np.linalg.lstsq(system, (points**2).sum(1), rcond=None)[0]
    centre = solution[:3]
    return Ball(centre, float(np.sqrt(solution[3] + centre @ centre)))
