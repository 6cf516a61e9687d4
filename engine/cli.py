# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `rhetor`. Nothing heavy is imported before it is known what to do."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .progress_line import ProgressLine
from .protocol.errors import ConfigError, RhetorError
from .protocol.requests import DEVICES, PRESETS, AnimateRequest
from .protocol.take import MODEL_RATE_HZ
from .provenance import engine_version
from .style_commands import add_styles_command
from .threads import limit_threads

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

TRAININGS = {
    "features": "engine.training.speech",
    "pose": "engine.training.pose",
    "face": "engine.training.face",
    "style": "engine.training.style",
}
HEAD_BUILD = "engine.head.build.__main__"
DATASET_BUILD = "engine.dataset.build_command"
EVALUATE = "engine.evaluation.evaluate"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. The reason of a failure is stderr's last line."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except RhetorError as error:
        return _fail(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        return _fail("Interrupted.", EXIT_INTERRUPTED)


def _fail(reason: str, code: int) -> int:
    print(" ".join(reason.split()), file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rhetor", description="Turn a voice recording into the motion of a talking head."
    )
    parser.add_argument("--version", action="version", version=f"rhetor {engine_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_animate(commands.add_parser("animate", help="make a take from a recording"))
    serve = commands.add_parser(
        "serve", help="answer Blender on standard input and output (see docs/protocol.md)"
    )
    serve.set_defaults(run=_serve)
    doctor = commands.add_parser("doctor", help="check this installation and say what to do")
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON")
    doctor.set_defaults(run=_doctor)
    styles = commands.add_parser("styles", help="list, remove, import and export styles")
    add_styles_command(styles)
    train = commands.add_parser("train", help="train a network or a style", add_help=False)
    train.add_argument("network", choices=TRAININGS)
    train.add_argument("arguments", nargs=argparse.REMAINDER)
    train.set_defaults(run=_train)
    dataset = commands.add_parser(
        "dataset", help="turn films of a person into training clips", add_help=False
    )
    dataset.add_argument("action", choices=("build",))
    dataset.add_argument("arguments", nargs=argparse.REMAINDER)
    dataset.set_defaults(run=_dataset)
    evaluate = commands.add_parser(
        "evaluate",
        help="judge weights or a style on held-out clips",
        add_help=False,
        prefix_chars="\0",  # so that its first argument may be an option
    )
    evaluate.add_argument("arguments", nargs=argparse.REMAINDER)
    evaluate.set_defaults(run=_evaluate)
    head = commands.add_parser("head", help="build the default head", add_help=False)
    head.add_argument("action", choices=("build",))
    head.add_argument("arguments", nargs=argparse.REMAINDER)
    head.set_defaults(run=_head)
    return parser


def _add_animate(parser: argparse.ArgumentParser) -> None:
    parser.description = "Make a take: head pose and face weights for every frame of a recording."
    parser.add_argument(
        "audio", type=Path, nargs="?", help="any sound or film file; none with --silence-s"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="take to write: .npz, .json or .csv"
    )
    parser.add_argument("--style", default="neutral", help="see `rhetor styles`")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another performance")
    parser.add_argument("--fps", type=float, default=MODEL_RATE_HZ, help="frames per second")
    parser.add_argument("--preset", choices=PRESETS, default=PRESETS[0])
    parser.add_argument(
        "--start-pose",
        type=_numbers,
        metavar="PITCH,YAW,ROLL,X,Y,Z",
        help="head pose at frame 0: radians, then millimetres; write --start-pose=-0.1,0,0,0,0,0",
    )
    parser.add_argument(
        "--start-s", type=float, default=0.0, help="begin so many seconds into the recording"
    )
    parser.add_argument("--seconds", type=float, help="use no more than so many seconds")
    parser.add_argument(
        "--silence-s", type=float, help="listen for so many seconds, without a recording"
    )
    parser.add_argument("--no-eyes", action="store_true", help="no blinks, no gaze")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.set_defaults(run=_animate)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a list of numbers: {text}") from None


def _animate(options: argparse.Namespace) -> int:
    from .protocol.take_files import check_take_path, write_take

    check_take_path(options.output)
    request = AnimateRequest(
        audio="" if options.audio is None else str(options.audio.resolve()),
        preset=options.preset,
        style=options.style,
        seed=options.seed,
        fps=options.fps,
        start_pose=options.start_pose,
        eyes=not options.no_eyes,
        start_s=options.start_s,
        max_seconds=options.seconds,
        silence_s=options.silence_s,
        device=options.device,
    )
    with ProgressLine() as line:
        line.show(0.0, "Starting")
        limit_threads()
        from .animate import Engine

        take = Engine().animate(request, line.show, line.note)
        write_take(options.output, take)
    print(f"{options.output}: {take.frame_count} frames at {take.fps:g} fps")
    return 0


def _serve(_options: argparse.Namespace) -> int:
    from .worker import serve

    serve()


def _doctor(options: argparse.Namespace) -> int:
    limit_threads()
    from .doctor import examine

    checks = examine()
    if options.json:
        print(json.dumps([check.to_json() for check in checks], indent=2))
    else:
        for check in checks:
            print(check.to_line())
    failed = [check.name for check in checks if not check.is_good]
    return _fail(f"Not in order: {', '.join(failed)}.", EXIT_FAILED) if failed else 0


def _train(options: argparse.Namespace) -> int:
    return _delegate(TRAININGS[options.network], f"train {options.network}", options.arguments)


def _dataset(options: argparse.Namespace) -> int:
    return _delegate(DATASET_BUILD, f"dataset {options.action}", options.arguments)


def _head(options: argparse.Namespace) -> int:
    return _delegate(HEAD_BUILD, f"head {options.action}", options.arguments)


def _evaluate(options: argparse.Namespace) -> int:
    return _delegate(EVALUATE, "evaluate", options.arguments)


def _delegate(module: str, command: str, arguments: list[str]) -> int:
    """Run the `main` of a module that reads sys.argv itself."""
    package = str(__package__).rpartition(".")[0]
    try:
        run = importlib.import_module(f"{package}.{module}").main
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"This command needs the Python package {error.name}.",
            "Install Rhetor's training dependencies: pip install rhetor[training].",
        ) from error
    sys.argv = [f"rhetor {command}", *arguments]
    return int(run() or 0)
