# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of head motion on cases whose answer is known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from rhetor.engine.evaluation.confidence import estimate, mean
from rhetor.engine.evaluation.manner import Manners
from rhetor.engine.evaluation.pose_metrics import beat_alignment, seam_jump
from rhetor.engine.evaluation.pose_scores import (
    LONGEST,
    beat_statistics,
    blinks_per_minute,
    cut_alike,
    cut_windows,
    frechet_distance,
    frechet_estimate,
    motion_figures_of,
    motion_statistics,
    spread_deg,
)
from rhetor.engine.head.channels import EXPRESSION_NAMES


def sway(frames: int, seed: int = 0, width: float = 8.0, deg: float = 3.0) -> np.ndarray:
    """(T, 6) smooth random motion, its angles of `deg` degrees deviation."""
    noise = np.random.default_rng(seed).normal(size=(frames, 3))
    smooth = gaussian_filter1d(noise, width, axis=0)
    pose = np.zeros((frames, 6), np.float32)
    pose[:, :3] = np.radians(deg * smooth / smooth.std(0))
    return pose


def figures(made: np.ndarray, real: np.ndarray) -> dict[str, float]:
    found = motion_figures_of(
        motion_statistics(cut_windows([made])), motion_statistics(cut_windows([real]))
    )
    return {name: item.value for name, item in found.items()}


def test_the_same_motion_has_all_ratios_one():
    pose = sway(3000)
    found = figures(pose, pose)
    for name, value in found.items():
        if "ratio" in name:
            assert value == pytest.approx(1.0), name
        if "difference" in name or "hdd" in name:
            assert value == pytest.approx(0.0, abs=1e-9), name


def test_a_scaled_motion_has_the_variance_of_its_scale():
    """Twice the angles: four times the variance, twice step and jerk, the same bands."""
    real = sway(3000)
    made = real * np.array([2, 2, 2, 1, 1, 1], np.float32)
    found = figures(made, real)
    for axis in ("pitch", "yaw", "roll"):
        assert found[f"variance_ratio_{axis}"] == pytest.approx(4.0, rel=1e-4)
        assert found[f"step_ratio_{axis}"] == pytest.approx(2.0, rel=1e-4)
    assert found["jerk_ratio"] == pytest.approx(2.0, rel=1e-3)
    assert found["share_difference_0.5_to_2_hz"] == pytest.approx(0.0, abs=1e-5)
    deviation = np.mean([found[f"deviation_deg_{axis}"] for axis in ("pitch", "yaw", "roll")])
    assert found["hdd_deg"] == pytest.approx(deviation / 2.0, rel=1e-3)


def test_a_still_head_has_no_variance():
    found = figures(np.zeros((1000, 6), np.float32), sway(1000))
    assert found["variance_ratio_yaw"] == 0.0
    assert found["step_ratio_pitch"] == 0.0
    assert found["jerk_ratio"] == 0.0


@pytest.mark.parametrize(
    ("hertz", "band"), [(0.3, "below_0.5_hz"), (1.0, "0.5_to_2_hz"), (5.0, "above_2_hz")]
)
def test_a_sine_lies_in_its_band(hertz, band):
    pose = np.zeros((960, 6), np.float32)
    pose[:, :3] = 0.1 * np.sin(2 * np.pi * hertz * np.arange(960) / 30.0)[:, None]
    assert figures(pose, pose)[f"share_{band}"] > 0.85


def test_white_noise_fills_the_bands_by_their_width():
    pose = np.zeros((6000, 6), np.float32)
    pose[:, :3] = np.random.default_rng(0).normal(size=(6000, 3))
    found = figures(pose, pose)
    assert found["share_above_2_hz"] == pytest.approx(13.0 / 15.0, abs=0.02)
    assert found["share_0.5_to_2_hz"] == pytest.approx(1.5 / 15.0, abs=0.02)


def test_a_step_is_the_mean_change_in_degrees():
    pose = np.zeros((300, 6), np.float32)
    pose[:, 1] = np.radians(0.25) * np.arange(300)
    found = figures(pose, pose)
    assert found["step_deg_yaw"] == pytest.approx(0.25, rel=1e-3)
    assert found["step_deg_pitch"] == 0.0


def test_windows_keep_to_what_was_tracked():
    ok = np.ones(900, bool)
    ok[300:310] = False
    lengths = [len(w) for w in cut_windows([sway(900)], [ok])]
    assert lengths == [240, 60, 240, 240, 110]
    assert max(lengths) == LONGEST
    assert [len(w) for w in cut_alike([sway(500), sway(300)], [100, 240])] == [100, 240, 100, 240]
    assert cut_windows([sway(40)]) == []


def test_frechet_distance_of_gaussians():
    """Equal spheres d apart: d². The same place, other widths: sum of squared differences."""
    rng = np.random.default_rng(0)
    one = rng.normal(size=(20000, 3))
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(one, one + np.array([3.0, 4.0, 0.0])) == pytest.approx(25.0)
    wide = one * [2.0, 1.0, 1.0]
    assert frechet_distance(one, wide) == pytest.approx(1.0, rel=0.05)


def test_small_samples_are_compared_at_one_size():
    rng = np.random.default_rng(1)
    many, few = rng.normal(size=(400, 4)), rng.normal(size=(40, 4))
    one = frechet_estimate(many, many[::2], 40).value
    other = frechet_estimate(many, few, 40).value
    assert one == pytest.approx(other, rel=0.6)
    assert np.isnan(frechet_estimate(many, few[:2], 40).value)


def test_people_are_told_by_their_manner():
    """Slow wide turning, quick small nods, and something between."""
    people = {
        "slow": [sway(900, seed, 25.0, 6.0) for seed in range(3)],
        "quick": [sway(900, seed + 10, 4.0, 1.0) for seed in range(3)],
        "other": [sway(900, seed + 20, 9.0, 2.5) for seed in range(3)],
    }
    manners = Manners(people)
    table = manners.table([sway(1800, 99, 25.0, 6.0)])
    assert table["people"] == ("slow", "quick", "other")
    assert table["named"]["slow"].value > 0.8
    assert table["named"]["quick"].value == 0.0
    assert all(item.value > 0.8 for item in table["named_real"].values())
    distance = {name: item.value for name, item in table["fpd"].items()}
    assert min(distance, key=distance.__getitem__) == "slow"
    real = table["fpd_real"]["quick"]
    assert real["own"].value < min(real["slow"].value, real["other"].value)


def test_manner_does_not_read_noise_or_place():
    """Tracker noise and another mean pose change nothing: windows are smoothed and centred."""
    base = {
        "one": [sway(900, seed, 12.0, 3.0) for seed in range(3)],
        "two": [sway(900, seed + 50, 12.0, 3.0) for seed in range(3)],
    }
    rng = np.random.default_rng(0)
    noisy = {
        "one": base["one"],
        "two": [
            p + np.float32(0.3) + 0.002 * rng.normal(size=p.shape).astype(np.float32)
            for p in base["two"]
        ],
    }
    named = Manners(noisy).table([sway(900)])["named_real"]
    assert np.mean([item.value for item in named.values()]) < 0.75


def test_one_person_alone_gives_no_table():
    assert Manners({"one": [sway(900)]}).table([sway(900)]) == {}


def test_beats_on_the_beat_and_beside_it():
    beats = np.arange(1.0, 9.0)
    assert beat_alignment(beats, beats) == pytest.approx(1.0)
    assert beat_alignment(beats + 0.12, beats) == pytest.approx(np.exp(-0.5))
    assert beat_alignment(beats + 0.5, beats) < 0.001


def test_motion_on_the_beat_beats_the_rolled_sound():
    """Nods exactly on loud syllables at uneven times."""
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.6, 1.6, 24))
    at = np.arange(900) / 30.0
    prosody = np.zeros((900, 4), np.float32)
    prosody[:, 2] = sum(np.exp(-((at - t) ** 2) / (2 * 0.05**2)) for t in times)
    pose = np.zeros((900, 6), np.float32)
    pose[:, 0] = 0.1 * sum(0.5 + 0.5 * np.tanh((at - t) / 0.06) for t in times)
    own, rolled = beat_statistics([pose], [prosody])
    assert estimate(own, mean).value > 0.9
    assert estimate(rolled, mean).value < 0.7
    flat = beat_statistics([np.zeros((900, 6), np.float32)], [np.zeros((900, 4), np.float32)])
    assert np.isnan(estimate(flat[0], mean).value)


def test_blinks_are_counted():
    expression = np.zeros((1800, 52), np.float32)
    lids = [EXPRESSION_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    for at in range(60, 1800, 100):
        expression[at : at + 5, lids] = np.array([0.4, 0.9, 1.0, 0.8, 0.3])[:, None]
    assert blinks_per_minute(expression) == pytest.approx(18.0)
    assert blinks_per_minute(np.zeros((900, 52), np.float32)) == 0.0


def test_seams_and_seeds():
    pose = np.zeros((200, 6), np.float32)
    pose[:, 1] = 0.01 * np.arange(200)
    assert seam_jump(pose, [100]) == pytest.approx(1.0, rel=1e-4)
    pose[100:, 1] += 0.04
    assert seam_jump(pose, [100]) == pytest.approx(5.0, rel=1e-3)
    one = sway(100)
    assert spread_deg([one, one]) == 0.0
    moved = one.copy()
    moved[:, :3] += np.radians(2.0)
    assert spread_deg([one, moved]) == pytest.approx(2.0, rel=1e-3)
    assert np.isnan(spread_deg([one]))
