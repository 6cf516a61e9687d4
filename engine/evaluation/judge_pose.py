# SPDX-License-Identifier: GPL-3.0-or-later
"""The head motion of a whole evaluation, pooled over minutes.

Made motion is generated for long streams of held-out sound (each speaker's held-out clips one after
the other). Its distribution is compared with all real motion of a person: no part of that was heard
in the streams but what is held out, and minutes are needed where seconds say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..posegan.generator import WINDOW_FRAMES
from ..posegan.synthesizer import OVERLAP_FRAMES
from ..posegan.windows import window_starts
from ..protocol.take import FloatArray
from .baselines import Learned, moves_head, ridge_pose
from .confidence import Estimate, estimate, mean
from .manner import Manners
from .match_encoder import (
    FOLDS,
    MatchConfig,
    MatchJudge,
    Pair,
    folds_of,
    motion_channels,
    sound_channels,
    train_judge,
)
from .match_encoder import WINDOW_FRAMES as MATCH_FRAMES
from .material import EvaluationClip, Material
from .pose_metrics import seam_jump
from .pose_scores import (
    beat_statistics,
    blinks_per_minute,
    cut_alike,
    cut_windows,
    motion_figures_of,
    motion_statistics,
    spread_deg,
)
from .subject import Subject

Figures = dict[str, Estimate]
MADE = "made"
_BEAT_FRAMES = 300
_SEEDS = 4
_LEAST_STREAM = 150


@dataclass(frozen=True)
class Stream:
    """Held-out sound of one speaker, clips one after the other. fold: (T,) as the match judge
    numbers them."""

    speaker: str
    speech: FloatArray
    prosody: FloatArray
    mel: FloatArray
    fold: npt.NDArray[np.int64]


@dataclass(frozen=True)
class JudgedPoses:
    """Figures by system and name: of each person whose real motion is known (speakers), of groups
    of them, and those that need no person (`overall`). manners: see `Manners.table`."""

    speakers: Mapping[str, Mapping[str, Figures]]
    groups: Mapping[str, Mapping[str, Figures]]
    members: Mapping[str, tuple[str, ...]]
    overall: Mapping[str, Figures]
    manners: Mapping[str, object]
    minutes: Mapping[str, float]
    made_minutes: float
    curves: Mapping[str, FloatArray]


def judge_poses(
    subject: Subject,
    material: Material,
    learned: Learned,
    groups: Mapping[str, Collection[str]],
    *,
    judge: MatchJudge | None = None,
    progress: Callable[[float], None] | None = None,
) -> JudgedPoses:
    """All figures of head motion. judge: from `learn_match`, None where nobody's head moves."""
    tell = progress or (lambda fraction: None)
    streams = held_out_streams(material)
    made = {"made": [subject.pose(s.speech, s.prosody, seed=i) for i, s in enumerate(streams)]}
    tell(0.3)
    if learned.pose_ridge is not None:
        ridge = learned.pose_ridge
        made["ridge"] = [ridge_pose(ridge, s.mel, np.zeros(6, np.float32)) for s in streams]
    made["still"] = [np.zeros_like(pose) for pose in made["made"]]
    people = moving_people(material)
    real = {p: cut_windows(*_tracked(material.whole(p))) for p in people}
    real = {p: windows for p, windows in real.items() if windows}
    speakers = {p: _against(made, windows) for p, windows in real.items()}
    tell(0.6)
    members = {n: tuple(p for p in real if p in who) for n, who in groups.items()}
    pooled = {
        n: _against(made, [w for p in who for w in real[p]]) for n, who in members.items() if who
    }
    overall = _overall(subject, material, streams, made, judge)
    tell(0.9)
    manners = Manners({p: _clips(material, p) for p in real})
    minutes = {p: sum(len(w) for w in windows) / 1800.0 for p, windows in real.items()}
    longest = int(np.argmax([len(s.speech) for s in streams]))
    return JudgedPoses(
        speakers,
        pooled,
        members,
        overall,
        manners.table(made["made"]) if len(real) > 1 else {},
        minutes,
        sum(len(s.speech) for s in streams) / 1800.0,
        _curves(real, made["made"][longest]),
    )


def moving_people(material: Material) -> list[str]:
    """Speakers whose real head motion is known, in order."""
    everybody = dict.fromkeys(c.speaker for c in (*material.train, *material.held_out))
    return [p for p in everybody if moves_head(material.whole(p))]


def held_out_streams(material: Material) -> list[Stream]:
    """The held-out sound of each speaker; shorter ones than five seconds are left out."""
    streams = []
    for speaker in material.speakers:
        clips = [c for c in material.of(speaker) if c.has_sound]
        if sum(c.frame_count for c in clips) < _LEAST_STREAM:
            continue
        names = [c.name for c in material.whole(speaker)]
        folds = dict(zip(names, _folds(material, speaker), strict=True))
        streams.append(
            Stream(
                speaker,
                np.concatenate([c.speech for c in clips]),
                np.concatenate([c.prosody for c in clips]),
                np.concatenate([c.log_mel() for c in clips]),
                np.concatenate([folds[c.name] for c in clips]),
            )
        )
    return streams


def _folds(material: Material, speaker: str) -> list[npt.NDArray[np.int64]]:
    """The fold of each frame of each clip; short clips lie in one fold as a whole."""
    result: list[npt.NDArray[np.int64]] = []
    before = 0
    for clip in material.whole(speaker):
        count = clip.frame_count
        if count < 2 * MATCH_FRAMES:
            middle = before + count // 2
            result.append(np.full(count, folds_of(middle + 1)[-1]))
        else:
            result.append(folds_of(before + count)[before:])
        before += count
    return result


def learn_match(
    material: Material,
    config: MatchConfig | None = None,
    progress: Callable[[float], None] | None = None,
) -> MatchJudge | None:
    """Encoders trained on all real motion of the material, cross-fitted; None without any."""
    pairs = real_pairs(material)
    enough = sum(len(p.sound) for p in pairs) >= FOLDS * MATCH_FRAMES * 3
    return train_judge(pairs, config, progress) if enough else None


def real_pairs(material: Material) -> list[Pair]:
    """Sound and real motion of everybody whose head moves."""
    pairs = []
    for person in moving_people(material):
        for clip, fold in zip(material.whole(person), _folds(material, person), strict=True):
            if clip.has_sound and clip.clip.pose_ok.all() and clip.frame_count >= MATCH_FRAMES:
                sound = sound_channels(clip.log_mel(), clip.prosody)
                pairs.append(Pair(sound, motion_channels(clip.clip.pose), fold, person))
    return pairs


def _tracked(
    clips: Sequence[EvaluationClip],
) -> tuple[list[FloatArray], list[npt.NDArray[np.bool_]]]:
    return [c.clip.pose for c in clips], [c.clip.pose_ok for c in clips]


def _clips(material: Material, person: str) -> list[FloatArray]:
    poses, masks = _tracked(material.whole(person))
    return [pose for pose, ok in zip(poses, masks, strict=True) if ok.all()]


def _against(
    made: Mapping[str, Sequence[FloatArray]], real: Sequence[FloatArray]
) -> dict[str, Figures]:
    """Figures of every system against real windows; "real" is every other window against the
    rest: what a person is to themselves on so little material."""
    lengths = [len(window) for window in real]
    truth = motion_statistics(real)
    result = {
        name: motion_figures_of(motion_statistics(cut_alike(poses, lengths)), truth)
        for name, poses in made.items()
    }
    if len(real) > 1:
        result["real"] = motion_figures_of(truth[::2], truth[1::2])
    return result


def _overall(
    subject: Subject,
    material: Material,
    streams: Sequence[Stream],
    made: Mapping[str, Sequence[FloatArray]],
    judge: MatchJudge | None,
) -> dict[str, Figures]:
    sounds = [s.prosody for s in streams]
    half = [len(s.speech) // 2 for s in streams]
    rolled = [
        subject.pose(np.roll(s.speech, h, 0), np.roll(s.prosody, h, 0), seed=i)
        for i, (s, h) in enumerate(zip(streams, half, strict=True))
    ]
    real = [c for p in moving_people(material) for c in material.whole(p) if c.has_sound]
    result = {name: _beats(poses, sounds) for name, poses in made.items() if name != "still"}
    result["rolled_audio"] = _beats(rolled, sounds)
    result["real"] = _beats([c.clip.pose for c in real], [c.prosody for c in real])
    if judge is not None:
        result["real"]["match"] = _match(judge, real_pairs(material))
        systems = {k: v for k, v in made.items() if k != "still"} | {"rolled_audio": rolled}
        for name, poses in systems.items():
            result[name]["match"] = _match(
                judge,
                [
                    Pair(sound_channels(s.mel, s.prosody), motion_channels(p), s.fold, s.speaker)
                    for s, p in zip(streams, poses, strict=True)
                ],
            )
    result["made"] |= _performance(subject, streams, made["made"])
    result["real"] |= _real_eyes(material)
    return result


def _beats(poses: Sequence[FloatArray], sounds: Sequence[FloatArray]) -> Figures:
    """Beat alignment with the own sound, with that rolled by half, and what is between."""
    pieces = [
        (pose[at : at + _BEAT_FRAMES], sound[at : at + _BEAT_FRAMES])
        for pose, sound in zip(poses, sounds, strict=True)
        for at in range(0, max(1, len(pose) - _BEAT_FRAMES // 3), _BEAT_FRAMES)
    ]
    own, rolled = beat_statistics(*zip(*pieces, strict=True))
    one, other = estimate(own, mean), estimate(rolled, mean)
    margin = Estimate(one.value - other.value, one.windows, one.draws - other.draws)
    return {"beat_alignment": one, "beat_alignment_rolled": other, "beat_margin": margin}


def _match(judge: MatchJudge, pairs: Sequence[Pair]) -> Estimate:
    won = judge.choices(pairs)
    # Windows overlap by seven eighths: four seconds of them make one block of the bootstrap.
    blocks = np.add.reduceat(won, np.arange(0, len(won), 8)) if len(won) else won
    counts = np.add.reduceat(np.ones(len(won)), np.arange(0, len(won), 8)) if len(won) else won
    return estimate(np.stack([blocks, counts], axis=1), mean)


def _performance(
    subject: Subject, streams: Sequence[Stream], made: Sequence[FloatArray]
) -> Figures:
    """What needs no real motion: seeds, the start, seams, blinks."""
    longest = max(streams, key=lambda s: len(s.speech))
    speech, prosody = longest.speech[:1800], longest.prosody[:1800]
    seeds = [subject.pose(speech, prosody, seed=seed) for seed in range(_SEEDS)]
    start = np.array([0.1, -0.2, 0.05, 4.0, -3.0, 2.0], np.float32)
    begun = subject.pose(speech[:300], prosody[:300], seed=0, start=start)
    overlap = OVERLAP_FRAMES[subject.networks.posegan.config.preset]
    jumps = [j for pose in made if (j := _seams(pose, overlap)) is not None]
    face = subject.expression(speech, prosody, seeds[0], seed=0)
    figures = {
        "diversity_deg": _single(spread_deg(seeds)),
        "initial_pose_error": _single(float(np.abs(begun[0] - start).max())),
        "blinks_per_minute": _single(blinks_per_minute(face)),
    }
    if jumps:
        figures["seam_jump"] = estimate(np.array([(j, 1.0) for j in jumps]), mean)
    return figures


def _seams(pose: FloatArray, overlap: int) -> float | None:
    starts = window_starts(len(pose), WINDOW_FRAMES, overlap)
    ends = [s + WINDOW_FRAMES for s in starts[:-1]]
    seams = [f for f in (*(s + 1 for s in starts[1:]), *ends) if 0 < f < len(pose)]
    return seam_jump(pose, seams) if seams else None


def _real_eyes(material: Material) -> Figures:
    rates = [
        (blinks_per_minute(c.clip.expression) * c.frame_count, float(c.frame_count))
        for c in (*material.train, *material.held_out)
        if c.clip.known[:1].all() and c.clip.face_ok.all() and c.has_sound
    ]
    return {"blinks_per_minute": estimate(np.array(rates), mean)} if rates else {}


def _single(value: float) -> Estimate:
    """A figure without windows."""
    return Estimate(value, 1, np.full(400, value))


def _curves(real: Mapping[str, Sequence[FloatArray]], made: FloatArray) -> dict[str, FloatArray]:
    """Angles in degrees for the plot: made, and up to two people's longest windows."""
    curves = {"made": np.degrees(made[:900, :3])}
    for person in sorted(real, key=lambda p: -sum(len(w) for w in real[p]))[:2]:
        joined = np.concatenate([w - w.mean(0) for w in real[person]])
        curves[person] = np.degrees(joined[:900, :3])
    return curves
