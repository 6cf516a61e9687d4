# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit the default head to tracks of face landmarks: identity, pose, expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

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
from .expression_fit import ExpressionSettings, fit_expression, known_channels
from .gaze_fit import fit_gaze
from .identity_fit import Person, Sight, above_rest, fit_person
from .landmark_track import LandmarkTrack
from .lid_fit import fit_lids, lid_openings
from .lip_gap import lip_gap_mm
from .pose_fit import RigidPose, from_angles

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Progress = Callable[[float, str], None]

_FEWEST_POINTS = 30
_OF_THE_MOUTH = np.array([name.startswith(("mouth", "jaw")) for name in EXPRESSION_NAMES])
"""What they pull along of nose and cheeks is no nod."""
_FEWEST_RIGID = 6
_FEWEST_FRAMES = 5


@dataclass(frozen=True)
class FitSettings:
    """focal_share: focal length as a share of the image's longer side. pose_window: frames of the
    filter that smooths the pose. depth_window: of the one that smooths the distance."""

    focal_share: float = 1.5
    pose_window: int = 5
    depth_window: int = 15
    expression: ExpressionSettings = field(default_factory=ExpressionSettings)


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

    def to_image(self, points: npt.NDArray[np.floating[Any]]) -> Array:
        """(T, n, 2) pixels of head points (n, 3) or (T, n, 3) in mm, posed as in the fit."""
        return self.camera.pixels(slopes(self.rigid_pose().apply(np.asarray(points, np.float64))))


def fit_track(
    track: LandmarkTrack,
    head: HeadModel,
    anchors: LandmarkAnchors | None = None,
    progress: Progress | None = None,
    settings: FitSettings | None = None,
) -> FittedTrack:
    """Fit the head to one track; see `fit_tracks`."""
    return fit_tracks([track], head, anchors, progress, settings)[0]


def fit_tracks(
    tracks: Sequence[LandmarkTrack],
    head: HeadModel,
    anchors: LandmarkAnchors | None = None,
    progress: Progress | None = None,
    settings: FitSettings | None = None,
) -> list[FittedTrack]:
    """Fit the head to tracks of one person, who gets one identity and one face at rest.

    The more of a person is fitted together, the better it is told what is face and what is
    expression. The tracks must have the same landmarks and images of the same size. progress:
    called with a share in [0, 1] and what is done. Raises HeadError where the anchors are not of
    this head, DatasetError where the tracks do not fit together or show too little of a face.
    """
    settings = settings or FitSettings()
    report = progress or (lambda share, text: None)
    _check_alike(tracks)
    face = AnchoredHead.of(tracks[0], head, anchors or load_anchors(head))
    camera = Camera.guessed(tracks[0].size, settings.focal_share)
    for track in tracks:
        _check(track, face)
    sights = [_sight(track, face, camera) for track in tracks]
    report(0.0, "person")
    person = fit_person(face, _seen_frames(sights, [track.ok for track in tracks]))
    fitted = []
    for number, (track, sight) in enumerate(zip(tracks, sights, strict=True)):
        report(0.3 + 0.7 * number / len(tracks), "motion")
        fitted.append(
            _fit_motion(track, sight, person, face=face, camera=camera, settings=settings)
        )
    report(1.0, "done")
    return fitted


def _fit_motion(
    track: LandmarkTrack,
    sight: Sight,
    person: Person,
    *,
    face: AnchoredHead,
    camera: Camera,
    settings: FitSettings,
) -> FittedTrack:
    """Pose and expression of a known person."""
    ok, rest = track.ok, person.rest
    scores = above_rest(sight.scores, person.baseline)
    pose = _steady(sight.pose_of(face, rest, None), ok, settings)
    expression = np.zeros((len(ok), len(EXPRESSION_NAMES)))
    for expression_settings in (replace(settings.expression, rounds=1), settings.expression):
        pulled = face.moves(np.where(_OF_THE_MOUTH, expression, 0.0))
        pose = _steady(sight.pose_of(face, rest + pulled, pose), ok, settings)
        fixed = fit_gaze(_filled_track(track), face, person.identity, camera, pose)
        fixed += fit_lids(face, lid_openings(face, sight.rays, pose, rest), person.lids, fixed)
        expression = fit_expression(
            face,
            rest,
            pose,
            sight.rays,
            fixed=fixed,
            scores=scores,
            settings=expression_settings,
        )
    expression = filled(expression, ok)
    place = np.median(pose.place[ok], axis=0)
    drawn = camera.pixels(slopes(pose.apply(rest + face.moves(expression))))
    miss = np.median(np.linalg.norm(drawn - camera.pixels(sight.rays), axis=-1), axis=1)
    gap = lip_gap_mm(sight.rays, face.numbers, pose, rest)
    own = rest - face.shape(person.identity)
    return FittedTrack(
        identity=person.identity.astype(np.float32),
        pose=np.concatenate([pose.angles(), pose.place - place], axis=1).astype(np.float32),
        expression=expression.astype(np.float32),
        pose_ok=ok,
        face_ok=ok,
        known=known_channels(face.numbers),
        lip_gap_mm=np.where(ok, gap, np.nan).astype(np.float32),
        reprojection_px=np.where(ok, miss, np.nan).astype(np.float32),
        fps=track.fps,
        camera=camera,
        place_mm=place.astype(np.float32),
        own=own.astype(np.float32),
        numbers=face.numbers,
    )


def _sight(track: LandmarkTrack, face: AnchoredHead, camera: Camera) -> Sight:
    points = filled(track.points[:, face.columns].astype(np.float64), track.ok)
    relief = points[..., 2] / camera.focal_px
    return Sight(camera.rays(points[..., :2]), relief, _named_scores(track))


def _seen_frames(sights: Sequence[Sight], oks: Sequence[Mask]) -> Sight:
    """All frames of all sights in which the face was seen, one after the other."""
    parts = [s.select(np.flatnonzero(ok)) for s, ok in zip(sights, oks, strict=True)]
    scores = [part.scores for part in parts if part.scores is not None]
    return Sight(
        np.concatenate([part.rays for part in parts]),
        np.concatenate([part.relief for part in parts]),
        np.concatenate(scores) if len(scores) == len(parts) else None,
    )


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


def _check_alike(tracks: Sequence[LandmarkTrack]) -> None:
    if not tracks:
        raise DatasetError("There is no track of landmarks to fit.")
    first = tracks[0]
    for track in tracks[1:]:
        if track.size != first.size or not np.array_equal(track.index, first.index):
            raise DatasetError(
                "The tracks differ in their landmarks or in the size of the image.",
                "Fit them apart from each other.",
            )


def _check(track: LandmarkTrack, face: AnchoredHead) -> None:
    if len(face.numbers) < _FEWEST_POINTS or len(face.rows("rigid")) < _FEWEST_RIGID:
        raise DatasetError(
            f"The track has only {len(face.numbers)} landmarks of the face.",
            "Use a tracker that gives the dense face mesh of 468 or 478 points.",
        )
    if int(track.ok.sum()) < _FEWEST_FRAMES:
        raise DatasetError(
            "The track shows a face in too few frames.",
            "Use a video in which one face is seen from the front, large and well lit.",
        )


def _named_scores(track: LandmarkTrack) -> Array | None:
    """(T, 52) the tracker's scores in our order, missing names 0."""
    if track.scores is None or not track.score_names:
        return None
    scores = np.zeros((len(track.ok), len(EXPRESSION_NAMES)))
    for column, name in enumerate(track.score_names):
        if name in EXPRESSION_NAMES:
            scores[:, EXPRESSION_NAMES.index(name)] = track.scores[:, column]
    return np.clip(filled(np.nan_to_num(scores), track.ok), 0.0, 1.0)


def _filled_track(track: LandmarkTrack) -> LandmarkTrack:
    points = filled(track.points.astype(np.float64), track.ok).astype(np.float32)
    return LandmarkTrack(points, track.index, track.ok, track.fps, track.size)


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
