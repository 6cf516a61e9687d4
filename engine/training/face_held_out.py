# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure on held-out real clips that a training of the face is judged by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..dataset.face_clips import FaceClip
from ..head.model import load_head
from ..pgface.config import STYLE_NAMES
from ..pgface.lips import LipGeometry
from ..pgface.network import PGFace
from ..pgface.synthesizer import FaceSynthesizer
from ..protocol.take import FloatArray
from .motion_plots import Curves

_SHOWN_SPEAKERS, _SHOWN_FRAMES = 3, 240


class HeldOutFaces:
    """Correlation of the lip opening with the tracked one, mean over the speakers' clips.

    Everybody is performed in the neutral style unless `style` names another row.
    """

    def __init__(
        self,
        clips: Sequence[FaceClip],
        lips: LipGeometry | None = None,
        style: str = STYLE_NAMES[0],
    ) -> None:
        self.clips = [clip for clip in clips if len(clip.speech) > 1]
        self.lips = lips or LipGeometry.of(load_head())
        self.style = style

    def __call__(self, network: PGFace) -> dict[str, float]:
        """The figure, and that of each speaker."""
        synthesizer = FaceSynthesizer(network, torch.device("cpu"))
        by_speaker: dict[str, list[tuple[float, int]]] = {}
        for clip in self.clips:
            _, expression = synthesizer.generate(clip.speech, clip.prosody, clip.pose, self.style)
            gap = self.lips.opening_mm(torch.from_numpy(expression)).numpy()
            wanted, seen = wanted_gap_mm(clip, self.lips)
            r = correlation(gap[seen], wanted[seen])
            by_speaker.setdefault(clip.style, []).append((r, int(seen.sum())))
        figures = {
            speaker: float(np.average([r for r, _ in rows], weights=[n for _, n in rows]))
            for speaker, rows in by_speaker.items()
        }
        return {"figure": float(np.mean([*figures.values()])), **figures}

    def example(self, network: PGFace) -> tuple[Curves, Curves] | None:
        """Opening of the lips (T,) in mm in the first clips of three speakers, made and real."""
        synthesizer = FaceSynthesizer(network, torch.device("cpu"))
        first: dict[str, FaceClip] = {}
        for clip in self.clips:
            first.setdefault(clip.style, clip)
        made, real = {}, {}
        for speaker, clip in list(first.items())[:_SHOWN_SPEAKERS]:
            frames = slice(0, _SHOWN_FRAMES)
            parts = (clip.speech[frames], clip.prosody[frames], clip.pose[frames])
            _, expression = synthesizer.generate(*parts, self.style)
            made[speaker] = self.lips.opening_mm(torch.from_numpy(expression)).numpy()
            gap, seen = wanted_gap_mm(clip, self.lips)
            real[speaker] = np.where(seen, gap, np.nan)[frames]
        return (made, real) if made else None


def wanted_gap_mm(clip: FaceClip, lips: LipGeometry) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """The opening (T,) of a clip's lips in mm, as seen or else of its expression, and where it
    counts."""
    told = lips.opening_mm(torch.from_numpy(clip.expression)).numpy()
    gap = told if clip.gap_mm is None else np.where(np.isnan(clip.gap_mm), told, clip.gap_mm)
    seen = np.ones(len(gap), bool) if clip.tracked is None else clip.tracked
    return gap, seen


def correlation(one: FloatArray, other: FloatArray) -> float:
    """Pearson r; 0 where one of them does not move."""
    if len(one) < 2 or one.std() < 1e-6 or other.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
