# SPDX-License-Identifier: GPL-3.0-or-later
"""The faces of a whole evaluation: every speaker, every baseline, groups of speakers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..protocol.take import FloatArray
from .baselines import (
    Learned,
    has_face,
    learned_face,
    mean_face,
    other_clip,
    real_gap_mm,
    still_face,
)
from .confidence import Estimate, mean_of_each
from .face_geometry import FaceGeometry
from .face_metrics import (
    Face,
    Statistics,
    TrackedFace,
    course_statistics,
    face_figures,
    face_statistics,
)
from .material import EvaluationClip, Material
from .subject import Subject

MADE = "made"
"""The face of the weights under the real head motion: the figure that stands first."""

Figures = dict[str, Estimate]


@dataclass(frozen=True)
class JudgedFaces:
    """Figures by system (MADE and baselines) and name. speakers: of each speaker; groups: means
    over the speakers of a group. example: one clip's curves for the plot, by system."""

    speakers: Mapping[str, Mapping[str, Figures]]
    groups: Mapping[str, Mapping[str, Figures]]
    members: Mapping[str, tuple[str, ...]]
    minutes: Mapping[str, float]
    curves: Mapping[str, Mapping[str, FloatArray]]


def judge_faces(
    subject: Subject,
    material: Material,
    learned: Learned,
    geometry: FaceGeometry,
    *,
    groups: Mapping[str, Collection[str]],
    progress: Callable[[float], None] | None = None,
) -> JudgedFaces:
    """All figures of faces. groups: name -> keys of the speakers in it."""
    speakers: dict[str, dict[str, Figures]] = {}
    minutes: dict[str, float] = {}
    curves: dict[str, dict[str, FloatArray]] = {}
    keys = [s for s in material.speakers if any(has_face(c) for c in material.of(s))]
    for done, speaker in enumerate(keys, start=1):
        clips = [clip for clip in material.of(speaker) if has_face(clip)]
        faces = [_systems(clip, subject, material, learned, geometry) for clip in clips]
        real = [tracked_face(clip, geometry) for clip in clips]
        names = dict.fromkeys(name for face in faces for name in face)
        moved = {id(r): geometry.displacement_mm(r.face.expression) for r in real}
        speakers[speaker] = {
            name: _figures([f.get(name) for f in faces], real, geometry, moved) for name in names
        }
        minutes[speaker] = sum(clip.frame_count for clip in clips) / 1800.0
        longest = int(np.argmax([clip.frame_count for clip in clips]))
        curves[speaker] = {name: face.gap_mm for name, face in faces[longest].items()}
        curves[speaker]["rms"] = clips[longest].prosody[:, 2]
        if progress is not None:
            progress(done / len(keys))
    members = {name: tuple(k for k in keys if k in people) for name, people in groups.items()}
    pooled = {name: _pooled([speakers[k] for k in who]) for name, who in members.items() if who}
    return JudgedFaces(speakers, pooled, members, minutes, curves)


def tracked_face(clip: EvaluationClip, geometry: FaceGeometry) -> TrackedFace:
    """The real face of a clip as the figures want it."""
    person = clip.clip
    return TrackedFace(
        Face(person.expression, real_gap_mm(clip, geometry)),
        person.face_ok,
        person.known,
        tuple(str(phone) for phone in person.phone),
        tuple(float(at) for at in person.phone_start_s),
        tuple(float(at) for at in person.phone_end_s),
        clip.silent(),
    )


def _systems(
    clip: EvaluationClip,
    subject: Subject,
    material: Material,
    learned: Learned,
    geometry: FaceGeometry,
) -> dict[str, Face]:
    """The faces of one clip by system."""
    pose = clip.clip.pose
    own = subject.pose(clip.speech, clip.prosody, seed=0)
    half = clip.frame_count // 2
    late = [np.roll(values, half, axis=0) for values in (clip.speech, clip.prosody)]
    gap = real_gap_mm(clip, geometry)
    train = material.of(clip.speaker, held_out=False)
    others = train or material.of(clip.speaker)
    faces = {
        MADE: Face.of(subject.face_of(clip, pose), geometry),
        "generated_pose": Face.of(subject.face_of(clip, own), geometry),
        "rolled_audio": Face.of(subject.expression(late[0], late[1], pose, 0), geometry),
        "still": still_face(clip, gap),
        "speaker_mean": mean_face(clip, others, geometry),
        "real": Face(clip.clip.expression, np.nan_to_num(gap)),
    }
    other = other_clip(clip, material.whole(clip.speaker), geometry)
    if other is not None:
        faces["other_clip"] = other
    mel = clip.log_mel()
    if learned.face_ridge is not None:
        faces["ridge"] = learned_face(learned.face_ridge, mel)
    if learned.face_net is not None:
        faces["plain_net"] = learned_face(learned.face_net, mel)
    return faces


def _figures(
    faces: Sequence[Face | None],
    real: Sequence[TrackedFace],
    geometry: FaceGeometry,
    moved: Mapping[int, FloatArray],
) -> Figures:
    pairs = [(face, truth) for face, truth in zip(faces, real, strict=True) if face is not None]
    tables: list[Statistics] = [face_statistics(f, t, geometry, moved[id(t)]) for f, t in pairs]
    tables += course_statistics([f for f, _ in pairs], [t for _, t in pairs])
    return face_figures(tables)


def _pooled(speakers: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    names = dict.fromkeys(name for systems in speakers for name in systems)
    return {
        name: mean_of_each([systems[name] for systems in speakers if name in systems])
        for name in names
    }
