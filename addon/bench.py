# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to write keys: ours in bulk, and Blender's `keyframe_insert` beside it.

    python -m rhetor.addon.bench [--json FILE] [--repeats N] [--frames N] [--slow-frames N]

Also how long a job holds Blender's main thread. Needs the bpy module, and the engine in the same
environment. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..engine.head.channels import EXPRESSION_NAMES
from ..engine.protocol.take import Take
from . import keys_write
from .bench_pump import time_pumping
from .core.retarget import face_curves, head_curves
from .takes import playback


def _character() -> tuple[Any, Any]:
    """An armature with a head bone, and the Key data-block of a mesh with every expression."""
    armature = bpy.data.objects.new("Bench", bpy.data.armatures.new("Bench"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.data.edit_bones.new("head")
    bone.tail = (0.0, 0.0, 0.1)
    bpy.ops.object.mode_set(mode="OBJECT")
    mesh = bpy.data.meshes.new("Bench")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    face = bpy.data.objects.new("Bench face", mesh)
    bpy.context.scene.collection.objects.link(face)
    for name in ("Basis", *EXPRESSION_NAMES):
        face.shape_key_add(name=name, from_mix=False)
    return armature, mesh.shape_keys


def _take(frames: int) -> Take:
    rng = np.random.default_rng(0)
    pose = np.cumsum(rng.normal(scale=0.01, size=(frames, 6)), axis=0).astype(np.float32)
    expression = rng.random((frames, len(EXPRESSION_NAMES)), np.float32)
    return Take(30.0, pose, expression, EXPRESSION_NAMES, np.zeros(50, np.float32))


def _owners(armature: Any, key: Any, take: Take) -> list[keys_write.KeyedOwner]:
    head = head_curves(take, "head")
    face = face_curves(take, [block.name for block in key.key_blocks])
    return [keys_write.KeyedOwner(armature, head), keys_write.KeyedOwner(key, face)]


def time_bulk(armature: Any, key: Any, frames: int, repeats: int) -> float:
    """Median seconds from a take to the finished action."""
    take = _take(frames)
    at = np.arange(1, frames + 1, dtype=np.float32)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        written = keys_write.fill_take("bench", _owners(armature, key, take), at, {})
        playback.play(written.parts, playback.PUSH_DOWN)
        times.append(time.perf_counter() - start)
        _forget(armature, key, written.actions)
    return statistics.median(times)


def time_keyframe_insert(armature: Any, key: Any, frames: int) -> float:
    """Seconds that the same keys take one by one."""
    take = _take(frames)
    owners = _owners(armature, key, take)
    start = time.perf_counter()
    for keyed in owners:
        for curve in keyed.curves:
            path, _, prop = curve.data_path.rpartition(".")
            holder = keyed.owner.path_resolve(path)
            indexed = prop != "value"
            for frame, value in enumerate(curve.values.tolist(), start=1):
                if indexed:
                    getattr(holder, prop)[curve.index] = value
                    holder.keyframe_insert(prop, index=curve.index, frame=frame)
                else:
                    holder.value = value
                    holder.keyframe_insert(prop, frame=frame)
    elapsed = time.perf_counter() - start
    _forget(armature, key, list(bpy.data.actions))
    return elapsed


def _forget(armature: Any, key: Any, actions: Sequence[Any]) -> None:
    armature.animation_data_clear()
    key.animation_data_clear()
    keys_write.remove_actions(actions)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="rhetor.addon.bench")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--frames", type=int, default=9000)
    parser.add_argument("--slow-frames", type=int, default=2000)
    parser.add_argument("--speech-seconds", type=float, default=60.0)
    options = parser.parse_args()
    armature, key = _character()
    bulk = time_bulk(armature, key, options.frames, options.repeats)
    same = time_bulk(armature, key, options.slow_frames, options.repeats)
    slow = time_keyframe_insert(armature, key, options.slow_frames)
    result = {
        "blender": bpy.app.version_string,
        f"write_58x{options.frames}_s": round(bulk, 4),
        f"write_58x{options.slow_frames}_s": round(same, 4),
        f"keyframe_insert_58x{options.slow_frames}_s": round(slow, 4),
        "write_vs_keyframe_insert_ratio": round(slow / same, 1),
        **time_pumping(Path(sys.executable), options.speech_seconds),
    }
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # Blender's own shutdown can hang in the module


if __name__ == "__main__":
    main()
