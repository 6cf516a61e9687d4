# SPDX-License-Identifier: GPL-3.0-or-later
"""PGFace: a window of pose and speech → identity and expression of one frame.

Structure after appendix B of "3D Talking Face with Personalized Pose Dynamics" (TVCG 2021): a
35×16 window (6 pose channels + 29 speech channels), four convolutions each with batch
normalisation and ReLU, three fully connected layers that give [α_id, α_exp].
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from .config import INPUT_SIZE, PROSODY_SIZE, WINDOW, PGFaceConfig


class WindowConv(nn.Conv1d):
    """Convolution of kernel 3, stride 2, padding 1 that halves an even number of frames.

    Works on (N, L, C_in) → (N, L / 2, C_out), time before channels, as two matrix products: on the
    few frames of a window that is several times faster than the general convolution. Output j reads
    frames 2j - 1, 2j and 2j + 1. The last two lie side by side in memory; what the first one adds
    is computed at its own pair of frames and moved on by one. Only the left padding is ever read.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel_size=3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, L, C_in) → (N, L / 2, C_out)."""
        count, frames, channels = x.shape
        pairs = x.reshape(count * (frames // 2), 2 * channels)
        before, *inside = self.weight.unbind(2)  # three (C_out, C_in)
        y = functional.linear(pairs, torch.cat(inside, 1), self.bias)
        y = y.view(count, frames // 2, -1)
        if frames == 2:
            return y
        carried = functional.linear(pairs[:, channels:], before).view(y.shape)
        return y + functional.pad(carried[:, :-1], (0, 0, 1, 0))


class ConvBlock(nn.Module):
    """Convolution, batch normalisation, ReLU. (N, L, C_in) → (N, L / 2, C_out)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = WindowConv(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs)
        self.activation = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Statistics are taken over windows and frames together."""
        y = self.conv(x)
        activated: torch.Tensor = self.activation(self.norm(y.flatten(0, 1)))
        return activated.view(y.shape)


class PGFace(nn.Module):
    """The network. Inputs are in physical units; it standardises them with stored statistics.

    The last layer is linear, as in the source; callers limit the expression to [0, 1].
    """

    input_mean: torch.Tensor
    input_std: torch.Tensor
    prosody_mean: torch.Tensor
    prosody_std: torch.Tensor

    def __init__(self, config: PGFaceConfig) -> None:
        super().__init__()
        self.config = config
        widths = (INPUT_SIZE, *config.conv_widths)
        self.convolutions = nn.Sequential(*(ConvBlock(a, b) for a, b in pairwise(widths)))
        frames_left = WINDOW >> len(config.conv_widths)
        extra = config.style_size + (PROSODY_SIZE * WINDOW if config.prosody else 0)
        first, second = config.hidden_widths
        self.fully_connected = nn.Sequential(
            nn.Linear(widths[-1] * frames_left + extra, first),
            nn.ReLU(),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Linear(second, config.identity_size + config.expression_size),
        )
        self.style = nn.Embedding(len(config.styles), config.style_size) if config.styles else None
        self.register_buffer("input_mean", torch.zeros(INPUT_SIZE))
        self.register_buffer("input_std", torch.ones(INPUT_SIZE))
        self.register_buffer("prosody_mean", torch.zeros(PROSODY_SIZE))
        self.register_buffer("prosody_std", torch.ones(PROSODY_SIZE))

    def forward(
        self,
        window: torch.Tensor,
        prosody: torch.Tensor | None = None,
        style: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """window (B, 35, 16): pose in rad and mm, then speech logits; the frame sought is index 8.

        prosody (B, 4, 16) where the preset uses it; style (B,) rows of the style table (default:
        neutral). Returns α_id (B, 50) in standard deviations and α_exp (B, 52), not yet limited.
        """
        x = window.transpose(1, 2).contiguous()  # (B, 16, 35)
        x = (x - self.input_mean) / self.input_std
        parts = [self.convolutions(x).flatten(1)]
        if self.config.prosody:
            if prosody is None:
                raise ValueError("this preset needs prosody")
            standard = (prosody.transpose(1, 2) - self.prosody_mean) / self.prosody_std
            parts.append(standard.flatten(1))
        if self.style is not None:
            rows = torch.zeros_like(parts[0][:, 0], dtype=torch.long) if style is None else style
            parts.append(self.style(rows))
        coefficients = self.fully_connected(torch.cat(parts, 1))
        sizes = [self.config.identity_size, self.config.expression_size]
        identity, expression = coefficients.split(sizes, 1)
        return identity, expression

    @torch.no_grad()
    def with_styles(self, names: tuple[str, ...]) -> PGFace:
        """A copy whose style table has these rows; those that it lacks begin as its first one."""
        config = replace(self.config, styles=names)
        network = PGFace(config)
        state = dict(self.state_dict())
        if self.style is not None:
            own = self.config.styles
            rows = [own.index(name) if name in own else 0 for name in names]
            state["style.weight"] = self.style.weight[rows]
        network.load_state_dict(state)
        return network.train(self.training)

    @torch.no_grad()
    def set_statistics(self, inputs: torch.Tensor, prosody: torch.Tensor) -> None:
        """Take mean and spread from training frames: inputs (T, 35), prosody (T, 4)."""
        for name, values in (("input", inputs), ("prosody", prosody)):
            getattr(self, f"{name}_mean").copy_(values.mean(0))
            getattr(self, f"{name}_std").copy_(values.std(0).clamp_min(1e-3))
