# SPDX-License-Identifier: GPL-3.0-or-later
"""The files to install, as the tools that have chosen them tell."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ....engine.protocol.errors import InstallError

_SEPARATORS = re.compile(r"[-_.]+")


@dataclass(frozen=True)
class Wheel:
    """One file. sha256: hex digits. size: bytes, 0 where nobody has said."""

    name: str
    version: str
    url: str
    sha256: str
    size: int = 0

    @property
    def key(self) -> str:
        """The package's name as everybody compares it."""
        return package_key(self.name)

    @property
    def filename(self) -> str:
        """Its name, which says what it is for."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


def package_key(name: str) -> str:
    """A package's name in its normal form (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def wheels_of_report(text: str) -> tuple[Wheel, ...]:
    """The files in an installation report of pip."""
    return tuple(_of_report(entry) for entry in json.loads(text)["install"])


def wheels_of_lock(text: str) -> tuple[Wheel, ...]:
    """The files in a pylock.toml (PEP 751) for one platform: of each package one."""
    return tuple(_of_lock(entry) for entry in tomllib.loads(text)["packages"])


def _of_report(entry: Mapping[str, Any]) -> Wheel:
    source = entry["download_info"]
    archive = source.get("archive_info", {})
    found = dict(archive.get("hashes", {}))
    kind, _, digest = archive.get("hash", "").partition("=")
    found.setdefault(kind, digest)
    metadata = entry["metadata"]
    return _checked(metadata["name"], metadata["version"], source["url"], found)


def _of_lock(entry: Mapping[str, Any]) -> Wheel:
    for wheel in _usable(entry.get("wheels", [])):
        return _checked(
            entry["name"], entry["version"], wheel["url"], wheel["hashes"], wheel.get("size", 0)
        )
    raise InstallError(
        f"There is no ready-made build of {entry['name']} {entry.get('version', '')} here.",
        "Choose another build, or point to an existing environment.",
    )


def _usable(wheels: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (wheel for wheel in wheels if "url" in wheel)


def _checked(name: str, version: str, url: str, hashes: Mapping[str, str], size: int = 0) -> Wheel:
    """A wheel whose content can be verified; others are refused."""
    digest = hashes.get("sha256", "")
    wheel = Wheel(name, version, url, digest, size)
    if not digest:
        raise InstallError(
            f"The source of {wheel.filename} does not tell its checksum.",
            "Use another wheel source: without a checksum nothing is installed.",
        )
    if not wheel.filename.endswith(".whl") or "/" in wheel.filename or "\\" in wheel.filename:
        raise InstallError(f"{name} is offered as {wheel.filename}, which is not a wheel.")
    return wheel
