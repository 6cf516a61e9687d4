# SPDX-License-Identifier: GPL-3.0-or-later
"""From a take to the scene: keys, sound, range. Finds everything afresh and checks it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy

from ..engine.protocol.errors import RigError
from ..engine.protocol.requests import request_params
from ..engine.protocol.take import Take
from .characters.character import Character, find_character, validate_character
from .check.animation_checks import check_playback
from .check.scene_doctor import obstacles
from .core.take_name import take_name
from .core.timing import rate_label
from .keys_write import WrittenTake, fill_take, remove_actions
from .scene_read import Order, scene_clock
from .sequencer.dialogue_play import play_in_dialogue
from .sequencer.follow import tie
from .sequencer.placement import Placement
from .sequencer.sound import place_recording
from .sequencer.voice import FILE, STRIP
from .takes.playback import Displaced, play
from .takes.reproduction import judge
from .takes.takes import character_id, find_take, new_take_id


@dataclass(frozen=True)
class Performance:
    """A take, and the order that it fulfils."""

    order: Order
    take: Take


@dataclass(frozen=True)
class Written:
    """What was written where; `warnings` are for the person."""

    title: str
    actions: tuple[str, ...]
    first_frame: int
    last_frame: int
    duration_s: float
    warnings: tuple[str, ...]

    @property
    def frame_count(self) -> int:
        """Frames that have keys."""
        return self.last_frame - self.first_frame + 1

    @property
    def length(self) -> str:
        """Frames and seconds, for people."""
        return f"{self.frame_count} frames, {self.duration_s:.1f} s"

    @property
    def is_in_file(self) -> bool:
        """Whether what was written is still there, not undone, renamed or in another file."""
        return all(name in bpy.data.actions for name in self.actions)


def write_performance(performance: Performance) -> Written:
    """Key a take on its character, put the recording in the sequencer, extend the range.

    Raises RigError where the scene or the character is gone or cannot take keys; nothing has
    been changed then.
    """
    performance = _at_the_strip(performance)
    order = performance.order
    scene, character = _find_destination(order)
    if order.compared_with:
        return _compare(performance, character)
    clock = scene_clock(scene, order.start_frame)
    take = performance.take.resampled(clock.rate_hz)
    written = fill_take(
        take_name(order.label, order.request.style, order.request.seed),
        character.keyed_owners(take),
        clock.frames(take.frame_count),
        _provenance(performance, character, clock.rate_hz),
    )
    last_frame = clock.last_frame(take.frame_count)
    span = min(scene.frame_start, order.start_frame), max(scene.frame_end, last_frame)
    displaced = _play(written, order, scene.rhetor.existing, span)
    warnings = [*displaced.news, *_obstacles(character)]
    warnings.append(_join_sound(written, order, scene, character))
    _extend_range(scene, order, last_frame)
    return Written(
        written.actions[0].name,
        tuple(action.name for action in written.actions),
        order.start_frame,
        last_frame,
        take.duration_s,
        tuple(filter(None, warnings)),
    )


def _at_the_strip(performance: Performance) -> Performance:
    """The same, begun later where its strip has been moved since it was ordered."""
    order = performance.order
    frames = 0 if order.strip is None else order.strip.moved_frames
    return replace(performance, order=replace(order, start_frame=order.start_frame + frames))


def _compare(performance: Performance, character: Character) -> Written:
    """Compare with the take that it reproduces; nothing is keyed."""
    order, take = performance.order, performance.take
    entry = find_take(character, order.compared_with)
    if entry is None:
        raise RigError("The take to compare with is no longer in the file.")
    verdict = judge(character, entry, take)
    last_frame = order.start_frame + take.frame_count - 1
    return Written(
        verdict.title, (), order.start_frame, last_frame, take.duration_s, verdict.messages
    )


def _find_destination(order: Order) -> tuple[Any, Character]:
    scene = order.scene.find(bpy.data.scenes)
    character = find_character(order.character.find(bpy.data.objects))
    if scene is None or character is None:
        gone = f"The scene {order.scene.name}" if scene is None else order.character.name
        raise RigError(
            f"{gone} is no longer in this file. The finished take was kept.",
            "Pick a head and press Write Take to This Head.",
        )
    validate_character(character)
    return scene, character


def _play(written: WrittenTake, order: Order, existing: str, span: tuple[int, int]) -> Displaced:
    """Let a new take play; where it cannot, it is removed."""
    try:
        if order.placement is not Placement.ACTION:
            return play_in_dialogue(written.parts, order, existing, span)
        return play(written.parts, existing, span)
    except Exception:
        remove_actions(written.actions)
        raise


def _join_sound(written: WrittenTake, order: Order, scene: Any, character: Character) -> str:
    """Let a take follow the strip that it was made from, or put its recording in the sequencer."""
    if order.placement is Placement.IDLE:
        return ""
    if order.strip is None:
        audio = Path(order.request.audio)
        if order.request.start_s > 0.0:
            return "The strip that the take was made from is gone: its sound is not played."
        return place_recording(scene, audio, order.start_frame, character.name, written.actions)
    found = order.strip.find()
    if found is None:
        return f"The strip {order.strip.name} is gone: the take follows none."
    tie(*found, written.actions)
    return ""


def _extend_range(scene: Any, order: Order, last_frame: int) -> None:
    """Let the scene's range hold all that is heard; listening lies around the lines."""
    if order.placement is Placement.IDLE:
        return
    before, after = order.silent_frames
    scene.frame_start = min(scene.frame_start, max(order.start_frame + before, 0))
    scene.frame_end = max(scene.frame_end, last_frame - after)


def _provenance(performance: Performance, character: Character, rate_hz: float) -> dict[str, Any]:
    """Whose take it is, and what is needed to make the same again."""
    request, meta = performance.order.request, performance.take.meta
    return {
        "character": character_id(character),
        "take": new_take_id(),
        "placement": performance.order.placement.value,
        "digest": performance.order.digest,
        "made_s": time.time(),
        "start_frame": performance.order.start_frame,
        "source": FILE if performance.order.strip is None else STRIP,
        "audio": request.audio,
        "audio_sha256": meta.get("audio", {}).get("sha256", ""),
        "style": request.style,
        "seed": request.seed,
        "preset": request.preset,
        "fps": rate_label(rate_hz),
        "weights_sha256": meta.get("weights_sha256", {}),
        # A path would tell others whose machine this was; the hash identifies the recording.
        "settings": {k: v for k, v in request_params(request).items() if k != "audio"},
        "engine_version": meta.get("engine_version", ""),
        "device": meta.get("device", ""),
        "still": character.still_values(),
    }


def _obstacles(character: Character) -> Iterator[str]:
    """Reasons why keys would not be seen as they are, although they are there."""
    yield from map(str, obstacles(character))
    for owner in character.owners:
        yield from map(str, check_playback(owner.animation_data, character.what_moves_on(owner)))
