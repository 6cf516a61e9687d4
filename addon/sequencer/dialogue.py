# SPDX-License-Identifier: GPL-3.0-or-later
"""From the table of a dialogue to orders: a line for each strip, listening for each character.

What has been made already, and would come out the same, is not ordered again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import bpy

from ...engine.protocol.errors import AudioError, RigError
from ...engine.protocol.requests import AnimateRequest, request_params
from .. import compat
from ..characters.character import Character, find_character, validate_character
from ..core.blending import blends
from ..identify import BlockId
from ..scene_read import Order, required_character, scene_clock
from ..styles.style_menu import require_style
from .dialogue_play import fit_blend, is_placed
from .dialogue_settings import ensure_speaker
from .placement import Placement
from .sound_strips import SoundStrip, sound_strips
from .voice import Voice, strip_voice

BLEND_S = 1.0 / 3.0
"""Time in which a line comes and goes: 8 frames at 24 per second."""

_NO_MATTER = ("audio", "device", "identity")
"""Settings of a request that may differ while the motion stays the same."""


@dataclass(frozen=True)
class Line:
    """A strip that is heard, and who speaks it with which settings (a RHETOR_PG_speaker)."""

    voice: Voice
    character: Character
    speaker: Any


@dataclass(frozen=True)
class Dialogue:
    """The lines of a scene that are to be animated, one at least, as they follow in time."""

    scene: Any
    lines: tuple[Line, ...]

    @property
    def rate_hz(self) -> float:
        """Frames per second."""
        return scene_clock(self.scene, 0).rate_hz

    @property
    def margin(self) -> int:
        """Frames of silence before and after a line, in which it is blended in and out."""
        return round(BLEND_S * self.rate_hz)

    @property
    def spoken(self) -> dict[Any, set[str]]:
        """For the root object of each character: the names of the strips that it speaks."""
        spoken: dict[Any, set[str]] = {}
        for line in self.lines:
            assert line.voice.strip is not None
            spoken.setdefault(line.character.root, set()).add(line.voice.strip.name)
        return spoken

    def after(self, line: Line) -> int:
        """The frame after a line's last."""
        assert line.voice.max_seconds is not None
        return line.voice.start_frame + round(line.voice.max_seconds * self.rate_hz)

    def missing_orders(self, device: str) -> list[Order]:
        """What is not in place yet: listening first, so that it lies below."""
        orders = [*self._listening(), *self._spoken()]
        missing = [order for order in orders if not _is_in_place(order)]
        return [replace(o, request=replace(o.request, device=device)) for o in missing]

    def fit_blends(self) -> None:
        """Let the lines that are in place come and go as their present neighbours allow."""
        for order in self._spoken():
            for owner in _character(order).owners:
                fit_blend(owner, order)

    def overlaps(self) -> Iterator[str]:
        """What is odd about it, for people, although it can be performed."""
        for root in self.spoken:
            own = [line for line in self.lines if line.character.root == root]
            for one, other in pairwise(own):
                if other.voice.start_frame < self.after(one):
                    names = " and ".join(_name(line) for line in (one, other))
                    yield f"{root.name} speaks {names} at once; the later one is seen."

    def _listening(self) -> Iterator[Order]:
        """From before the first line to after the last one, once for each who listens."""
        first = min(line.voice.start_frame for line in self.lines) - self.margin
        after = max(self.after(line) for line in self.lines) + self.margin
        for line in {line.character.root: line for line in self.lines}.values():
            if line.speaker.listens:
                request = replace(self._request(line), silence_s=(after - first) / self.rate_hz)
                yield Order(
                    request,
                    BlockId.of(self.scene),
                    BlockId.of(line.character.root),
                    first,
                    Placement.IDLE,
                    digest=_digest(request, [first]),
                )

    def _spoken(self) -> Iterator[Order]:
        for root in self.spoken:
            own = [line for line in self.lines if line.character.root == root]
            spans = [(line.voice.start_frame, self.after(line)) for line in own]
            for line, blend in zip(own, blends(spans, self.margin), strict=True):
                yield self._order(line, blend)

    def _order(self, line: Line, face_blend: tuple[int, int]) -> Order:
        voice = line.voice
        request = replace(
            self._request(line),
            audio=str(voice.file),
            silence_s=None,
            start_s=voice.start_s,
            max_seconds=voice.max_seconds,
            lead_s=self.margin / self.rate_hz,
            trail_s=self.margin / self.rate_hz,
        )
        stamp = voice.file.stat()
        return Order(
            request,
            BlockId.of(self.scene),
            BlockId.of(line.character.root),
            voice.start_frame - self.margin,
            Placement.LINE,
            voice.strip,
            _digest(request, [voice.file.name, stamp.st_size, int(stamp.st_mtime)]),
            face_blend,
        )

    def _request(self, line: Line) -> AnimateRequest:
        """How a character performs, to a second of silence."""
        settings = self.scene.rhetor
        return AnimateRequest(
            silence_s=1.0,
            preset=settings.preset,
            style=line.speaker.style_name,
            seed=line.speaker.seed,
            fps=self.rate_hz,
            eyes=settings.eyes,
            identity=line.character.identity,
        )


def read_dialogue(context: Any) -> Dialogue:
    """The dialogue that the scene's table describes.

    Raises AudioError, RigError, ConfigError or CheckpointError, with advice, where the table
    cannot be performed.
    """
    scene, sequencer = context.scene, compat.sequencer_scene(context)
    strips = {strip.name: strip for strip in sound_strips(sequencer)}
    lines = []
    for row in scene.rhetor_dialogue.lines:
        if not row.use or (strip := _required_strip(strips, row.strip)).is_muted:
            continue
        if row.character is None:
            raise RigError(f"Nobody speaks {row.strip}.", "Choose its speaker, or untick the line.")
        character = required_character(row.character)
        validate_character(character)
        speaker = ensure_speaker(scene.rhetor_dialogue, character.root)
        require_style(speaker.style_name, scene.rhetor.preset)
        lines.append(Line(strip_voice(scene, sequencer, strip), character, speaker))
    if not lines:
        raise AudioError(
            "The dialogue has no line that is heard.",
            "Press Fill from Sequencer, tick lines, and unmute their strips.",
        )
    lines.sort(key=lambda line: line.voice.start_frame)
    return Dialogue(scene, tuple(lines))


def characters_of(scene: Any) -> list[Character]:
    """All characters in a scene, by name."""
    found = {}
    for item in scene.objects:
        character = find_character(item) if item.type in {"ARMATURE", "MESH"} else None
        if character is not None:
            found[character.root] = character
    return sorted(found.values(), key=lambda character: character.name)


def _required_strip(strips: dict[str, SoundStrip], name: str) -> SoundStrip:
    if name not in strips:
        raise AudioError(
            f"The sequencer has no sound strip {name}.",
            "Remove this line, or press Fill from Sequencer.",
        )
    return strips[name]


def _name(line: Line) -> str:
    return "" if line.voice.strip is None else line.voice.strip.name


def _digest(request: AnimateRequest, facts: list[Any]) -> str:
    """What a part of a dialogue is made of; two that have the same are the same."""
    kept = {k: v for k, v in request_params(request).items() if k not in _NO_MATTER}
    text = json.dumps([kept, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _character(order: Order) -> Character:
    return required_character(order.character.find(bpy.data.objects))


def _is_in_place(order: Order) -> bool:
    character = _character(order)
    keyed = [owner for owner in character.owners if character.animated_paths(owner)]
    return all(is_placed(owner, order) for owner in keyed)
