# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be typed after `rhetor`; the settings are those of HeadlessOptions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ...engine.protocol.requests import PRESETS
from ..core.headless_options import OPTION_NAMES, RENDER_ENGINES


def make_parser(program: str) -> argparse.ArgumentParser:
    """A parser whose namespace has `command`; settings that are not typed are not in it."""
    parser = argparse.ArgumentParser(
        prog=program, description="Turn voice recordings into keyed, rendered talking heads."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_animate(commands.add_parser("animate", help="make a .blend, and a video, of a recording"))
    _add_batch(commands.add_parser("batch", help="do so for a list or a folder of recordings"))
    _add_doctor(commands.add_parser("doctor", help="find out what is wrong, and what to do"))
    return parser


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that were typed, as `read_options` takes them."""
    return {name: value for name, value in vars(arguments).items() if name in OPTION_NAMES}


def _add_animate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--audio",
        type=_absolute,
        required=True,
        metavar="FILE",
        help="any sound file, or a video with sound",
    )
    add("--output", type=_absolute, required=True, metavar="FILE", help="the .blend to write")
    add(
        "--render",
        type=_absolute,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="also render this .mp4",
    )
    add("--report", type=_absolute, metavar="FILE", help="also write what was made as JSON")
    _add_settings(parser)


def _add_batch(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", type=_absolute, help="a .json or .csv list of jobs, or a folder of recordings")
    add("--output-folder", type=_absolute, metavar="FOLDER", help="default: that of the recordings")
    add(
        "--render",
        action="store_const",
        const=True,
        default=argparse.SUPPRESS,
        help="also render an .mp4 beside each .blend",
    )
    add("--manifest", type=_absolute, metavar="FILE", help="default: in the output folder")
    add("--resume", action="store_true", help="leave out what is done and has not changed")
    add(
        "--keep-going",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether a failure stops the rest",
    )
    _add_settings(parser)


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--blend", type=_absolute, metavar="FILE", help="also look at the characters of this file")
    add("--no-engine", action="store_true", help="do not start the engine")
    _add_common(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Settings of a performance."""
    group = parser.add_argument_group("settings", argument_default=argparse.SUPPRESS)
    add = group.add_argument
    add("--style", help="how the head moves; default: neutral")
    add("--seed", type=int, help="another seed, another performance; default: 0")
    add("--preset", choices=PRESETS, help="which networks to use")
    add("--start-frame", type=int, help="where the performance begins; default: 1")
    add("--fps", type=float, help="frames per second; 29.97 is 30 / 1.001")
    add("--seconds", type=float, help="only the beginning of the recording")
    add(
        "--blend",
        type=_absolute,
        metavar="FILE",
        help="animate a character of this file, not a new head",
    )
    add("--character", metavar="NAME", help="which one, where it has several")
    add("--face", help='of a new head: "voice" (as heard), "average", or a number')
    add("--bald", dest="hair", action="store_false", help="no hair on a new head")
    add("--engine", choices=RENDER_ENGINES, help="how to render; default: cycles for a new file")
    add("--resolution", type=int, help="width and height of a new file's video in pixels")
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--json", action="store_true", help="print the result as one line of JSON")
    add("--engine-python", type=Path, help="Python of Rhetor's engine; default: the preferences")


def _absolute(text: str) -> Path:
    """What is typed starts in the working directory, also where a list lies elsewhere."""
    return Path(text).expanduser().absolute()
