# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose motion is it? Distances between people's motions, and a classifier of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ..protocol.take import FloatArray
from .confidence import Estimate, estimate, mean
from .match_encoder import BLOCK_FRAMES, FOLDS
from .pose_metrics import PersonalityClassifier
from .pose_scores import (
    MANNER_FRAMES,
    FrechetSpace,
    frechet_estimate,
    manner_windows,
)

LEAST_WINDOWS = 20
"""People with fewer windows of four seconds (less than about 14 s in one piece) are left out."""


class Manners:
    """The manners of people, learned from their real motion.

    poses: (T, 6) motions of each person.
    """

    def __init__(self, poses: Mapping[str, Sequence[FloatArray]]) -> None:
        windows = {name: manner_windows(motions) for name, motions in poses.items()}
        self.names = tuple(name for name, w in windows.items() if len(w) >= LEAST_WINDOWS)
        self._poses = {name: poses[name] for name in self.names}
        if len(self.names) > 1:
            self._space = FrechetSpace([windows[name] for name in self.names])
            self._real = {name: self._space.project(windows[name]) for name in self.names}
            self._size = min(len(w) for w in self._real.values())

    def table(self, made: Sequence[FloatArray]) -> dict[str, Any]:
        """Everything as Estimates by name; empty with fewer than two people.

        people: names, in the order of the classes. fpd: of made motion to each person.
        fpd_real: of each person's odd blocks to their own even ones ("own") and to everybody
        else's. named: share of made windows that the classifier gives to each person.
        named_real: share of each person's windows that are given to them, cross-fitted.
        """
        if len(self.names) < 2:
            return {}
        ours = self._space.project(manner_windows(made))
        return {
            "people": self.names,
            "fpd": {n: frechet_estimate(ours, self._real[n], self._size) for n in self.names},
            "fpd_real": {n: self._own_distances(n) for n in self.names},
            "named": self._named(made),
            "named_real": self._named_real(),
        }

    def _own_distances(self, name: str) -> dict[str, Estimate]:
        blocks = [b for pose in self._poses[name] for b in _blocks(pose)]
        halves = [self._space.project(manner_windows(blocks[part::2])) for part in (0, 1)]
        own = {"own": frechet_estimate(halves[0], halves[1], self._size)}
        others = {
            other: frechet_estimate(self._real[name], self._real[other], self._size)
            for other in self.names
            if other != name
        }
        return own | others

    def _named(self, made: Sequence[FloatArray]) -> dict[str, Estimate]:
        classifier = PersonalityClassifier(self._poses, MANNER_FRAMES)
        given = classifier.classify(made)
        return {name: _share(given == index) for index, name in enumerate(self.names)}

    def _named_real(self) -> dict[str, Estimate]:
        blocks = {n: [b for pose in self._poses[n] for b in _blocks(pose)] for n in self.names}
        hits: dict[str, list[bool]] = {name: [] for name in self.names}
        for fold in range(FOLDS):
            seen = {
                n: [b for i, b in enumerate(own) if i % FOLDS != fold] for n, own in blocks.items()
            }
            if not all(any(len(b) >= MANNER_FRAMES for b in own) for own in seen.values()):
                continue
            classifier = PersonalityClassifier(seen, MANNER_FRAMES)
            for index, (name, own) in enumerate(blocks.items()):
                unseen = [b for i, b in enumerate(own) if i % FOLDS == fold]
                hits[name] += (classifier.classify(unseen) == index).tolist()
        return {name: _share(np.array(found, dtype=bool)) for name, found in hits.items()}


def _blocks(pose: FloatArray) -> list[FloatArray]:
    """Pieces of ten seconds; a rest of less than half is part of the one before."""
    count = max(1, round(len(pose) / BLOCK_FRAMES))
    edges = [i * BLOCK_FRAMES for i in range(count)] + [len(pose)]
    return [pose[a:b] for a, b in pairwise(edges)]


def _share(hits: npt.NDArray[np.bool_]) -> Estimate:
    rows = np.stack([hits.astype(np.float64), np.ones(len(hits))], axis=1)
    return estimate(rows, mean)
