# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way without a window: recording → character → keys → .blend → video → report."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ...engine.progress_line import ProgressLine
from ...engine.protocol.errors import AudioError, ConfigError
from ...engine.provenance import engine_version
from .. import compat, session
from ..core.headless_options import HeadlessOptions
from ..scene_read import read_order
from ..scene_write import Performance, Written, write_performance
from ..sequencer.sound import pack_recordings
from .headless_scene import ReadyScene, prepare_scene
from .video import render_video, silent_blender

LARGEST_PACKED_BYTES = 32 * 1024 * 1024
"""A recording up to this size travels inside the .blend."""


@dataclass
class _Timing:
    """Seconds that each stage took, in order."""

    started_s: float = field(default_factory=time.perf_counter)
    stages_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started_s = time.perf_counter()
        yield
        self.stages_s[name] = round(time.perf_counter() - started_s, 3)

    def to_json(self) -> dict[str, float]:
        return {**self.stages_s, "total": round(time.perf_counter() - self.started_s, 3)}


def animate_to_file(
    options: HeadlessOptions, engine_python: Path, line: ProgressLine
) -> dict[str, Any]:
    """Make the .blend and, where asked for, the video; returns the report, JSON types only.

    Replaces what is open in Blender; the engine stays warm. Raises RhetorError where something
    fails; files that were there before are then unharmed.
    """
    _check_files(options)
    timing = _Timing()
    if options.blend is None:
        session.current.warm_up(engine_python)  # it loads while the head is built
    line.show(0.0, "Preparing the scene")
    with timing.stage("prepare_scene"):
        ready = prepare_scene(options)
    with timing.stage("start_engine"):
        line.show(0.0, session.READY_STAGE)
        session.current.wait_ready(engine_python)
    try:
        with timing.stage("animate"):
            order = read_order(bpy.context, max_seconds=options.seconds)
            session.current.submit(order, engine_python)
            performance = session.current.wait(line.show)
        with timing.stage("write_keys"):
            written = _write(ready, performance)
    finally:
        session.current.cancel_all()  # where it failed half-way
    with timing.stage("save"):
        _save(ready, options.output)
    warnings = list(session.current.warnings)
    if options.render is not None:
        ready.aim_at_video(options.render)
        with timing.stage("render"):
            warnings += render_video(ready.scene, options.render, line)
    return _report(options, performance, written, timing.to_json(), warnings)


def _check_files(options: HeadlessOptions) -> None:
    if not options.audio.is_file():
        raise AudioError(f"There is no file {options.audio}.", "Check the path.")
    for path in filter(None, (options.output, options.render)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The folder {path.parent} cannot be made ({error}).") from error


def _write(ready: ReadyScene, performance: Performance) -> Written:
    ready.take_identity(performance.take.identity)
    written = write_performance(performance)
    session.current.succeed(written)
    ready.fit_range(written.first_frame, written.last_frame)
    return written


def _save(ready: ReadyScene, path: Path) -> None:
    pack_recordings(ready.scene, LARGEST_PACKED_BYTES)
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
        "character": performance.order.character.name,
        "take": dict(take.meta),
        "title": written.title,
        "actions": list(written.actions),
        "frames": written.frame_count,
        "first_frame": written.first_frame,
        "last_frame": written.last_frame,
        "fps": take.fps,
        "duration_s": round(written.duration_s, 3),
        "stage_times_s": stages_s,
        "peak_memory_mb": peak_memory_mb(),
        "versions": versions(),
        "warnings": warnings,
    }


def versions() -> dict[str, Any]:
    """Of all that takes part on this side."""
    return {
        "rhetor": engine_version(),
        "blender": bpy.app.version_string,
        "python": platform.python_version(),
        "sound": compat.has_sound(),
    }


def peak_memory_mb() -> dict[str, float]:
    """Largest resident sizes so far: this process, and the largest that it started and ended."""
    if os.name == "nt":
        return {}
    import resource

    unit = 1024.0**2 if sys.platform == "darwin" else 1024.0
    return {
        name: round(resource.getrusage(who).ru_maxrss / unit, 1)
        for name, who in (("blender", resource.RUSAGE_SELF), ("engine", resource.RUSAGE_CHILDREN))
    }
