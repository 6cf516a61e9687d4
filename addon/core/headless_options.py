# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of Rhetor without a window: the settings of commands and job lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.protocol.errors import ConfigError
from ...engine.protocol.requests import MAX_SEED, PRESETS
from .timing import broadcast_rate

FACES = ("average", "voice")
RENDER_ENGINES = ("cycles", "workbench", "eevee")
DEFAULT_FPS = 24.0
_NO, _YES = ("0", "false", "no"), ("1", "true", "yes")


class UsageError(ConfigError):
    """What was asked for cannot be meant: nothing has been begun."""


@dataclass(frozen=True)
class HeadlessOptions:
    """One .blend to make. All paths are absolute. Raises UsageError on what cannot be.

    render: also this .mp4. blend: an existing file whose character is animated; None: a new file
    with a new head. character: the name of that character; "" where the file has only one. fps:
    None for that of the existing file, or DEFAULT_FPS. seconds: only the beginning. face: of a
    new head, one of FACES or the number of a random one. engine: None leaves an existing file's
    render settings alone, and is Cycles for a new one. resolution: px, square, of a new file.
    """

    audio: Path
    output: Path
    render: Path | None = None
    blend: Path | None = None
    character: str = ""
    style: str = "neutral"
    seed: int = 0
    preset: str = PRESETS[0]
    start_frame: int = 1
    fps: float | None = None
    seconds: float | None = None
    face: str = "voice"
    hair: bool = True
    engine: str | None = None
    resolution: int = 320

    def __post_init__(self) -> None:
        _require_suffix(self.output, ".blend")
        if self.render is not None:
            _require_suffix(self.render, ".mp4")
        if self.blend is not None:
            _require_suffix(self.blend, ".blend")
            _require(
                self.blend != self.output,
                f"{self.output.name} would replace the file that it is made from.",
                "Name another output.",
            )
        _require(
            self.blend is not None or not self.character,
            "A character can only be named in an existing file.",
            "Name the file too: blend.",
        )
        _require(0 <= self.seed <= MAX_SEED, f"The seed is from 0 to {MAX_SEED}.")
        _require_choice("preset", self.preset, PRESETS)
        if self.engine is not None:
            _require_choice("engine", self.engine, RENDER_ENGINES)
        _require(
            self.face in FACES or self.face.isdecimal(),
            f"There is no face {self.face!r}.",
            f"Use {', '.join(FACES)} or a number.",
        )
        _require(
            self.resolution >= 16 and self.resolution % 2 == 0,
            f"A picture cannot be {self.resolution} pixels wide.",
            "Use an even number such as 320.",
        )
        _require(self.seconds is None or self.seconds > 0, "Ask for more than 0 seconds.")
        if self.fps is not None:
            try:
                broadcast_rate(self.fps)
            except ValueError as error:
                raise UsageError(
                    f"There is no frame rate {self.fps:g}.", "Use 24, 25 or 30."
                ) from error

    def to_json(self) -> dict[str, Any]:
        """JSON types that `read_options` reads back."""
        values = dataclasses.asdict(self)
        return {name: str(v) if isinstance(v, Path) else v for name, v in values.items()}


OPTION_NAMES = tuple(field.name for field in dataclasses.fields(HeadlessOptions))


def read_options(values: Mapping[str, Any], folder: Path) -> HeadlessOptions:
    """Options from JSON types or from text, as in a table; relative paths start in `folder`.

    render may be true: the video lies beside the .blend. Raises UsageError with advice.
    """
    unknown = [name for name in values if name not in OPTION_NAMES]
    _require(
        not unknown, f"Unknown setting {', '.join(unknown)}.", f"Known: {', '.join(OPTION_NAMES)}."
    )
    for name in ("audio", "output"):
        _require(bool(values.get(name)), f"The setting {name} is missing.")
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name in _PATHS:
            read[name] = _read_path(value, folder)
        elif name in _READERS and value is not None:
            read[name] = _READERS[name](name, value)
    read["render"] = _read_render(values.get("render"), read["output"], folder)
    return HeadlessOptions(**read)


def _read_path(value: object, folder: Path) -> Path | None:
    if value is None:
        return None
    _require(isinstance(value, str | Path), f"{value!r} is no path.")
    return (folder / Path(str(value)).expanduser()).absolute()


def _read_render(value: object, output: Path, folder: Path) -> Path | None:
    text = str(value).lower()
    if value is None or text in _NO:
        return None
    return output.with_suffix(".mp4") if text in _YES else _read_path(value, folder)


def _read_text(name: str, value: object) -> str:
    _require(isinstance(value, str | int), f"{name} is a text, not {value!r}.")
    return str(value)


def _read_whole(name: str, value: object) -> int:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UsageError(f"{name} is a whole number, not {value!r}.")


def _read_number(name: str, value: object) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    raise UsageError(f"{name} is a number, not {value!r}.")


def _read_switch(name: str, value: object) -> bool:
    text = str(value).lower()
    _require(text in (*_NO, *_YES), f"{name} is true or false, not {value!r}.")
    return text in _YES


_PATHS = ("audio", "output", "blend")
_READERS: dict[str, Callable[[str, object], Any]] = {
    **dict.fromkeys(("character", "style", "preset", "face", "engine"), _read_text),
    **dict.fromkeys(("seed", "start_frame", "resolution"), _read_whole),
    **dict.fromkeys(("fps", "seconds"), _read_number),
    "hair": _read_switch,
}


def _require(holds: bool, message: str, hint: str = "") -> None:
    if not holds:
        raise UsageError(message, hint)


def _require_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    _require(value in allowed, f"There is no {name} {value!r}.", f"Use {', '.join(allowed)}.")


def _require_suffix(path: Path, suffix: str) -> None:
    _require(
        path.suffix.lower() == suffix,
        f"{path.name} is no {suffix} file.",
        f"Give it a name that ends in {suffix}.",
    )
