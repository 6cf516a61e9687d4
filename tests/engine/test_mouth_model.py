# SPDX-License-Identifier: GPL-3.0-or-later
"""A mouth model is recovered from faces that it moved itself, and kept on disk unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rhetor.engine.dataset.mouth_model import (
    UNIT_NAMES,
    MouthModel,
    channels_of,
    load_mouth_model,
    rule_model,
    save_mouth_model,
)
from rhetor.engine.dataset.mouth_model_fit import MouthFit, fit_mouth_model, person_track
from rhetor.engine.dataset.person_clip import PersonClip
from rhetor.engine.dataset.phone_track import PARTS
from rhetor.engine.dataset.phones import PHONES
from rhetor.engine.dataset.real_faces import HeardPerson
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.pgface.lips import LipGeometry
from rhetor.engine.protocol.errors import CheckpointError, DatasetError

RATE = 30.0
UNSPOKEN = ("oy", "zh", "uh")


def _lips() -> LipGeometry:
    """Lips that every unit of the mouth moves in a direction of its own."""
    moves = torch.zeros(52, 20, 3)
    gap = torch.zeros(52)
    for number, unit in enumerate(UNIT_NAMES):
        for name in channels_of(unit):
            moves[EXPRESSION_NAMES.index(name), number, 0] = 20.0
    gap[EXPRESSION_NAMES.index("jawOpen")] = 34.0
    gap[EXPRESSION_NAMES.index("mouthClose")] = -34.0
    return LipGeometry(moves, gap, 0.1)


def _true_model() -> MouthModel:
    """The rules, except that vowels open half as far again and /s/ purses the lips."""
    rules = rule_model()
    targets = rules.targets.copy()
    for part in ("aa", "ae", "iy", "ow1"):
        targets[PARTS.index(part), UNIT_NAMES.index("jawOpen")] *= 1.5
    targets[PARTS.index("s"), UNIT_NAMES.index("mouthPucker")] = 0.4
    return replace(rules, targets=targets)


def _person(seed: int, model: MouthModel) -> HeardPerson:
    rng = np.random.default_rng(seed)
    names = ["sil", *rng.choice([p for p in PHONES if p not in ("sil", *UNSPOKEN)], 40), "sil"]
    end = np.cumsum([0.7, *rng.uniform(0.06, 0.16, 40), 0.7])
    frames = int(end[-1] * RATE)
    rest = np.full(52, 0.1, np.float32)
    samples = rng.normal(0, 2000, int(end[-1] * 16_000)).astype(np.int16)
    clip = PersonClip(
        samples,
        np.zeros((frames, 6), np.float32),
        np.tile(rest, (frames, 1)),
        np.zeros(50, np.float32),
        np.ones(frames, bool),
        np.ones(frames, bool),
        np.ones(52, bool),
        np.full(frames, np.nan, np.float32),
        np.concatenate([[0.0], end[:-1]]).astype(np.float32),
        end.astype(np.float32),
        np.array(names),
        f"speaker {seed}",
        "en",
        "test",
        "open",
        0.0,
        1.0,
    )
    curves = model.move(person_track(clip), np.arange(frames) / RATE)
    expression = clip.expression.copy()
    for unit, values in curves.items():
        for name in channels_of(unit):
            expression[:, EXPRESSION_NAMES.index(name)] += values.astype(np.float32)
    loud = (np.arange(frames) / RATE > 0.6) & (np.arange(frames) / RATE < end[-1] - 0.6)
    prosody = np.zeros((frames, 4), np.float32)
    prosody[:, 2] = loud
    return HeardPerson(
        replace(clip, expression=np.clip(expression, 0, 1)),
        np.zeros((frames, 29), np.float32),
        prosody,
        "features",
    )


@pytest.fixture(scope="module")
def fitted() -> tuple[MouthModel, MouthModel]:
    true = _true_model()
    people = [_person(seed, true) for seed in range(12)]
    return true, fit_mouth_model(people, _lips(), MouthFit(steps=120, frames=1500, target_prior=3))


def _target(model: MouthModel, part: str, unit: str) -> float:
    return float(model.targets[PARTS.index(part), UNIT_NAMES.index(unit)])


def test_targets_are_recovered_from_the_movements_they_made(fitted):
    true, found = fitted
    for part, unit in (("aa", "jawOpen"), ("iy", "jawOpen"), ("s", "mouthPucker")):
        wanted, ruled = (_target(m, part, unit) for m in (true, rule_model()))
        assert abs(_target(found, part, unit) - wanted) < 0.45 * abs(wanted - ruled)


def test_the_learned_mouth_moves_as_an_unheard_clip_does(fitted):
    true, found = fitted
    person = _person(99, true)
    track, times = person_track(person.clip), np.arange(person.clip.frame_count) / RATE
    wanted = true.move(track, times)["jawOpen"]
    errors = [
        np.abs(model.move(track, times)["jawOpen"] - wanted).mean()
        for model in (found, rule_model())
    ]
    assert errors[0] < 0.5 * errors[1]


def test_phones_never_heard_keep_their_rules(fitted):
    _, found = fitted
    for part in ("oy1", "zh", "uh"):
        ratio = _target(found, part, "mouthPucker") / _target(rule_model(), part, "mouthPucker")
        assert 0.5 < ratio < 1.6
    assert (found.targets >= 0.0).all()
    assert (found.targets[PARTS.index("sil")] == 0.0).all()


def test_a_model_survives_the_disk(tmp_path):
    path = tmp_path / "mouth.safetensors"
    model = _true_model()
    save_mouth_model(path, model, {"speakers": ["nobody"]})
    again = load_mouth_model(path)
    np.testing.assert_allclose(again.targets, model.targets, atol=1e-3)
    np.testing.assert_allclose(again.lead_s, model.lead_s, atol=1e-4)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError):
        load_mouth_model(path)


def test_clips_without_phones_teach_nothing():
    person = _person(1, rule_model())
    none = np.zeros(0, np.float32)
    mute = replace(person.clip, phone_start_s=none, phone_end_s=none, phone=np.array([], dtype=str))
    with pytest.raises(DatasetError, match="phones"):
        fit_mouth_model([replace(person, clip=mute)], _lips())
