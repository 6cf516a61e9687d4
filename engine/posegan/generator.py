# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGAN's generator: a 1-D U-net from speech to head pose.

Structure after the supplement of "3D Talking Face with Personalized Pose Dynamics" (2021): five
down- and five upsampling layers, each convolution followed by batch normalisation and ReLU; the
initial pose joins in; a decoder of three convolutions, the first two with normalisation and ReLU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from .calibration import BANDS
from .noise import NOISE_SIZE
from .style import STYLE_NAMES, StyleBank

POSE_SIZE = 6
WINDOW_FRAMES = 256
DEPTH = 5


@dataclass(frozen=True)
class PoseGanConfig:
    """Size and inputs of the generator.

    preset: "paper" follows the source alone; "plus" adds prosody, style, noise and an output
    relative to the initial pose. width: channels of the stem; the deep layers have twice as many.
    """

    preset: str = "plus"
    width: int = 64
    speech_size: int = 29
    prosody_size: int = 4
    style_size: int = 32
    noise_size: int = NOISE_SIZE
    style_names: tuple[str, ...] = STYLE_NAMES
    relative_output: bool = True

    @property
    def input_size(self) -> int:
        """Channels per frame that the stem sees."""
        return self.speech_size + self.prosody_size


def preset_config(preset: str, width: int = 64) -> PoseGanConfig:
    """The configuration of the preset "paper" or "plus"."""
    if preset == "plus":
        return PoseGanConfig(width=width)
    return PoseGanConfig(
        preset="paper",
        width=width,
        prosody_size=0,
        style_size=0,
        noise_size=0,
        style_names=("neutral",),
        relative_output=False,
    )


class PoseGenerator(nn.Module):
    """Speech and an initial pose in, a pose sequence out.

    Poses at this interface are in radians and mm. The statistics that scale them, and the inputs,
    to zero mean and unit deviation are buffers and so part of a checkpoint.
    """

    pose_mean: torch.Tensor
    pose_std: torch.Tensor
    step_std: torch.Tensor
    input_mean: torch.Tensor
    input_std: torch.Tensor
    gain: torch.Tensor

    def __init__(self, config: PoseGanConfig):
        super().__init__()
        self.config = config
        w = config.width
        down = (w, w, w, 2 * w, 2 * w, 2 * w)  # after the stem, then D1 … D5
        self.stem = nn.Sequential(
            *_normalised(nn.Conv1d(config.input_size, w, 5, padding=2), w),
            *_normalised(nn.Conv1d(w, w, 5, padding=2), w),
        )
        self.down = nn.ModuleList(
            nn.Sequential(*_normalised(nn.Conv1d(down[i], down[i + 1], 4, 2, 1), down[i + 1]))
            for i in range(DEPTH)
        )
        self.up = nn.ModuleList()
        size = down[DEPTH]
        for skip in reversed(down[:DEPTH]):
            layer = nn.ConvTranspose1d(size, skip, 4, 2, 1)
            self.up.append(nn.Sequential(*_normalised(layer, skip)))
            size = 2 * skip  # the skip connection doubles it
        size += POSE_SIZE + config.style_size + config.noise_size
        self.decoder = nn.Sequential(
            *_normalised(_edge_held(size, w), w),
            *_normalised(_edge_held(w, w), w),
            _edge_held(w, POSE_SIZE),
        )
        self.style = StyleBank(config.style_names, config.style_size) if config.style_size else None
        self.register_buffer("pose_mean", torch.zeros(POSE_SIZE))
        self.register_buffer("pose_std", torch.ones(POSE_SIZE))
        self.register_buffer("step_std", torch.ones(POSE_SIZE))
        self.register_buffer("input_mean", torch.zeros(config.input_size))
        self.register_buffer("input_std", torch.ones(config.input_size))
        # of each style, by which a whole motion is corrected: see `calibration`
        self.register_buffer("gain", torch.ones(len(config.style_names), BANDS, POSE_SIZE))

    def forward(
        self,
        audio: torch.Tensor,
        initial_pose: torch.Tensor,
        style: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Poses (B, T, 6) in rad and mm; T is a multiple of 32, WINDOW_FRAMES as trained.

        audio: (B, T, 29 or 33) speech features (and prosody). initial_pose: (B, 6) in rad and mm.
        style: (B, 32) and noise: (B, T, 16) where the configuration has them.
        """
        return self.decode(self.listen(audio), initial_pose, style, noise)

    def listen(self, audio: torch.Tensor) -> torch.Tensor:
        """The U-net alone, (B, T, F) to (B, 2 W, T): the part that no initial pose enters."""
        x = self.stem(((audio - self.input_mean) / self.input_std).transpose(1, 2))
        skips = []
        for layer in self.down:
            skips.append(x)
            x = layer(x)
        for layer in self.up:
            x = torch.cat([layer(x), skips.pop()], dim=1)
        heard: torch.Tensor = x
        return heard

    def decode(
        self,
        heard: torch.Tensor,
        initial_pose: torch.Tensor,
        style: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Poses (B, T, 6) from what `listen` heard (B, 2 W, T)."""
        told = self._told(heard.shape[2], initial_pose, style, noise)
        return self._placed(self.decoder(torch.cat([heard, told], dim=1)), initial_pose)

    def decode_draws(
        self,
        heard: torch.Tensor,
        initial_pose: torch.Tensor,
        style: torch.Tensor | None,
        draws: Sequence[torch.Tensor | None],
    ) -> list[torch.Tensor]:
        """`decode` for several noises; what does not depend on them is convolved once.

        The first convolution is linear, so its part over `heard` is shared between the draws:
        a third of a training step's time.
        """
        first, rest = self.decoder[0], self.decoder[1:]
        assert isinstance(first, nn.Conv1d)
        size = heard.shape[1]
        held = functional.pad(heard, (1, 1), mode="replicate")
        shared = functional.conv1d(held, first.weight[:, :size], first.bias)
        poses = []
        for noise in draws:
            told = self._told(heard.shape[2], initial_pose, style, noise)
            held = functional.pad(told, (1, 1), mode="replicate")
            own = functional.conv1d(held, first.weight[:, size:])
            poses.append(self._placed(rest(shared + own), initial_pose))
        return poses

    def _told(
        self,
        frames: int,
        initial_pose: torch.Tensor,
        style: torch.Tensor | None,
        noise: torch.Tensor | None,
    ) -> torch.Tensor:
        """What joins the decoder beside the U-net, (B, 6 or 54, T)."""
        parts = [self.scale(initial_pose)[:, :, None].expand(-1, -1, frames)]
        if style is not None:
            parts.append(style[:, :, None].expand(-1, -1, frames))
        if noise is not None:
            parts.append(noise.transpose(1, 2))
        return torch.cat(parts, dim=1)

    def _placed(self, out: torch.Tensor, initial_pose: torch.Tensor) -> torch.Tensor:
        """The decoder's output (B, 6, T) as poses (B, T, 6)."""
        out = out.transpose(1, 2)
        if self.config.relative_output:
            return initial_pose[:, None] + (out - out[:, :1]) * self.pose_std
        return self.unscale(out)

    def clip_channels(self, pose: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scaled poses and scaled steps, both (B, T, 6), of poses in rad and mm."""
        step = torch.diff(pose, dim=1, prepend=pose[:, :1]) / self.step_std
        return self.scale(pose), step

    def scale(self, pose: torch.Tensor) -> torch.Tensor:
        """Poses in rad and mm to zero mean and unit deviation."""
        return (pose - self.pose_mean) / self.pose_std

    def unscale(self, scaled: torch.Tensor) -> torch.Tensor:
        """The reverse of `scale`."""
        return scaled * self.pose_std + self.pose_mean


def _edge_held(inputs: int, outputs: int) -> nn.Conv1d:
    """Convolution k3 that goes on beyond the edges as at them: zeros would jerk the head there."""
    return nn.Conv1d(inputs, outputs, 3, padding=1, padding_mode="replicate")


def _normalised(layer: nn.Module, size: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return layer, nn.BatchNorm1d(size), nn.ReLU(inplace=True)
