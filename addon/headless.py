# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way without a window: recording → head → keys → .blend → video → report."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from ..engine.head.model import HeadModel, draw_identity, load_head
from ..engine.progress_line import ProgressLine
from ..engine.protocol.errors import AudioError, ConfigError
from ..engine.provenance import engine_version
from . import compat, session
from .core.timing import broadcast_rate
from .head_looks import Looks, read_looks
from .render_setup import configure_render
from .rig import Rig, build_rig, set_looks
from .scene_read import read_order
from .scene_write import Performance, Written, write_performance
from .sound import pack_recordings
from .stage import setup_stage
from .style_menu import require_style
from .video import render_video, silent_blender

FACES = ("average", "voice")
LARGEST_PACKED_BYTES = 32 * 1024 * 1024
"""A recording up to this size travels inside the .blend."""


@dataclass(frozen=True)
class HeadlessOptions:
    """What to make. face: one of FACES, or the number of a random one. resolution: px, square."""

    audio: Path
    output: Path
    engine_python: Path
    render: Path | None = None
    style: str = "neutral"
    seed: int = 0
    preset: str = "plus"
    fps: float = 24.0
    seconds: float | None = None
    face: str = "voice"
    hair: bool = True
    engine: str = "cycles"
    resolution: int = 320


@dataclass
class _Timing:
    """Seconds that each stage took, in order."""

    stages_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.stages_s[name] = round(time.perf_counter() - started, 3)


def animate_to_file(options: HeadlessOptions, line: ProgressLine) -> dict[str, Any]:
    """Make the .blend and, where asked for, the video; returns the report, JSON types only.

    Replaces what is open in Blender. Raises RhetorError where something fails; files that were
    there before are then unharmed.
    """
    _check(options)
    timing = _Timing()
    started = time.perf_counter()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    _fill_in(scene, options)
    session.current.warm_up(options.engine_python)  # it loads while the head is built
    line.show(0.0, "Building the head")
    with timing.stage("build_head"):
        head = load_head()
        looks = Looks(identity=_identity(options.face), has_hair=options.hair)
        rig = build_rig(bpy.context, head, looks=looks, name="Head")
        setup_stage(scene, rig)
    with timing.stage("start_engine"):
        line.show(0.0, session.READY_STAGE)
        session.current.wait_ready(options.engine_python)
    with timing.stage("animate"):
        performance = _perform(scene, rig, options, line)
    with timing.stage("write_keys"):
        written = _write(scene, rig, head, options, performance)
    # The look belongs to the file, so that its own renders are the video's.
    configure_render(
        scene,
        options.engine,
        options.resolution,
        options.resolution,
        scene.render.fps / scene.render.fps_base,
        options.render or options.output.with_suffix(".mp4"),
    )
    warnings = list(session.current.warnings)
    with timing.stage("save"):
        _save(scene, options.output)
    if options.render is not None:
        with timing.stage("render"):
            warnings += render_video(scene, options.render, line)
    session.current.stop()
    timing.stages_s["total"] = round(time.perf_counter() - started, 3)
    return _report(options, performance, written, timing.stages_s, warnings)


def _check(options: HeadlessOptions) -> None:
    if not options.audio.is_file():
        raise AudioError(f"There is no file {options.audio}.", "Check the path.")
    if options.output.suffix.lower() != ".blend":
        raise ConfigError(f"{options.output.name} is no .blend file.", "Name the output *.blend.")
    if options.render is not None and options.render.suffix.lower() != ".mp4":
        raise ConfigError(f"{options.render.name} is no .mp4 file.", "Name the video *.mp4.")
    if options.resolution < 16 or options.resolution % 2:
        raise ConfigError(f"A picture cannot be {options.resolution} pixels wide.", "Use 320.")
    try:
        broadcast_rate(options.fps)
    except ValueError as error:
        raise ConfigError(f"There is no frame rate {options.fps}.", "Use 24, 25 or 30.") from error
    for path in filter(None, (options.output, options.render)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The folder {path.parent} cannot be made ({error}).") from error


def _identity(face: str) -> Any:
    if face in FACES:
        return None
    if not face.isdigit():
        raise ConfigError(f"There is no face {face!r}.", f"Use {', '.join(FACES)} or a number.")
    return tuple(draw_identity(int(face)).tolist())


def _fill_in(scene: Any, options: HeadlessOptions) -> None:
    """The scene's settings, as a person would make them in the panel."""
    scene.render.fps, scene.render.fps_base = broadcast_rate(options.fps)
    settings = scene.rhetor
    settings.audio, settings.start_frame = str(options.audio), 1
    settings.seed, settings.preset = options.seed, options.preset
    require_style(options.style, options.preset)
    settings.style_name = options.style


def _perform(scene: Any, rig: Rig, options: HeadlessOptions, line: ProgressLine) -> Performance:
    scene.rhetor.head = rig.armature
    order = read_order(bpy.context, max_seconds=options.seconds)
    session.current.submit(order, options.engine_python)
    return session.current.wait(line.show)


def _write(
    scene: Any, rig: Rig, head: HeadModel, options: HeadlessOptions, performance: Performance
) -> Written:
    if options.face == "voice":
        looks = replace(read_looks(rig.armature), identity=tuple(performance.take.identity))
        set_looks(rig, head, looks)
    written = write_performance(performance)
    session.current.succeed(written)
    scene.frame_start, scene.frame_end = written.first_frame, written.last_frame
    scene.frame_set(written.first_frame)
    return written


def _save(scene: Any, path: Path) -> None:
    pack_recordings(scene, LARGEST_PACKED_BYTES)
    try:
        with silent_blender():
            bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, check_existing=False)
    except RuntimeError as error:
        raise ConfigError(f"{path.name} cannot be saved ({error}).", "Check the folder.") from error


def _report(
    options: HeadlessOptions,
    performance: Performance,
    written: Written,
    stages_s: dict[str, float],
    warnings: list[str],
) -> dict[str, Any]:
    take = performance.take
    return {
        "blend": str(options.output),
        "video": None if options.render is None else str(options.render),
        "take": dict(take.meta),
        "title": written.title,
        "actions": list(written.actions),
        "frames": written.frame_count,
        "first_frame": written.first_frame,
        "last_frame": written.last_frame,
        "fps": take.fps,
        "duration_s": round(written.duration_s, 3),
        "stage_times_s": stages_s,
        "peak_memory_mb": _peak_memory_mb(),
        "versions": {
            "rhetor": engine_version(),
            "blender": bpy.app.version_string,
            "python": platform.python_version(),
            "sound": compat.has_sound(),
        },
        "warnings": warnings,
    }


def _peak_memory_mb() -> dict[str, float]:
    """Largest resident sizes so far: this process, and the largest that it has started."""
    if os.name == "nt":
        return {}
    import resource

    unit = 1024.0**2 if sys.platform == "darwin" else 1024.0
    return {
        name: round(resource.getrusage(who).ru_maxrss / unit, 1)
        for name, who in (("blender", resource.RUSAGE_SELF), ("engine", resource.RUSAGE_CHILDREN))
    }
