# SPDX-License-Identifier: GPL-3.0-or-later
"""The offline kit: a zip with every file that one kind of machine needs, and their checksums.

kit.json        for which Python and machine; name, version, size and sha256 of each file
wheels/*.whl    the files
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....engine.protocol.errors import InstallError
from .download import check_space
from .hardware import Machine
from .wheels import Wheel

_FORMAT = "rhetor-offline-kit"
_VERSION = 1
_MANIFEST = "kit.json"
_FOLDER = "wheels"
_DATE = (2026, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_HINT = "Make the kit on a machine like this one: build.py package --offline-kit."


@dataclass(frozen=True)
class KitTarget:
    """The machines that a kit is for. python: "3.11"."""

    python: str
    system: str
    processor: str

    @staticmethod
    def here(machine: Machine) -> KitTarget:
        """What this process runs on."""
        return KitTarget(
            f"{sys.version_info[0]}.{sys.version_info[1]}", machine.system, machine.processor
        )

    @property
    def label(self) -> str:
        """For people."""
        return f"Python {self.python} on {Machine(self.system, self.processor).label}"

    @property
    def filename(self) -> str:
        """Name of the kit's file."""
        place = f"{self.system}-{self.processor}".lower()
        return f"rhetor-offline-{place}-py{self.python.replace('.', '')}.zip"


def write_kit(path: Path, target: KitTarget, wheels: Sequence[Wheel], folder: Path) -> None:
    """Pack files from a folder; the same files make the same kit, byte for byte."""
    ordered = sorted(wheels, key=lambda wheel: wheel.filename)
    entries = [
        {
            "name": wheel.name,
            "version": wheel.version,
            "file": wheel.filename,
            "sha256": wheel.sha256,
            "size": (folder / wheel.filename).stat().st_size,
        }
        for wheel in ordered
    ]
    manifest = {"format": _FORMAT, "version": _VERSION, **vars(target), "wheels": entries}
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
        archive.writestr(_entry(_MANIFEST), text)
        for wheel in ordered:
            with (
                (folder / wheel.filename).open("rb") as source,
                archive.open(_entry(f"{_FOLDER}/{wheel.filename}"), "w", force_zip64=True) as file,
            ):
                shutil.copyfileobj(source, file, _CHUNK)
    partial.replace(path)


def check_kit(path: Path, target: KitTarget) -> None:
    """Whether a file is a kit for this machine. Raises InstallError where it is not."""
    with _opened(path) as archive:
        _manifest(archive, path, target)


def unpack_kit(
    path: Path, folder: Path, target: KitTarget, report: Callable[[int, int], None]
) -> None:
    """Put the kit's files, each checked, into a folder. Raises InstallError."""
    with _opened(path) as archive:
        manifest = _manifest(archive, path, target)
        total = sum(entry["size"] for entry in manifest["wheels"])
        check_space(folder, total, total)
        before = 0
        for entry in manifest["wheels"]:
            _unpack(archive, entry, folder)
            before += entry["size"]
            report(before, total)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise InstallError(f"The offline kit cannot be read: {error}", _HINT) from error


def _manifest(archive: zipfile.ZipFile, path: Path, target: KitTarget) -> dict[str, Any]:
    names = archive.namelist()
    manifest = json.loads(archive.read(_MANIFEST)) if _MANIFEST in names else {}
    if manifest.get("format") != _FORMAT or manifest.get("version") != _VERSION:
        raise InstallError(f"{path.name} is not an offline kit of this version of Rhetor.", _HINT)
    made_for = KitTarget(manifest["python"], manifest["system"], manifest["processor"])
    if made_for != target:
        raise InstallError(f"This kit is for {made_for.label}; here is {target.label}.", _HINT)
    return dict(manifest)


def _unpack(archive: zipfile.ZipFile, entry: dict[str, Any], folder: Path) -> None:
    name = Path(entry["file"]).name
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.partial"
    digest = hashlib.sha256()
    with archive.open(f"{_FOLDER}/{name}") as source, partial.open("wb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != entry["sha256"]:
        partial.unlink()
        raise InstallError(f"The offline kit is damaged: {name} (checksum).", "Copy it again.")
    partial.replace(folder / name)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = 0o644 << 16
    return entry
