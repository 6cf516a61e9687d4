# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: what it makes, its exit codes, its last words."""

import contextlib
import io
import json
from pathlib import Path

import bpy
import scenario


def main(audio: str, folder: str) -> dict:
    blend, video, report = (Path(folder) / name for name in ("tälk.blend", "tälk.mp4", "r.json"))
    made = ["animate", "--audio", audio, "--output", str(blend), "--render", str(video)]
    picture = ["--resolution", "64", "--engine", "cycles", "--bald"]
    code, said = run(
        [*made, *picture, "--seconds", "0.1", "--fps", "29.97", "--report", str(report)]
    )
    assert code == 0, said
    return {
        "report": json.loads(report.read_text(encoding="utf-8")),
        "files": sorted(path.name for path in Path(folder).iterdir()),
        "range": [bpy.context.scene.frame_start, bpy.context.scene.frame_end],
        "refused": {
            "no such file": run(["animate", "--audio", "/nowhere.wav", "--output", str(blend)]),
            "no blend": run(["animate", "--audio", audio, "--output", str(video)]),
            "no style": run([*made[:5], "--style", "angry"]),
            "no option": run(["animate", "--loudly"]),
        },
        "kept": blend.stat().st_size > 0 and video.stat().st_size > 0,
    }


def run(arguments: list[str]) -> tuple[int, str]:
    """Exit code and the last line on stderr."""
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        code = scenario.module("addon.headless.command").main(arguments)
    return code, (stderr.getvalue().strip().splitlines() or [""])[-1]


scenario.run(main)
