# SPDX-License-Identifier: GPL-3.0-or-later
"""The voice to perform to: a whole file, or what a strip of the sequencer plays of one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine.protocol.errors import AudioError, ConfigError
from .. import compat
from ..core.timing import FrameClock
from ..keys_write import PROVENANCE_PREFIX
from .follow import tied_strip
from .sound_strips import SoundStrip, StripRef, check_strip, read_strip

FILE, STRIP = "FILE", "STRIP"

_SOURCE_MARK = f"{PROVENANCE_PREFIX}source"


@dataclass(frozen=True)
class Voice:
    """A recording, the part of it that is used, and the frame on which that begins.

    file: absolute path. start_s, max_seconds: as in `AnimateRequest`. strip: where it comes from,
    None for a file.
    """

    file: Path
    start_frame: int
    start_s: float = 0.0
    max_seconds: float | None = None
    strip: StripRef | None = None


def read_voice(context: Any) -> Voice:
    """The voice that the scene's settings name. Raises AudioError or ConfigError with advice."""
    settings = context.scene.rhetor
    if settings.source == FILE:
        return Voice(_recording(settings.audio), settings.start_frame)
    sequencer = compat.sequencer_scene(context)
    if not settings.strip:
        raise AudioError("No strip is chosen.", "Choose a sound strip of the sequencer.")
    return strip_voice(context.scene, sequencer, read_strip(sequencer, settings.strip))


def strip_voice(scene: Any, sequencer: Any, strip: SoundStrip) -> Voice:
    """What a strip in the scene `sequencer` plays, for keys in `scene`.

    Raises AudioError where it plays nothing, ConfigError where the frames of both scenes differ.
    """
    check_strip(strip)
    assert strip.part is not None
    rates = [FrameClock(s.render.fps, s.render.fps_base).rate_hz for s in (scene, sequencer)]
    if abs(rates[0] - rates[1]) > 1e-6:
        raise ConfigError(
            f"The scenes {scene.name} and {sequencer.name} have different frame rates.",
            "Give the sequencer's scene the same frame rate as this one.",
        )
    part = strip.part
    duration_s = part.frame_count / rates[0]
    return Voice(strip.file, part.start_frame, part.start_s, duration_s, strip.ref)


def obstacle(context: Any) -> str:
    """What is to be chosen before there is a voice; "" where nothing is. Cheap."""
    settings = context.scene.rhetor
    if settings.source == FILE:
        return "" if settings.audio else "Choose a recording first"
    if not settings.strip:
        return "Choose a sound strip first"
    editor = compat.sequencer_scene(context).sequence_editor
    strip = None if editor is None else compat.all_sequencer_strips(editor).get(settings.strip)
    if strip is None:
        return f"The sequencer has no strip {settings.strip}"
    return f"The strip {settings.strip} is muted" if strip.mute else ""


def voice_strip(action: Any) -> StripRef | None:
    """The strip that a take in an action was made from, as far as it is still there."""
    found = tied_strip(action) if action.get(_SOURCE_MARK) == STRIP else None
    return None if found is None else StripRef.of(*found)


def restore_voice(settings: Any, action: Any) -> None:
    """Let a scene's settings name the voice that a take in an action was made from."""
    strip = voice_strip(action)
    settings.audio = action[f"{PROVENANCE_PREFIX}audio"]
    settings.start_frame = action[f"{PROVENANCE_PREFIX}start_frame"]
    settings.source = FILE if strip is None else STRIP
    if strip is not None:
        settings.strip = strip.name


def draw_voice(layout: Any, context: Any) -> None:
    """Where the voice comes from, and since when."""
    settings = context.scene.rhetor
    layout.row().prop(settings, "source", expand=True)
    if settings.source == FILE:
        layout.prop(settings, "audio")
        layout.prop(settings, "start_frame")
    else:
        layout.prop(settings, "strip", icon="SEQ_STRIP_DUPLICATE")


def matching_strips(_settings: Any, context: Any, text: str) -> list[str]:
    """Names of sound strips that have a text in them, for a search field."""
    editor = compat.sequencer_scene(context).sequence_editor
    strips = () if editor is None else compat.all_sequencer_strips(editor)
    names = (strip.name for strip in strips if strip.type == "SOUND")
    return [name for name in names if text.casefold() in name.casefold()]


def _recording(text: str) -> Path:
    if not text:
        raise AudioError("There is no recording.", "Choose a sound file, or a video with sound.")
    path = Path(os.path.normpath(bpy.path.abspath(text))).absolute()
    if not path.is_file():
        raise AudioError(f"There is no file {path}.", "Choose the recording again.")
    return path
