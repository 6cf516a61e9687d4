# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge PoseGAN weights on held-out recordings, beside baselines.

Command: `python -m rhetor.engine.training.pose_report MOTION --preset plus [--json FILE]`. The
baselines are the performer itself (the best possible), the performer beside another recording,
a motion made for another recording, and a still head.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checkpoint import load_checkpoint, save_checkpoint
from ..dataset.motion_clips import MotionClip, load_motion_clips
from ..evaluation.pose_metrics import (
    F32,
    PersonalityClassifier,
    alignment_gain,
    motion_figures,
    seam_jump,
)
from ..posegan.generator import WINDOW_FRAMES
from ..posegan.style import NEUTRAL
from ..posegan.synthesizer import (
    KIND,
    OVERLAP_FRAMES,
    PoseSynthesizer,
    load_posegan,
    weights_path,
)
from ..posegan.windows import window_starts

_LEAST_FRAMES = 600
_TAKES = 2
_ROUND = 3


def report(
    synthesizer: PoseSynthesizer,
    clips: Sequence[MotionClip],
    train: Sequence[MotionClip],
    person: str = "",
) -> dict[str, Any]:
    """All figures as JSON types.

    clips: held out; train: for the personality classifier only. person: the one personality that
    weights without styles were trained on; all of them if empty.
    """
    spoken = [c for c in clips if c.frame_count >= _LEAST_FRAMES and c.audio[:, 30].mean() > 0.05]
    people = spoken[0].people
    classifier = PersonalityClassifier(
        {n: [c.pose[i, 0] for c in train] for i, n in enumerate(people)}
    )
    real = {n: [c.pose[i, k] for c in spoken for k in range(_TAKES)] for i, n in enumerate(people)}
    known = [n for n in people if n in synthesizer.styles] or [NEUTRAL]
    made = {n: [_generate(synthesizer, c, n, 7 + i) for i, c in enumerate(spoken)] for n in known}
    result: dict[str, Any] = {
        "preset": synthesizer.config.preset,
        "held_out_min": round(sum(c.frame_count for c in spoken) / 1800, 1),
        "styles": {},
    }
    pooled = [p for n in people if not person or n == person for p in real[n]]
    for name in known:
        own = real.get(name, pooled)
        result["styles"][name] = _style_figures(made[name], own, spoken)
    if len(known) > 1:
        held_out = {n: real[n] for n in known}
        result["classifier_on_performer"] = round(classifier.accuracy(held_out), _ROUND)
        result["classifier_on_made"] = round(classifier.accuracy(made), _ROUND)
        result["classifier_chance"] = round(1 / len(people), _ROUND)
    result["seam_jump"] = round(_seams(synthesizer, made), _ROUND)
    result["diversity"] = _diversity(synthesizer, spoken[0], known[-1])
    result["initial_pose_error"] = _initial_error(synthesizer, spoken[0], known[0])
    result["silence"] = _silence(synthesizer, clips, known)
    result["generate_60s_ms"] = _speed(synthesizer)
    return result


def _generate(synthesizer: PoseSynthesizer, clip: MotionClip, style: str, seed: int) -> F32:
    speech, prosody = clip.audio[:, :29], clip.audio[:, 29:]
    return synthesizer.generate(speech, prosody, style, seed=seed)


def _style_figures(
    made: Sequence[F32], real: Sequence[F32], clips: Sequence[MotionClip]
) -> dict[str, Any]:
    prosody = [c.audio[:, 29:] for c in clips]
    m, r = motion_figures(made), motion_figures(real)
    performed = alignment_gain(real[: _TAKES * len(clips) : _TAKES], prosody)
    generated = alignment_gain(made, prosody)
    return {
        "variance_ratio": _list((m.deviation / r.deviation) ** 2),
        "step_ratio": _list(m.step / r.step),
        "deviation_deg": {"made": _list(m.deviation), "performer": _list(r.deviation)},
        "step_deg": {"made": _list(m.step), "performer": _list(r.step)},
        "bands": {"made": _list(m.bands), "performer": _list(r.bands)},
        "jerk_ratio": round(m.jerk / r.jerk, _ROUND),
        "beats": {
            "made": _list(np.array(generated)),
            "performer": _list(np.array(performed)),
            "still": 0.0,
        },
    }


def _seams(synthesizer: PoseSynthesizer, made: dict[str, list[F32]]) -> float:
    overlap = OVERLAP_FRAMES[synthesizer.config.preset]
    jumps = []
    for poses in made.values():
        for pose in poses:
            starts = window_starts(len(pose), WINDOW_FRAMES, overlap)
            ends = [s + WINDOW_FRAMES for s in starts[:-1]]
            seams = [f for f in [*(s + 1 for s in starts[1:]), *ends] if f < len(pose)]
            jumps.append(seam_jump(pose, seams))
    return float(np.mean(jumps))


def _diversity(synthesizer: PoseSynthesizer, clip: MotionClip, style: str) -> dict[str, float]:
    """Mean distance in degrees between performances: of other seeds, and of the performer."""
    made = [_generate(synthesizer, clip, style, seed) for seed in range(4)]
    row = clip.people.index(style) if style in clip.people else 0
    return {
        "made_deg": round(_spread(made), _ROUND),
        "performer_deg": round(_spread(list(clip.pose[row])), _ROUND),
    }


def _spread(poses: Sequence[F32]) -> float:
    pairs = [(a, b) for i, a in enumerate(poses) for b in poses[i + 1 :]]
    return float(np.mean([np.degrees(np.abs(a[:, :3] - b[:, :3])).mean() for a, b in pairs]))


def _initial_error(synthesizer: PoseSynthesizer, clip: MotionClip, style: str) -> float:
    start = np.array([0.2, -0.5, 0.1, 10.0, -5.0, 3.0], dtype=np.float32)
    pose = synthesizer.generate(clip.audio[:, :29], clip.audio[:, 29:], style, start_pose=start)
    return float(np.abs(pose[0] - start).max())


def _silence(
    synthesizer: PoseSynthesizer, clips: Sequence[MotionClip], known: Sequence[str]
) -> dict[str, Any]:
    """Mean |step| in degrees on recordings in which nobody speaks."""
    silent = [c for c in clips if c.audio[:, 30].mean() < 0.02 and c.frame_count >= WINDOW_FRAMES]
    if not silent:
        return {}
    result: dict[str, Any] = {}
    for name in known:
        made = [_generate(synthesizer, c, name, 3) for c in silent]
        entry = {"made_step_deg": round(float(motion_figures(made).step.mean()), 4)}
        if name in silent[0].people:
            row = silent[0].people.index(name)
            real = motion_figures([c.pose[row, 0] for c in silent])
            entry["performer_step_deg"] = round(float(real.step.mean()), 4)
        result[name] = entry
    return result


def _speed(synthesizer: PoseSynthesizer) -> float:
    rng = np.random.default_rng(0)
    speech = rng.standard_normal((1800, 29)).astype(np.float32)
    prosody = rng.standard_normal((1800, 4)).astype(np.float32)
    seconds = []
    for _ in range(6):
        began = time.perf_counter()
        synthesizer.generate(speech, prosody)
        seconds.append(time.perf_counter() - began)
    return round(1000 * float(np.median(seconds)), 1)


def _record(path: Path, figures: dict[str, Any]) -> None:
    """Write the figures into the description of the weights they judge."""
    tensors, description = load_checkpoint(path, {"kind": KIND})
    description["training"]["metrics"] = figures
    save_checkpoint(path, tensors, description)


def _list(values: np.ndarray[Any, Any]) -> list[float]:
    return [round(float(v), _ROUND) for v in values]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Judge PoseGAN weights on held-out motion.")
    parser.add_argument("motion", type=Path, help="folder with train/ and val/")
    parser.add_argument("--preset", default="plus", help="a preset, or a weights file")
    parser.add_argument("--person", default="", help="that weights without styles learned from")
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--record", action="store_true", help="note figures in the weights file")
    a = parser.parse_args()
    torch.manual_seed(0)
    figures = report(
        load_posegan(a.preset, "cpu"),
        load_motion_clips(a.motion / "val"),
        load_motion_clips(a.motion / "train"),
        a.person,
    )
    if a.record:
        _record(weights_path(a.preset), figures)
    text = json.dumps(figures, indent=1)
    if a.json:
        a.json.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
