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
from .core.timing import FrameClock
from .identify import BlockId
from .rig import Rig, find_rig, validate_rig
from .style_menu import require_style


@dataclass(frozen=True)
class Order:
    """One press of Animate: the engine's request, and where its take is to go."""

    request: AnimateRequest
    scene: BlockId
    armature: BlockId
    start_frame: int


def read_order(context: Any, device: str = "auto", max_seconds: float | None = None) -> Order:
    """The order that the scene's settings describe; `device` and `max_seconds` as in the request.

    Raises AudioError, RigError, ConfigError or CheckpointError with advice where they do not
    describe one.
    """
    scene = context.scene
    settings = scene.rhetor
    rig = required_rig(settings.head)
    validate_rig(rig)
    require_style(settings.style_name, settings.preset)
    request = AnimateRequest(
        audio=str(_recording(settings.audio)),
        preset=settings.preset,
        style=settings.style_name,
        seed=settings.seed,
        fps=scene_clock(scene, settings.start_frame).rate_hz,
        eyes=settings.eyes,
        identity=rig.identity,
        max_seconds=max_seconds,
        device=device,
    )
    return Order(request, BlockId.of(scene), BlockId.of(rig.armature), settings.start_frame)


def scene_clock(scene: Any, start_frame: int) -> FrameClock:
    """The scene's frame rate, and the frame on which a performance starts."""
    return FrameClock(scene.render.fps, scene.render.fps_base, start_frame)


def required_rig(item: Any) -> Rig:
    """The character that an object is part of. Raises RigError where it is none."""
    if item is None:
        raise RigError("There is no head to animate.", "Create a head, or pick one.")
    rig = find_rig(item)
    if rig is None:
        raise RigError(
            f"{item.name} is not a head that Rhetor can animate.",
            "Create a head, or pick the armature or the face of one.",
        )
    return rig


def _recording(text: str) -> Path:
    if not text:
        raise AudioError("There is no recording.", "Choose a sound file, or a video with sound.")
    path = Path(os.path.normpath(bpy.path.abspath(text))).absolute()
    if not path.is_file():
        raise AudioError(f"There is no file {path}.", "Choose the recording again.")
    return path
