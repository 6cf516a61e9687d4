# SPDX-License-Identifier: GPL-3.0-or-later
"""From one recording, whatever its kind, to the motion of the head and face in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..head.channels import EXPRESSION_NAMES
from ..head.model import HeadModel
from ..protocol.errors import DatasetError
from ..stages import ProgressCallback
from ..tracking.landmark_track import LandmarkTrack, load_landmark_track
from ..tracking.shots import face_boxes, frozen_frames, usable_ranges
from .captured_motion import CapturedMotion
from .listing import Source
from .rig_capture import load_rig_capture

_TRACKING = Path(__file__).resolve().parent.parent / "tracking"


@dataclass(frozen=True)
class CaptureSettings:
    """landmarker: a MediaPipe .task file to use instead of the built-in face mesh, or empty."""

    landmarker: str = ""


@dataclass(frozen=True)
class Capture:
    """motions: the usable pieces in order of time. notes: what the person should know."""

    motions: tuple[CapturedMotion, ...]
    notes: tuple[str, ...] = ()


def capture_source(
    source: Source,
    head: HeadModel,
    tracks: Path,
    settings: CaptureSettings,
    report: ProgressCallback,
) -> Capture:
    """Track (films only) and fit. Raises DatasetError where there is no face or no file."""
    if source.kind == "rig":
        return Capture((load_rig_capture(source.path),))
    if source.kind == "landmarks":
        report(0.1, "fitting")
        motions = fit_motions(load_landmark_track(source.path), head)
        if not motions:
            raise DatasetError(f"No face was found in {source.path.name}.")
        return Capture(tuple(motions))
    raise DatasetError(f"{source.path.name} is a film; only tracked files are read so far.")


def fit_motions(
    track: LandmarkTrack, head: HeadModel, start_s: float = 0.0
) -> list[CapturedMotion]:
    """Fit one track and cut it where the face is lost or jumps."""
    from ..tracking.fit import fit_track

    ranges = usable_ranges(track)
    if not ranges:
        return []
    fitted = fit_track(track, head)
    motion = CapturedMotion(
        fps=track.fps,
        pose=fitted.pose.astype(np.float32),
        expression=np.clip(fitted.expression, 0.0, 1.0).astype(np.float32),
        identity=fitted.identity.astype(np.float32),
        pose_ok=fitted.pose_ok,
        face_ok=fitted.face_ok,
        known=np.ones(len(EXPRESSION_NAMES), bool),
        lip_gap_mm=fitted.lip_gap_mm.astype(np.float32),
        error_px=fitted.reprojection_px.astype(np.float32),
        face_px=np.where(track.ok, face_boxes(track)[1], np.nan).astype(np.float32),
        frozen=frozen_frames(track),
        start_s=start_s,
    )
    return [motion.cut(start, stop) for start, stop in ranges]


def fit_fingerprint() -> str:
    """Identity of the fit: of its code and of the anchors. Another fit, other clips."""
    digest = hashlib.sha256()
    not_fit = ("video.py", "landmarker.py", "sync.py", "anchor_registration.py")
    for path in sorted(_TRACKING.glob("*.py")):
        if path.name not in not_fit:
            digest.update(path.read_bytes())
    for path in sorted((_TRACKING.parents[1] / "assets" / "head").glob("landmark_anchors.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
