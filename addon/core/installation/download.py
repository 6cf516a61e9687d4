# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads that go on where they stopped; what has not the right checksum is not kept."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ....engine.protocol.errors import InstallError
from .wheels import Wheel

INSTALLED_PER_DOWNLOADED = 3.5
"""Bytes on disk for each byte of a wheel."""

TRIES = 5
"""How often in a row a source may fail without having sent anything."""

_CHUNK = 1 << 18
_TIMEOUT_S = 30.0
_PAUSE_S = 1.0
_CERTIFICATE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE")

Report = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes in all."""


class _BrokenOffError(Exception):
    """The connection ended too early."""


def default_opener(certificates: Sequence[Path] = ()) -> urllib.request.OpenerDirector:
    """urllib with the system's proxies; certificates: files of further ones to trust.

    The Python in Blender does not know on every system where certificates are.
    """
    context = ssl.create_default_context()
    named = [Path(os.environ[name]) for name in _CERTIFICATE_VARIABLES if name in os.environ]
    for path in (*certificates, *named):
        if path.is_file():
            context.load_verify_locations(path)
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))


class Downloader:
    """Gets wheels into a folder. opener: how; pause_s: between tries."""

    def __init__(
        self, folder: Path, opener: urllib.request.OpenerDirector, pause_s: float = _PAUSE_S
    ) -> None:
        self._folder = folder
        self._opener = opener
        self._pause_s = pause_s

    def fetch_all(self, wheels: Sequence[Wheel], report: Report) -> None:
        """Get what is not there yet. Raises InstallError."""
        sizes = {wheel.filename: self._size(wheel) for wheel in wheels}
        total = sum(sizes.values())
        there = sum(
            _length(self._folder / wheel.filename) + _length(self._partial(wheel))
            for wheel in wheels
        )
        check_space(self._folder, max(total - there, 0), total)
        before = 0
        for wheel in wheels:
            total = max(sum(sizes.values()), 1)
            self.fetch(wheel, partial(_add, report, before, total))
            sizes[wheel.filename] = (self._folder / wheel.filename).stat().st_size
            before += sizes[wheel.filename]
        report(max(before, 1), max(before, 1))

    def fetch(self, wheel: Wheel, on_bytes: Callable[[int], None]) -> Path:
        """One file. on_bytes gets how many bytes of it are there. Raises InstallError."""
        target = self._folder / wheel.filename
        growing = self._partial(wheel)
        self._folder.mkdir(parents=True, exist_ok=True)
        if target.exists():
            if _sha256(target) == wheel.sha256:
                return target
            target.unlink()
        for is_last in (False, True):
            had = _length(growing)
            self._get(wheel, growing, on_bytes)
            if _sha256(growing) == wheel.sha256:
                growing.replace(target)
                return target
            growing.unlink()
            if is_last or not had:  # what lay here from earlier may have been another file's
                break
        raise InstallError(
            f"{wheel.filename} did not arrive as its source describes it (checksum).",
            "Install again. If this repeats, use another wheel source.",
        )

    def _get(self, wheel: Wheel, growing: Path, on_bytes: Callable[[int], None]) -> None:
        """Append to what is there until the file is whole."""
        failures = 0
        while True:
            had = _length(growing)
            try:
                self._get_rest(wheel.url, growing, on_bytes)
                return
            except urllib.error.HTTPError as error:
                if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and had:
                    return  # it is whole, or of a wrong length: the checksum tells
                if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise _unreachable(wheel, f"it answered {error.code}") from error
                reason = f"it answered {error.code}"
            except (_BrokenOffError, OSError, http.client.HTTPException) as error:
                if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise InstallError(
                        "The disk is full.", "Free some space and install again."
                    ) from error
                reason = str(getattr(error, "reason", error)) or type(error).__name__
            failures = failures + 1 if _length(growing) <= had else 1
            if failures >= TRIES:
                raise _unreachable(wheel, reason)
            time.sleep(self._pause_s * failures)

    def _get_rest(self, url: str, growing: Path, on_bytes: Callable[[int], None]) -> None:
        have = _length(growing)
        request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})
        if have:
            request.add_header("Range", f"bytes={have}-")
        with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
            is_rest = getattr(answer, "status", None) == http.HTTPStatus.PARTIAL_CONTENT
            have = have if is_rest else 0
            length = answer.headers.get("Content-Length")
            whole = have + int(length) if length else None
            with growing.open("ab" if is_rest else "wb") as file:
                while chunk := answer.read(_CHUNK):
                    file.write(chunk)
                    have += len(chunk)
                    on_bytes(have)
        if whole is not None and have < whole:
            raise _BrokenOffError("the connection broke off")

    def _size(self, wheel: Wheel) -> int:
        """Bytes of a wheel; 0 where its source does not tell."""
        target = self._folder / wheel.filename
        if target.exists():
            return target.stat().st_size
        if wheel.size:
            return wheel.size
        try:
            request = urllib.request.Request(wheel.url, method="HEAD")
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                return int(answer.headers.get("Content-Length") or 0)
        except (OSError, http.client.HTTPException, ValueError):
            return 0  # getting it will tell why

    def _partial(self, wheel: Wheel) -> Path:
        """Where a file grows; one of another content has another name."""
        return self._folder / f"{wheel.filename}.{wheel.sha256[:8]}.partial"


def check_space(folder: Path, to_write: int, wheels: int) -> None:
    """Whether the disk has room for what is still to be written and for what is unpacked then.

    wheels: bytes of all of them. Raises InstallError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    needed = to_write + round(wheels * INSTALLED_PER_DOWNLOADED)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InstallError(
            f"The disk is too full: {size_label(needed)} are needed in {folder.parent}, "
            f"{size_label(free)} are free.",
            "Free some space, or install for the CPU and without New Style.",
        )


def size_label(count: int) -> str:
    """Bytes for people: "310 MB", "2.4 GB"."""
    if count < 1e9:
        return f"{max(1, round(count / 1e6))} MB"
    return f"{count / 1e9:.1f} GB"


def _add(report: Report, before: int, total: int, count: int) -> None:
    report(min(before + count, total), total)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _unreachable(wheel: Wheel, reason: str) -> InstallError:
    return InstallError(
        f"{wheel.filename} cannot be downloaded: {reason}.",
        "Check the connection and install again: it goes on where it stopped.",
    )
