# SPDX-License-Identifier: GPL-3.0-or-later
"""The styles that are installed, read without torch.

Designed styles are rows of tables inside the shipped weights. A person's style is a file of its
own, NAME.safetensors, beside a card NAME.md and a picture NAME.png; `rhetor train style` makes it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .head.channels import HEAD_MODEL_ID
from .protocol.errors import CheckpointError, ConfigError, RhetorError
from .protocol.weights_header import read_description

ASSETS_DIR = Path(__file__).resolve().parent.parent / "assets"
WEIGHTS_DIR = ASSETS_DIR / "weights"
SHIPPED_STYLES_DIR = ASSETS_DIR / "styles"
THUMBNAILS_DIR = SHIPPED_STYLES_DIR / "thumbnails"

STYLE_KIND = "style"
STYLE_PRESET = "plus"
"""The preset whose networks a person's style holds; `paper` has no styles."""
STYLE_SUFFIX = ".safetensors"
COMPANION_SUFFIXES = (".md", ".png")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_WINDOWS_DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d")


@dataclass(frozen=True)
class StyleEntry:
    """One installed style.

    kind: "table", a row in the weights of `preset`, or "file". path: the style file, None for a
    table's. thumbnail: a picture, None where there is none. shipped: part of Rhetor, not the
    user's. problem: why the file cannot be used, one sentence; empty where it can.
    """

    name: str
    label: str
    description: str
    kind: str
    preset: str
    path: Path | None = None
    thumbnail: Path | None = None
    shipped: bool = True
    problem: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether takes can be made with it."""
        return not self.problem

    def to_json(self) -> dict[str, Any]:
        """The entry as a JSON object; paths as text."""
        values = dict(vars(self))
        for key in ("path", "thumbnail"):
            values[key] = None if values[key] is None else str(values[key])
        return values


def user_data_dir() -> Path:
    """Where this system keeps a person's data for Rhetor; not created here."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "Rhetor"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Rhetor"
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "rhetor"


def styles_dir() -> Path:
    """The folder of the person's own styles: RHETOR_STYLES, or "styles" in `user_data_dir`.

    Created by the first style that is written to it.
    """
    override = os.environ.get("RHETOR_STYLES")
    return Path(override).expanduser() if override else user_data_dir() / "styles"


def material_dir(name: str) -> Path:
    """What one of the person's own styles is learnt from: clips, pictures of how the face was
    followed, checkpoints. Goes with the style, or with the order that was never finished."""
    return styles_dir() / "material" / name


def installed_styles(preset: str = STYLE_PRESET) -> tuple[StyleEntry, ...]:
    """The table's styles of a preset, then the shipped files, then the person's own.

    A file that cannot be used is listed with its `problem`; names may then occur twice. Raises
    CheckpointError where the preset's own weights are missing or damaged.
    """
    entries = list(_table_styles(preset))
    if preset != STYLE_PRESET:
        return tuple(entries)
    taken = {entry.name for entry in entries}
    extractor = _feature_extractor()
    for folder, shipped in ((SHIPPED_STYLES_DIR, True), (styles_dir(), False)):
        for path in _style_files(folder):
            entry = _file_entry(path, shipped, extractor, taken)
            entries.append(entry)
            taken.add(entry.name)
    return tuple(entries)


def find_style(name: str, preset: str = STYLE_PRESET) -> StyleEntry:
    """The usable style of that name.

    Raises ConfigError where there is none, CheckpointError with the reason where its file cannot
    be used.
    """
    entries = installed_styles(preset)
    named = [entry for entry in entries if entry.name == name]
    for entry in named:
        if entry.is_usable:
            return entry
    if named:
        raise CheckpointError(
            f"The style {name} cannot be used: {named[0].problem}",
            f"Train it again with `rhetor train style`, or remove {named[0].path}.",
        )
    if preset != STYLE_PRESET and any(e.name == name for e in installed_styles()):
        raise ConfigError(
            f"The preset {preset} has no style {name!r}.", f"Use the preset {STYLE_PRESET} for it."
        )
    raise ConfigError(
        f"The preset {preset} has no style {name!r}.",
        f"Choose one of {', '.join(entry.name for entry in entries if entry.is_usable)}.",
    )


def styles_stamp() -> tuple[tuple[str, int, int], ...]:
    """Changes when a style file is added, removed or replaced; cheap enough for each redraw."""
    found = []
    for folder in (SHIPPED_STYLES_DIR, styles_dir()):
        for path in _style_files(folder):
            try:
                status = path.stat()
            except OSError:  # removed in this moment
                continue
            found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)


def check_new_name(name: str, force: bool = False) -> Path:
    """The file that a new style of the person's own is written to.

    Raises ConfigError where the name is not valid, is taken by a shipped style, or, without
    `force`, by one of the person's own.
    """
    if not is_valid_name(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a style.",
            "Use up to 40 lower-case letters, digits, _ and -, a letter or digit first.",
        )
    shipped = {entry.name for preset in ("plus", "paper") for entry in _table_styles(preset)}
    shipped |= {path.stem for path in _style_files(SHIPPED_STYLES_DIR)}
    if name in shipped:
        raise ConfigError(f"{name} is the name of a style of Rhetor's own.", "Choose another one.")
    path = styles_dir() / f"{name}{STYLE_SUFFIX}"
    if path.exists() and not force:
        raise ConfigError(
            f"There is a style {name} already.", "Choose another name, or overwrite it (--force)."
        )
    return path


def is_valid_name(name: str) -> bool:
    """Whether a style file may have this name on every system."""
    return bool(_NAME.fullmatch(name)) and not _WINDOWS_DEVICES.fullmatch(name)


def remove_style(name: str) -> None:
    """Delete one of the person's own styles with all that belongs to it. Raises ConfigError."""
    path = styles_dir() / f"{name}{STYLE_SUFFIX}"
    if not is_valid_name(name) or not path.exists():
        raise ConfigError(
            f"There is no style {name!r} of your own.", "`rhetor styles` lists those that are."
        )
    for suffix in (STYLE_SUFFIX, *COMPANION_SUFFIXES):
        path.with_suffix(suffix).unlink(missing_ok=True)
    shutil.rmtree(material_dir(name), ignore_errors=True)


def import_style(file: Path, name: str = "", force: bool = False) -> StyleEntry:
    """Copy a style file, and its card and picture where they lie beside it, to `styles_dir`.

    name: what to call it; the file's own name where it is empty. Raises ConfigError on the name
    and CheckpointError on a file that cannot be used here.
    """
    name = name or file.stem
    target = check_new_name(name, force)
    problem = _problem_of(file, _feature_extractor())
    if problem:
        raise CheckpointError(f"{file.name} cannot be used: {problem}")
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (*COMPANION_SUFFIXES, STYLE_SUFFIX):  # the style last: then it is complete
        source = file.with_suffix(suffix)
        if source.exists():
            partial = target.with_suffix(f"{suffix}.partial")
            shutil.copyfile(source, partial)
            partial.replace(target.with_suffix(suffix))
    return find_style(name)


def export_style(name: str, folder: Path) -> Path:
    """Copy a style file with its card and picture to a folder; the path of the copy."""
    entry = find_style(name)
    if entry.path is None:
        raise ConfigError(f"{name} is part of Rhetor's weights, not a file.")
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in (STYLE_SUFFIX, *COMPANION_SUFFIXES):
        if entry.path.with_suffix(suffix).exists():
            shutil.copyfile(entry.path.with_suffix(suffix), folder / f"{name}{suffix}")
    return folder / f"{name}{STYLE_SUFFIX}"


def _table_styles(preset: str) -> Iterator[StyleEntry]:
    rows = read_description(WEIGHTS_DIR / f"posegan_{preset}.safetensors").get("styles", [])
    for row in rows:
        name = str(row.get("name", ""))
        picture = THUMBNAILS_DIR / f"{name}.png"
        yield StyleEntry(
            name=name,
            label=str(row.get("label") or name.capitalize()),
            description=str(row.get("description", "")),
            kind="table",
            preset=preset,
            thumbnail=picture if preset == STYLE_PRESET and picture.exists() else None,
        )


def _style_files(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix == STYLE_SUFFIX and p.is_file())
    except OSError:  # not there, or not readable: then there are none
        return []


def _feature_extractor() -> str:
    return str(read_description(WEIGHTS_DIR / "features.safetensors").get("id", ""))


def _file_entry(path: Path, shipped: bool, extractor: str, taken: set[str]) -> StyleEntry:
    problem = _problem_of(path, extractor)
    try:
        described = read_description(path)
    except RhetorError:
        described = {}  # told by `problem`
    if not problem and path.stem in taken:
        problem = f"There is another style called {path.stem}."
    elif not problem and not is_valid_name(path.stem):
        problem = "Its file's name cannot be the name of a style."
    picture = path.with_suffix(".png")
    return StyleEntry(
        name=path.stem,
        label=str(described.get("label") or path.stem.replace("_", " ").capitalize()),
        description=str(described.get("description", "")),
        kind="file",
        preset=STYLE_PRESET,
        path=path,
        thumbnail=picture if picture.exists() else None,
        shipped=shipped,
        problem=problem,
    )


def _problem_of(path: Path, extractor: str) -> str:
    """Why a style file cannot be used with the installed weights; empty where it can."""
    try:
        described = read_description(path)
    except RhetorError as error:
        return error.message
    if described.get("kind") != STYLE_KIND:
        return "It is not a style file."
    if described.get("head_model") != HEAD_MODEL_ID:
        return f"It was made for the head {described.get('head_model')!r}, not {HEAD_MODEL_ID!r}."
    if described.get("feature_extractor") != extractor:
        return (
            f"It was trained on the speech features {described.get('feature_extractor')!r}, "
            f"not on {extractor!r}."
        )
    return ""
