# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of PGFace: the two presets, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass

from ..head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from ..protocol.take import POSE_CHANNELS

WINDOW = 16
"""Frames in one input window."""
FRAMES_BEFORE = 8
"""The window of frame i covers frames i - 8 ... i + 7."""
FRAMES_AFTER = WINDOW - FRAMES_BEFORE - 1
SPEECH_SIZE = 29
"""Channels of the speech feature."""
PROSODY_SIZE = 4
"""log-F0, voicing, loudness, onset."""
INPUT_SIZE = len(POSE_CHANNELS) + SPEECH_SIZE
"""Rows of the window: 6 pose channels, then 29 speech channels."""
EXPRESSION_SIZE = len(EXPRESSION_NAMES)

STYLE_NAMES = ("neutral", "calm", "lively", "formal", "thoughtful")
"""Rows of the style table. `neutral` is what remains when the style is dropped in training."""


@dataclass(frozen=True)
class PGFaceConfig:
    """Shape of the network.

    conv_widths: channels after each of the four convolutions (16 → 8 → 4 → 2 → 1 frames).
    hidden_widths: outputs of the first two fully connected layers. styles: rows of the learned
    style table, empty for none. style_size: length of a row. prosody: whether the window's prosody
    channels enter the first fully connected layer beside the style.
    """

    preset: str
    conv_widths: tuple[int, ...]
    hidden_widths: tuple[int, ...]
    styles: tuple[str, ...] = ()
    style_size: int = 0
    prosody: bool = False
    identity_size: int = IDENTITY_SIZE
    expression_size: int = EXPRESSION_SIZE


PAPER = PGFaceConfig("paper", conv_widths=(32, 32, 64, 64), hidden_widths=(128, 128))
PLUS = PGFaceConfig(
    "plus",
    conv_widths=(64, 128, 256, 256),
    hidden_widths=(512, 256),
    styles=STYLE_NAMES,
    style_size=16,
    prosody=True,
)
PRESETS = {config.preset: config for config in (PAPER, PLUS)}
