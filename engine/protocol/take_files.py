# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as files: .npz (whole, exact), .json (whole, readable), .csv (Live Link Face columns).

npz: arrays `pose`, `expression`, `expression_names`, `identity`, `fps`, and `meta` as JSON text;
read and written without pickle. json: the same keys, arrays as nested lists.

csv: the 63 columns of a Live Link Face recording, in its own order. Convention: weights in [0, 1];
angles in radians with the signs of face space (see take.py); eye angles are derived from the
eyeLook weights (yaw positive to the character's own left, pitch positive downwards). Translation,
identity and provenance do not fit into this format and are lost.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from .errors import TakeError
from .files import whole_file
from .take import MODEL_RATE_HZ, FloatArray, Take

FULL_GAZE_DEG = {"In": 26.0, "Out": 26.0, "Up": 18.0, "Down": 20.0}
"""Eye rotation that an eyeLook weight of 1 stands for in the csv columns."""

_ARRAYS = ("pose", "expression", "identity")
_SWAPPED = {"jawLeft": "jawRight", "mouthLeft": "mouthRight"}
_HEAD_COLUMNS = {"HeadYaw": "yaw", "HeadPitch": "pitch", "HeadRoll": "roll"}
_EYE_COLUMNS = tuple(
    f"{side}Eye{angle}" for side in ("Left", "Right") for angle in ("Yaw", "Pitch", "Roll")
)


def live_link_names() -> tuple[str, ...]:
    """The 52 weights in the order of a Live Link Face file, which has right before left twice."""
    partner = _SWAPPED | {right: left for left, right in _SWAPPED.items()}
    return tuple(partner.get(name, name) for name in EXPRESSION_NAMES)


LIVE_LINK_COLUMNS = (
    "Timecode",
    "BlendShapeCount",
    *(name[0].upper() + name[1:] for name in live_link_names()),
    *_HEAD_COLUMNS,
    *_EYE_COLUMNS,
)


def write_take(path: Path, take: Take) -> None:
    """Write a take in the format that its suffix names, whole or not at all.

    Raises TakeError on an unknown suffix, a full disk or a folder that cannot be written.
    """
    check_take_path(path)
    with whole_file(path) as file:
        _WRITERS[path.suffix.lower()](file, take)


def read_take(path: Path) -> Take:
    """Read a take. Raises TakeError where the file is missing, damaged or of another kind."""
    check_take_path(path)
    try:
        with path.open("rb") as file:
            return _READERS[path.suffix.lower()](file)
    except FileNotFoundError as error:
        raise TakeError(f"There is no file {path}.", "Check the path.") from error
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise TakeError(f"{path.name} is damaged or no take: {error}.") from error
    except zipfile.BadZipFile as error:
        raise TakeError(f"{path.name} is damaged: {error}.") from error


def check_take_path(path: Path) -> None:
    """Raise TakeError where the suffix names no format or the folder is missing."""
    if not path.absolute().parent.is_dir():
        raise TakeError(f"The folder {path.parent} does not exist.", "Create it first.")
    if path.suffix.lower() not in _WRITERS:
        raise TakeError(
            f"{path.name} has no known take format.", f"Use one of {', '.join(sorted(_WRITERS))}."
        )


def _write_npz(file: BinaryIO, take: Take) -> None:
    np.savez_compressed(
        file,
        pose=take.pose,
        expression=take.expression,
        expression_names=np.array(take.expression_names, dtype=np.str_),
        identity=take.identity,
        fps=np.float64(take.fps),
        meta=np.str_(_json(dict(take.meta))),
    )


def _read_npz(file: BinaryIO) -> Take:
    with np.load(file, allow_pickle=False) as data:
        return _take_of(
            {name: data[name] for name in _ARRAYS},
            fps=float(data["fps"]),
            names=[str(name) for name in data["expression_names"]],
            meta=json.loads(str(data["meta"])),
        )


def _write_json(file: BinaryIO, take: Take) -> None:
    # Six decimals: 1e-6 rad, mm and weight are far below what anybody can see.
    arrays = {name: np.round(getattr(take, name).astype(float), 6).tolist() for name in _ARRAYS}
    data = {"fps": take.fps, "expression_names": list(take.expression_names), **arrays}
    file.write(_json({**data, "meta": dict(take.meta)}).encode("utf-8"))


def _read_json(file: BinaryIO) -> Take:
    data = json.load(file)
    return _take_of(data, float(data["fps"]), data["expression_names"], data["meta"])


def _take_of(arrays: Mapping[str, Any], fps: float, names: list[str], meta: Any) -> Take:
    if not isinstance(meta, dict):
        raise ValueError("its meta is not a JSON object")
    pose, expression, identity = (np.asarray(arrays[name], dtype=np.float32) for name in _ARRAYS)
    return Take(fps, pose, expression, tuple(str(name) for name in names), identity, meta)


def _write_csv(file: BinaryIO, take: Take) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(LIVE_LINK_COLUMNS)
    zeros = np.zeros(take.frame_count, dtype=np.float32)
    weights = {name: take.expression_channel(name) for name in take.expression_names}
    columns = [weights.get(name, zeros) for name in live_link_names()]
    columns += [take.pose_channel(name) for name in _HEAD_COLUMNS.values()]
    columns += _eye_angles(weights, zeros)
    count = str(len(columns))
    for frame, row in enumerate(np.stack(columns, axis=1)):
        writer.writerow([_timecode(frame, take.fps), count, *(f"{value:.8f}" for value in row)])
    text.flush()
    text.detach()


def _eye_angles(weights: Mapping[str, FloatArray], zeros: FloatArray) -> list[FloatArray]:
    columns = []
    for side, to_left, to_right in (("Left", "Out", "In"), ("Right", "In", "Out")):
        left, right, down, up = (
            weights.get(f"eyeLook{way}{side}", zeros) * math.radians(FULL_GAZE_DEG[way])
            for way in (to_left, to_right, "Down", "Up")
        )
        columns += [left - right, down - up, zeros]
    return [np.asarray(column, dtype=np.float32) for column in columns]


def _read_csv(file: BinaryIO) -> Take:
    rows = list(csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline="")))
    header = {name.lower(): index for index, name in enumerate(rows[0])}
    body = [row for row in rows[1:] if row]
    timecodes = [row[header["timecode"]] for row in body]

    def columns(names: tuple[str, ...]) -> FloatArray:
        at = [header[name.lower()] for name in names]
        return np.array([[float(row[i]) for i in at] for row in body], dtype=np.float32)

    angles = columns(("HeadPitch", "HeadYaw", "HeadRoll"))
    return Take(
        fps=_nominal_fps(timecodes),
        pose=np.concatenate([angles, np.zeros_like(angles)], axis=1),
        expression=np.clip(columns(EXPRESSION_NAMES), 0.0, 1.0),
        expression_names=EXPRESSION_NAMES,
        identity=np.zeros(IDENTITY_SIZE, dtype=np.float32),
    )


def _timecode(frame: int, fps: float) -> str:
    """HH:MM:SS:FF.mmm, non-drop, counted at the next whole frame rate."""
    rate = math.ceil(fps - 1e-6)
    seconds, frames = divmod(frame, rate)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}.000"


def _nominal_fps(timecodes: list[str]) -> float:
    """Whole frame rate at which the timecodes count; the model rate where less than 1 s is seen."""
    seconds = {code.rsplit(":", 1)[0] for code in timecodes}
    if len(seconds) < 2:
        return MODEL_RATE_HZ
    return float(max(math.floor(float(code.rsplit(":", 1)[1])) for code in timecodes) + 1)


def _json(data: Mapping[str, Any]) -> str:
    try:
        return json.dumps(data, allow_nan=False, ensure_ascii=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise TakeError(f"The take's provenance is not plain JSON: {error}.") from error


_WRITERS: Mapping[str, Callable[[BinaryIO, Take], None]] = {
    ".npz": _write_npz,
    ".json": _write_json,
    ".csv": _write_csv,
}
_READERS: Mapping[str, Callable[[BinaryIO], Take]] = {
    ".npz": _read_npz,
    ".json": _read_json,
    ".csv": _read_csv,
}
