# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of people: MakeHuman's macro targets, and the default person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

from .wheel import BaseMesh, Points

ORIGINS = ("caucasian", "asian", "african")


@dataclass(frozen=True)
class Person:
    """Macro parameters of a person.

    origins: shares of ORIGINS, sum 1. male: 0 (female) to 1. age: 0 (25 years) to 1 (90).
    muscle, weight: -1 (least) to 1 (most). details: target name -> weight.
    """

    origins: tuple[float, float, float]
    male: float
    age: float
    muscle: float = 0.0
    weight: float = 0.0
    details: Mapping[str, float] = field(default_factory=dict)


DEFAULT_PERSON = Person(
    origins=(0.5, 0.25, 0.25),
    male=0.46,
    age=0.04,
    details={
        # The base mesh has thin lips.
        "mouth/mouth-upperlip-volume-incr": 0.12,
        "mouth/mouth-lowerlip-volume-incr": 0.15,
        "mouth/mouth-upperlip-height-incr": 0.15,
        "mouth/mouth-cupidsbow-incr": 0.25,
        "head/head-oval": 0.35,
        "eyes/l-eye-height2-incr": 0.50,
        "eyes/r-eye-height2-incr": 0.50,
        "mouth/mouth-angles-up": 0.28,
    },
)


def shape_of(mesh: BaseMesh, person: Person) -> Points:
    """(N, 3) vertices of the base mesh for a person, mm, MakeHuman's origin."""
    points = mesh.points.copy()
    for name, weight in target_weights(person).items():
        target = mesh.target(name)
        points[target.vertices] += weight * target.deltas
    return points


def target_weights(person: Person) -> dict[str, float]:
    """Weights of all targets that make a person out of the base mesh."""
    return {**_macro_targets(person), **person.details}


def _macro_targets(person: Person) -> dict[str, float]:
    sexes = {"male": person.male, "female": 1.0 - person.male}
    ages = {"young": 1.0 - person.age, "old": person.age}
    weights: dict[str, float] = {}
    for (sex, sex_share), (age, age_share) in product(sexes.items(), ages.items()):
        for origin, share in zip(ORIGINS, person.origins, strict=True):
            weights[f"macrodetails/{origin}-{sex}-{age}"] = share * sex_share * age_share
        for muscle, muscle_share in _three_way(person.muscle).items():
            for weight, weight_share in _three_way(person.weight).items():
                name = f"macrodetails/universal-{sex}-{age}-{muscle}muscle-{weight}weight"
                weights[name] = sex_share * age_share * muscle_share * weight_share
    return {name: weight for name, weight in weights.items() if weight > 1e-4}


def _three_way(value: float) -> dict[str, float]:
    return {"min": max(-value, 0.0), "average": 1.0 - abs(value), "max": max(value, 0.0)}
