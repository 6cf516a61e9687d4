# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles that are being learnt, noted on disk, so that a later session can go on with them.

A note is one JSON file. While its style is being learnt, a lock on a second file is held; the
system drops the lock when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from ...engine.styles import is_valid_name
from .file_lock import try_lock

_NOTE = ".json"
_LOCK = ".lock"


@dataclass(frozen=True)
class StyleOrder:
    """What to learn. videos: absolute paths. name: of the style file. label: for people."""

    name: str
    label: str
    videos: tuple[str, ...]
    description: str = ""


class Notebook:
    """The notes in one folder, and the lock that this process holds. For one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: IO[bytes] | None = None

    def begin(self, order: StyleOrder) -> bool:
        """Note an order and lock it; False where another process is at it. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._path(order.name, _LOCK).open("ab")
        if not try_lock(lock):
            lock.close()
            return False
        self._release()
        self._lock = lock
        partial = self._path(order.name, f"{_NOTE}.partial")
        partial.write_text(json.dumps(asdict(order), ensure_ascii=False, indent=1), "utf-8")
        partial.replace(self._path(order.name, _NOTE))
        return True

    def pause(self) -> None:
        """Let go of the order that is locked; its note stays."""
        self._release()

    def finish(self, name: str) -> None:
        """Forget an order."""
        self._release()
        for suffix in (_NOTE, _LOCK):
            with contextlib.suppress(OSError):
                self._path(name, suffix).unlink(missing_ok=True)

    def unfinished(self) -> tuple[StyleOrder, ...]:
        """Orders that nobody is at, the newest first."""
        try:
            notes = [path for path in self.folder.iterdir() if path.suffix == _NOTE]
            notes.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
        except OSError:  # no such folder yet, or a note that has just been removed
            return ()
        return tuple(order for path in notes for order in _read(path) if self._is_free(order.name))

    def _is_free(self, name: str) -> bool:
        path = self._path(name, _LOCK)
        try:
            with path.open("ab") as lock:
                return try_lock(lock)
        except OSError:
            return False

    def _path(self, name: str, suffix: str) -> Path:
        return self.folder / f"{name}{suffix}"

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
        self._lock = None


def _read(path: Path) -> Iterator[StyleOrder]:
    try:
        stored = json.loads(path.read_text("utf-8"))
        order = StyleOrder(
            str(stored["name"]),
            str(stored["label"]),
            tuple(str(video) for video in stored["videos"]),
            str(stored["description"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return  # not a note of ours
    if order.name == path.stem and is_valid_name(order.name):
        yield order
