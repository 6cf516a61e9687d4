# SPDX-License-Identifier: GPL-3.0-or-later
"""The recording in the sequencer, so that playback and renders have sound."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from .follow import PLACED_MARK, tie


def place_recording(
    scene: Any, audio: Path, start_frame: int, rig: str, actions: Iterable[Any]
) -> str:
    """Put the recording on a channel of its own, starting with the performance in `actions`.

    These follow the strip from then on. An earlier strip of the same recording for the same rig
    stays where it begins there, else it is replaced; nobody else's strip is touched. Playback is
    set to follow the sound. Returns a warning where this Blender cannot use sound or the file,
    else "".
    """
    if not compat.has_sound():
        return "This build of Blender has no sound: the recording was not put in the sequencer."
    if scene.sequence_editor is None:
        scene.sequence_editor_create()
    strips = compat.sequencer_strips(scene.sequence_editor)
    earlier = [strip for strip in strips if _is_earlier(strip, audio, rig)]
    there = (strip for strip in earlier if compat.strip_content(strip)[0] == start_frame)
    strip = next(there, None)
    if strip is None:
        try:
            strip = _replace(strips, earlier, audio, start_frame)
        except RuntimeError as error:
            return f"The sequencer cannot play this recording ({_first_line(error)})."
    strip[PLACED_MARK] = rig
    tie(scene, strip, actions)
    scene.sync_mode = "AUDIO_SYNC"
    return ""


def pack_recordings(scene: Any, largest_bytes: int) -> None:
    """Keep the sounds that `place_recording` placed inside the .blend, unless they are large."""
    if scene.sequence_editor is None:
        return
    for strip in compat.sequencer_strips(scene.sequence_editor):
        if PLACED_MARK not in strip or strip.sound is None or strip.sound.packed_file:
            continue
        path = Path(bpy.path.abspath(strip.sound.filepath))
        if path.is_file() and path.stat().st_size <= largest_bytes:
            strip.sound.pack()


def _replace(strips: Any, earlier: list[Any], audio: Path, start_frame: int) -> Any:
    channel = earlier[0].channel if earlier else 1 + max((s.channel for s in strips), default=0)
    strip = strips.new_sound(
        name=audio.stem, filepath=blend_path(audio), channel=channel, frame_start=start_frame
    )
    for replaced in earlier:
        strips.remove(replaced)
    strip.channel = channel
    return strip


def _is_earlier(strip: Any, audio: Path, rig: str) -> bool:
    if strip.type != "SOUND" or strip.get(PLACED_MARK) != rig or strip.sound is None:
        return False
    path = Path(os.path.normpath(bpy.path.abspath(strip.sound.filepath)))
    return path == Path(os.path.normpath(audio))


def blend_path(audio: Path) -> str:
    """Relative to the .blend where the person keeps paths so and the file has been saved."""
    relative = bpy.context.preferences.filepaths.use_relative_paths
    if relative and bpy.data.filepath:
        try:
            return bpy.path.relpath(str(audio))
        except ValueError:  # another drive
            return str(audio)
    return str(audio)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["unknown reason"])[0].removeprefix("Error: ")
