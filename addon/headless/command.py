# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line inside Blender: `blender -c rhetor animate|batch|doctor ...`.

`python -m rhetor.addon ...` is the same where Blender is a Python module. Results go to standard
output, progress and reasons to standard error.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...engine.progress_line import ProgressLine
from ...engine.protocol.errors import RhetorError
from ...engine.protocol.files import whole_file
from ..core.headless_options import UsageError, read_options
from ..core.job_list import read_job_list
from .command_options import given_settings, make_parser

COMMAND = "rhetor"
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
MANIFEST_NAME = "rhetor-batch.json"

_handles: list[Any] = []


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code. The reason of a failure is stderr's last line."""
    runs = {"animate": _animate, "batch": _batch, "doctor": _doctor}
    try:
        options = make_parser(COMMAND).parse_args(argv)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    try:
        with _interruptible():
            return runs[options.command](options)
    except UsageError as error:
        return _fail(str(error), EXIT_USAGE)
    except RhetorError as error:
        return _fail(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        return _fail("Interrupted.", EXIT_INTERRUPTED)
    except Exception as error:
        import traceback

        traceback.print_exc()
        return _fail(f"Something unexpected went wrong: {error}.", EXIT_FAILED)
    finally:
        from .. import session

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


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt: in the background Blender keeps it to itself."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def _fail(reason: str, code: int) -> int:
    print(" ".join(reason.split()), file=sys.stderr, flush=True)
    return code


def _animate(arguments: argparse.Namespace) -> int:
    from .. import session
    from .headless import animate_to_file, peak_memory_mb

    options = read_options(given_settings(arguments), Path.cwd())
    with ProgressLine() as line:
        report = animate_to_file(options, _engine_python(arguments), line)
    session.current.stop()
    report["peak_memory_mb"] = peak_memory_mb()  # the engine's is known when it has ended
    if arguments.report is not None:
        _write_json(arguments.report, report)
    for warning in report["warnings"]:
        print(f"Note: {warning}", file=sys.stderr)
    if arguments.json:
        _print_json(report)
    else:
        print(f"{report['title']}: {report['frames']} frames, {report['duration_s']} s", flush=True)
    return 0


def _batch(arguments: argparse.Namespace) -> int:
    from ..core.batch_manifest import Status
    from .batch import BatchLine, run_batch

    source = arguments.source
    folder = arguments.output_folder or (source if source.is_dir() else source.parent)
    jobs = read_job_list(source, folder, given_settings(arguments))
    manifest_path = arguments.manifest or folder / MANIFEST_NAME
    python = _engine_python(arguments)
    with BatchLine() as line:
        manifest = run_batch(
            jobs,
            python,
            manifest_path,
            line,
            resume=arguments.resume,
            keep_going=arguments.keep_going,
        )
    done, skipped, failed = (
        manifest.count(status) for status in (Status.DONE, Status.SKIPPED, Status.FAILED)
    )
    if arguments.json:
        _print_json(manifest.to_json())
    else:
        print(f"{done} made, {skipped} were there, {failed} failed: {manifest_path}", flush=True)
    return EXIT_FAILED if failed else 0


def _doctor(arguments: argparse.Namespace) -> int:
    from .diagnosis import Diagnosis, diagnose_file

    checks = () if arguments.no_engine else _engine_checks(arguments)
    reports = {} if arguments.blend is None else diagnose_file(arguments.blend)
    diagnosis = Diagnosis(checks, reports)
    if arguments.json:
        _print_json(diagnosis.to_json())
    else:
        print("\n".join(diagnosis.to_lines()), flush=True)
    return 0 if diagnosis.is_good else EXIT_FAILED


def _engine_checks(arguments: argparse.Namespace) -> tuple[dict[str, Any], ...]:
    from ..warm_engine import failed_check
    from .diagnosis import diagnose_engine

    try:
        return diagnose_engine(_engine_python(arguments))
    except RhetorError as error:  # no engine is named, or it is not there
        return (failed_check(error),)


def _engine_python(arguments: argparse.Namespace) -> Path:
    import bpy

    from .. import prefs

    return arguments.engine_python or prefs.engine_python(bpy.context)


def _print_json(data: Any) -> None:
    """On one line: Blender itself may print others."""
    print(json.dumps(data, ensure_ascii=False, sort_keys=True), flush=True)


def _write_json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True)
    with whole_file(path) as file:
        file.write(f"{text}\n".encode())
