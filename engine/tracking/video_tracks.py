# SPDX-License-Identifier: GPL-3.0-or-later
"""The landmarks of a film, shot by shot, on disk: FOLDER/shot_000.npz ... and FOLDER/tracks.json.

Only one shot, at most a minute of it, is in memory at a time. Tracking runs in a process of its
own, so that the native code of the tracker cannot take its caller with it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..background import BackgroundWork, Warn, run_together, serve_work
from ..config import config_from
from ..protocol.errors import ConfigError, DatasetError
from ..protocol.take import FloatArray
from ..stages import ProgressCallback
from .landmark_track import LANDMARK_COUNT, LandmarkTrack, save_landmark_track
from .landmarker import Face, Landmarker, open_landmarker
from .shots import CutDetector
from .stills import StillKeeper
from .video import probe_video, read_video

MAX_SHOT_S = 60.0
MAX_RATE_HZ = 60.0
_RECORD = "tracks.json"
_VERSION = 1
_FEWEST_FRAMES = 5


@dataclass(frozen=True)
class ShotFile:
    """file: name of the landmark track. start_s: of its first frame, after the film's first."""

    file: str
    start_s: float


@dataclass(frozen=True)
class Still:
    """A picture of the film kept for the contact sheet: frame of shots[shot], scale to the track's
    pixels."""

    file: str
    shot: int
    frame: int
    scale: float


@dataclass(frozen=True)
class VideoTracks:
    """What was found in a film. sound_start_s: as in VideoInfo. several_faces: share of frames."""

    key: str
    landmarker: str
    fps: float
    sound_start_s: float
    has_sound: bool
    duration_s: float
    several_faces: float
    shots: tuple[ShotFile, ...]
    stills: tuple[Still, ...]


def track_video(
    path: Path, folder: Path, task_file: str, progress: ProgressCallback, warn: Warn
) -> VideoTracks:
    """Track a film in a child process, unless `folder` holds its tracks already.

    Raises DatasetError where there is no face or no film, WorkerError where the tracker crashes,
    and whatever `progress` raises to stop, which ends the child.
    """
    key = tracks_key(path, task_file)
    done = read_tracks(folder)
    if done is not None and done.key == key:
        return done
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    params = {"path": str(path.resolve()), "folder": str(folder.resolve()), "key": key,
              "landmarker": task_file}  # fmt: skip
    work = BackgroundWork(f"{__package__}.video_tracks", params, folder / "tracking.log")
    run_together([work], progress, warn)
    tracks = read_tracks(folder)
    if tracks is None:
        raise DatasetError(f"The tracks of {path.name} could not be written to {folder}.")
    return tracks


def tracks_key(path: Path, task_file: str) -> str:
    """Hash of the film, of the face model and of how they are used."""
    digest = hashlib.sha256(f"{_VERSION} {MAX_SHOT_S}".encode())
    for file in (path, Path(task_file)) if task_file else (path,):
        with file.open("rb") as data:
            digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()[:24]


def read_tracks(folder: Path) -> VideoTracks | None:
    """What an earlier run wrote; None where it did not come to its end."""
    try:
        data = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        data["shots"] = tuple(ShotFile(**shot) for shot in data["shots"])
        data["stills"] = tuple(Still(**still) for still in data["stills"])
        return config_from(VideoTracks, data)
    except (OSError, ValueError, KeyError, TypeError, ConfigError):
        return None


def regular_track(  # noqa: PLR0917
    times_s: npt.NDArray[np.float64],
    points: FloatArray,
    ok: npt.NDArray[np.bool_],
    fps: float,
    size: tuple[int, int],
    scores: FloatArray | None = None,
    score_names: tuple[str, ...] = (),
) -> LandmarkTrack:
    """Frames at any times as a track at a constant rate that begins with the first of them.

    times_s: (N,) ascending. points: (N, 478, 3). Where pictures come irregularly the landmarks are
    interpolated; where none came for three frames the face counts as not seen.
    """
    at = times_s - times_s[0]
    count = round(at[-1] * fps) + 1
    grid = np.arange(count) / fps
    if count == len(at) and np.abs(at - grid).max() < 0.25 / fps:
        return LandmarkTrack(points, np.arange(LANDMARK_COUNT, dtype=np.int32), ok, fps, size,
                             scores, score_names)  # fmt: skip
    after = np.clip(np.searchsorted(at, grid), 1, max(1, len(at) - 1))
    after = np.minimum(after, len(at) - 1)
    before = np.maximum(after - 1, 0)
    span = np.maximum(at[after] - at[before], 1e-9)
    share = np.clip((grid - at[before]) / span, 0.0, 1.0).astype(np.float32)

    def mixed(values: FloatArray) -> FloatArray:
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        both: FloatArray = values[before] * (1 - weight) + values[after] * weight
        return both

    nearest = np.where(share < 0.5, before, after)
    seen = np.where(
        share < 1e-3, ok[before], np.where(share > 0.999, ok[after], ok[before] & ok[after])
    )
    seen &= np.abs(grid - at[nearest]) < 1.5 / fps
    return LandmarkTrack(
        mixed(points),
        np.arange(LANDMARK_COUNT, dtype=np.int32),
        seen,
        fps,
        size,
        None if scores is None else mixed(scores),
        score_names,
    )


class _ShotWriter:
    """Collects the frames of one shot and writes them out."""

    def __init__(self, folder: Path, fps: float, size: tuple[int, int]) -> None:
        self.shots: list[ShotFile] = []
        self._folder, self._fps, self._size = folder, fps, size
        self._times: list[float] = []
        self._faces: list[Face | None] = []

    def frame_at(self, time_s: float) -> int:
        """The number of a frame in this shot, at the constant rate."""
        return round((time_s - self._times[0]) * self._fps) if self._times else 0

    @property
    def length_s(self) -> float:
        """Seconds collected."""
        return self._times[-1] - self._times[0] if self._times else 0.0

    def add(self, time_s: float, face: Face | None) -> None:
        self._times.append(time_s)
        self._faces.append(face)

    def finish(self, score_names: tuple[str, ...]) -> bool:
        """Begin the next shot; whether a face was seen in this one and it was written."""
        seen = [face for face in self._faces if face is not None]
        is_kept = len(seen) >= _FEWEST_FRAMES
        if is_kept:
            nothing = Face(seen[0].points, seen[0].scores)
            faces = [face or nothing for face in self._faces]
            scores = [face.scores for face in faces if face.scores is not None]
            track = regular_track(
                np.array(self._times),
                np.stack([face.points for face in faces]),
                np.array([face is not None for face in self._faces]),
                self._fps,
                self._size,
                np.stack(scores) if len(scores) == len(faces) else None,
                score_names,
            )
            name = f"shot_{len(self.shots):03d}.npz"
            save_landmark_track(self._folder / name, track)
            self.shots.append(ShotFile(name, self._times[0]))
        self._times.clear()
        self._faces.clear()
        return is_kept


class _FaceChooser:
    """Stays with one face: the largest of a shot's first picture, then the one nearest to it."""

    def __init__(self) -> None:
        self._last: Face | None = None

    def choose(self, faces: list[Face]) -> Face | None:
        if not faces:
            return None
        chosen = max(faces, key=lambda face: face.size)
        if self._last is not None:
            place, reach = self._last.centre, 0.5 * self._last.size
            nearest = min(faces, key=lambda face: float(np.linalg.norm(face.centre - place)))
            if np.linalg.norm(nearest.centre - place) < reach:
                chosen = nearest
        self._last = chosen
        return chosen

    def restart(self) -> None:
        self._last = None


def _track(params: Mapping[str, Any], progress: ProgressCallback, _warn: Warn) -> dict[str, Any]:
    """The child's work."""
    path, folder = Path(params["path"]), Path(params["folder"])
    info = probe_video(path)
    landmarker = open_landmarker(params["landmarker"])
    rate = info.frame_rate / np.ceil(info.frame_rate / MAX_RATE_HZ - 1e-3)
    writer = _ShotWriter(folder, rate, info.size)
    stills = StillKeeper(folder)
    expected_s = info.duration_s or 60.0

    def tell(time_s: float) -> None:
        progress(min(0.99, time_s / expected_s), "tracking")

    frames, several, last_s = _follow(path, landmarker, writer, stills, tell)
    if not writer.shots:
        raise DatasetError(
            f"No face was found in {path.name}.",
            "Film one person from the front, large and well lit.",
        )
    record = VideoTracks(
        key=params["key"],
        landmarker=landmarker.name,
        fps=rate,
        sound_start_s=info.sound_start_s,
        has_sound=info.has_sound,
        duration_s=last_s,
        several_faces=round(several / max(frames, 1), 4),
        shots=tuple(writer.shots),
        stills=tuple(Still(**still) for still in stills.kept),
    )
    partial = folder / f"{_RECORD}.partial"
    partial.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
    partial.replace(folder / _RECORD)
    return {}


def _follow(
    path: Path,
    landmarker: Landmarker,
    writer: _ShotWriter,
    stills: StillKeeper,
    tell: Callable[[float], None],
) -> tuple[int, int, float]:
    """Through the whole film; how many frames, how many with several faces, the last time."""
    cuts, chooser = CutDetector(), _FaceChooser()
    frames = several = 0
    time_s = 0.0

    def finish() -> None:
        number = len(writer.shots)
        if not writer.finish(landmarker.score_names):
            stills.drop(number)

    for frame in read_video(path, most_hz=MAX_RATE_HZ):
        time_s = frame.time_s
        if cuts.is_cut(frame.image):
            finish()
            landmarker.restart()
            chooser.restart()
        elif writer.length_s >= MAX_SHOT_S:
            finish()
        faces = landmarker.find(frame.image, time_s)
        face = chooser.choose(faces)
        if face is not None:
            stills.offer(frame, len(writer.shots), writer.frame_at(time_s))
        writer.add(time_s, face)
        frames, several = frames + 1, several + (len(faces) > 1)
        tell(time_s)
    finish()
    return frames, several, time_s


if __name__ == "__main__":
    serve_work(_track)
