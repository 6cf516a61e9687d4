# SPDX-License-Identifier: GPL-3.0-or-later
"""Does this motion belong to this speech? Two small encoders that are trained to agree on it.

Speech and motion each become a sequence of unit vectors, 7.5 a second; a pair's score is their
mean agreement. Trained by contrast: every window must find its own speech among that of others
and among its own at another time. PoseGAN's generator is then taught by the frozen encoders.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

EMBEDDING = 32
LEAST_STEP = 0.01
"""Steps over three frames below this share of a pose's deviation are as good as none."""

_LEAST_SHIFT = 5
"""Shift of wrong pairs of one window in steps of the embedding, 0.7 s: enough to be wrong."""


class MatchEncoder(nn.Module):
    """Speech (B, T, F) and scaled motion (B, T, 6) to embeddings (B, EMBEDDING, T / 4)."""

    input_mean: torch.Tensor
    input_std: torch.Tensor

    def __init__(self, inputs: int, width: int = 48):
        super().__init__()
        self.register_buffer("input_mean", torch.zeros(inputs))
        self.register_buffer("input_std", torch.ones(inputs))
        self.hear = _branch(inputs, width)
        self.see = _branch(_MOTION_CHANNELS, width)
        self.sharpness = nn.Parameter(torch.tensor(2.5))

    def forward(self, audio: torch.Tensor, pose: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings of speech and of motion.

        audio: unscaled. pose: (B, T, 6) scaled to about unit deviation; steps are compared with
        their window's own, so that who moves little is seen as well as who moves much.
        """
        x = ((audio - self.input_mean) / self.input_std).clamp(-5.0, 5.0).transpose(1, 2)
        heard = functional.normalize(self.hear(x), dim=1)
        seen = functional.normalize(self.see(_motion(pose)), dim=1)
        return heard, seen

    def scores(self, heard: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """(A, B) agreement in [-1, 1] of A speeches with B motions, averaged over time."""
        return torch.einsum("act,bct->ab", heard, seen) / heard.shape[2]

    def contrast(self, heard: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Loss: each motion is to find its own among all speeches, and its own time in its own."""
        sharp = self.sharpness.exp()
        across = self.scores(heard, seen) * sharp
        late = _shifted_scores(heard, seen) * sharp
        own = torch.arange(len(heard), device=heard.device)
        one_way = functional.cross_entropy(torch.cat([across.T, late], dim=1), own)
        return 0.5 * (one_way + functional.cross_entropy(across, own))


def _shifted_scores(heard: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """(B, S) agreement of each motion with its own speech, moved by all wrong amounts."""
    frames = heard.shape[2]
    shifts = torch.arange(_LEAST_SHIFT, frames - _LEAST_SHIFT + 1, device=heard.device)
    at = torch.arange(frames, device=heard.device)
    alike = torch.einsum("bct,bcs->bts", heard, seen)
    moved: torch.Tensor = alike[:, (at + shifts[:, None]) % frames, at].mean(2)
    return moved


_MOTION_CHANNELS = 12


def _motion(pose: torch.Tensor) -> torch.Tensor:
    """(B, 12, T): steps of each channel over three frames, and their size."""
    held = functional.pad(pose.transpose(1, 2), (1, 2), mode="replicate")
    step = held[:, :, 3:] - held[:, :, :-3]
    step = step / (step.square().mean(dim=2, keepdim=True).sqrt() + LEAST_STEP)
    return torch.cat([step, step.abs()], dim=1).clamp(-6.0, 6.0)


def _branch(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, width, 5, 2, 2),
        nn.GroupNorm(4, width),
        nn.LeakyReLU(0.1),
        nn.Conv1d(width, width, 5, 2, 2),
        nn.GroupNorm(4, width),
        nn.LeakyReLU(0.1),
        nn.Conv1d(width, width, 5, 1, 2),
        nn.LeakyReLU(0.1),
        nn.Conv1d(width, EMBEDDING, 3, 1, 1),
    )
