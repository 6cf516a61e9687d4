# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line inside Blender: `blender -c rhetor animate --audio FILE --output FILE`.

`python -m rhetor.addon animate ...` is the same where Blender is a Python module.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..engine.progress_line import ProgressLine
from ..engine.protocol.errors import RhetorError
from ..engine.protocol.requests import PRESETS

COMMAND = "rhetor"
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

_handles: list[Any] = []


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code. The reason of a failure is stderr's last line."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    try:
        return int(options.run(options))
    except RhetorError as error:
        return _fail(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        return _fail("Interrupted.", EXIT_INTERRUPTED)
    except Exception as error:
        import traceback

        traceback.print_exc()
        return _fail(f"Something unexpected went wrong: {error}.", EXIT_FAILED)
    finally:
        from . import session

        session.current.stop()


def register() -> None:
    """Add the command to Blender's own command line."""
    import bpy

    _handles.append(bpy.utils.register_cli_command(COMMAND, main))


def unregister() -> None:
    """Remove the command."""
    import bpy

    while _handles:
        bpy.utils.unregister_cli_command(_handles.pop())


def _fail(reason: str, code: int) -> int:
    print(" ".join(reason.split()), file=sys.stderr, flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Turn a voice recording into a keyed, rendered talking head."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    animate = commands.add_parser("animate", help="make a .blend, and a video, from a recording")
    animate.set_defaults(run=_animate)
    add = animate.add_argument
    add("--audio", type=Path, required=True, help="any sound file, or a video with sound")
    add("--output", type=Path, required=True, help="the .blend to write")
    add("--render", type=Path, help="also render this .mp4")
    add("--report", type=Path, help="also write what was made as JSON")
    add("--style", default="neutral", help="how the head moves")
    add("--seed", type=int, default=0, help="another seed, another performance")
    add("--preset", choices=PRESETS, default=PRESETS[0], help="which networks to use")
    add("--fps", type=float, default=24.0, help="frames per second; 29.97 is 30 / 1.001")
    add("--seconds", type=float, help="only the beginning of the recording")
    add("--face", default="voice", help='"voice" (as heard), "average", or a number')
    add("--bald", action="store_true", help="no hair")
    add("--engine", choices=("cycles", "workbench", "eevee"), default="cycles")
    add("--resolution", type=int, default=320, help="width and height of the video in pixels")
    add("--engine-python", type=Path, help="Python of Rhetor's engine; default: the preferences")
    return parser


def _animate(arguments: argparse.Namespace) -> int:
    import bpy

    from . import prefs
    from .headless import HeadlessOptions, animate_to_file

    options = HeadlessOptions(
        audio=arguments.audio.absolute(),
        output=arguments.output.absolute(),
        engine_python=arguments.engine_python or prefs.engine_python(bpy.context),
        render=arguments.render and arguments.render.absolute(),
        style=arguments.style,
        seed=arguments.seed,
        preset=arguments.preset,
        fps=arguments.fps,
        seconds=arguments.seconds,
        face=arguments.face,
        hair=not arguments.bald,
        engine=arguments.engine,
        resolution=arguments.resolution,
    )
    with ProgressLine() as line:
        report = animate_to_file(options, line)
    if arguments.report is not None:
        arguments.report.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(report, indent=2, ensure_ascii=False, sort_keys=True)
        arguments.report.write_text(text + "\n", encoding="utf-8")
    for warning in report["warnings"]:
        print(f"Note: {warning}", file=sys.stderr)
    print(f"{report['title']}: {report['frames']} frames, {report['duration_s']} s", flush=True)
    return 0
