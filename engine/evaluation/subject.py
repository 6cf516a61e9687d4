# SPDX-License-Identifier: GPL-3.0-or-later
"""What is judged: the two networks of a preset or of a person, in one style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..animate import Engine, Networks
from ..checkpoint import WEIGHTS_DIR, file_sha256
from ..head.channels import EXPRESSION_NAMES
from ..pgface.eyes import blink_and_gaze
from ..pgface.synthesizer import load_pgface
from ..posegan.style import NEUTRAL
from ..posegan.synthesizer import load_posegan
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from ..protocol.weights_header import read_description
from ..styles import find_style
from .material import EvaluationClip

_PEOPLE_KEYS = ("real_people", "speakers", "people", "speaker")
"""Entries of a description's `training` that name whom the weights learned from."""


@dataclass(frozen=True)
class Subject:
    """Networks with the style that they perform.

    description: what goes into the report: preset, style, hashes, whom they learned from.
    known_face, known_pose: names of the people whom the two networks learned from. own: of them,
    whom a person's style was made from; none where the style is one of the preset's.
    """

    networks: Networks
    style: str
    description: Mapping[str, Any]
    known_face: frozenset[str]
    known_pose: frozenset[str]
    own: frozenset[str] = frozenset()

    def pose(
        self, speech: FloatArray, prosody: FloatArray, seed: int, start: FloatArray | None = None
    ) -> FloatArray:
        """(T, 6) head motion for speech (T, 29) and prosody (T, 4)."""
        style = self.networks.pose_row or self.style
        return self.networks.posegan.generate(speech, prosody, style, seed=seed, start_pose=start)

    def expression(
        self, speech: FloatArray, prosody: FloatArray, pose: FloatArray, seed: int
    ) -> FloatArray:
        """(T, 52) face for speech, prosody and a pose (T, 6), with blinks and gaze."""
        style = self.networks.face_row or self.style
        _, expression = self.networks.pgface.generate(speech, prosody, pose, style)
        eyes = blink_and_gaze(len(pose), MODEL_RATE_HZ, seed, prosody, pose)
        for name, curve in eyes.items():
            expression[:, EXPRESSION_NAMES.index(name)] = curve
        return expression

    def face_of(self, clip: EvaluationClip, pose: FloatArray, seed: int = 0) -> FloatArray:
        """(T, 52) face of a clip's speech under a pose (T, 6)."""
        return self.expression(clip.speech, clip.prosody, pose, seed)


def load_subject(
    preset: str,
    style: str = NEUTRAL,
    *,
    posegan: Path | None = None,
    pgface: Path | None = None,
    known: frozenset[str] | None = None,
) -> Subject:
    """The networks to judge, on the CPU.

    posegan, pgface: weights files in place of those that ship. known: whom the weights learned
    from, where their descriptions do not tell. Raises ConfigError for an unknown style and
    CheckpointError for weights that do not fit.
    """
    device = torch.device("cpu")
    networks = Engine().networks(preset, device, style)
    entry = find_style(style, preset)
    paths = {name: entry.path or WEIGHTS_DIR / f"{name}_{preset}.safetensors" for name in _KINDS}
    extractor = networks.extractor.id
    if posegan is not None:
        paths["posegan"] = posegan
        made = load_posegan(posegan, device, extractor)
        networks = replace(networks, posegan=made, pose_row=None)
    if pgface is not None:
        paths["pgface"] = pgface
        networks = replace(networks, pgface=load_pgface(pgface, device), face_row=None)
    people = {name: known or people_of(path) for name, path in paths.items()}
    if entry.path is not None and known is None:  # what a person's style went out from
        people = {name: who | people_of(_base(name, preset)) for name, who in people.items()}
    description = {
        "preset": preset,
        "style": style,
        "feature_extractor": extractor,
        "known_people": {name: sorted(people[name]) for name in _KINDS},
        "files": {name: path.name for name, path in paths.items()},
        "sha256": {name: file_sha256(path) for name, path in paths.items()},
    }
    own = frozenset() if entry.path is None else people_of(entry.path)
    return Subject(networks, style, description, people["pgface"], people["posegan"], own)


_KINDS = ("posegan", "pgface")


def _base(kind: str, preset: str) -> Path:
    return WEIGHTS_DIR / f"{kind}_{preset}.safetensors"


def people_of(weights: Path) -> frozenset[str]:
    """Names of the people whom a weights file or style says that it learned from."""
    training = read_description(weights).get("training", {})
    named: set[str] = set()
    for key in _PEOPLE_KEYS:
        value = training.get(key, ()) if isinstance(training, Mapping) else ()
        named |= {value} if isinstance(value, str) else {str(item) for item in value}
    return frozenset(named)
