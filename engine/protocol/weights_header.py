# SPDX-License-Identifier: GPL-3.0-or-later
"""The description inside a weights file, read without torch (safetensors header only)."""

from __future__ import annotations

import json
import struct
from io import SEEK_END
from pathlib import Path
from typing import Any

from .errors import CheckpointError

METADATA_KEY = "rhetor"
_MAX_HEADER_BYTES = 16 * 1024 * 1024


def read_description(path: Path) -> dict[str, Any]:
    """The JSON description that `engine.checkpoint.save_checkpoint` stored in the file.

    Raises CheckpointError where the file is missing, damaged or not one of ours.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER_BYTES:
                raise ValueError("header too large")
            header = json.loads(file.read(length))
            ends = [v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"]
            if file.seek(0, SEEK_END) != 8 + length + max(ends, default=0):
                raise ValueError("it is not complete")
        description = json.loads(header["__metadata__"][METADATA_KEY])
    except FileNotFoundError as error:
        raise CheckpointError(
            f"The weights file {path.name} is missing.", "Reinstall Rhetor, or train it again."
        ) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        raise CheckpointError(
            f"The weights file {path.name} is damaged or not one of Rhetor's ({error}).",
            "Reinstall Rhetor, or choose another file.",
        ) from error
    if not isinstance(description, dict):
        raise CheckpointError(f"The weights file {path.name} has no description.")
    return description
