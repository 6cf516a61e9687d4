# SPDX-License-Identifier: GPL-3.0-or-later
"""A mouth that moves from phone to phone: a target for each of them, blended by dominance.

Each group of units (jaw, rounding, lips) is a weighted mean of the phones' targets (after Cohen &
Massaro 1993). A phone's weight at time t is its firmness times an exponential fall-off integrated
over the phone's own duration: before it (anticipation) and after it (carry-over). Short phones
therefore undershoot and firm ones prevail. The numbers come from rules (`rule_model`) or from real
people (`mouth_model_fit`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..checkpoint import load_checkpoint, save_checkpoint
from ..head.channels import EXPRESSION_NAMES, HEAD_MODEL_ID
from ..protocol.errors import CheckpointError
from .phone_track import PARTS, Float64Array, PhoneTrack, SpokenParts, spoken_parts
from .visemes import GLIDES, VISEMES, Viseme

KIND = "mouth_model"
UNITS: dict[str, tuple[str, ...]] = {
    "jaw": ("jawOpen",),
    "round": ("mouthPucker", "mouthFunnel"),
    "lips": (
        *("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch"),
        *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
        *("mouthPress", "mouthLowerDown", "mouthUpperUp"),
    ),
}
"""Units of each group that dominance blends together; left and right move alike."""
UNIT_NAMES: tuple[str, ...] = tuple(name for group in UNITS.values() for name in group)
OPENING_GROUPS = ("jaw", "lips")
"""Groups that stress and loudness enlarge."""

_ANTICIPATION_S = {"jaw": 0.035, "round": 0.070, "lips": 0.040}
_CARRY_OVER_S = {"jaw": 0.035, "round": 0.042, "lips": 0.035}
_LEAD_S = {"jaw": 0.030, "round": 0.020, "lips": 0.015}
"""The jaw starts about one frame before the sound, as animators expect it."""


@dataclass(frozen=True)
class MouthModel:
    """targets: (Q, K) weight of each unit of UNIT_NAMES that each part of PARTS aims at, measured
    from the mouth at rest. firmness: (Q, G) dominance over the groups of UNITS. before_s, after_s:
    (G,) seconds within which anticipation and carry-over fall to 1/e. lead_s: (G,) by how much
    the mouth is ahead of the sound.
    """

    targets: Float64Array
    firmness: Float64Array
    before_s: Float64Array
    after_s: Float64Array
    lead_s: Float64Array

    def __post_init__(self) -> None:
        parts, units, groups = len(PARTS), len(UNIT_NAMES), len(UNITS)
        shapes = {
            "targets": (parts, units),
            "firmness": (parts, groups),
            **dict.fromkeys(("before_s", "after_s", "lead_s"), (groups,)),
        }
        wrong = [name for name, shape in shapes.items() if getattr(self, name).shape != shape]
        if wrong or min(self.before_s.min(), self.after_s.min(), self.firmness.min()) <= 0.0:
            raise ValueError(f"a mouth model that cannot be: {wrong or 'times or firmness'}")

    def move(self, track: PhoneTrack, times: Float64Array) -> dict[str, Float64Array]:
        """(T,) weight of each unit at times (T,) in seconds; 0 where there are no phones.

        Weights may be below 0 where the mouth at rest holds more of a unit.
        """
        parts = spoken_parts(track)
        curves: dict[str, Float64Array] = {}
        column = 0
        for number, (group, names) in enumerate(UNITS.items()):
            units = slice(column, column + len(names))
            values = self._blend(times, parts, number, units, group in OPENING_GROUPS)
            curves |= dict(zip(names, values.T, strict=True))
            column = units.stop
        return curves

    def _blend(
        self, times: Float64Array, parts: SpokenParts, group: int, units: slice, opens: bool
    ) -> Float64Array:
        if len(parts.part) == 0:
            return np.zeros((len(times), units.stop - units.start))
        weight = self.firmness[parts.part, group] * presence(
            times + self.lead_s[group],
            parts,
            float(self.before_s[group]),
            float(self.after_s[group]),
        )
        weight /= weight.sum(1, keepdims=True)
        targets = self.targets[parts.part, units]
        blended: Float64Array = weight @ (targets * parts.opening[:, None] if opens else targets)
        return blended


def presence(
    times: Float64Array, parts: SpokenParts, before_s: float, after_s: float
) -> Float64Array:
    """(T, Q) integral over each part's interval of an exponential fall-off from it.

    Beyond the first and the last part the outermost one goes on.
    """
    start, end = parts.start_s.copy(), parts.end_s.copy()
    start[0], end[-1] = min(start[0], times[0]) - 1.0, max(end[-1], times[-1]) + 1.0
    to_start = times[:, None] - start  # > 0: the part has begun
    to_end = times[:, None] - end  # > 0: the part is over
    future = before_s * (
        np.exp(np.minimum(to_start, 0.0) / before_s) - np.exp(np.minimum(to_end, 0.0) / before_s)
    )
    past = after_s * (
        np.exp(-np.maximum(to_end, 0.0) / after_s) - np.exp(-np.maximum(to_start, 0.0) / after_s)
    )
    present: Float64Array = future + past + 1e-12
    return present


def channels_of(unit: str) -> tuple[str, ...]:
    """The expression channels that make up a unit: itself, or its left and right."""
    names = (unit, f"{unit}Left", f"{unit}Right")
    return tuple(name for name in names if name in EXPRESSION_NAMES)


def rule_model() -> MouthModel:
    """The mouth of the rules in `visemes`: where nothing was learned."""
    visemes = [_viseme(part) for part in PARTS]
    targets = np.array([[_rule_target(v, unit) for unit in UNIT_NAMES] for v in visemes])
    firmness = np.array([[getattr(v, f"{group}_firm") for group in UNITS] for v in visemes])
    times = (np.array([by[g] for g in UNITS]) for by in (_ANTICIPATION_S, _CARRY_OVER_S, _LEAD_S))
    return MouthModel(targets, firmness, *times)


def _viseme(part: str) -> Viseme:
    if part in VISEMES:
        return VISEMES[part]
    return VISEMES[GLIDES[part[:-1]][int(part[-1]) - 1]]


def _rule_target(viseme: Viseme, unit: str) -> float:
    amounts = {
        "jawOpen": viseme.jaw,
        "mouthPucker": viseme.pucker,
        "mouthFunnel": viseme.funnel,
        "mouthSmile": 0.30 * viseme.spread,
        "mouthDimple": 0.08 * viseme.spread,
        "mouthStretch": 0.42 * viseme.spread,
        "mouthLowerDown": viseme.low,
        "mouthUpperUp": viseme.up,
    }
    return amounts.get(unit, 0.0)


def save_mouth_model(path: Path, model: MouthModel, training: Mapping[str, object]) -> None:
    """Write a model; training: where its numbers come from."""
    tensors = {name: torch.from_numpy(getattr(model, name)) for name in _FIELDS}
    description = {
        "kind": KIND,
        "head_model": HEAD_MODEL_ID,
        "parts": list(PARTS),
        "units": list(UNIT_NAMES),
        "training": dict(training),
    }
    save_checkpoint(path, tensors, description)


def load_mouth_model(path: Path) -> MouthModel:
    """Read a model. Raises CheckpointError where it is missing, damaged or for another head."""
    expected = {
        "kind": KIND,
        "head_model": HEAD_MODEL_ID,
        "parts": list(PARTS),
        "units": list(UNIT_NAMES),
    }
    tensors, _ = load_checkpoint(path, expected)
    try:
        return MouthModel(*(tensors[name].double().numpy() for name in _FIELDS))
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path.name} does not hold a whole mouth model ({error}).",
            "Fit it again with `python -m rhetor.engine.dataset.mouth_model_fit`.",
        ) from error


_FIELDS = ("targets", "firmness", "before_s", "after_s", "lead_s")
