# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a training: one JSON file per run, single ones overridden on the command line.

The file holds an object with the fields of a frozen dataclass, nested ones as objects. Every plain
field is an option too; that of a field inside another is written with a dot: --batch.size 16.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ..config import config_from
from ..protocol.errors import ConfigError

Config = TypeVar("Config")

_PLAIN = (int, float, str, bool)
_PREFIX = "setting:"


def add_config_arguments(parser: argparse.ArgumentParser, kind: type) -> None:
    """Add --config FILE and an option for every plain field of the dataclass `kind`."""
    parser.add_argument("--config", type=Path, help="JSON file with the settings of the run")
    group = parser.add_argument_group("settings (they override the file's)")
    for path, of_type, default in _plain_fields(kind):
        shown = "" if default is dataclasses.MISSING else f"({default})"
        options: dict[str, Any] = {"type": of_type, "metavar": of_type.__name__.upper()}
        if of_type is bool:
            options = {"action": argparse.BooleanOptionalAction}
        group.add_argument(
            f"--{path.replace('_', '-')}",
            dest=_PREFIX + path,
            default=argparse.SUPPRESS,
            help=shown.replace("%", "%%"),
            **options,
        )


def config_of(kind: type[Config], options: argparse.Namespace) -> Config:
    """The settings of the file, overridden by the options that were given.

    Raises ConfigError on a file that cannot be read and on a key that `kind` does not have.
    """
    values = read_config(options.config) if options.config else {}
    for name, value in vars(options).items():
        if name.startswith(_PREFIX):
            *outer, key = name.removeprefix(_PREFIX).split(".")
            place = values
            for part in outer:
                place = place.setdefault(part, {})
            place[key] = value
    return config_from(kind, values)


def read_config(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises ConfigError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The settings {path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} does not hold a JSON object of settings.")
    return values


def _plain_fields(kind: type, before: str = "") -> Iterator[tuple[str, type, Any]]:
    """Dotted name, type and default of each field that one word on a command line can give."""
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        of_type, name = _without_none(hints[field.name]), before + field.name
        if dataclasses.is_dataclass(of_type) and isinstance(of_type, type):
            yield from _plain_fields(of_type, f"{name}.")
        elif of_type in _PLAIN:
            yield name, of_type, field.default


def _without_none(hint: Any) -> Any:
    """`int` for `int | None`; other types as they are."""
    if get_origin(hint) in (Union, types.UnionType):
        inner = [a for a in get_args(hint) if a is not type(None)]
        return inner[0] if len(inner) == 1 else hint
    return hint
