# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene that a command works in: a new head in a studio, or a character of an existing file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...engine.head.model import HeadModel, draw_identity, load_head
from ...engine.protocol.errors import ConfigError, RigError
from ..characters.character import Character, find_character
from ..core.headless_options import DEFAULT_FPS, FACES, HeadlessOptions
from ..core.timing import broadcast_rate
from ..head.head_looks import Looks, read_looks
from ..head.rig import Rig, build_rig, set_looks
from ..styles.style_menu import require_style
from .render_setup import configure_render, write_video
from .stage import setup_stage
from .video import silent_blender


@dataclass(frozen=True)
class ReadyScene:
    """A scene whose settings say what to do. new_head: the head that was made for it, if any."""

    scene: Any
    options: HeadlessOptions
    new_head: tuple[Rig, HeadModel] | None = None

    def take_identity(self, identity: np.ndarray) -> None:
        """Let a new head look as its voice (50,) sounds, where that was asked for."""
        if self.new_head is not None and self.options.face == "voice":
            rig, head = self.new_head
            looks = read_looks(rig.armature)
            set_looks(rig, head, replace(looks, identity=tuple(identity.tolist())))

    def fit_range(self, first_frame: int, last_frame: int) -> None:
        """Let a new scene be as long as the performance, and go to its beginning."""
        if self.new_head is not None:
            self.scene.frame_start, self.scene.frame_end = first_frame, last_frame
            self.scene.frame_set(first_frame)

    def aim_at_video(self, path: Path) -> None:
        """Let renders of an existing file go to a video; only after it has been saved."""
        if self.new_head is not None:
            return
        if self.scene.camera is None:
            raise RigError(
                f"{self.scene.name} has no camera to render with.", "Add one, or do not render."
            )
        render = self.scene.render
        if self.options.engine is not None:
            size = render.resolution_x, render.resolution_y
            rate_hz = render.fps / render.fps_base
            configure_render(self.scene, self.options.engine, *size, rate_hz, path)
        write_video(render)


def prepare_scene(options: HeadlessOptions) -> ReadyScene:
    """Open or make the scene and fill in its settings, as a person would in the panel.

    Raises RigError or ConfigError with advice where the file or the character is not there.
    """
    ready = _existing_scene(options) if options.blend is not None else _new_scene(options)
    settings = ready.scene.rhetor
    settings.audio, settings.start_frame = str(options.audio), options.start_frame
    settings.seed, settings.preset = options.seed, options.preset
    require_style(options.style, options.preset)
    settings.style_name = options.style
    return ready


def open_file(path: Path) -> None:
    """Open a .blend in place of what is open. Raises ConfigError where it cannot be."""
    if not path.is_file():
        raise ConfigError(f"There is no file {path}.", "Check the path.")
    try:
        with silent_blender():
            bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path.name} cannot be opened ({reason}).") from error


def characters_of(scene: Any) -> dict[str, Character]:
    """The characters of a scene that can be animated, by name."""
    found = filter(None, (find_character(item) for item in scene.objects))
    return {character.name: character for character in found}


def _new_scene(options: HeadlessOptions) -> ReadyScene:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    _set_rate(scene, options.fps or DEFAULT_FPS)
    head = load_head()
    identity = None if options.face in FACES else tuple(draw_identity(int(options.face)).tolist())
    looks = Looks(identity=identity, has_hair=options.hair)
    rig = build_rig(bpy.context, head, looks=looks, name="Head")
    setup_stage(scene, rig)
    scene.rhetor.head = rig.armature
    # The look belongs to the file, so that its own renders are the video's.
    configure_render(
        scene,
        options.engine or "cycles",
        options.resolution,
        options.resolution,
        scene.render.fps / scene.render.fps_base,
        options.render or options.output.with_suffix(".mp4"),
    )
    return ReadyScene(scene, options, (rig, head))


def _existing_scene(options: HeadlessOptions) -> ReadyScene:
    assert options.blend is not None
    open_file(options.blend)
    scene = bpy.context.scene
    scene.rhetor.head = _wanted_character(scene, options.character).root
    if options.fps is not None:
        _set_rate(scene, options.fps)
    return ReadyScene(scene, options)


def _wanted_character(scene: Any, name: str) -> Character:
    """The one that is named; without a name the scene's own choice, or the only one there is."""
    found = characters_of(scene)
    chosen = find_character(bpy.data.objects.get(name) if name else scene.rhetor.head)
    if chosen is None and not name and len(found) == 1:
        (chosen,) = found.values()
    if chosen is not None:
        return chosen
    there = f"This file has {', '.join(sorted(found))}." if found else "This file has none."
    if name:
        raise RigError(f"{name} is no character that can be animated.", there)
    raise RigError("Which character is to be animated is not said.", f"{there} Name one.")


def _set_rate(scene: Any, rate_hz: float) -> None:
    scene.render.fps, scene.render.fps_base = broadcast_rate(rate_hz)
