# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny training of PGFace is a real one: it learns, stops, and goes on where it stood."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rhetor.engine.dataset.corpus import SpokenClip, features_path, save_clip
from rhetor.engine.dataset.face_clips import (
    phone_track,
    read_face_clips,
    silent_frames,
    speaker_identity,
)
from rhetor.engine.dataset.phones import PHONES
from rhetor.engine.dataset.visemes import VOWELS
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.pgface.config import PAPER, PLUS, STYLE_NAMES
from rhetor.engine.pgface.lips import LipGeometry
from rhetor.engine.pgface.losses import FaceBatch, FaceLoss
from rhetor.engine.pgface.synthesizer import FaceSynthesizer
from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.training.face_material import FaceMaterial
from rhetor.engine.training.face_report import lag_s, report, runs
from rhetor.engine.training.face_trainer import FaceTrainer, FaceTraining


def _lips() -> LipGeometry:
    """Lips of a few points that follow jawOpen and mouthClose, so that no head file is needed."""
    moves = torch.zeros(52, 6, 3)
    gap = torch.zeros(52)
    for name, opening in (("jawOpen", 34.0), ("mouthClose", -34.0), ("mouthFunnel", 13.0)):
        row = EXPRESSION_NAMES.index(name)
        moves[row, 3:, 2], gap[row] = -opening, opening
    return LipGeometry(moves, gap, 0.1)


def _corpus(folder, clips: int = 3) -> None:
    """Speech whose features name the phone: what can be learned is in them."""
    rng = np.random.default_rng(0)
    for number in range(clips):
        names = ["sil", *rng.choice([p for p in PHONES if p != "sil"], 24), "sil"]
        lengths = [0.6, *rng.uniform(0.06, 0.16, 24), 0.8]
        end = np.cumsum(lengths)
        samples = rng.normal(0, 2000, int(end[-1] * 16_000)).astype(np.int16)
        clip = SpokenClip(
            samples,
            (end - lengths).astype(np.float32),
            np.minimum(end, len(samples) / 16_000).astype(np.float32),
            np.array(names),
            np.array([1 if n in VOWELS else -1 for n in names], np.int8),
            "",
            f"speaker {number}",
            "natural" if number % 2 else "flite",
        )
        path = folder / f"clip_{number}.npz"
        save_clip(path, clip)
        frames = int(end[-1] * 30)
        said = np.searchsorted(end, np.arange(frames) / 30, side="right")
        code = np.array([PHONES.index(names[min(k, len(names) - 1)]) for k in said])
        table = np.random.default_rng(1).normal(0, 3, (len(PHONES), 29))
        np.savez(
            features_path(path),
            features=table[code].astype(np.float32),
            prosody=rng.normal(0, 1, (frames, 4)).astype(np.float32),
        )


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> FaceMaterial:
    folder = tmp_path_factory.mktemp("corpus")
    _corpus(folder)
    return FaceMaterial(read_face_clips(folder, styles=("calm", "lively")))


def _trainer(folder, material, config=PLUS, steps=60) -> FaceTrainer:
    settings = FaceTraining(steps=steps, pairs=32, rate=2e-3, save_every=1000, log_every=1000)
    return FaceTrainer(folder, config, settings, material, _lips())


def test_material_cuts_windows_around_its_frames(material):
    first_clip = material.window_row[0]
    assert first_clip == 0
    frames = torch.tensor([0, 20])
    windows = material.windows("inputs", frames)
    padded = material.columns["inputs"]
    assert windows.shape == (2, 35, 16)
    torch.testing.assert_close(windows[1, :, 8], padded[20 + 8])
    torch.testing.assert_close(windows[0, :, 0], windows[0, :, 8])  # the first frame is held
    pairs = material.draw(500)
    rows = material.window_row[pairs]
    assert (rows[:, 1] - rows[:, 0] == 1).all()  # never across two clips


@pytest.mark.parametrize("config", [PAPER, PLUS], ids=["paper", "plus"])
def test_training_learns(tmp_path, material, config):
    trainer = _trainer(tmp_path, material, config, steps=60)
    losses = [trainer.step()["loss"] for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])


def test_training_goes_on_exactly_where_it_stopped(tmp_path, material):
    whole = _trainer(tmp_path / "whole", material)
    whole.train(until=8)
    expected = [whole.step()["loss"] for _ in range(4)]

    first = _trainer(tmp_path / "parts", material)
    first.train(until=8)
    torch.manual_seed(99)
    second = _trainer(tmp_path / "parts", material)
    assert second.run.step == 8
    assert [second.step()["loss"] for _ in range(4)] == expected
    for name, value in whole.averaged().state_dict().items():
        torch.testing.assert_close(second.averaged().state_dict()[name], value, rtol=0, atol=0)


def test_last_steps_see_generated_poses(tmp_path, material):
    _corpus(tmp_path, clips=1)

    class FarAway:
        styles = STYLE_NAMES

        def generate(self, speech, prosody, style, seed):
            return np.full((len(speech), 6), 1000.0, np.float32)

    clips = read_face_clips(tmp_path, styles=("calm",))
    own = FaceMaterial(clips, FarAway())
    seen: list[float] = []
    trainer = _trainer(tmp_path / "run", own, steps=8)
    hook = trainer.network.register_forward_pre_hook(
        lambda _m, inputs: seen.append(float(inputs[0][:, :6].max()))
    )
    trainer.train(until=8)
    hook.remove()
    assert [value == 1000.0 for value in seen] == [False] * 6 + [True] * 2


def test_losses_are_zero_on_the_target_and_see_each_fault():
    torch.manual_seed(0)
    loss, pairs = FaceLoss(_lips()), 6
    expression = torch.rand(pairs, 2, 52) * 0.3
    expression[:, 1] = expression[:, 0]
    expression[:3, :, [EXPRESSION_NAMES.index(n) for n in ("jawOpen", "mouthFunnel")]] = 0.0
    target = FaceBatch(
        expression,
        torch.randn(pairs, 2, 50),
        torch.tensor([[1.0, 1.0]] * 3 + [[0.0, 0.0]] * 3),
        torch.tensor([[0.0, 0.0]] * 3 + [[1.0, 1.0]] * 3),
        torch.full((pairs, 2), torch.nan),
        torch.ones(pairs, 2, 52, dtype=torch.bool),
        torch.ones(pairs, 2, dtype=torch.bool),
    )
    total, terms = loss(target.identity, expression, target)
    assert float(total) == pytest.approx(0.0, abs=1e-6)

    jaw = EXPRESSION_NAMES.index("jawOpen")
    opened = expression.clone()
    opened[:3, :, jaw] += 0.1
    _, terms = loss(target.identity, opened, target)
    assert float(terms["closure"]) == pytest.approx(3.4**2, rel=1e-3)
    assert float(terms["opening"]) == pytest.approx(3.4**2 / 2, rel=1e-3)
    assert float(terms["change"]) == pytest.approx(0.0, abs=1e-9)
    assert float(terms["silence"]) == pytest.approx(0.0, abs=1e-9)
    restless = expression.clone()
    restless[3:, 1, jaw] += 0.1
    _, terms = loss(target.identity, restless, target)
    assert float(terms["silence"]) > 1.0 and float(terms["closure"]) == 0.0
    assert float(terms["change"]) > 0.0
    _, terms = loss(target.identity + 1.0, expression, target)
    assert float(terms["identity"]) == pytest.approx(1.0, rel=1e-4)


def test_report_tells_a_trained_net_from_a_shifted_one(tmp_path, material):
    _corpus(tmp_path / "val")
    trainer = _trainer(tmp_path / "run", material, PAPER, steps=120)
    for _ in range(120):
        trainer.step()
    synthesizer = FaceSynthesizer(trainer.averaged(), torch.device("cpu"))
    figures = report(synthesizer, read_face_clips(tmp_path / "val", styles=("lively",)), _lips())
    for kind in ("natural", "synthetic"):
        assert figures[kind]["gap_r"] > 0.6 > 0.4 > figures[kind]["gap_r_control"]
        assert figures[kind]["lve_mm"] < figures[kind]["lve_mm_mean_face"]
        assert abs(figures[kind]["lag_ms"]) < 40


def test_lag_is_found_with_its_sign():
    wave = np.convolve(np.random.default_rng(0).normal(size=400), np.ones(7) / 7, "same")
    assert lag_s(np.roll(wave, 2), wave) == pytest.approx(2 / 30, abs=0.01)
    assert lag_s(np.roll(wave, -3), wave) == pytest.approx(-3 / 30, abs=0.01)


def test_runs_of_a_mask():
    assert runs(np.array([1, 1, 0, 0, 1], np.float32)) == [(0, 2), (4, 5)]
    assert runs(np.zeros(4, np.float32)) == []


def test_clips_are_performed_in_every_style(tmp_path):
    _corpus(tmp_path, clips=2)
    clips = list(read_face_clips(tmp_path))
    assert [c.style for c in clips] == ["calm", "lively", "formal", "thoughtful"] * 2
    assert all(len(c.pose) == len(c.expression) == len(c.speech) for c in clips)
    assert np.abs(clips[0].expression - clips[1].expression).max() > 0.05
    assert np.abs(clips[0].pose - clips[1].pose).max() > 0.01
    assert (clips[0].closed * clips[0].silent).max() == 0.0


def test_identity_of_a_speaker_is_calm_and_constant():
    one = speaker_identity("anna")
    np.testing.assert_array_equal(one, speaker_identity("anna"))
    assert np.abs(one - speaker_identity("ben")).max() > 0.1
    assert one.shape == (50,) and np.abs(one).max() <= 1.0 and one.std() < 0.5


def test_missing_features_are_named(tmp_path):
    _corpus(tmp_path, clips=1)
    features_path(tmp_path / "clip_0.npz").unlink()
    with pytest.raises(DatasetError, match="clip_0"):
        list(read_face_clips(tmp_path))
    with pytest.raises(DatasetError, match="no clips"):
        list(read_face_clips(tmp_path / "nothing"))


def test_silent_frames_leave_out_the_way_to_rest(tmp_path):
    _corpus(tmp_path, clips=1)
    from rhetor.engine.dataset.corpus import load_clip

    clip = load_clip(tmp_path / "clip_0.npz")
    track = phone_track(clip, np.zeros((200, 4), np.float32))
    silent = silent_frames(track, 200)
    assert silent[0] == 1.0 and silent[int(0.45 * 30)] == 0.0
