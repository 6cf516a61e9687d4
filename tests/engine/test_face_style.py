# SPDX-License-Identifier: GPL-3.0-or-later
"""Real faces as material: masks, mirrors, other speeds; and a face that becomes a person's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rhetor.engine.dataset.face_clips import REAL, FaceClip
from rhetor.engine.dataset.person_clip import PersonClip
from rhetor.engine.dataset.real_faces import (
    MOUTH_CHANNELS,
    HeardPerson,
    Rest,
    beyond_rest,
    face_clip,
    mirrored,
    rests,
    time_warped,
)
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.pgface.config import PLUS, STYLE_NAMES
from rhetor.engine.pgface.lips import LipGeometry
from rhetor.engine.pgface.losses import FaceLoss
from rhetor.engine.pgface.network import PGFace
from rhetor.engine.pgface.synthesizer import FaceSynthesizer
from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.training.face_material import FaceMaterial
from rhetor.engine.training.face_style import FaceStyleSettings, personalise_face
from rhetor.engine.training.face_trainer import FaceTrainer, FaceTraining

SMALL = replace(PLUS, conv_widths=(16, 16, 16, 16), hidden_widths=(32, 32))


def _channel(name: str) -> int:
    return EXPRESSION_NAMES.index(name)


def _lips() -> LipGeometry:
    moves = torch.zeros(52, 6, 3)
    gap = torch.zeros(52)
    for name, opening in (("jawOpen", 34.0), ("mouthClose", -34.0), ("mouthRollUpper", -1.0)):
        moves[_channel(name), 3:, 2], gap[_channel(name)] = -opening, opening
    return LipGeometry(moves, gap, 0.1)


def _person(seed: int, seconds: float = 20.0, delay: int = 0, speaker: str = "anna") -> HeardPerson:
    """Somebody whose jaw follows the first feature, `delay` frames late; silent at both ends."""
    rng = np.random.default_rng(seed)
    frames = int(seconds * 30)
    speech = np.stack(
        [np.convolve(rng.normal(0, 3, frames), np.ones(5) / 5, "same") for _ in range(29)], 1
    ).astype(np.float32)
    loud = np.zeros(frames, np.float32)
    loud[20:-20] = 1.0
    jaw = np.clip(0.12 + 0.08 * np.roll(speech[:, 0], delay), 0, 1) * loud
    expression = np.zeros((frames, 52), np.float32)
    expression[:, _channel("jawOpen")] = 0.05 + jaw
    expression[:, _channel("mouthRollUpper")] = 0.6
    prosody = np.zeros((frames, 4), np.float32)
    prosody[:, 2] = loud
    clip = PersonClip(
        np.ones(frames * 533, np.int16),
        rng.normal(0, 0.05, (frames, 6)).astype(np.float32),
        expression,
        np.full(50, 0.3, np.float32),
        np.ones(frames, bool),
        np.ones(frames, bool),
        np.ones(52, bool),
        (34.0 * (expression[:, _channel("jawOpen")] - 0.05) + 0.8).astype(np.float32),
        *(np.zeros(0, np.float32),) * 2,
        np.array([], dtype=str),
        speaker,
        "en",
        "test",
        "own",
        0.0,
        1.0,
    )
    return HeardPerson(clip, speech, prosody, "features")


def test_rest_is_the_mouth_in_silence():
    rest = rests([_person(0)])["anna"]
    assert rest.expression[_channel("jawOpen")] == pytest.approx(0.05, abs=1e-3)
    assert rest.expression[_channel("mouthRollUpper")] == pytest.approx(0.6, abs=1e-3)
    assert rest.gap_mm == pytest.approx(0.8, abs=0.05)


def test_lips_open_as_far_as_seen_beyond_rest():
    rest = Rest(np.zeros(52, np.float32), 0.5)
    rest.expression[[_channel("mouthClose"), _channel("mouthRollUpper")]] = 0.1, 0.8
    expression = np.zeros((3, 52), np.float32)
    expression[:, _channel("jawOpen")] = (0.0, 0.1, 0.2)
    expression[2, _channel("mouthClose")] = 0.25
    seen = np.array([3.9, 7.3, 0.5])
    moved, gap = beyond_rest(expression, seen, rest, _lips())
    opening = _lips().opening_mm(torch.from_numpy(moved)).numpy()
    np.testing.assert_allclose(opening, seen - 0.5 + 0.1, atol=1e-4)
    np.testing.assert_allclose(gap, opening, atol=1e-4)
    assert moved.min() >= 0.0 and moved[:, _channel("mouthRollUpper")].max() == 0.0


def test_a_real_clip_teaches_only_what_was_tracked():
    person = _person(1)
    known = np.ones(52, bool)
    known[_channel("mouthPucker")] = False
    tracked = np.ones(person.clip.frame_count, bool)
    tracked[100:200] = False
    clip = replace(person.clip, known=known, face_ok=tracked)
    face = face_clip(replace(person, clip=clip), rests([person])["anna"], _lips())
    assert face.known is not None and not face.known[_channel("mouthPucker")]
    assert not face.known[_channel("eyeBlinkLeft")] and face.known[_channel("jawOpen")]
    material = FaceMaterial([face])
    drawn = material.draw(400)
    assert not ((drawn >= 100) & (drawn < 200)).any()
    target = material.targets(drawn)
    loss = FaceLoss(_lips())
    wrong = target.expression.clone()
    wrong[..., _channel("mouthPucker")] = 0.9
    _, terms = loss(target.identity, wrong, target)
    assert float(terms["expression"]) == 0.0 and float(terms["lip"]) == 0.0


def test_opening_follows_the_lips_as_seen_not_the_fit():
    person = _person(2)
    face = face_clip(person, rests([person])["anna"], _lips())
    wider = replace(face, gap_mm=face.gap_mm + 2.0)
    material = FaceMaterial([wider])
    target = material.targets(material.draw(50))
    _, terms = FaceLoss(_lips())(target.identity, target.expression, target)
    assert float(terms["opening"]) == pytest.approx(4.0, abs=0.1)


def _expressive_clip() -> FaceClip:
    rng = np.random.default_rng(3)
    person = _person(3)
    face = face_clip(person, rests([person])["anna"], _lips())
    known = face.known.copy()
    known[_channel("mouthSmileLeft")] = False
    return replace(
        face, expression=rng.random(face.expression.shape).astype(np.float32), known=known
    )


def test_a_mirrored_clip_has_its_sides_exchanged():
    clip = _expressive_clip()
    other = mirrored(clip)
    left, right = _channel("mouthSmileLeft"), _channel("mouthSmileRight")
    np.testing.assert_array_equal(other.expression[:, left], clip.expression[:, right])
    np.testing.assert_array_equal(other.expression[:, right], clip.expression[:, left])
    jaw = _channel("jawOpen")
    np.testing.assert_array_equal(other.expression[:, jaw], clip.expression[:, jaw])
    sides = [_channel(n) for n in ("jawLeft", "jawRight")]
    np.testing.assert_array_equal(other.expression[:, sides], clip.expression[:, sides[::-1]])
    np.testing.assert_array_equal(other.pose, clip.pose * [1, -1, -1, -1, 1, 1])
    assert other.known[left] and not other.known[right]
    again = mirrored(other)
    np.testing.assert_array_equal(again.expression, clip.expression)
    np.testing.assert_array_equal(again.known, clip.known)


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_speech_and_face_are_warped_together(speed):
    person = _person(4)
    clip = face_clip(person, rests([person])["anna"], _lips())
    other = time_warped(clip, speed)
    assert len(other.speech) == pytest.approx(len(clip.speech) / speed, abs=1.5)
    assert len(other.gap_mm) == len(other.pose) == len(other.tracked) == len(other.speech)
    jaw = other.expression[:, _channel("jawOpen")]
    talking = slice(40, -40)
    r = np.corrcoef(jaw[talking], other.speech[talking, 0])[0, 1]
    assert r > 0.8  # still in step


def test_speakers_get_rows_of_their_own_that_do_not_ship(tmp_path):
    person = _person(5)
    clip = face_clip(person, rests([person])["anna"], _lips())
    training = FaceTraining(steps=4, pairs=8, speaker_dropout=0.0, device="cpu", save_every=99)
    config = training.network("plus", [clip])
    assert config.styles == (*STYLE_NAMES, "anna") and clip.source == REAL
    material = FaceMaterial([clip], styles=config.styles)
    trainer = FaceTrainer(tmp_path, config, training, material, _lips())
    rows: list[torch.Tensor] = []
    hook = trainer.network.style.register_forward_pre_hook(lambda _m, x: rows.append(x[0]))
    trainer.train(until=4)
    hook.remove()
    assert torch.cat(rows).unique().tolist() == [len(STYLE_NAMES)]
    shipped = trainer.shipped()
    assert shipped.config.styles == STYLE_NAMES
    torch.testing.assert_close(
        shipped.style.weight, trainer.averaged().style.weight[: len(STYLE_NAMES)]
    )


def test_a_mix_is_drawn_in_the_asked_proportion():
    real = face_clip(_person(6), None, _lips())
    played = replace(real, source="flite", style="calm", known=None, tracked=None)
    material = FaceMaterial([played, real])
    share = material.is_real[material.draw(4000, real=0.3)[:, 0]].float().mean()
    assert float(share) == pytest.approx(0.3, abs=0.03)


def test_a_personal_face_is_better_on_what_it_never_saw(tmp_path):
    """The base follows other people, whose jaws move 4 frames later than this person's."""
    others = [_person(seed, delay=4, speaker="others") for seed in (10, 11, 12)]
    rest = rests(others)["others"]
    clips = [face_clip(person, rest, _lips()) for person in others]
    training = FaceTraining(steps=150, pairs=64, rate=3e-3, device="cpu", save_every=999)
    trainer = FaceTrainer(tmp_path, SMALL, training, FaceMaterial(clips), _lips())
    trainer.train(until=150)
    base = FaceSynthesizer(trainer.averaged(), torch.device("cpu"))

    said: list[float] = []
    settings = FaceStyleSettings(steps=200, judge_every=50, rate=2e-3)
    face = personalise_face(
        base,
        [_person(20), _person(21)],
        settings,
        lambda fraction, _: said.append(fraction),
        held_out=[_person(22)],
        lips=_lips(),
    )
    assert face.after > face.before + 0.2
    assert face.after > 0.6
    assert said == sorted(said) and said[-1] == 1.0
    assert isinstance(face.network, PGFace) and face.network.config == SMALL


def test_too_little_of_a_person_is_refused():
    base = FaceSynthesizer(PGFace(SMALL), torch.device("cpu"))
    with pytest.raises(DatasetError, match="4 s"):
        personalise_face(base, [_person(1, seconds=5.0)], lips=_lips())
    with pytest.raises(DatasetError, match="one person"):
        personalise_face(base, [_person(1), _person(2, speaker="ben")], lips=_lips())


def test_mouth_channels_are_those_that_speech_moves():
    assert {"jawOpen", "mouthClose", "mouthSmileLeft", "mouthSmileRight"} <= set(MOUTH_CHANNELS)
    assert not any(name.startswith(("eye", "brow", "tongue")) for name in MOUTH_CHANNELS)
