# SPDX-License-Identifier: GPL-3.0-or-later
"""Style files for the menu: a true header, no networks; the menu reads nothing else."""

import json
import os
import struct
from pathlib import Path

import bpy
import scenario


def folder() -> Path:
    return Path(os.environ["RHETOR_STYLES"])


def write_style(path: Path, label: str, **changes: str) -> Path:
    """A style file with a picture beside it; `changes` go to its description."""
    styles = scenario.module("engine.styles")
    weights = styles.WEIGHTS_DIR / "features.safetensors"
    read = scenario.module("engine.protocol.weights_header")
    description = {
        "kind": styles.STYLE_KIND,
        "label": label,
        "description": f"As {label} speaks",
        "feature_extractor": read.read_description(weights)["id"],
        "head_model": scenario.module("engine.head.channels").HEAD_MODEL_ID,
        **changes,
    }
    header = json.dumps({"__metadata__": {read.METADATA_KEY: json.dumps(description)}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path.with_suffix(".png"))
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def write_picture(path: Path) -> None:
    image = bpy.data.images.new("thumbnail", 32, 32)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


def offered() -> list[str]:
    """What the menu offers, as Blender itself tells it."""
    try:
        bpy.context.scene.rhetor.style = "no such style"
    except TypeError as error:
        listed = str(error).partition("not found in ")[2]
        return listed.split("'")[1::2]
    raise AssertionError("a style that does not exist was accepted")
