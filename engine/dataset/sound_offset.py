# SPDX-License-Identifier: GPL-3.0-or-later
"""The offset of a recording's sound against its picture: given, or measured on the lips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..audio.decode import SAMPLE_RATE_HZ
from ..head.model import HeadModel
from ..protocol.take import FloatArray
from ..speech.extractor import SpeechFeatureExtractor
from ..tracking.sync import LipExpectation, Sync, estimate_sync
from .build_report import OffsetRecord
from .captured_motion import CapturedMotion, sample_count
from .clip_cutting import Samples

_MOST_S = 180.0
"""Seconds of a recording that are listened to: more tell no more."""


@dataclass(frozen=True)
class LipPair:
    """expected, tracked: (T,) mm at 30 fps, of one piece."""

    expected: FloatArray
    tracked: FloatArray


class OffsetMeter:
    """Compares what is heard with what the lips do."""

    def __init__(self, extractor: SpeechFeatureExtractor, head: HeadModel) -> None:
        """Raises CheckpointError where the networks do not fit each other."""
        self._lips = LipExpectation(extractor, head)

    def pairs(
        self, motions: Sequence[CapturedMotion], samples: Samples, sound_start_s: float
    ) -> list[LipPair]:
        """Expected and tracked lips of the first pieces that have sound, as they were recorded."""
        pairs: list[LipPair] = []
        listened_s = 0.0
        for motion in motions:
            if listened_s >= _MOST_S or not np.isfinite(motion.lip_gap_mm).any():
                continue
            steady = motion.at_model_rate()
            frames = steady.frame_count
            first = round((motion.start_s - sound_start_s) * SAMPLE_RATE_HZ)
            piece = samples[max(0, first) : max(0, first + sample_count(frames))]
            if len(piece) < sample_count(frames) // 2:
                continue
            lead = max(0, -first)
            piece = np.pad(piece, (lead, max(0, sample_count(frames) - len(piece) - lead)))
            pairs.append(LipPair(self._lips.gap_mm(piece, frames), steady.lip_gap_mm))
            listened_s += motion.duration_s
        return pairs


def settle_offset(
    given: float | None, fps: float, own: Sequence[LipPair], person: Sequence[LipPair]
) -> OffsetRecord:
    """The offset to use, in frames of the source: what a list gives, else what was measured on the
    recording itself or, where it is too short, on all that was recorded of the person with it;
    0 where neither is confident."""
    measured = _sync(own)
    if not measured.is_confident and len(person) > len(own):
        pooled = _sync(person)
        measured = pooled if pooled.is_confident else measured
    frames = measured.offset_s * fps
    used = given if given is not None else frames if measured.is_confident else 0.0
    return OffsetRecord(
        used=round(used, 3),
        given=given,
        estimated=round(frames, 3) if own else None,
        confidence=round(measured.confidence, 2) if own else None,
        correlation=round(measured.correlation, 3) if own else None,
        is_confident=measured.is_confident,
    )


def _sync(pairs: Sequence[LipPair]) -> Sync:
    return estimate_sync([p.expected for p in pairs], [p.tracked for p in pairs])
