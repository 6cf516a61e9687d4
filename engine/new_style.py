# SPDX-License-Identifier: GPL-3.0-or-later
"""From videos of a person to their style: dataset and training in one, for Blender's button."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .background import BackgroundWork, Warn, run_together
from .config import config_from
from .protocol.errors import ConfigError
from .stages import ProgressCallback
from .styles import StyleEntry, check_new_name, material_dir
from .training.style import PARTS_MODULE, StyleOrder, between, train_style

_DATASET_SHARE = 0.35
"""Of the progress bar; tracking a minute of video takes a few minutes."""

_KEPT = ("sheets", "plots", "dataset.json")
"""What stays of a dataset when the style is learnt: how well the face was followed."""

_NEEDED = {"mediapipe": "video", "matplotlib": "training", "tensorboard": "training"}


@dataclass(frozen=True)
class StyleRequest:
    """What to learn. videos: absolute paths of films of one person. name: of the style; label and
    description: for menus. Raises ConfigError on anything that cannot be meant.
    """

    videos: tuple[str, ...]
    name: str
    label: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        if not self.videos or not all(isinstance(v, str) and v for v in self.videos):
            raise ConfigError("There is no video.", "Choose one or more films of a person.")
        relative = [video for video in self.videos if not Path(video).is_absolute()]
        if relative:
            raise ConfigError(f"The path of the video is not absolute: {relative[0]}.")
        if not all(isinstance(t, str) for t in (self.name, self.label, self.description)):
            raise ConfigError("Name, label and description of a style are texts.")

    @staticmethod
    def of(params: Mapping[str, Any]) -> StyleRequest:
        """The request in plain JSON data."""
        return config_from(StyleRequest, params)


def new_style(request: StyleRequest, progress: ProgressCallback, warn: Warn) -> StyleEntry:
    """Make clips of the videos and learn a style from them; both go on where they were stopped.

    progress: may raise to stop within a tenth of a second. The folder `material_dir` of the style
    holds all that is intermediate. Raises ConfigError, DatasetError, or what `progress` raises.
    """
    check_new_name(request.name)
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        extras = ",".join(sorted({_NEEDED[name] for name in missing}))
        raise ConfigError(
            f"Learning a style needs the Python package {missing[0]}.",
            "Press Add New Style in Preferences, Add-ons, Rhetor, Advanced; in an environment of "
            f"your own, pip install rhetor[{extras}].",
        )
    folder = _folder_for(request)
    dataset, work = folder / "dataset", folder / "training"
    build = BackgroundWork(
        PARTS_MODULE,
        {
            "part": "dataset",
            "videos": list(request.videos),
            "dataset": str(dataset),
            "speaker": request.name,
        },
        folder / "dataset.log",
    )
    run_together([build], between(progress, 0.0, _DATASET_SHARE), warn)
    order = StyleOrder(
        request.name, request.label, request.description, command="learnt from videos in Blender"
    )
    entry = train_style(dataset, order, work, between(progress, _DATASET_SHARE, 1.0), warn)
    _tidy(dataset)
    shutil.rmtree(work, ignore_errors=True)
    return entry


def _folder_for(request: StyleRequest) -> Path:
    """The style's folder; what it holds of other videos is deleted."""
    folder = material_dir(request.name)
    note = folder / "videos.json"
    videos = json.dumps(sorted(request.videos))
    if folder.exists() and (not note.exists() or note.read_text(encoding="utf-8") != videos):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(videos, encoding="utf-8")
    return folder


def _tidy(dataset: Path) -> None:
    """Keep what a person can look at; the clips can be made again from the videos."""
    for path in dataset.iterdir():
        if path.name in _KEPT:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
