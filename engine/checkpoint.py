# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights on disk: safetensors with a JSON description, loaded strictly, never unpickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from .protocol.errors import CheckpointError
from .protocol.weights_header import METADATA_KEY, read_description

WEIGHTS_DIR = Path(__file__).resolve().parent.parent / "assets" / "weights"


def save_checkpoint(
    path: Path, tensors: Mapping[str, torch.Tensor], description: Mapping[str, Any]
) -> None:
    """Write tensors (floats as float16) and their description in one step, never half a file.

    description: `kind`, `preset`, `config` and whatever the loader is to check
    (`feature_extractor`, `head_model`, `rate_hz`, ...); JSON types only.
    """
    small = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in tensors.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(small, partial, {METADATA_KEY: json.dumps(dict(description), sort_keys=True)})
    partial.chmod(0o644)  # the writer leaves it readable by its owner alone
    partial.replace(path)


def load_checkpoint(
    path: Path, expected: Mapping[str, Any]
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors (floats as float32, on the CPU) and description of a weights file.

    expected: description entries that must match, such as kind, preset, head_model.
    Raises CheckpointError where the file is missing, damaged or made for something else.
    """
    description = read_description(path)
    for key, value in expected.items():
        if description.get(key) != value:
            raise CheckpointError(
                f"{path.name} was made for {key} = {description.get(key)!r}, not {value!r}.",
                "Use weights that were trained for these settings.",
            )
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"The weights file {path.name} is damaged ({error}).", "Reinstall Rhetor."
        ) from error
    return {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}, description


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
