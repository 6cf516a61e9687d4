# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines that learn: they find what is there and nothing where nothing is."""

import numpy as np
import pytest
import torch

from rhetor.engine.evaluation.match_encoder import (
    FOLDS,
    MOTION_SIZE,
    SOUND_SIZE,
    MatchConfig,
    Pair,
    folds_of,
    motion_channels,
    sound_channels,
    train_judge,
)
from rhetor.engine.evaluation.material import MEL_SIZE, mel_frames
from rhetor.engine.evaluation.plain_net import PlainNetConfig, train_plain_net
from rhetor.engine.evaluation.ridge import Lesson, context, fit_ridge


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def mel(frames: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, MEL_SIZE)).astype(np.float32)


def late_loudness(heard: np.ndarray) -> np.ndarray:
    """(T, 1) mean of the lowest band two frames ago: within every baseline's reach."""
    low = heard.reshape(len(heard), 3, -1)[:, :, 0].mean(1)
    return np.roll(low, 2)[:, None].astype(np.float32)


def test_ridge_finds_a_linear_map():
    lessons = []
    for seed in range(3):
        heard = mel(1500, seed)
        lessons.append(Lesson(heard, 2.0 * late_loudness(heard) + 5.0, np.ones(1500, bool)))
    unseen = mel(400, 9)
    made = fit_ridge(lessons).predict(unseen)[10:-10, 0]
    wanted = (2.0 * late_loudness(unseen) + 5.0)[10:-10, 0]
    assert np.corrcoef(made, wanted)[0, 1] > 0.98
    assert np.abs(made - wanted).mean() < 0.15


def test_ridge_finds_nothing_in_noise_and_leaves_out_what_it_must():
    heard = mel(2500, 0)
    noise = np.random.default_rng(5).normal(size=(2500, 1)).astype(np.float32)
    made = fit_ridge([Lesson(heard, noise, np.ones(2500, bool))]).predict(mel(500, 1))
    assert made.std() < 0.75
    target = late_loudness(heard)
    spoilt = target.copy()
    spoilt[::2] = 1e4
    ok = np.arange(2500) % 2 == 1
    unseen = mel(400, 2)
    made = fit_ridge([Lesson(heard, spoilt, ok)]).predict(unseen)[10:-10, 0]
    assert np.corrcoef(made, late_loudness(unseen)[10:-10, 0])[0, 1] > 0.9


def test_context_holds_its_ends():
    assert context(mel(5, 0)).shape == (5, 12 * 64)


def test_plain_net_learns_and_is_repeatable():
    lessons = []
    for seed in range(2):
        heard = mel(900, seed)
        smooth = np.repeat(heard[::6], 6, axis=0)[:900]
        target = smooth.reshape(900, 3, -1)[:, :, :8].mean((1, 2))[:, None]
        lessons.append(Lesson(smooth, 4.0 * target + 1.0, np.ones(900, bool)))
    config = PlainNetConfig(width=16, dilations=(1,), steps=60, seconds=1e9)
    net = train_plain_net(lessons, config)
    made = net.predict(lessons[0].mel)[:, 0]
    assert np.corrcoef(made, lessons[0].target[:, 0])[0, 1] > 0.6
    again = train_plain_net(lessons, config).predict(lessons[0].mel)[:, 0]
    np.testing.assert_allclose(made, again, rtol=1e-5)


def test_mel_frames_are_in_step_with_the_motion():
    """A burst of sound at second 1 is heard at frame 30."""
    samples = np.zeros(32000, np.int16)
    samples[16000:16800] = np.random.default_rng(0).normal(0, 6000, 800).astype(np.int16)
    heard = mel_frames(samples, 60).mean(1)
    loud = np.flatnonzero(heard > heard.min() + 0.5 * np.ptp(heard))
    assert loud.min() in (29, 30)
    assert loud.max() in (31, 32)
    assert mel_frames(np.zeros(10, np.int16), 3).shape == (3, MEL_SIZE)


def pairs(seed: int, linked: bool) -> list[Pair]:
    """Motion that follows one channel of the sound, or another sound's."""
    rng = np.random.default_rng(seed)
    result = []
    for index in range(2):
        sound = rng.normal(size=(2400, SOUND_SIZE))
        kernel = np.hanning(15)[:, None] / 4.0
        smooth = np.stack([np.convolve(c, kernel[:, 0], "same") for c in sound.T], 1)
        motion = rng.normal(size=(2400, MOTION_SIZE)) * 0.3
        source = smooth if linked else np.roll(smooth, 1200, axis=0)
        motion[:, 0] += 2.0 * source[:, 2]
        motion[:, 3] += 2.0 * source[:, 3]
        result.append(
            Pair(
                smooth.astype(np.float32),
                motion.astype(np.float32),
                folds_of(2400, index),
                "somebody",
            )
        )
    return result


def test_match_is_found_where_it_is_and_only_there():
    config = MatchConfig(width=16, steps=80, batch=24)
    judge = train_judge(pairs(0, True), config)
    assert judge.choices(pairs(0, True)).mean() > 0.9  # cross-fitted: no window was seen
    assert judge.choices(pairs(1, True)).mean() > 0.9
    assert abs(judge.choices(pairs(1, False)).mean() - 0.5) < 0.15
    assert len(judge.choices([])) == 0


def test_folds_cover_everything_in_turn():
    assert np.unique(folds_of(3000)).tolist() == list(range(FOLDS))
    assert (folds_of(600)[:300] == 0).all()
    assert (folds_of(600, 3)[:300] == 3).all()


def test_channels_do_not_tell_how_much_somebody_moves():
    pose = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32) * 0.01
    np.testing.assert_allclose(motion_channels(pose), motion_channels(3 * pose), atol=1e-3)
    assert sound_channels(mel(300, 0), np.zeros((300, 4), np.float32)).shape == (300, SOUND_SIZE)
