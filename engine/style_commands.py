# SPDX-License-Identifier: GPL-3.0-or-later
"""`rhetor styles`: list, remove, import and export. Loads no torch."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .protocol.requests import PRESETS
from .styles import export_style, import_style, installed_styles, remove_style


def add_styles_command(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `rhetor styles` its options and actions."""
    parser.add_argument("--preset", choices=PRESETS, default=PRESETS[0])
    parser.add_argument("--json", action="store_true", help="print the styles as JSON")
    parser.set_defaults(run=_list)
    actions = parser.add_subparsers(metavar="ACTION")
    remove = actions.add_parser("remove", help="delete a style of your own")
    remove.add_argument("name")
    remove.set_defaults(run=_remove)
    take_in = actions.add_parser("import", help="install a style file")
    take_in.add_argument("file", type=Path)
    take_in.add_argument("--name", default="", help="what to call it (the file's name)")
    take_in.add_argument("--force", action="store_true", help="replace the one of that name")
    take_in.set_defaults(run=_import)
    export = actions.add_parser("export", help="copy a style file to a folder")
    export.add_argument("name")
    export.add_argument("folder", type=Path)
    export.set_defaults(run=_export)


def _list(options: argparse.Namespace) -> int:
    styles = installed_styles(options.preset)
    if options.json:
        print(json.dumps([entry.to_json() for entry in styles], indent=2))
        return 0
    width = max(12, *(len(entry.name) for entry in styles))
    for entry in styles:
        text = f"cannot be used: {entry.problem}" if entry.problem else entry.description
        print(f"{entry.name:{width}} {text}")
    return 0


def _remove(options: argparse.Namespace) -> int:
    remove_style(options.name)
    print(f"{options.name} is removed.")
    return 0


def _import(options: argparse.Namespace) -> int:
    print(f"{import_style(options.file, options.name, options.force).name} is installed.")
    return 0


def _export(options: argparse.Namespace) -> int:
    print(export_style(options.name, options.folder))
    return 0
