# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth noise: what a voice does not say about a head, drawn from a seed.

Each channel is a cubic B-spline through random knots with unit variance at every frame. It is a
function of the global frame, so that windows which overlap see the same noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PERIODS_FRAMES = (150, 150, 150, 150, 48, 48, 48, 48, 48, 48, 16, 16, 16, 16, 16, 16)
"""Knot distance of each channel: posture (5 s), phrase (1.6 s), gesture (0.5 s)."""

NOISE_SIZE = len(PERIODS_FRAMES)


def smooth_noise(seed: int, frame_count: int, first_frame: int = 0) -> npt.NDArray[np.float32]:
    """(T, NOISE_SIZE) noise of frames first_frame … first_frame + T - 1.

    The same seed gives the same values at the same frame, however the frames are asked for.
    """
    noise = np.empty((frame_count, NOISE_SIZE), dtype=np.float32)
    frames = np.arange(first_frame, first_frame + frame_count)
    for period in sorted(set(PERIODS_FRAMES)):
        columns = [c for c, p in enumerate(PERIODS_FRAMES) if p == period]
        rng = np.random.Generator(np.random.Philox(key=[seed % 2**63, period]))
        knots = rng.standard_normal((int(frames[-1]) // period + 4, len(columns)))
        noise[:, columns] = spline_through(knots, frames / period)
    return noise


def spline_through(
    knots: npt.NDArray[np.float64], at: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Uniform cubic B-spline of (K, C) unit-variance knots at (T,) positions in [0, K - 3).

    Divided by the norm of its weights, so the variance is one between the knots, too.
    """
    first = np.floor(at).astype(np.int64)
    u = (at - first)[:, None]
    weights = np.concatenate(
        [(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3], axis=1
    )
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    curve: npt.NDArray[np.float64] = np.einsum(
        "tk,tkc->tc", weights, knots[first[:, None] + np.arange(4)]
    )
    return curve
