# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty identity modes: principal components of drawn adults, with their skin tone."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ..channels import IDENTITY_SIZE
from .anatomy import SIDES, Anatomy
from .character import Person, target_weights
from .topology import smooth_step
from .wheel import Indices, Points

_SAMPLES = 300
_SEED = 5
_LOCAL = re.compile(r"(nose|mouth|eyes|eyebrows|chin|cheek|ears|forehead)/")
# Left out: what moves features as a whole, distorts or does not occur in adults at rest.
_LEFT_OUT = re.compile(
    r"trans-|scale-|ear-shape|rot-|triangle|flap|wing|push|epicanthus|angles|laugh"
)
_HEADS = (
    "head-oval",
    "head-round",
    "head-square",
    "head-fat-incr",
    "head-fat-decr",
    "head-invertedtriangular",
)
_OPPOSITES = (
    ("incr", "decr"),
    ("up", "down"),
    ("in", "out"),
    ("convex", "concave"),
    ("uncompress", "compress"),
)
_TONES = np.array([[0.56, 0.33, 0.235], [0.52, 0.32, 0.20], [0.165, 0.083, 0.052]])
"""Linear RGB of skin for each of character.ORIGINS."""

_TONE_SCALE_MM = 120.0
"""What one unit of log tone weighs beside one vertex's millimetre in the components."""

_LID_VARIETY = 0.3
"""Share of the differences in the opening of the eyes that identities keep."""

Axes = dict[str, dict[int, list[str]]]


@dataclass(frozen=True)
class Identities:
    """modes: (50, N, 3) mm per standard deviation on the base mesh. log_tone: (51, 3).

    drawn: what people were drawn with -> (50,) its covariance with their coefficients.
    """

    modes: Points
    drawn: dict[str, Points]
    log_tone: Points
    explained: float


def build_identities(anatomy: Anatomy, used: Indices) -> Identities:
    """Principal components of drawn adults; `used` are the base vertices that matter.

    The eyes stay where they are and the neck's base is still, so that the head fits its rig and
    shirt. The mean of the drawn people is replaced by the default person.
    """
    random = np.random.default_rng(_SEED)
    axes = local_axes(anatomy.mesh.target_names)
    fade = smooth_step(anatomy.from_eyes[used, 2], -163.0, -103.0)[:, None]
    eyes = np.searchsorted(used, np.concatenate(list(anatomy.eye_vertices.values())))
    people = [draw_person(random, axes) for _ in range(_SAMPLES)]
    samples = []
    for person, shape in zip(people, _shapes(anatomy, people, used), strict=True):
        shift = shape - shape[eyes].mean(0) - anatomy.from_eyes[used]
        tone = np.log(np.array(person.origins) @ _TONES)
        samples.append(np.r_[(shift * fade).ravel(), _TONE_SCALE_MM * tone])
    data = np.array(samples)
    mean = data.mean(0)
    scores, singular, components = np.linalg.svd(data - mean, full_matrices=False)
    # Components have no sign of their own; a fixed direction gives them one.
    signs = np.sign(components @ random.normal(size=components.shape[1]))
    components *= signs[:, None]
    spread = singular / np.sqrt(_SAMPLES - 1)
    kept = components[:IDENTITY_SIZE] * spread[:IDENTITY_SIZE, None]
    modes = np.zeros((IDENTITY_SIZE, len(anatomy.points), 3))
    modes[:, used] = kept[:, :-3].reshape(IDENTITY_SIZE, -1, 3)
    keep_contacts(anatomy, modes)
    tones = np.concatenate([mean[None, -3:], kept[:, -3:]]) / _TONE_SCALE_MM
    explained = float((spread[:IDENTITY_SIZE] ** 2).sum() / (spread**2).sum())
    coefficients = (scores * signs)[:, :IDENTITY_SIZE]
    drawn = {
        "masculine": coefficients.T @ np.array([person.male for person in people]),
        "age": coefficients.T @ np.array([person.age for person in people]),
    }
    return Identities(modes, drawn, tones, explained)


def _shapes(anatomy: Anatomy, people: list[Person], used: Indices) -> Points:
    """(P, U, 3) the used vertices of people, mm, MakeHuman's origin."""
    mesh = anatomy.mesh
    weights = [target_weights(person) for person in people]
    names = sorted({name for person in weights for name in person})
    column = np.full(len(mesh.points), -1)
    column[used] = np.arange(len(used))
    shapes = np.tile(mesh.points[used], (len(people), 1, 1))
    for name in names:
        target = mesh.target(name)
        kept = column[target.vertices] >= 0
        places, deltas = column[target.vertices][kept], target.deltas[kept]
        for shape, person in zip(shapes, weights, strict=True):
            if name in person:
                shape[places] += person[name] * deltas
    return shapes


def keep_contacts(anatomy: Anatomy, modes: Points) -> None:
    """Let closed lips stay closed and blinks close for everyone, in place.

    modes: (K, N, 3). Expressions are the same for all identities, so identities may not change
    how far the lips are apart, and the opening of the eyes only a little.
    """
    for side in SIDES:
        _share_motion(anatomy, modes, anatomy.lid_ring(side), reach_mm=9.0, variety=_LID_VARIETY)
    for ring in 3 * (
        anatomy.seam,
        anatomy.front_seam,
    ):  # the rings are near: each disturbs the other
        upper = [v for v in ring if anatomy.upper_lip[v]]
        lower = [v for v in ring if not anatomy.upper_lip[v]]
        _share_motion(anatomy, modes, (upper, lower), reach_mm=5.0, first=anatomy.upper_lip)


def _share_motion(
    anatomy: Anatomy,
    modes: Points,
    edges: tuple[list[int], list[int]],
    *,
    reach_mm: float,
    variety: float = 0.0,
    first: npt.NDArray[np.bool_] | None = None,
) -> None:
    """Move two facing edges, and what is near each, by their common vertical motion.

    variety: share of their difference that stays. first: (N,) what moves with the first edge;
    without it what is nearer to it than to the other.
    """
    across = anatomy.points[:, 0]
    one, other = (np.array(sorted(edge, key=lambda v: float(across[v]))) for edge in edges)
    rows = np.unique(np.concatenate([one, other]))
    place = np.unique(across[rows])
    near = (cKDTree(anatomy.points[rows]).query(anatomy.points)[0] < reach_mm).nonzero()[0]
    belongs = [
        cKDTree(anatomy.points[edge]).query(anatomy.points[near])[0] for edge in (one, other)
    ]
    with_one = belongs[0] < belongs[1] if first is None else first[near]
    weight = 1.0 - smooth_step(np.minimum(*belongs), 0.25 * reach_mm, reach_mm)
    for mode in modes:
        upper = np.interp(place, across[one], mode[one, 2])
        lower = np.interp(place, across[other], mode[other, 2])
        gap = (1.0 - variety) * np.interp(across[near], place, upper - lower)
        mode[near, 2] += weight * gap * np.where(with_one, -0.5, 0.5)


def local_axes(names: tuple[str, ...]) -> Axes:
    """Signed axes of facial detail: pairs of opposite targets, left and right together."""
    axes: Axes = {}
    for name in names:
        if not _LOCAL.match(name) or _LEFT_OUT.search(name):
            continue
        axis, sign = re.sub(r"/[lr]-", "/", name), 1
        for more, less in _OPPOSITES:
            if axis.endswith(f"-{more}"):
                axis = axis.removesuffix(more)
                break
            if axis.endswith(f"-{less}"):
                axis, sign = axis.removesuffix(less), -1
                break
        axes.setdefault(axis, {1: [], -1: []})[sign].append(name)
    return axes


def draw_person(random: np.random.Generator, axes: Axes) -> Person:
    """A plausible adult: either sex, mixed origins, mostly young to middle-aged."""
    origins = random.dirichlet([0.6] * 3) * 0.85 + 0.05
    male = float(np.clip(random.choice([0.12, 0.88]) + random.normal(0.0, 0.12), 0.0, 1.0))
    age = float(np.clip(abs(random.normal(0.0, 0.28)), 0.0, 0.8))
    muscle = float(np.clip(random.normal(0.0, 0.25), -0.7, 0.7))
    weight = float(np.clip(random.normal(0.0, 0.22), -0.5, 0.5))
    details: dict[str, float] = {}
    for signed in axes.values():
        amount = float(np.clip(random.normal(0.0, 0.26), -0.6, 0.6))
        for name in signed[1 if amount > 0 else -1]:
            details[name] = abs(amount)
    for head in _HEADS:
        details[f"head/{head}"] = float(abs(np.clip(random.normal(0.0, 0.16), -0.4, 0.4)))
    for lip, fuller in (("upper", 0.35), ("lower", 0.30)):  # the base mesh has thin lips
        name = f"mouth/mouth-{lip}lip-volume-incr"
        details[name] = details.get(name, 0.0) + fuller
    return Person(tuple(origins.tolist()), male, age, muscle, weight, details)
