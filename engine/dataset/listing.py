# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dataset is made from: films, tracked landmarks, facial captures, or a list of them.

A list is JSON: entries with `clip` (path relative to the list, its ending may be left out) and
optionally `split`, `speaker`, `language`, `rights`, `av_offset_frames`, `text`.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..protocol.errors import DatasetError
from ..protocol.files import UNREADABLE_NPZ
from .corpus import SPLITS
from .person_clip import RIGHTS
from .rig_capture import is_rig_capture

VIDEO_ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m4v", ".ts", ".mts")
SOUND_ENDINGS = (".flac", ".wav", ".ogg", ".mp3", ".m4a")
KINDS = ("video", "landmarks", "rig")

_GRID_WORDS: tuple[dict[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: letter for letter in "abcdefghijklmnopqrstuvxyz"},
    dict(
        zip(
            "123456789z",
            ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "zero"),
            strict=True,
        )
    ),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)
_GRID_NAME = re.compile(r"grid(?:_s\d+)?_([blps][bgrw][abiw][a-z][1-9z][anps])$")


@dataclass(frozen=True)
class Source:
    """One recording of one person.

    name: unique in the dataset. kind: one of KINDS. sound: file with its sound, None without.
    split: one of SPLITS where a list names one. offset_frames: by how many frames its sound has
    to be moved (minus: the lips lead), None where not known. text: what is said, or empty.
    """

    name: str
    path: Path
    kind: str
    sound: Path | None
    speaker: str
    language: str
    rights: str
    split: str = ""
    offset_frames: float | None = None
    text: str = ""


def find_sources(
    inputs: Sequence[Path], speaker: str = "", language: str = "", rights: str = "own"
) -> list[Source]:
    """All recordings of films, .npz files, folders and JSON lists, in order, with unique names.

    speaker, language, rights: for what no list describes; the speaker of a file is its folder.
    Raises DatasetError where an input is missing or cannot be used.
    """
    described = Source("", Path(), "", None, speaker, language, rights)
    found: list[Source] = []
    for path in inputs:
        if not path.exists():
            raise DatasetError(f"There is no file {path}.", "Check the path.")
        if path.suffix.lower() == ".json":
            found += _read_list(path, described)
        elif path.is_dir():
            found += [_describe(file, described) for file in _usable_files(path)]
        else:
            found.append(_describe(path, described))
    if not found:
        raise DatasetError(
            "There is nothing to build a dataset from.",
            f"Give films ({', '.join(VIDEO_ENDINGS[:4])} ...), tracked .npz files or a JSON list.",
        )
    return _with_unique_names(found)


def select(sources: Sequence[Source], patterns: Sequence[str], rights: str = "") -> list[Source]:
    """Sources whose path (with /) matches any of the patterns, and with these rights if given."""
    chosen = [
        source
        for source in sources
        if (not patterns or any(fnmatch.fnmatch(source.path.as_posix(), f"*{p}") for p in patterns))
        and rights in ("", source.rights)
    ]
    if not chosen:
        raise DatasetError("No recording is left.", "Check --only and --rights.")
    return chosen


def _usable_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in (*VIDEO_ENDINGS, ".npz"))


def _describe(path: Path, described: Source) -> Source:
    kind = _kind_of(path)
    return replace(
        described,
        name=path.stem,
        path=path,
        kind=kind,
        sound=path if kind == "video" else _beside(path, SOUND_ENDINGS),
        speaker=described.speaker or path.resolve().parent.name,
        text=described.text or _text_of(path),
    )


def _kind_of(path: Path) -> str:
    if path.suffix.lower() != ".npz":
        return "video"  # whatever it is called: the decoder says whether there is a picture
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = set(data.files)
    except UNREADABLE_NPZ as error:
        raise DatasetError(f"{path} cannot be read ({error}).", "Make the file again.") from error
    return "rig" if is_rig_capture(arrays) else "landmarks"


def _beside(path: Path, endings: Sequence[str]) -> Path | None:
    files = (path.with_name(path.stem + ending) for ending in endings)
    return next((file for file in files if file.exists()), None)


def _text_of(path: Path) -> str:
    """What is said: a .txt file of the same name, or the code that is a GRID sentence's name."""
    script = _beside(path, (".txt",))
    if script is not None:
        return " ".join(script.read_text(encoding="utf-8", errors="replace").split())
    return grid_sentence(path.stem)


def grid_sentence(name: str) -> str:
    """The sentence of a clip of the GRID corpus, whose name codes its six words; else empty."""
    match = _GRID_NAME.search(name)
    if match is None:
        return ""
    return " ".join(word[code] for word, code in zip(_GRID_WORDS, match.group(1), strict=True))


def _read_list(path: Path, described: Source) -> list[Source]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise ValueError("it is not a list")
        return [_read_entry(entry, path.parent, described) for entry in entries]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DatasetError(
            f"{path.name} is no list of recordings ({error}).",
            'Write a JSON list with entries such as {"clip": "folder/name", "split": "train"}.',
        ) from error


def _read_entry(entry: dict[str, Any], folder: Path, described: Source) -> Source:
    path = folder / entry["clip"]
    if not path.is_file():
        found = [path.with_name(path.name + end) for end in (".npz", *VIDEO_ENDINGS)]
        path = next((file for file in found if file.is_file()), path)
    if not path.is_file():
        raise DatasetError(f"The list names {entry['clip']}, which does not exist.")
    split, rights = entry.get("split") or "", entry.get("rights") or described.rights
    if split not in ("", *SPLITS) or rights not in RIGHTS:
        raise DatasetError(
            f"The list gives {entry['clip']} the split {split!r} and the rights {rights!r}.",
            f"Splits are {', '.join(SPLITS)}; rights are {', '.join(RIGHTS)}.",
        )
    offset = entry.get("av_offset_frames")
    source = _describe(
        path,
        replace(
            described,
            speaker=entry.get("speaker") or described.speaker,
            language=entry.get("language") or described.language,
            rights=rights,
            text=entry.get("text") or "",
        ),
    )
    return replace(source, split=split, offset_frames=None if offset is None else float(offset))


def _with_unique_names(sources: Sequence[Source]) -> list[Source]:
    """Names that two recordings share get the folder's name before them, then a number."""
    counts: dict[str, int] = {}
    for source in sources:
        counts[source.name] = counts.get(source.name, 0) + 1
    used: set[str] = set()
    named = []
    for source in sources:
        name = source.name
        if counts[name] > 1:
            name = f"{source.path.resolve().parent.name}_{name}"
        base, number = name, 2
        while name in used:
            name, number = f"{base}_{number}", number + 1
        used.add(name)
        named.append(replace(source, name=name))
    return named
