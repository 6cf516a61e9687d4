# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGAN's losses. Poses here are scaled to unit deviation, (B, T, 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from .discriminators import Verdict

LEAST_AMOUNT = 0.02
"""Deviations below this share of the usual one count as equally still."""


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term; 0 turns it off.

    adversarial: of the critic that sees motion alone; adversarial_speech: of the one that hears
    the speech, too. manner: amounts of motion over a window; manner_near: over two seconds of it.
    match: the frozen encoders' contrast of made motion with speech.
    """

    initial_pose: float = 10.0
    pose: float = 1.0
    pose_late: float = 1.0
    step: float = 10.0
    acceleration: float = 0.0
    adversarial: float = 0.1
    adversarial_speech: float = 0.0
    feature_matching: float = 0.0
    manner: float = 0.0
    manner_near: float = 0.0
    match: float = 0.0
    mode_seeking: float = 0.0
    style: float = 0.0


def reconstruction(made: torch.Tensor, real: torch.Tensor, weights: LossWeights) -> torch.Tensor:
    """(B,) weighted errors of steps and their steps (not of the poses: see `pose_error`)."""
    step = torch.diff(made, dim=1) - torch.diff(real, dim=1)
    error = weights.step * step.square().mean(dim=(1, 2))
    if weights.acceleration:
        error = error + weights.acceleration * torch.diff(step, dim=1).square().mean(dim=(1, 2))
    return error


def pose_error(made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """(B,) mean squared error of the poses."""
    return (made - real).square().mean(dim=(1, 2))


def initial_error(made: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """L1 between the first frame and the initial pose (B, 6)."""
    return (made[:, 0] - start).abs().mean()


def best_of(errors: Sequence[torch.Tensor], noise: Sequence[torch.Tensor]) -> torch.Tensor:
    """The noise (B, T, N), out of K, that gave each window the smallest of K errors (B,).

    One voice allows many motions; punishing each of them for not being the recorded one would
    teach the mean of all, which is a still head. So only the best of K performances is compared.
    """
    best = torch.stack(list(errors)).argmin(dim=0)
    return torch.stack(list(noise))[best, torch.arange(len(best), device=best.device)]


def manner(made: torch.Tensor, real: torch.Tensor, frames: int = 0) -> torch.Tensor:
    """Distance of the log deviations over time of motion channels (B, C, T), window by window.

    How much and how quickly somebody moves is a matter of person and speech even where the single
    move is not; this asks for the amount and leaves the moves free. frames: length of the pieces
    whose amounts are compared; 0 for the whole window.
    """
    amounts = []
    for motion in (made, real):
        pieces = motion.unfold(2, frames, frames // 2) if frames else motion
        amounts.append(torch.log(pieces.std(dim=-1) + LEAST_AMOUNT))
    return (amounts[0] - amounts[1]).abs().mean()


def mode_seeking(
    first: torch.Tensor, second: torch.Tensor, noise_1: torch.Tensor, noise_2: torch.Tensor
) -> torch.Tensor:
    """Small where other noise makes another motion (Mao et al. 2019), bounded by 10."""
    moved = (first - second).abs().mean()
    return (noise_1 - noise_2).abs().mean() / (moved + 0.1)


def least_squares_discriminator(real: Sequence[Verdict], made: Sequence[Verdict]) -> torch.Tensor:
    """Least-squares GAN: real scores to 1, made ones to 0."""
    return 0.5 * _mean(
        [
            (r.score - 1).square().mean() + m.score.square().mean()
            for r, m in zip(real, made, strict=True)
        ]
    )


def least_squares_generator(made: Sequence[Verdict]) -> torch.Tensor:
    """Least-squares GAN: made scores to 1."""
    return _mean([(m.score - 1).square().mean() for m in made])


def hinge_discriminator(real: Sequence[Verdict], made: Sequence[Verdict]) -> torch.Tensor:
    """Hinge GAN: real scores above 1, made ones below -1."""
    return _mean(
        [
            functional.relu(1 - r.score).mean() + functional.relu(1 + m.score).mean()
            for r, m in zip(real, made, strict=True)
        ]
    )


def push_down(wrong: Sequence[Verdict]) -> torch.Tensor:
    """Hinge GAN: scores of pairs that do not belong together below -1."""
    return _mean([functional.relu(1 + w.score).mean() for w in wrong])


def hinge_generator(made: Sequence[Verdict]) -> torch.Tensor:
    """Hinge GAN: made scores up."""
    return _mean([-m.score.mean() for m in made])


def feature_matching(real: Sequence[Verdict], made: Sequence[Verdict]) -> torch.Tensor:
    """Distance of the batch's mean and deviation of each activation channel, real against made.

    Compared as statistics over batch and time, not frame by frame: the motion of a head is not
    determined by the speech, and a pairwise distance would reward the mean motion.
    """
    terms = []
    for r, m in zip(real, made, strict=True):
        for a, b in zip(r.activations, m.activations, strict=True):
            mean, std = a.detach().mean(dim=(0, 2)), a.detach().std(dim=(0, 2))
            centre = (mean - b.mean(dim=(0, 2))).abs() / (std + 1e-3)
            spread = (std - b.std(dim=(0, 2))).abs() / (std + 1e-3)
            terms.append((centre + spread).mean())
    return _mean(terms)


def bias(made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Squared difference of the batch's mean poses: no habit of the network turns the head."""
    return (made.mean(dim=(0, 1)) - real.mean(dim=(0, 1))).square().mean()


def _mean(terms: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(terms)).mean()
