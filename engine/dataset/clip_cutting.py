# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recording's captured motion and sound to its training clips."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.prosody import prosody_channels
from ..protocol.errors import DatasetError
from ..protocol.take import MODEL_RATE_HZ
from ..tracking.shots import split_by_time
from .build_settings import BuildSettings
from .captured_motion import CapturedMotion, sample_count
from .listing import Source
from .person_clip import PersonClip

Samples = npt.NDArray[np.int16]

_LEAST_VOICED_SHARE = 0.05


@dataclass(frozen=True)
class PhoneTimes:
    """start_s, end_s: (P,) float32 seconds of the recording's own sound. phone: (P,) names."""

    start_s: npt.NDArray[np.float32]
    end_s: npt.NDArray[np.float32]
    phone: npt.NDArray[np.str_]

    @staticmethod
    def none() -> PhoneTimes:
        """Nothing is known of what is said."""
        return PhoneTimes(np.zeros(0, np.float32), np.zeros(0, np.float32), np.zeros(0, "<U3"))

    def within(self, start_s: float, duration_s: float) -> PhoneTimes:
        """The phones of a piece, in seconds from its start; those at its ends are cut."""
        start = np.clip(self.start_s - start_s, 0.0, duration_s)
        end = np.clip(self.end_s - start_s, 0.0, duration_s)
        kept = end - start > 1e-3
        return PhoneTimes(
            start[kept].astype(np.float32), end[kept].astype(np.float32), self.phone[kept]
        )


@dataclass(frozen=True)
class CutPiece:
    """A part of one motion, frames at its own rate, and the split that it goes to."""

    motion: CapturedMotion
    split: str


def cut_motions(
    motions: Sequence[CapturedMotion], split: str, settings: BuildSettings
) -> list[CutPiece]:
    """Pieces of a recording's motions (in order of time), parted into training and validation.

    split: where a whole recording goes; empty parts it by time.
    """
    total_s = max((m.start_s + m.duration_s for m in motions), default=0.0)
    share = 0.0 if split else settings.val_share
    pieces = []
    for motion in motions:
        whole = [(motion.start_s, motion.start_s + motion.duration_s)]
        for start_s, end_s, part in split_by_time(whole, total_s, share, settings.gap_s):
            first = round((start_s - motion.start_s) * motion.fps)
            stop = min(motion.frame_count, round((end_s - motion.start_s) * motion.fps) + 1)
            count = max(1, int(np.ceil((stop - first) / motion.fps / settings.max_clip_s)))
            edges = np.linspace(first, stop, count + 1).round().astype(int).tolist()
            for begin, end in itertools.pairwise(edges):
                if end > begin:
                    pieces.append(CutPiece(motion.cut(begin, end), split or part))
    return pieces


def make_clip(
    source: Source, motion: CapturedMotion, samples: Samples, phones: PhoneTimes, delay_s: float
) -> PersonClip:
    """One clip at 30 fps with its sound delayed by delay_s (minus: earlier).

    samples: (S,) of the whole recording, empty without sound; the clip ends where the sound does.
    """
    steady = motion.at_model_rate()
    sound_s = motion.start_s - delay_s
    if len(samples):
        steady, sound_s = _within_sound(steady, sound_s, len(samples))
    frames = steady.frame_count
    first = round(sound_s * SAMPLE_RATE_HZ)
    piece = samples[max(first, 0) : first + sample_count(frames)] if len(samples) else samples
    if len(samples) and len(piece) < sample_count(frames):
        lead = max(0, -first)
        piece = np.pad(piece, (lead, sample_count(frames) - len(piece) - lead))
    said = phones.within(sound_s, len(piece) / SAMPLE_RATE_HZ)
    error = motion.error_px[np.isfinite(motion.error_px)]
    return PersonClip(
        samples=np.ascontiguousarray(piece),
        pose=steady.pose,
        expression=steady.expression,
        identity=steady.identity,
        pose_ok=steady.pose_ok,
        face_ok=steady.face_ok,
        known=steady.known,
        lip_gap_mm=steady.lip_gap_mm,
        phone_start_s=said.start_s,
        phone_end_s=said.end_s,
        phone=said.phone,
        speaker=source.speaker,
        language=source.language,
        source=source.name,
        rights=source.rights,
        offset_frames=0.0,
        reprojection_px=float(np.median(error)) if len(error) else float("nan"),
    )


def _within_sound(
    motion: CapturedMotion, sound_s: float, samples: int
) -> tuple[CapturedMotion, float]:
    """The frames for which there is sound; up to a frame is missing at most on either side."""
    rate = MODEL_RATE_HZ
    first = max(0, int(np.floor(-sound_s * rate)))
    left = int(np.floor((samples / SAMPLE_RATE_HZ - sound_s) * rate + 1e-6))
    stop = min(motion.frame_count, left + 1)
    if stop <= first:
        raise DatasetError("The sound ends before this piece begins.")
    return motion.cut(first, stop), sound_s + first / rate


def has_speech(samples: Samples) -> bool:
    """Whether somebody speaks: enough of the sound is voiced."""
    frames = int(len(samples) / SAMPLE_RATE_HZ * MODEL_RATE_HZ)
    if frames == 0:
        return False
    voicing = prosody_channels(samples.astype(np.float32) / 32768, frames)[:, 1]
    return bool((voicing > 0.5).mean() >= _LEAST_VOICED_SHARE)
