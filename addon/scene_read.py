# SPDX-License-Identifier: GPL-3.0-or-later
"""From the scene to a plain order: what to animate, with which recording, starting when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine.protocol.errors import RigError
from ..engine.protocol.requests import AnimateRequest
from .characters.character import Character, find_character, validate_character
from .core.timing import FrameClock
from .identify import BlockId
from .sequencer.placement import Placement
from .sequencer.sound_strips import StripRef
from .sequencer.voice import read_voice
from .styles.style_menu import require_style


@dataclass(frozen=True)
class Order:
    """One thing to do: the engine's request, and where its take is to go.

    strip: what the take follows. digest: of a part of a dialogue, tells whether it was made.
    face_blend: frames before and after the voice of a line in which the face comes and goes; the
    head takes all of the silence around for that.
    compared_with: id of the take that this one is only to be compared with; nothing is keyed then.
    """

    request: AnimateRequest
    scene: BlockId
    character: BlockId
    start_frame: int
    placement: Placement = Placement.ACTION
    strip: StripRef | None = None
    digest: str = ""
    face_blend: tuple[int, int] = (0, 0)
    compared_with: str = ""

    @property
    def may_start_elsewhere(self) -> bool:
        """Whether nothing but the settings says on which frame it begins."""
        return self.strip is None and self.placement is Placement.ACTION

    @property
    def label(self) -> str:
        """What it is performed to, for people."""
        if self.placement is Placement.IDLE:
            return f"{self.character.name} listening"
        return self.strip.name if self.strip is not None else Path(self.request.audio).stem

    @property
    def silent_frames(self) -> tuple[int, int]:
        """Frames before and after the voice, in which a line comes and goes."""
        request = self.request
        return round(request.lead_s * request.fps), round(request.trail_s * request.fps)

    @property
    def title(self) -> str:
        """For lists."""
        return f"{self.label}, {self.request.style} {self.request.seed}"


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
    voice = read_voice(context)
    request = AnimateRequest(
        audio=str(voice.file),
        preset=settings.preset,
        style=settings.style_name,
        seed=settings.seed,
        fps=scene_clock(scene, voice.start_frame).rate_hz,
        eyes=settings.eyes,
        identity=character.identity,
        start_s=voice.start_s,
        max_seconds=voice.max_seconds if max_seconds is None else max_seconds,
        device=device,
    )
    return Order(
        request,
        BlockId.of(scene),
        BlockId.of(character.root),
        voice.start_frame,
        strip=voice.strip,
    )


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
