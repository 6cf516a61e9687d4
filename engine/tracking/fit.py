# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit the default head to a track of face landmarks: identity, pose, expression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import savgol_filter

from ..head.channels import EXPRESSION_NAMES
from ..head.model import HeadModel
from ..protocol.errors import DatasetError
from ..protocol.take import FloatArray
from .anchored_head import AnchoredHead
from .anchors import LandmarkAnchors, load_anchors
from .camera import Camera, slopes
from .expression_fit import GAZE, ExpressionSettings, fit_expression, known_channels
from .gaze_fit import fit_gaze
from .identity_fit import Person, fit_person, spread_frames
from .landmark_track import LandmarkTrack
from .lip_gap import lip_gap_mm
from .pose_fit import RigidPose, fit_pose, from_angles

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Progress = Callable[[float, str], None]

_FEWEST_POINTS = 30
_FEWEST_FRAMES = 5


@dataclass(frozen=True)
class FitSettings:
    """focal_share: focal length as a share of the image's longer side. pose_window: frames of the
    filter that smooths the pose. depth_window: of the one that smooths the distance."""

    focal_share: float = 1.5
    pose_window: int = 5
    depth_window: int = 15
    expression: ExpressionSettings = ExpressionSettings()


@dataclass(frozen=True)
class FittedTrack:
    """The head's performance at the track's frame rate, T frames.

    identity: (50,) standard deviations. pose: (T, 6) rad and mm in face space; angles are those
    against the camera, translations are about the median place. expression: (T, 52) in [0, 1].
    pose_ok, face_ok: (T,) whether head and face were seen; where not, values are interpolated.
    known: (52,) the channels that the landmarks tell. lip_gap_mm: (T,) on the landmarks, NaN where
    unseen. reprojection_px: (T,) median distance of fitted to tracked landmarks, NaN where unseen.
    fps: frames per second. camera, place_mm (3,): where the median place is, to draw the fit over
    the picture. own: (n, 3) mm, numbers: (n,): what this person's landmarks have beside the
    identity.
    """

    identity: FloatArray
    pose: FloatArray
    expression: FloatArray
    pose_ok: Mask
    face_ok: Mask
    known: Mask
    lip_gap_mm: FloatArray
    reprojection_px: FloatArray
    fps: float
    camera: Camera
    place_mm: FloatArray
    own: FloatArray
    numbers: npt.NDArray[np.int64]

    def rigid_pose(self) -> RigidPose:
        """The pose in camera space."""
        place = self.pose[:, 3:].astype(np.float64) + self.place_mm
        return from_angles(self.pose[:, :3].astype(np.float64), place)

    def to_image(self, points: npt.NDArray[np.floating]) -> Array:
        """(T, n, 2) pixels of head points (n, 3) or (T, n, 3) in mm, posed as in the fit."""
        return self.camera.pixels(slopes(self.rigid_pose().apply(np.asarray(points, np.float64))))


def fit_track(
    track: LandmarkTrack,
    head: HeadModel,
    anchors: LandmarkAnchors | None = None,
    progress: Progress | None = None,
    settings: FitSettings | None = None,
) -> FittedTrack:
    """Fit the head to a track.

    progress: called with a share in [0, 1] and what is done. Raises HeadError where the anchors
    are not of this head, DatasetError where the track shows too little of a face.
    """
    settings = settings or FitSettings()
    report = progress or (lambda share, text: None)
    face = AnchoredHead.of(track, head, anchors or load_anchors(head))
    _check(track, face)
    camera = Camera.guessed(track.size, settings.focal_share)
    ok = track.ok & np.isfinite(track.points).all((1, 2))
    points = filled(track.points[:, face.columns, :2].astype(np.float64), ok)
    rays = camera.rays(points)
    scores = _named_scores(track, ok)
    report(0.0, "person")
    rigid = face.rows("rigid")
    pose = fit_pose(rays[:, rigid], face.neutral[rigid], face.weight[rigid])
    chosen = spread_frames(pose, ok)
    person = fit_person(
        face, rays[chosen], None if scores is None else scores[chosen], pose.select(chosen)
    )
    report(0.3, "pose")
    pose = fit_pose(rays[:, rigid], person.rest[rigid], face.weight[rigid], pose)
    pose = _steady(pose, ok, settings)
    report(0.5, "expression")
    gaze = fit_gaze(_filled_track(track, ok), face, person.identity, camera, pose)
    gaze[:, GAZE] = filled(gaze[:, GAZE], ok)
    expression = fit_expression(
        face, person.rest, pose, rays, gaze=gaze, scores=scores, settings=settings.expression
    )
    expression = filled(expression, ok)
    report(1.0, "done")
    return _fitted(track, face, camera, person, pose, expression, ok, points)


def filled(values: Array, ok: Mask) -> Array:
    """(T, ...) values with the frames that are not ok interpolated from their neighbours."""
    if ok.all():
        return values
    seen = np.flatnonzero(ok)
    flat = values.reshape(len(values), -1)
    out = flat.copy()
    missing = np.flatnonzero(~ok)
    after = np.clip(np.searchsorted(seen, missing), 0, len(seen) - 1)
    before = np.clip(np.searchsorted(seen, missing) - 1, 0, len(seen) - 1)
    a, b = seen[before], seen[after]
    share = np.clip((missing - a) / np.maximum(b - a, 1), 0.0, 1.0)[:, None]
    out[missing] = (1.0 - share) * flat[a] + share * flat[b]
    return out.reshape(values.shape)


def _check(track: LandmarkTrack, face: AnchoredHead) -> None:
    if len(face.numbers) < _FEWEST_POINTS or len(face.rows("rigid")) < 6:
        raise DatasetError(
            f"The track has only {len(face.numbers)} landmarks of the face.",
            "Use a tracker that gives the dense face mesh of 468 or 478 points.",
        )
    if int(track.ok.sum()) < _FEWEST_FRAMES:
        raise DatasetError(
            "The track shows a face in too few frames.",
            "Use a video in which one face is seen from the front, large and well lit.",
        )


def _named_scores(track: LandmarkTrack, ok: Mask) -> Array | None:
    """(T, 52) the tracker's scores in our order, missing names 0."""
    if track.scores is None or not track.score_names:
        return None
    scores = np.zeros((len(ok), len(EXPRESSION_NAMES)))
    for column, name in enumerate(track.score_names):
        if name in EXPRESSION_NAMES:
            scores[:, EXPRESSION_NAMES.index(name)] = track.scores[:, column]
    return np.clip(filled(np.nan_to_num(scores), ok), 0.0, 1.0)


def _filled_track(track: LandmarkTrack, ok: Mask) -> LandmarkTrack:
    points = filled(track.points.astype(np.float64), ok).astype(np.float32)
    return LandmarkTrack(points, track.index, ok, track.fps, track.size)


def _steady(pose: RigidPose, ok: Mask, settings: FitSettings) -> RigidPose:
    """The pose, unseen frames interpolated, noise smoothed away."""
    angles = np.unwrap(filled(pose.angles(), ok), axis=0)
    place = filled(pose.place, ok)
    depth = _smooth(place[:, 1:2], settings.depth_window)
    aside = _smooth(slopes(place), settings.pose_window)  # sideways noise is none of the depth
    steady = np.concatenate([aside[:, :1] * depth, depth, aside[:, 1:] * depth], axis=1)
    return from_angles(_smooth(angles, settings.pose_window), steady)


def _smooth(values: Array, window: int) -> Array:
    if len(values) < window or window < 5:
        return values
    smoothed: Array = savgol_filter(values, window, 3, axis=0)
    return smoothed


def _fitted(
    track: LandmarkTrack,
    face: AnchoredHead,
    camera: Camera,
    person: Person,
    pose: RigidPose,
    expression: Array,
    ok: Mask,
    points: Array,
) -> FittedTrack:
    shape = person.rest + face.moves(expression)
    drawn = camera.pixels(slopes(pose.apply(shape)))
    miss = np.median(np.linalg.norm(drawn - points, axis=-1), axis=1)
    place = np.median(pose.place[ok], axis=0)
    mouth = face.shape(person.identity)[face.rows("lips_inner")].mean(0)
    return FittedTrack(
        identity=person.identity.astype(np.float32),
        pose=np.concatenate([pose.angles(), pose.place - place], axis=1).astype(np.float32),
        expression=expression.astype(np.float32),
        pose_ok=ok,
        face_ok=ok,
        known=known_channels(face.numbers),
        lip_gap_mm=lip_gap_mm(track, camera, pose, mouth),
        reprojection_px=np.where(ok, miss, np.nan).astype(np.float32),
        fps=track.fps,
        camera=camera,
        place_mm=place.astype(np.float32),
        own=person.own.astype(np.float32),
        numbers=face.numbers,
    )
