# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit the gains that bring a trained style's motion to the amount measured on its person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..dataset.motion_sequences import MotionSequence, strung_together
from ..posegan.calibration import BANDS, EDGES_HZ, apply_gains
from ..posegan.generator import POSE_SIZE, PoseGenerator
from ..posegan.synthesizer import PoseSynthesizer
from ..protocol.take import MODEL_RATE_HZ, FloatArray

F64 = npt.NDArray[np.float64]

GAIN_RANGE = (0.3, 2.5)
"""A style that needs more than this was not learned; no gain makes up for it."""

_ROUNDS = 8
_LEAD_FRAMES = 64
"""Generated motion begins at the mean pose; what belongs to that is not counted."""

STRINGS = 6

PIECE, _LONG_PIECE, _LEAST_PIECE = 240, 1200, 32
_PERFORMED = 8


def calibrate_styles(
    generator: PoseGenerator, sequences: Sequence[MotionSequence], seed: int = 0
) -> None:
    """Set the gains of every style in the table from performed sequences, in place.

    The neutral style is brought to the mean of all people.
    """
    rng = np.random.default_rng(seed)
    performed = [s for s in sequences if not s.real]
    for row, style in enumerate(generator.config.style_names):
        own = [s for s in performed if s.person == style] or performed
        if own:
            chosen = [own[i] for i in rng.permutation(len(own))[:_PERFORMED]]
            gains = calibrated(generator, style, chosen, seed, strings=4, piece=_LONG_PIECE)
            generator.gain[row] = torch.from_numpy(gains)


def calibrated(
    generator: PoseGenerator,
    style: str,
    real: Sequence[MotionSequence],
    seed: int = 0,
    *,
    strings: int = STRINGS,
    piece: int = PIECE,
) -> FloatArray:
    """Gains (BANDS, 6) for a style of the generator from its person's own sequences.

    Motion is generated to their audio, `strings` times in another order and with another seed,
    and compared in pieces as long as they are, `piece` frames at most: on a minute or two of
    somebody, what changes more slowly than in eight seconds is chance.
    """
    ungained = _without_gains(generator)
    rng = np.random.default_rng(seed)
    made: list[FloatArray] = []
    pieces = [s.pose[a : a + piece] for s in real for a in range(0, s.frame_count, piece)]
    pieces = [p for p in pieces if len(p) >= _LEAST_PIECE]
    for number in range(strings):
        audio = strung_together([*real, *real], rng).audio
        motion = ungained.generate(audio[:, :29], audio[:, 29:], style, seed=seed + 17 * number)
        made.append(motion)
    home = generator.pose_mean.cpu().numpy()
    return fit_gains(made, pieces, home, [len(p) for p in pieces])


def fit_gains(
    made: Sequence[FloatArray],
    real: Sequence[FloatArray],
    home: FloatArray,
    lengths: Sequence[int] = (),
) -> FloatArray:
    """Gains (BANDS, 6), each within GAIN_RANGE, after which `made` has the energies of `real`.

    The quickest band gets less where the motion would be rougher (more jerk) than the real one.
    made, real: (T, 6) motions. home: (6,) pose about which gains act. lengths: frames of the
    pieces that the made motions are cut to before they are compared; none: left whole.
    """
    target = band_energies(real)
    gains = np.ones((BANDS, POSE_SIZE))
    for _ in range(_ROUNDS):
        scaled = [apply_gains(m, gains.astype(np.float32), home) for m in made]
        change = np.sqrt(target / np.maximum(band_energies(_pieces(scaled, lengths)), 1e-12))
        rough = _mean_jerk(real) / np.maximum(_mean_jerk(scaled), 1e-12)
        change[-1] = np.minimum(change[-1], rough)
        gains = np.clip(gains * change, *GAIN_RANGE)
    return gains.astype(np.float32)


def band_energies(motions: Sequence[FloatArray]) -> F64:
    """(BANDS, 6) mean square of each channel below, between and above EDGES_HZ.

    Each motion is centred by itself; longer ones count more.
    """
    total, frames = np.zeros((BANDS, POSE_SIZE)), 0
    for motion in motions:
        centred = motion.astype(np.float64) - motion.mean(axis=0, dtype=np.float64)
        window = np.hanning(len(centred) + 2)[1:-1, None]
        power: F64 = np.square(np.abs(np.fft.rfft(centred * window, axis=0)))
        power[0] = 0.0
        power /= np.square(window).sum() * len(centred) / 2.0
        rate = np.fft.rfftfreq(len(centred), 1.0 / MODEL_RATE_HZ)
        band = np.searchsorted(EDGES_HZ, rate)
        shares = np.stack([power[band == b].sum(axis=0) for b in range(BANDS)])
        total += len(motion) * shares
        frames += len(motion)
    return total / max(frames, 1)


def _mean_jerk(motions: Sequence[FloatArray]) -> F64:
    """(6,) mean size of the third differences."""
    jerk: F64 = np.concatenate([np.abs(np.diff(m.astype(np.float64), 3, axis=0)) for m in motions])
    mean: F64 = jerk.mean(axis=0)
    return mean


def _pieces(motions: Sequence[FloatArray], lengths: Sequence[int]) -> list[FloatArray]:
    """Motions cut to pieces of these lengths in turn, as far as they go."""
    if not lengths:
        return list(motions)
    pieces: list[FloatArray] = []
    for motion in motions:
        at = _LEAD_FRAMES
        while len(motion) - at >= min(lengths):
            count = min(lengths[len(pieces) % len(lengths)], len(motion) - at)
            pieces.append(motion[at : at + count])
            at += count
    if not pieces:
        raise ValueError(f"no motion is as long as a piece of {min(lengths)} frames")
    return pieces


def _without_gains(generator: PoseGenerator) -> PoseSynthesizer:
    copied = PoseGenerator(generator.config)
    copied.load_state_dict(generator.state_dict())
    copied.gain.fill_(1.0)
    return PoseSynthesizer(copied, torch.device("cpu"))
