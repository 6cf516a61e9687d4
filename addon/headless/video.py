# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the scene's range to a video file, whole or not at all, with progress per frame."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from ...engine.progress_line import ProgressLine
from ...engine.protocol.errors import RhetorError
from .. import compat


def render_video(scene: Any, path: Path, line: ProgressLine) -> list[str]:
    """Render every frame of a configured scene to `path`; returns warnings.

    Raises RhetorError where Blender cannot render; an earlier file at `path` is unharmed then.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    count = scene.frame_end - scene.frame_start + 1
    done = 0

    def on_frame(*_: Any) -> None:
        nonlocal done
        done += 1
        line.show(done / count, f"Rendering {count} frames")

    scene.render.filepath = str(partial)
    bpy.app.handlers.render_write.append(on_frame)
    try:
        line.show(0.0, f"Rendering {count} frames")
        with silent_blender():
            bpy.ops.render.render(animation=True, scene=scene.name)
        if done < count or not partial.exists():
            raise RhetorError(f"Blender rendered {done} of {count} frames.", "Try another engine.")
        partial.replace(path)
    except RuntimeError as error:
        raise RhetorError(f"Blender cannot render the video ({error}).") from error
    finally:
        bpy.app.handlers.render_write.remove(on_frame)
        partial.unlink(missing_ok=True)
        scene.render.filepath = str(path)
    return [] if compat.has_sound() else [f"{path.name} has no sound: this Blender has none."]


@contextmanager
def silent_blender() -> Iterator[None]:
    """Keep what Blender prints for each frame and tile off standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    try:
        yield
    finally:
        _flush_c_output()
        os.dup2(kept, 1)
        os.close(kept)


def _flush_c_output() -> None:
    """Empty C's own buffer, or it would be printed after all when the descriptor is back."""
    if os.name == "posix":
        import ctypes

        ctypes.CDLL(None).fflush(None)
