# SPDX-License-Identifier: GPL-3.0-or-later
"""One figure for how unlike the held-out motion a generator moves, to choose its best moment."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch

from ..dataset.motion_sequences import MotionSequence
from ..evaluation.pose_metrics import MotionFigures, motion_figures
from ..posegan.generator import WINDOW_FRAMES, PoseGenerator
from ..posegan.style import NEUTRAL
from ..posegan.synthesizer import PoseSynthesizer
from ..protocol.take import FloatArray

_MOST_RECORDINGS = 10
_SHOWN_FRAMES = 450
_BAND_WEIGHT = 5.0
"""A tenth of the energy in the wrong band counts like a step or a deviation 1.6 times too large."""


class HeldOutMotion:
    """Held-out recordings with what each person made of them."""

    def __init__(self, sequences: Sequence[MotionSequence]):
        long = [s for s in sequences if s.frame_count >= WINDOW_FRAMES and not s.real]
        by_audio = {id(s.audio): s.audio for s in long}
        kept = list(by_audio)[:_MOST_RECORDINGS]
        self._audio = [by_audio[key] for key in kept]
        self._example = next(iter(long), None)
        self._real: dict[str, MotionFigures] = {
            name: motion_figures([s.pose for s in long if s.person == name and id(s.audio) in kept])
            for name in sorted({s.person for s in long})
        }

    def distance(self, generator: PoseGenerator) -> float:
        """Mean distance of amount, speed, jerk (as logarithms) and bands over styles; NaN: none."""
        synthesizer = PoseSynthesizer(copy.deepcopy(generator).cpu(), torch.device("cpu"))
        named = [n for n in self._real if n in synthesizer.styles]
        errors = []
        for name in named or self._real:
            style = name if name in synthesizer.styles else NEUTRAL
            made = [
                synthesizer.generate(a[:, :29], a[:, 29:], style, seed=i)
                for i, a in enumerate(self._audio)
            ]
            errors.append(unlikeness(motion_figures(made), self._real[name]))
        return float(np.mean(errors)) if errors else float("nan")

    def example(self, generator: PoseGenerator) -> tuple[FloatArray, FloatArray] | None:
        """Made and real motion (T, 6) of some seconds of the first recording, to look at."""
        shown = self._example
        if shown is None:
            return None
        synthesizer = PoseSynthesizer(copy.deepcopy(generator).cpu(), torch.device("cpu"))
        audio, real = shown.audio[:_SHOWN_FRAMES], shown.pose[:_SHOWN_FRAMES]
        style = shown.person if shown.person in synthesizer.styles else NEUTRAL
        made = synthesizer.generate(audio[:, :29], audio[:, 29:], style, start_pose=real[0])
        return made, real


def unlikeness(made: MotionFigures, real: MotionFigures) -> float:
    """0 for equal figures; about 0.5 where all amounts are 1.6 times too large."""
    amount = np.abs(np.log(made.deviation / real.deviation)).mean()
    speed = np.abs(np.log(made.step / real.step)).mean()
    jerk = abs(np.log(made.jerk / real.jerk))
    bands = np.abs(made.bands - real.bands).mean()
    return float((amount + speed + jerk + _BAND_WEIGHT * bands) / 3.0)
