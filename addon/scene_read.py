# SPDX-License-Identifier: GPL-3.0-or-later
"""From the scene to a plain order: what to animate, with which recording, starting when."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..engine.protocol.errors import AudioError, RigError
from ..engine.protocol.requests import AnimateRequest
from .character import Character, find_character, validate_character
from .core.timing import FrameClock
from .identify import BlockId
from .style_menu import require_style


@dataclass(frozen=True)
class Order:
    """One press of Animate: the engine's request, and where its take is to go."""

    request: AnimateRequest
    scene: BlockId
    character: BlockId
    start_frame: int

    @property
    def title(self) -> str:
        """For lists."""
        request = self.request
        return f"{Path(request.audio).stem}, {request.style} {request.seed}"


def read_order(context: Any, device: str = "auto", max_seconds: float | None = None) -> Order:
    """The order that the scene's settings describe; `device` and `max_seconds` as in the request.

    Raises AudioError, RigError, ConfigError or CheckpointError with advice where they do not
    describe one.
    """
    scene = context.scene
    settings = scene.rhetor
    character = required_character(settings.head)
    validate_character(character)
    require_style(settings.style_name, settings.preset)
    request = AnimateRequest(
        audio=str(_recording(settings.audio)),
        preset=settings.preset,
        style=settings.style_name,
        seed=settings.seed,
        fps=scene_clock(scene, settings.start_frame).rate_hz,
        eyes=settings.eyes,
        identity=character.identity,
        max_seconds=max_seconds,
        device=device,
    )
    return Order(request, BlockId.of(scene), BlockId.of(character.root), settings.start_frame)


def scene_clock(scene: Any, start_frame: int) -> FrameClock:
    """The scene's frame rate, and the frame on which a performance starts."""
    return FrameClock(scene.render.fps, scene.render.fps_base, start_frame)


def required_character(item: Any) -> Character:
    """The character that an object is part of. Raises RigError where it is none."""
    if item is None:
        raise RigError("There is no head to animate.", "Create a head, or pick one.")
    character = find_character(item)
    if character is None:
        raise RigError(
            f"{item.name} is not a character that Rhetor can animate yet.",
            "Press Set Up Character, or pick another one, or create a head.",
        )
    return character


def _recording(text: str) -> Path:
    if not text:
        raise AudioError("There is no recording.", "Choose a sound file, or a video with sound.")
    path = Path(os.path.normpath(bpy.path.abspath(text))).absolute()
    if not path.is_file():
        raise AudioError(f"There is no file {path}.", "Choose the recording again.")
    return path
