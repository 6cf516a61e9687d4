# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals of figures: as wide as theory says, and stable."""

import math

import numpy as np
import pytest

from rhetor.engine.evaluation.confidence import (
    combine,
    estimate,
    mean,
    mean_of,
    mean_of_each,
    pearson,
    rounded,
)


def test_interval_of_a_mean_is_that_of_theory():
    """90 % of draws of the mean of N values of deviation 1 lie within 1.645 / sqrt(N)."""
    values = np.random.default_rng(0).normal(5.0, 1.0, 400)
    result = estimate(np.stack([values, np.ones(400)], axis=1), mean)
    low, high = result.interval
    assert result.value == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.645 / math.sqrt(400), rel=0.15)
    assert low < result.value < high


def test_windows_of_unlike_length_count_by_their_length():
    result = estimate(np.array([[10.0, 10.0], [0.0, 30.0]]), mean)
    assert result.value == pytest.approx(0.25)


def test_no_windows_and_one_window_have_no_interval():
    assert math.isnan(estimate(np.zeros((0, 2)), mean).value)
    single = estimate(np.array([[3.0, 1.0]]), mean)
    assert single.value == 3.0
    assert all(math.isnan(side) for side in single.interval)
    assert single.to_json() == {"value": 3.0, "interval": [None, None], "windows": 1}


def test_the_same_seed_draws_the_same():
    table = np.random.default_rng(1).random((20, 2))
    assert estimate(table, mean, seed=3).interval == estimate(table, mean, seed=3).interval
    assert estimate(table, mean, seed=3).interval != estimate(table, mean, seed=4).interval


def test_pearson_of_products():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 500))
    y = 0.6 * x + 0.8 * y
    x, y = x - x.mean(), y - y.mean()
    sums = np.array([x @ y, x @ x, y @ y])
    assert pearson(sums) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert pearson(np.array([0.0, 0.0, 4.0])) == 0.0


def test_speakers_count_alike_and_missing_ones_are_left_out():
    one = estimate(np.array([[1.0, 1.0]] * 30), mean)
    other = estimate(np.array([[5.0, 1.0]] * 2), mean)
    none = estimate(np.zeros((0, 2)), mean)
    assert mean_of([one, other, none]).value == pytest.approx(3.0)
    groups = mean_of_each([{"a": one}, {"a": other, "b": one}])
    assert groups["a"].value == pytest.approx(3.0)
    assert groups["b"].value == pytest.approx(1.0)
    assert math.isnan(mean_of([]).value)


def test_a_ratio_of_two_figures_has_the_noise_of_both():
    rng = np.random.default_rng(3)
    tables = [np.stack([rng.normal(m, 1.0, 100), np.ones(100)], axis=1) for m in (8.0, 4.0)]
    made, real = (estimate(t, mean, seed=i) for i, t in enumerate(tables))
    ratio = combine(made, real, lambda a, b: a / b)
    assert ratio.value == pytest.approx(tables[0][:, 0].mean() / tables[1][:, 0].mean())
    deviation = 2.0 * math.hypot(0.1 / 8.0, 0.1 / 4.0)
    low, high = ratio.interval
    assert high - low == pytest.approx(2 * 1.645 * deviation, rel=0.25)


def test_json_has_no_nan():
    assert rounded(math.nan) is None
    assert rounded(math.inf) is None
    assert rounded(0.123456) == 0.1235
