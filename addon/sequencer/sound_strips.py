# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound strips of the sequencer: find them, and read what of a recording they play and when."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine.protocol.errors import AudioError
from .. import compat
from ..core.strip_span import HeardPart, StripSpan, heard_part
from ..identify import BlockId


@dataclass(frozen=True)
class StripRef:
    """Remembers a strip without holding it: its scene, and its name, which is unique there.

    content_first: the frame on which its content began then.
    """

    scene: BlockId
    name: str
    content_first: float

    @classmethod
    def of(cls, scene: Any, strip: Any) -> StripRef:
        """The reference to a strip that exists now."""
        return cls(BlockId.of(scene), strip.name, compat.strip_content(strip)[0])

    @property
    def moved_frames(self) -> int:
        """How far the strip has been moved since then; 0 where it is gone."""
        found = self.find()
        return 0 if found is None else round(compat.strip_content(found[1])[0] - self.content_first)

    def find(self) -> tuple[Any, Any] | None:
        """(scene, strip); None where one of them is gone."""
        scene = self.scene.find(bpy.data.scenes)
        if scene is None or scene.sequence_editor is None:
            return None
        strip = compat.all_sequencer_strips(scene.sequence_editor).get(self.name)
        return None if strip is None else (scene, strip)


@dataclass(frozen=True)
class SoundStrip:
    """A sound strip as it is heard in a scene.

    file: absolute path. channel_name: of the channel at the top, where it or the meta strip
    around it lies. is_muted: by itself, by its channel or by a meta strip around it.
    """

    ref: StripRef
    file: Path
    part: HeardPart | None
    channel: int
    channel_name: str
    is_muted: bool
    is_retimed: bool
    is_packed: bool

    @property
    def name(self) -> str:
        """The strip's name."""
        return self.ref.name


def sound_strips(scene: Any) -> list[SoundStrip]:
    """All sound strips of a scene, those inside of meta strips too, as they follow in time."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    found = list(_heard(scene, editor, _Around()))
    return sorted(
        found, key=lambda strip: (strip.part.start_frame if strip.part else 0, strip.name)
    )


def read_strip(scene: Any, name: str) -> SoundStrip:
    """The sound strip of that name, or the one inside of the meta strip of that name.

    Raises AudioError, with advice, where there is none or it cannot be used.
    """
    editor = scene.sequence_editor
    named = None if editor is None else compat.all_sequencer_strips(editor).get(name)
    if named is None:
        raise AudioError(f"There is no strip {name}.", "Choose a sound strip of the sequencer.")
    inside = _names_inside(named)
    found = [strip for strip in sound_strips(scene) if strip.name in inside]
    if len(found) > 1:
        names = ", ".join(strip.name for strip in found)
        raise AudioError(f"{name} has several sounds.", f"Choose one of them: {names}.")
    if not found:
        raise AudioError(f"{name} has no sound of its own.", "Choose the sound strip beside it.")
    check_strip(found[0])
    return found[0]


def check_strip(strip: SoundStrip) -> None:
    """Raise AudioError, with advice, where a strip cannot be animated to."""
    if strip.is_muted:
        raise AudioError(
            f"The strip {strip.name} is muted.", "Unmute it, its channel and its meta strip."
        )
    if strip.part is None:
        raise AudioError(f"Nothing of {strip.name} is heard.", "Trim the strip anew.")
    if strip.is_retimed:
        raise AudioError(
            f"The strip {strip.name} is played at a speed of its own, which cannot be followed.",
            "Reset its retiming, or render it to a sound file and use that.",
        )
    if not strip.file.is_file():
        where = "is packed into the .blend" if strip.is_packed else f"is not at {strip.file}"
        advice = "Unpack it to a file." if strip.is_packed else "Choose its file again."
        raise AudioError(f"The sound of {strip.name} {where}.", advice)


@dataclass(frozen=True)
class _Around:
    """What the meta strips around some strips let through."""

    first: int = -(2**31)
    after: int = 2**31
    is_muted: bool = False
    is_retimed: bool = False
    channel: int = 0
    channel_name: str = ""


def _heard(scene: Any, holder: Any, around: _Around) -> Iterator[SoundStrip]:
    """holder: the sequence editor, or a meta strip."""
    for strip in compat.sequencer_strips(holder):
        if strip.type not in {"SOUND", "META"}:
            continue
        channel = holder.channels[strip.channel]
        first, after = compat.strip_span(strip)
        here = _Around(
            max(first, around.first),
            min(after, around.after),
            around.is_muted or strip.mute or channel.mute,
            around.is_retimed or compat.is_retimed(strip),
            around.channel or strip.channel,
            around.channel_name or channel.name,
        )
        if strip.type == "META":
            yield from _heard(scene, strip, here)
        elif strip.sound is not None:
            yield _read(scene, strip, here)


def _read(scene: Any, strip: Any, around: _Around) -> SoundStrip:
    fps, fps_base = scene.render.fps, scene.render.fps_base
    skipped_s = compat.trimmed_frames(strip) * fps_base / fps + compat.sound_offset_s(strip)
    content = compat.strip_content(strip)
    span = StripSpan(*compat.strip_span(strip), *content, skipped_s)
    path = bpy.path.abspath(strip.sound.filepath, library=strip.sound.library)
    return SoundStrip(
        StripRef.of(scene, strip),
        Path(os.path.normpath(path)).absolute(),
        heard_part(span.within(around.first, around.after), fps, fps_base),
        around.channel,
        around.channel_name,
        around.is_muted,
        around.is_retimed,
        strip.sound.packed_file is not None,
    )


def _names_inside(strip: Any) -> set[str]:
    if strip.type != "META":
        return {strip.name}
    return {name for inner in compat.sequencer_strips(strip) for name in _names_inside(inner)}
