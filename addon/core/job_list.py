# SPDX-License-Identifier: GPL-3.0-or-later
"""Many performances at once: from a JSON or CSV list, or from a folder of recordings.

A list is a JSON array of objects, or a CSV table with a header line. Its keys are those of
HeadlessOptions; only audio is needed. Relative paths start in the list's folder.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.protocol.errors import RhetorError
from .headless_options import OPTION_NAMES, HeadlessOptions, UsageError, read_options

_SOUND_SUFFIXES = (
    ".wav",
    ".flac",
    ".mp3",
    ".ogg",
    ".oga",
    ".opus",
    ".m4a",
    ".aac",
    ".aif",
    ".aiff",
)
_VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi")
_LARGEST_LIST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class _Row:
    """One wanted performance, and where it is written, for messages."""

    place: str
    values: dict[str, Any]


def read_job_list(
    source: Path, output_folder: Path, defaults: Mapping[str, Any]
) -> tuple[HeadlessOptions, ...]:
    """What a list or a folder asks for, in order.

    defaults: settings for those that do not say otherwise. output_folder: for those that name no
    output; they are called like their recordings. Raises UsageError that names the line.
    """
    rows = list(_rows(source))
    if not rows:
        raise UsageError(f"There is nothing to do in {source.name}.", "Does it hold recordings?")
    folder = source if source.is_dir() else source.parent
    made: dict[Path, str] = {}
    jobs = []
    for row in rows:
        try:
            job = _read_row(row, folder, output_folder, defaults)
        except RhetorError as error:
            raise UsageError(f"{row.place}: {error.message}", error.hint) from error
        for path in filter(None, (job.output, job.render)):
            if path in made:
                raise UsageError(
                    f"{row.place}: {path.name} is made already, see {made[path]}.",
                    "Name another output.",
                )
            made[path] = row.place
        jobs.append(job)
    return tuple(jobs)


def _read_row(
    row: _Row, folder: Path, output_folder: Path, defaults: Mapping[str, Any]
) -> HeadlessOptions:
    values = {**defaults, **row.values}
    if values.get("audio") and not values.get("output"):
        values["output"] = output_folder.absolute() / f"{Path(str(values['audio'])).stem}.blend"
    return read_options(values, folder)


def _rows(source: Path) -> Iterator[_Row]:
    if source.is_dir():
        for path in sorted(source.iterdir()):
            if path.suffix.lower() in (*_SOUND_SUFFIXES, *_VIDEO_SUFFIXES):
                yield _Row(path.name, {"audio": path.name})
        return
    readers = {".json": _json_rows, ".csv": _csv_rows}
    if source.suffix.lower() not in readers:
        raise UsageError(
            f"{source.name} is neither a folder nor a list.", "Give a folder, a .json or a .csv."
        )
    yield from readers[source.suffix.lower()](source.name, _text(source))


def _text(source: Path) -> str:
    try:
        if source.stat().st_size > _LARGEST_LIST_BYTES:
            raise UsageError(f"{source.name} is too large for a list.")
        return source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{source} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{source.name} is no text.", "Save it as UTF-8.") from error


def _csv_rows(name: str, text: str) -> Iterator[_Row]:
    """Empty cells say nothing."""
    header = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in header else ",")
    unknown = [column for column in reader.fieldnames or () if column.strip() not in OPTION_NAMES]
    if unknown:
        raise UsageError(
            f"{name}, line 1: unknown column {', '.join(unknown)}.",
            f"Known: {', '.join(OPTION_NAMES)}.",
        )
    for values in reader:
        place = f"{name}, line {reader.line_num}"
        if None in values:
            raise UsageError(
                f"{place}: more cells than columns.", "Put text with commas in quotes."
            )
        cells = {key.strip(): value.strip() for key, value in values.items() if value}
        if any(cells.values()):
            yield _Row(place, {key: value for key, value in cells.items() if value})


def _json_rows(name: str, text: str) -> Iterator[_Row]:
    """Objects are read one by one, so that each is known by its line."""
    position = _after(text, 0, "[", name)
    if _next_character(text, position) == "]":
        return
    while True:
        start = len(text) - len(text[position:].lstrip())
        try:
            values, end = json.JSONDecoder().raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{name}, line {error.lineno}: this is no JSON ({error.msg.lower()})."
            ) from error
        place = f"{name}, line {_line(text, start)}"
        if not isinstance(values, dict):
            raise UsageError(f"{place}: an object in braces is expected.")
        _refuse_unknown(name, text, start, end, values)
        yield _Row(place, values)
        if _next_character(text, end) == "]":
            break
        position = _after(text, end, ",", name)
    end = _after(text, end, "]", name)
    if text[end:].strip():
        line = _line(text, len(text.rstrip()))
        raise UsageError(f"{name}, line {line}: something follows the list.")


def _refuse_unknown(name: str, text: str, start: int, end: int, values: dict[str, Any]) -> None:
    for key in values:
        if key not in OPTION_NAMES:
            found = re.search(rf"{re.escape(json.dumps(key))}\s*:", text[start:end])
            line = _line(text, start + (found.start() if found else 0))
            raise UsageError(
                f"{name}, line {line}: unknown setting {key}.", f"Known: {', '.join(OPTION_NAMES)}."
            )


def _after(text: str, position: int, wanted: str, name: str) -> int:
    """The position behind a character that must come next."""
    at = len(text) - len(text[position:].lstrip())
    if text[at : at + 1] != wanted:
        raise UsageError(
            f"{name}, line {_line(text, at)}: {wanted} is expected.",
            "A list looks like this: [{...}, {...}]",
        )
    return at + 1


def _next_character(text: str, position: int) -> str:
    return text[position:].lstrip()[:1]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
