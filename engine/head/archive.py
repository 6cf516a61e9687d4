# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a head model: an uncompressed npz with one JSON header, never pickled."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..protocol.errors import HeadError

FORMAT = "rhetor-head"
FORMAT_VERSION = 2
_HEADER = "header"
_REBUILD = "Build it again with `python3 build.py setup`."

Arrays = dict[str, npt.NDArray[Any]]


def write_archive(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write header (JSON types) and arrays in one step; equal content gives equal bytes."""
    text = json.dumps(
        {**header, "format": FORMAT, "format_version": FORMAT_VERSION},
        sort_keys=True,
        allow_nan=False,
    )
    packed = {_HEADER: np.frombuffer(text.encode(), np.uint8), **arrays}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **packed)
    partial.replace(path)


def read_archive(path: Path) -> tuple[dict[str, Any], Arrays]:
    """Header and arrays of a head file.

    Raises HeadError where the file is missing, damaged, foreign or of another version.
    """
    if not path.is_file():
        raise HeadError(f"The head model {path} is missing.", _REBUILD)
    try:
        content = io.BytesIO(path.read_bytes())  # one read, not one per array
        archive = np.load(content, allow_pickle=False)
        if isinstance(archive, np.ndarray) or _HEADER not in archive.files:
            raise HeadError(f"{path.name} is not a head model.", _REBUILD)
        arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop(_HEADER).tobytes().decode())
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise HeadError(f"The head model {path.name} is damaged ({error}).", _REBUILD) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise HeadError(f"{path.name} is not a head model.", _REBUILD)
    if header.get("format_version") != FORMAT_VERSION:
        raise HeadError(
            f"{path.name} has head format {header.get('format_version')}, "
            f"this version reads {FORMAT_VERSION}.",
            _REBUILD,
        )
    return header, arrays
