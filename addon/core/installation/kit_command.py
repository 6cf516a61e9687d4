# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the offline kit for machines like this one; `build.py package --offline-kit` calls it.

It is for the Python that runs this: Blender 4.2 to 5.0 have 3.11, 5.1 and later 3.13.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ....engine.protocol.errors import InstallError
from .choice import Wish, choose
from .commands import Commands
from .download import Downloader, default_opener
from .hardware import Variant, this_machine
from .kit import KitTarget, write_kit
from .pins import read_pins
from .pip import Pip
from .selector import Selector


def main() -> int:
    """Choose, download, pack; prints the kit's path."""
    options = _parser().parse_args()
    machine, pins, work = this_machine(), read_pins(), options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    commands = Commands(work / "kit.log")
    pip = Pip(Path(sys.executable), work, commands, is_fresh=True)
    downloader = Downloader(work, default_opener())

    def selector() -> Selector:
        tool = pip.choose([pins.selector], ())
        downloader.fetch_all(tool, lambda _done, _total: None)
        pip.unpack(tool, work, target=work / "tools")
        return Selector(work / "tools", pip.python, commands)

    wish = Wish(Variant(options.variant), options.learning)
    target = KitTarget.here(machine)
    try:
        choice = choose(wish, pins, machine, pip, selector)
        downloader.fetch_all(choice.wheels, lambda _done, _total: None)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    for note in choice.notes:
        print(f"Note: {note}", file=sys.stderr)
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / target.filename
    write_kit(path, target, choice.wheels, work)
    print(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for the kit")
    parser.add_argument("--work", type=Path, required=True, help="folder for downloads, kept")
    parser.add_argument("--variant", choices=[kind.value for kind in Variant], default="auto")
    parser.add_argument(
        "--no-new-style", dest="learning", action="store_false", help="only what animating needs"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
