# SPDX-License-Identifier: GPL-3.0-or-later
"""The match judge, trained once for the same real motion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from .judge_pose import learn_match, real_pairs
from .match_encoder import MOTION_SIZE, SOUND_SIZE, Encoder, MatchConfig, MatchJudge
from .material import Material

_VERSION = 1


def cached_judge(
    material: Material,
    cache: Path | None,
    progress: Callable[[float], None] | None = None,
    config: MatchConfig | None = None,
) -> MatchJudge | None:
    """`learn_match`, kept in a folder where one is given."""
    config = config or MatchConfig()
    if cache is None:
        return learn_match(material, config, progress)
    digest = hashlib.sha256(repr((_VERSION, asdict(config))).encode())
    for pair in real_pairs(material):
        digest.update(pair.speaker.encode() + pair.sound.tobytes() + pair.motion.tobytes())
        digest.update(pair.fold.tobytes())
    path = cache / f"match-{digest.hexdigest()[:16]}.pt"
    if path.exists():
        return _read(path, config)
    judge = learn_match(material, config, progress)
    if judge is not None:
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save(
            [[e.state_dict() for e in side] for side in (judge.sound, judge.motion)], partial
        )
        partial.replace(path)
    return judge


def _read(path: Path, config: MatchConfig) -> MatchJudge:
    saved = torch.load(path, weights_only=True)
    sides = []
    for states, channels in zip(saved, (SOUND_SIZE, MOTION_SIZE), strict=True):
        encoders = []
        for state in states:
            encoder = Encoder(channels, config)
            encoder.load_state_dict(state)
            encoders.append(encoder.eval())
        sides.append(tuple(encoders))
    return MatchJudge(*sides)
