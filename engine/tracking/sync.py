# SPDX-License-Identifier: GPL-3.0-or-later
"""By how much sound and picture of a recording are out of step, from the lips alone.

The networks that animate a face say how open the lips should be at every moment of the sound; the
lag at which that fits the tracked lips best is the offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter1d

from ..audio.prosody import prosody_channels
from ..head.model import HeadModel
from ..pgface.lips import LipGeometry
from ..pgface.synthesizer import FaceSynthesizer, load_pgface
from ..protocol.errors import CheckpointError
from ..protocol.take import MODEL_RATE_HZ, POSE_CHANNELS, FloatArray
from ..speech.extractor import SpeechFeatureExtractor, to_frame_rate

LIMIT_S = 0.4
"""Larger offsets are not looked for: they are mistakes of a cut, not of a camera."""

_FLOOR_S = 1.5
_STEP_FRAMES = 0.25
_DRIFT_S = 1.0
_LEAST_S = 4.0
_LEAST_CONFIDENCE = 4.0
_LEAST_CORRELATION = 0.25

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sync:
    """offset_s: by how much the sound has to be moved (minus: earlier, the lips lead).

    correlation: of expected and tracked lips there. confidence: its height over the correlations
    at other lags, in their standard deviations. is_confident: whether to act on it.
    """

    offset_s: float
    correlation: float
    confidence: float
    is_confident: bool


class LipExpectation:
    """How open the lips are expected to be from the sound, by the networks that ship."""

    def __init__(self, extractor: SpeechFeatureExtractor, head: HeadModel) -> None:
        """Raises CheckpointError where the networks do not fit each other."""
        self._extractor = extractor
        self._face: FaceSynthesizer = load_pgface("plus", "cpu")
        trained_on = self._face.description.get("feature_extractor")
        if trained_on != extractor.id:
            raise CheckpointError(
                f"The weights of the face were trained on the speech features {trained_on!r}, "
                f"not on {extractor.id!r}.",
                "Reinstall Rhetor, or train the face again.",
            )
        self._lips = LipGeometry.of(head)

    def gap_mm(self, samples: npt.NDArray[np.int16], frames: int) -> FloatArray:
        """(frames,) mm at 30 fps for samples (S,) at 16 kHz."""
        heard = samples.astype(np.float32) / 32768
        speech = to_frame_rate(self._extractor.extract(heard), frames).cpu().numpy()
        still = np.zeros((frames, len(POSE_CHANNELS)), np.float32)
        _, expression = self._face.generate(speech, prosody_channels(heard, frames), still)
        gap: FloatArray = self._lips.opening_mm(torch.from_numpy(expression)).numpy()
        return gap


def estimate_sync(
    expected: Sequence[npt.NDArray[np.floating[Any]]],
    tracked: Sequence[npt.NDArray[np.floating[Any]]],
    rate_hz: float = MODEL_RATE_HZ,
) -> Sync:
    """The offset of one recording from its pieces.

    expected, tracked: per piece two (T,) curves of how open the lips are; NaN where not seen.
    Nothing to compare gives an offset of 0 without confidence.
    """
    pairs = [
        (_without_drift(e, rate_hz), _without_drift(t, rate_hz))
        for e, t in zip(expected, tracked, strict=True)
        if len(t) > rate_hz and np.isfinite(t).mean() > 0.5
    ]
    length_s = sum(len(t) for _, t in pairs) / rate_hz
    # The floor of chance is measured farther out than an offset is looked for.
    reach = int(_FLOOR_S * rate_hz / _STEP_FRAMES)
    lags = np.arange(-reach, reach + 1) * _STEP_FRAMES
    if not pairs:
        return Sync(0.0, 0.0, 0.0, False)
    heights = np.array([_correlation(pairs, lag) for lag in lags])
    near = np.flatnonzero(np.abs(lags) <= LIMIT_S * rate_hz)
    best = int(near[np.argmax(heights[near])])
    others = heights[np.abs(lags - lags[best]) > 0.25 * rate_hz]
    spread = float(others.std())
    confidence = float((heights[best] - others.mean()) / spread) if spread > 1e-9 else 0.0
    lag = lags[best] + _STEP_FRAMES * _vertex(heights[best - 1 : best + 2])
    at_edge = best in (near[0], near[-1])
    return Sync(
        offset_s=float(lag / rate_hz),
        correlation=float(heights[best]),
        confidence=confidence,
        is_confident=bool(
            confidence >= _LEAST_CONFIDENCE
            and heights[best] >= _LEAST_CORRELATION
            and length_s >= _LEAST_S
            and not at_edge
        ),
    )


def _without_drift(curve: npt.NDArray[np.floating[Any]], rate_hz: float) -> Curve:
    """Bridged, and without what moves slower than speech: a smile is no syllable."""
    values = np.asarray(curve, np.float64)
    there = np.isfinite(values)
    values = np.interp(np.arange(len(values)), np.flatnonzero(there), values[there])
    fast: Curve = values - gaussian_filter1d(values, _DRIFT_S * rate_hz / 2, mode="nearest")
    return np.where(there, fast, np.nan)


def _correlation(pairs: Sequence[tuple[Curve, Curve]], lag: float) -> float:
    """Pearson's r over all pieces of tracked(t) and expected(t - lag), where both are there."""
    moved, seen = [], []
    for expected, tracked in pairs:
        at = np.arange(len(tracked)) - lag
        inside = (at >= 0) & (at <= len(expected) - 1) & np.isfinite(tracked)
        filled = np.nan_to_num(expected)
        moved.append(np.interp(at[inside], np.arange(len(expected)), filled))
        seen.append(tracked[inside])
    one, other = np.concatenate(moved), np.concatenate(seen)
    if len(one) < 10 or one.std() < 1e-9 or other.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _vertex(three: Curve) -> float:
    """Where the parabola through three values has its top, in steps from the middle one."""
    if len(three) < 3:
        return 0.0
    bend = three[0] - 2 * three[1] + three[2]
    return float(np.clip(0.5 * (three[0] - three[2]) / bend, -0.5, 0.5)) if bend < -1e-12 else 0.0
