# SPDX-License-Identifier: GPL-3.0-or-later
"""From recordings, whatever their kind, to the motion of the head and face in them.

All that is seen of one person is fitted together: the more there is, the better it is told what is
the face and what is its expression.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..background import Warn
from ..head.model import HeadModel
from ..protocol.errors import DatasetError
from ..protocol.files import UNREADABLE_NPZ
from ..stages import ProgressCallback
from ..tracking.fit import FittedTrack, fit_tracks
from ..tracking.landmark_track import LANDMARK_COUNT, LandmarkTrack, load_landmark_track
from ..tracking.shots import face_boxes, frozen_frames, usable_ranges
from ..tracking.video_tracks import Still, VideoTracks, track_video
from .build_settings import BuildSettings, file_splits
from .captured_motion import CapturedMotion
from .listing import Source

MOST_FRAMES = 20_000
"""What is fitted together at most: eleven minutes, some 120 MB of landmarks."""
_FEWEST_SEEN = 5
_SHORTEST_HELD_OUT_S = 2.0
_SEVERAL_FACES = 0.05
_LOST_ERROR = 0.1
_TRACKING = Path(__file__).resolve().parent.parent / "tracking"


@dataclass(frozen=True)
class Shot:
    """One landmark track on disk. start_s: in its recording. frames, layout: as it says itself."""

    path: Path
    start_s: float
    frames: int
    layout: tuple[bytes, tuple[int, int]]
    stills: tuple[Still, ...] = ()


@dataclass(frozen=True)
class TrackedSource:
    """A recording with its shots. sound_start_s: how much later than the picture its sound
    begins. folder: where the stills are."""

    source: Source
    shots: tuple[Shot, ...]
    fps: float
    sound_start_s: float = 0.0
    notes: tuple[str, ...] = ()
    folder: Path = Path()

    @property
    def seconds(self) -> float:
        """Length of all shots."""
        return sum(shot.frames for shot in self.shots) / self.fps


Group = list[tuple[TrackedSource, Shot]]


@dataclass(frozen=True)
class FittedShot:
    """A shot with its track and the head fitted to it."""

    shot: Shot
    track: LandmarkTrack
    fitted: FittedTrack


def locate_shots(
    source: Source, tracks: Path, landmarker: str, report: ProgressCallback, warn: Warn
) -> TrackedSource:
    """The shots of tracked landmarks or of a film, which is tracked now if it was not before.

    Raises DatasetError where there is no face or the file cannot be read.
    """
    if source.kind == "landmarks":
        shot, fps = _shot(source.path, 0.0)
        if shot.frames < _FEWEST_SEEN:
            raise DatasetError(f"{source.path.name} shows a face in too few frames.")
        return TrackedSource(source, (shot,), fps)
    folder = tracks / source.name
    found = track_video(source.path, folder, landmarker, report, warn)
    stills = [tuple(s for s in found.stills if s.shot == i) for i in range(len(found.shots))]
    shots = tuple(
        _shot(folder / file.file, file.start_s, shown)[0]
        for file, shown in zip(found.shots, stills, strict=True)
    )
    notes = _film_notes(found)
    return TrackedSource(source, shots, found.fps, found.sound_start_s, notes, folder)


def _film_notes(found: VideoTracks) -> tuple[str, ...]:
    notes = []
    if not found.has_sound:
        notes.append("no sound: it teaches the head's motion, not the mouth's")
    if found.several_faces > _SEVERAL_FACES:
        notes.append(f"several faces in {found.several_faces:.0%} of the frames; one was followed")
    if len(found.shots) > 1:
        notes.append(f"{len(found.shots)} shots")
    return tuple(notes)


def _shot(path: Path, start_s: float, stills: tuple[Still, ...] = ()) -> tuple[Shot, float]:
    """What is needed of a track before its landmarks are loaded, and its frame rate."""
    try:
        with np.load(path, allow_pickle=False) as data:
            index = data["idx"].astype(np.int32) if "idx" in data else np.arange(LANDMARK_COUNT)
            size = (int(data["size"][0]), int(data["size"][1]))
            frames, fps = len(data["ok"]), float(data["fps"])
            seen = int(data["ok"].sum())
    except UNREADABLE_NPZ:
        load_landmark_track(path)  # says what is wrong
        raise
    layout = (index.astype(np.int32).tobytes(), size)
    return Shot(path, start_s, frames if seen >= _FEWEST_SEEN else 0, layout, stills), fps


def settle_short(tracked: Sequence[TrackedSource], settings: BuildSettings) -> list[TrackedSource]:
    """Recordings too short to hold out a piece of each go to one side as a whole."""
    if settings.split != "time":
        return list(tracked)
    least_s = max(settings.min_clip_s, _SHORTEST_HELD_OUT_S) + settings.gap_s / 2
    short = [
        index
        for index, shown in enumerate(tracked)
        if not shown.source.split and shown.seconds * settings.val_share < least_s
    ]
    split = dict(zip(short, file_splits(len(short), settings.val_share), strict=True))
    return [
        replace(shown, source=replace(shown.source, split=split.get(i, shown.source.split)))
        for i, shown in enumerate(tracked)
    ]


def group_shots(recordings: Sequence[TrackedSource]) -> list[Group]:
    """Shots of one person that can be fitted together: alike in landmarks and size, MOST_FRAMES
    at most."""
    groups: list[Group] = []
    latest: dict[tuple[bytes, tuple[int, int]], int] = {}
    for tracked in recordings:
        for shot in tracked.shots:
            at = latest.get(shot.layout)
            if at is None or sum(s.frames for _, s in groups[at]) + shot.frames > MOST_FRAMES:
                at = latest[shot.layout] = len(groups)
                groups.append([])
            groups[at].append((tracked, shot))
    return groups


def fit_shots(
    shots: Sequence[Shot], head: HeadModel, progress: Callable[[float, str], None]
) -> Iterator[FittedShot]:
    """Fit the shots of one person. Where they cannot be fitted together, each is alone; one that
    shows too little of a face is left out."""
    usable = [shot for shot in shots if shot.frames >= _FEWEST_SEEN]
    tracks = [load_landmark_track(shot.path) for shot in usable]
    if not tracks:
        return
    try:
        fits = fit_tracks(tracks, head, progress=progress)
    except DatasetError:
        if len(tracks) == 1:
            return
        for shot in usable:
            yield from fit_shots([shot], head, progress)
        return
    for shot, track, fitted in zip(usable, tracks, fits, strict=True):
        yield FittedShot(shot, track, fitted)


def motions_of(shot: FittedShot) -> list[CapturedMotion]:
    """The pieces of a fitted shot in which the face is neither lost nor jumps.

    Frames in which the head does not fit at all count as not seen: the tracker was elsewhere.
    """
    fitted, track = shot.fitted, shot.track
    face_px = np.where(track.ok, face_boxes(track)[1], np.nan).astype(np.float32)
    fits = ~(fitted.reprojection_px > _LOST_ERROR * face_px)
    whole = CapturedMotion(
        fps=track.fps,
        pose=fitted.pose.astype(np.float32),
        expression=np.clip(fitted.expression, 0.0, 1.0).astype(np.float32),
        identity=fitted.identity.astype(np.float32),
        pose_ok=fitted.pose_ok & fits,
        face_ok=fitted.face_ok & fits,
        known=fitted.known,
        lip_gap_mm=fitted.lip_gap_mm.astype(np.float32),
        error_px=fitted.reprojection_px.astype(np.float32),
        face_px=face_px,
        frozen=frozen_frames(track),
        start_s=shot.shot.start_s,
    )
    return [whole.cut(start, stop) for start, stop in usable_ranges(track)]


def fit_fingerprint() -> str:
    """Identity of the fit: of its code and of the anchors. Another fit, other clips."""
    digest = hashlib.sha256()
    others = ("video.py", "video_tracks.py", "landmarker.py", "stills.py", "sync.py",
              "anchor_registration.py")  # fmt: skip
    for path in sorted(_TRACKING.glob("*.py")):
        if path.name not in others:
            digest.update(path.read_bytes())
    for path in sorted((_TRACKING.parents[1] / "assets" / "head").glob("landmark_anchors.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
