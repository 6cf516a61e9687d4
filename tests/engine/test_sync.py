# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound against picture: known offsets are found, chance is not believed."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from rhetor.engine.audio.decode import decode_audio
from rhetor.engine.dataset.sound_offset import LipPair, settle_offset
from rhetor.engine.tracking.sync import LipExpectation, estimate_sync

SPEECH = Path(__file__).parents[2] / "assets" / "demo" / "speech.flac"


def lips(frames, seed, fine=20):
    """Lips that open and close about four times a second, at `fine` values a frame."""
    rng = np.random.default_rng(seed)
    curve = gaussian_filter1d(rng.normal(size=frames * fine), 2.2 * fine)
    return 6 + 4 * curve / curve.std()


def moved_pair(frames, offset, seed, noise=0.4, fine=20):
    """Tracked lips are the expected ones `offset` frames later, with noise of their own size."""
    far = 20
    curve = lips(frames + 2 * far, seed, fine)
    at = (np.arange(frames) + far) * fine
    expected = curve[at]
    tracked = curve[np.round(at - offset * fine).astype(int)]
    rng = np.random.default_rng(seed + 1)
    unrelated = lips(frames, seed + 77, 1) - 6
    drift = 3 * np.sin(np.arange(frames) / 200)
    return expected, tracked + noise * unrelated + drift + rng.normal(0, 0.2, frames)


@pytest.mark.parametrize("offset", [-9.0, -2.0, -0.5, 0.0, 0.35, 1.5, 8.0])
def test_known_offsets_are_found(offset):
    expected, tracked = moved_pair(900, offset, seed=3)
    sync = estimate_sync([expected], [tracked])
    assert sync.is_confident
    assert sync.offset_s * 30 == pytest.approx(offset, abs=0.25)


def test_short_pieces_are_told_together():
    pairs = [moved_pair(70, -2.0, seed) for seed in range(10)]
    sync = estimate_sync(*zip(*pairs, strict=True))
    assert sync.is_confident and sync.offset_s * 30 == pytest.approx(-2.0, abs=0.3)


def test_unseen_lips_are_left_out():
    expected, tracked = moved_pair(600, 2.0, seed=5)
    tracked[100:300] = np.nan
    assert estimate_sync([expected], [tracked]).offset_s * 30 == pytest.approx(2.0, abs=0.25)
    assert not estimate_sync([expected], [np.full(600, np.nan)]).is_confident
    assert not estimate_sync([], []).is_confident


def test_chance_is_not_believed():
    believed = 0
    for seed in range(40):
        expected, _ = moved_pair(300, 0.0, seed)
        _, other = moved_pair(300, 0.0, 1000 + seed)
        believed += estimate_sync([expected], [other]).is_confident
    assert believed <= 2


def test_an_offset_out_of_reach_is_not_believed():
    expected, tracked = moved_pair(600, 13.0, seed=3)
    assert not estimate_sync([expected], [tracked]).is_confident


def test_what_a_list_gives_comes_first_and_doubt_moves_nothing():
    good = [LipPair(*moved_pair(600, -2.0, 3))]
    poor = [LipPair(moved_pair(100, 0.0, 8)[0], moved_pair(100, 0.0, 99)[1])]
    assert settle_offset(None, 25.0, good, good).used == pytest.approx(-2 * 25 / 30, abs=0.2)
    listed = settle_offset(1.0, 25.0, good, good)
    assert listed.used == 1.0 and listed.estimated == pytest.approx(-2 * 25 / 30, abs=0.2)
    assert settle_offset(None, 25.0, poor, poor).used == 0.0
    assert settle_offset(None, 25.0, poor, [*poor, *good]).used < -1.0
    assert settle_offset(None, 25.0, [], []).estimated is None


@pytest.mark.parametrize("shift", [-4, 3])
def test_a_voice_that_was_moved_is_found(shift):
    """The whole measurement on speech: lips are those expected of the sound before it is moved."""
    from rhetor.engine.head.model import load_head
    from rhetor.engine.speech.extractor import load_extractor

    samples = np.round(decode_audio(SPEECH).samples[: 8 * 16000] * 32767).astype(np.int16)
    frames = len(samples) * 30 // 16000
    meter = LipExpectation(load_extractor(), load_head())
    tracked = meter.gap_mm(samples, frames)
    # The recording's sound comes too early by `shift` frames, so it has to be moved by as many.
    early = np.roll(samples, -shift * 16000 // 30)
    sync = estimate_sync([meter.gap_mm(early, frames)], [tracked])
    assert sync.is_confident and sync.offset_s * 30 == pytest.approx(shift, abs=0.3)
