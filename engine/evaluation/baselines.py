# SPDX-License-Identifier: GPL-3.0-or-later
"""What every figure is compared with: faces and motions that took no art to make."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..head.channels import EXPRESSION_NAMES
from ..protocol.take import POSE_CHANNELS, FloatArray
from .face_geometry import FaceGeometry
from .face_metrics import Face
from .material import EvaluationClip, Material
from .plain_net import PlainNet, PlainNetConfig, train_plain_net
from .ridge import Lesson, Ridge, fit_ridge

MOVING_HEAD_DEG = 0.6
"""Speakers whose yaw deviates less (a headset, a chin rest) teach and prove nothing of poses. Yaw,
because a jaw that moves is easily taken for a little pitch."""

_VERSION = 1
_EXPRESSIONS = len(EXPRESSION_NAMES)


@dataclass(frozen=True)
class Learned:
    """Baselines that learn from the train parts; None where there is nothing to learn from.

    face targets: the 52 expressions, then the opening of the lips in mm. pose targets: the six
    columns of a pose about its mean.
    """

    face_ridge: Ridge | None
    face_net: PlainNet | None
    pose_ridge: Ridge | None


def moves_head(clips: Sequence[EvaluationClip]) -> bool:
    """Whether the head of these clips was tracked and moves."""
    angles = [np.degrees(c.clip.pose[c.clip.pose_ok, :3]) for c in clips if c.clip.pose_ok.any()]
    centred = [a - a.mean(0) for a in angles]
    return bool(centred) and float(np.concatenate(centred)[:, 1].std()) > MOVING_HEAD_DEG


def has_face(clip: EvaluationClip) -> bool:
    """Whether there is a talking face in a clip."""
    return clip.has_sound and bool(clip.clip.face_ok.any())


def real_gap_mm(clip: EvaluationClip, geometry: FaceGeometry) -> FloatArray:
    """(T,) lip opening as measured; that of the fitted face where no landmarks were."""
    measured = clip.clip.lip_gap_mm
    if np.isfinite(measured).any():
        return measured
    return geometry.lip_gap_mm(clip.clip.expression)


def learn_baselines(
    material: Material,
    geometry: FaceGeometry,
    *,
    net: PlainNetConfig | None = None,
    cache: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Learned:
    """Fit ridge and net on the train parts, or read them from the cache folder.

    Without seconds to train (`net.seconds` of 0) there is no net.
    """
    config = net or PlainNetConfig()
    path = None if cache is None else cache / f"baselines-{_key(material.train, config)}.pt"
    if path is not None and path.exists():
        return _read(path, config)
    faces = _face_lessons(material, geometry)
    poses = _pose_lessons(material)
    learned = Learned(
        fit_ridge(faces) if faces else None,
        train_plain_net(faces, config, progress) if faces and config.seconds > 0 else None,
        fit_ridge(poses) if poses else None,
    )
    if path is not None:
        _write(path, learned)
    return learned


def _face_lessons(material: Material, geometry: FaceGeometry) -> list[Lesson]:
    clips = [clip for clip in material.train if has_face(clip)]
    gaps = [real_gap_mm(clip, geometry) for clip in clips]
    usual = _usual(clips)
    weights = _weights(clips)
    lessons = []
    for clip, gap in zip(clips, gaps, strict=True):
        expression = np.where(clip.clip.known, clip.clip.expression, usual)
        target = np.concatenate([expression, np.nan_to_num(gap)[:, None]], axis=1)
        ok = clip.clip.face_ok & np.isfinite(gap)
        lessons.append(Lesson(clip.log_mel(), target, ok, weights[clip.speaker]))
    return lessons


def _usual(clips: Sequence[EvaluationClip]) -> FloatArray:
    """(52,) mean of each expression over the clips that can tell it."""
    total, count = np.zeros(_EXPRESSIONS), np.full(_EXPRESSIONS, 1e-9)
    for clip in clips:
        total += clip.clip.known * clip.clip.expression.sum(0)
        count += clip.clip.known * clip.frame_count
    usual: FloatArray = (total / count).astype(np.float32)
    return usual


def _pose_lessons(material: Material) -> list[Lesson]:
    speakers = dict.fromkeys(clip.speaker for clip in material.train)
    moving = {s for s in speakers if moves_head(material.of(s, held_out=False))}
    clips = [c for c in material.train if c.speaker in moving and c.has_sound]
    weights = _weights(clips)
    lessons = []
    for clip in clips:
        if clip.clip.pose_ok.sum() > 1:
            centred = clip.clip.pose - clip.clip.pose[clip.clip.pose_ok].mean(0)
            weight = weights[clip.speaker]
            lessons.append(Lesson(clip.log_mel(), centred, clip.clip.pose_ok, weight))
    return lessons


def _weights(clips: Sequence[EvaluationClip]) -> dict[str, float]:
    """Who speaks four times as long counts twice as much."""
    frames: dict[str, int] = {}
    for clip in clips:
        frames[clip.speaker] = frames.get(clip.speaker, 0) + clip.frame_count
    return {speaker: float(1.0 / np.sqrt(count)) for speaker, count in frames.items()}


def still_face(clip: EvaluationClip, gap_mm: FloatArray) -> Face:
    """The first face of the clip, held."""
    first = int(np.argmax(clip.clip.face_ok & np.isfinite(gap_mm)))
    return Face(
        np.repeat(clip.clip.expression[first : first + 1], clip.frame_count, axis=0),
        np.full(clip.frame_count, np.nan_to_num(gap_mm[first]), np.float32),
    )


def mean_face(
    clip: EvaluationClip, others: Sequence[EvaluationClip], geometry: FaceGeometry
) -> Face:
    """The mean of the speaker's other clips (of this clip itself where it is the only one)."""
    sources = [other for other in others if other.name != clip.name] or [clip]
    rows = [c.clip.expression[c.clip.face_ok] for c in sources]
    gaps = np.concatenate([real_gap_mm(c, geometry)[c.clip.face_ok] for c in sources])
    mean = np.concatenate(rows).mean(0, keepdims=True)
    return Face(
        np.repeat(mean, clip.frame_count, axis=0).astype(np.float32),
        np.full(clip.frame_count, np.nanmean(gaps), np.float32),
    )


def other_clip(
    clip: EvaluationClip, others: Sequence[EvaluationClip], geometry: FaceGeometry
) -> Face | None:
    """The speaker's real face under other words, repeated to the length; None without any."""
    sources = [other for other in others if other.name != clip.name and has_face(other)]
    if not sources:
        return None
    chosen = sources[int.from_bytes(hashlib.sha256(clip.name.encode()).digest()[:4]) % len(sources)]
    at = np.arange(clip.frame_count) % chosen.frame_count
    return Face(chosen.clip.expression[at], np.nan_to_num(real_gap_mm(chosen, geometry))[at])


def learned_face(model: Ridge | PlainNet, mel: FloatArray) -> Face:
    """The face that a learned baseline hears."""
    made = model.predict(mel)
    return Face(np.clip(made[:, :_EXPRESSIONS], 0.0, 1.0), made[:, _EXPRESSIONS])


def ridge_pose(model: Ridge, mel: FloatArray, mean: FloatArray) -> FloatArray:
    """(T, 6) head motion that a ridge regression hears, about a mean pose (6,)."""
    return (model.predict(mel)[:, : len(POSE_CHANNELS)] + mean).astype(np.float32)


def _key(clips: Sequence[EvaluationClip], config: PlainNetConfig) -> str:
    digest = hashlib.sha256(repr((_VERSION, asdict(config))).encode())
    for clip in clips:
        digest.update(f"{clip.speaker}/{clip.name}".encode())
        digest.update(clip.clip.samples.tobytes())
        digest.update(clip.clip.expression.tobytes())
        digest.update(clip.clip.pose.tobytes())
        digest.update(clip.clip.lip_gap_mm.tobytes())
    return digest.hexdigest()[:16]


def _write(path: Path, learned: Learned) -> None:
    saved: dict[str, Any] = {}
    for name in ("face_ridge", "pose_ridge"):
        ridge: Ridge | None = getattr(learned, name)
        if ridge is not None:
            saved[name] = {k: torch.from_numpy(v) for k, v in vars(ridge).items()}
    if learned.face_net is not None:
        saved["face_net"] = learned.face_net.state_dict()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(saved, partial)
    partial.replace(path)


def _read(path: Path, config: PlainNetConfig) -> Learned:
    saved = torch.load(path, weights_only=True)
    ridges = {
        name: Ridge(**{k: v.numpy() for k, v in saved[name].items()})
        for name in ("face_ridge", "pose_ridge")
        if name in saved
    }
    net = None
    if "face_net" in saved:
        net = PlainNet(config, len(saved["face_net"]["out_mean"]))
        net.load_state_dict(saved["face_net"])
        net.eval()
    return Learned(ridges.get("face_ridge"), net, ridges.get("pose_ridge"))
