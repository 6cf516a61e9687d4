# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure PGFace on held-out clips: `python -m rhetor.engine.training.face_report DATASET...`.

Every figure stands beside its control (the result rolled by half the clip) or its baseline (the
mean face): speech that the mouth model performs, natural and synthetic apart, and each real speaker
against what was tracked.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..dataset.face_clips import REAL, FaceClip, read_face_clips
from ..dataset.person_clip import RIGHTS
from ..dataset.real_faces import is_people_folder, read_real_clips
from ..head.channels import EXPRESSION_NAMES
from ..head.model import HeadModel, load_head
from ..pgface.config import PRESETS, STYLE_NAMES
from ..pgface.lips import LipGeometry
from ..pgface.synthesizer import FaceSynthesizer, load_pgface
from ..posegan.synthesizer import load_posegan
from ..protocol.errors import RhetorError
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from .face_held_out import correlation, wanted_gap_mm

CLOSED_MM = 1.0
"""Lips nearer than this count as closed."""
_LAG_FRAMES = 6
_JAW = EXPRESSION_NAMES.index("jawOpen")

Figures = dict[str, float]


def clip_figures(expression: FloatArray, clip: FaceClip, lips: LipGeometry) -> Figures:
    """Figures of one clip for a predicted expression (T, 52); those that it lacks are left out.

    Channels that were not tracked count as right.
    """
    if clip.known is not None:
        expression = np.where(clip.known, expression, clip.expression)
    gap = lips.opening_mm(torch.from_numpy(expression)).numpy()
    wanted, seen = wanted_gap_mm(clip, lips)
    rolled = np.roll(gap, len(gap) // 2)
    jaw, tracked_jaw = expression[:, _JAW], clip.expression[:, _JAW]
    mean_face = np.broadcast_to(clip.expression[seen].mean(0), clip.expression[seen].shape)
    figures = {
        "gap_r": correlation(gap[seen], wanted[seen]),
        "gap_r_control": correlation(rolled[seen], wanted[seen]),
        "jaw_r": correlation(jaw[seen], tracked_jaw[seen]),
        "jaw_r_control": correlation(np.roll(jaw, len(jaw) // 2)[seen], tracked_jaw[seen]),
        "gap_spread_ratio": float(gap[seen].std() / max(wanted[seen].std(), 1e-6)),
        "lag_ms": lag_s(gap, wanted) * 1000.0,
        "lve_mm": lips.lip_vertex_error_mm(expression[seen], clip.expression[seen]),
        "lve_mm_mean_face": lips.lip_vertex_error_mm(
            np.ascontiguousarray(mean_face), clip.expression[seen]
        ),
    }
    closures = [float(gap[a:b].min() <= CLOSED_MM) for a, b in runs(clip.closed)]
    opened = [float(gap[a:b].min() <= CLOSED_MM) for a, b in runs(clip.opened)]
    for name, values in (("closure_rate", closures), ("false_closure_rate", opened)):
        if values:
            figures[name] = float(np.mean(values))
    if clip.silent.any():
        figures["silence_max_mm"] = float(gap[clip.silent > 0].max())
    return figures


def lag_s(late: npt.NDArray[np.floating[Any]], reference: npt.NDArray[np.floating[Any]]) -> float:
    """Seconds by which `late` follows `reference`: the best shift within ± 0.2 s, interpolated."""
    shifts = range(-_LAG_FRAMES, _LAG_FRAMES + 1)
    score = np.array([correlation(np.roll(late, -shift), reference) for shift in shifts])
    best = int(np.clip(score.argmax(), 1, len(score) - 2))
    before, at, after = score[best - 1 : best + 2]
    bend = before - 2.0 * at + after
    offset = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
    return float((best - _LAG_FRAMES + np.clip(offset, -1.0, 1.0)) / MODEL_RATE_HZ)


def runs(mask: FloatArray) -> list[tuple[int, int]]:
    """Start and end of each stretch of ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0.0], mask, [0.0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def report(
    synthesizer: FaceSynthesizer,
    clips: Iterable[FaceClip],
    lips: LipGeometry,
    poses: dict[int, FloatArray] | None = None,
) -> dict[str, Figures]:
    """Means over the clips of natural and of synthetic speech and of each real speaker, and how
    many there were.

    poses: other head motion for clips by number. The largest opening in silence is given as the
    mean over clips of each clip's largest one, and the worst clip of all.
    """
    gathered: dict[str, dict[str, list[float]]] = {}
    for number, clip in enumerate(clips):
        style = clip.style if clip.style in synthesizer.styles else STYLE_NAMES[0]
        pose = clip.pose if poses is None else poses[number]
        _, expression = synthesizer.generate(clip.speech, clip.prosody, pose, style)
        kinds = {"natural": "natural", REAL: clip.style}
        columns = gathered.setdefault(kinds.get(clip.source, "synthetic"), {})
        for name, value in clip_figures(expression, clip, lips).items():
            columns.setdefault(name, []).append(value)
    result: dict[str, Figures] = {}
    for kind, columns in gathered.items():
        result[kind] = {name: round(float(np.mean(v)), 3) for name, v in columns.items()}
        result[kind]["clips"] = len(columns["gap_r"])
        if "silence_max_mm" in columns:
            result[kind]["silence_worst_mm"] = round(max(columns["silence_max_mm"]), 3)
    return result


def _held_out(
    folders: Sequence[Path], head: HeadModel, rights: Sequence[str], limit: int
) -> list[FaceClip]:
    clips: list[FaceClip] = []
    for folder in folders:
        if is_people_folder(folder / "val"):
            clips += read_real_clips(folder / "val", LipGeometry.of(head), rights)
        else:
            clips += read_face_clips(folder / "val", limit=limit, head=head)
    return clips


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure PGFace on held-out clips.")
    parser.add_argument("dataset", type=Path, nargs="+", help="corpora and people, with val/")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="plus")
    parser.add_argument("--weights", type=Path, help="weights file instead of the preset's")
    parser.add_argument("--rights", nargs="+", choices=RIGHTS, default=RIGHTS)
    parser.add_argument("--limit", type=int, default=0, help="at most so many recordings")
    parser.add_argument("--posegan", help="preset or weights whose head motion is used")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        synthesizer = load_pgface(arguments.weights or arguments.preset, "cpu")
        head = load_head()
        clips = _held_out(arguments.dataset, head, arguments.rights, arguments.limit)
        poses = _poses(arguments.posegan, clips) if arguments.posegan else None
        figures = report(synthesizer, clips, LipGeometry.of(head), poses)
    except RhetorError as error:
        raise SystemExit(str(error)) from error
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


def _poses(weights: str, clips: Sequence[FaceClip]) -> dict[int, FloatArray]:
    posegan = load_posegan(weights, "cpu")
    return {
        number: posegan.generate(
            clip.speech,
            clip.prosody,
            clip.style if clip.style in posegan.styles else STYLE_NAMES[0],
            seed=number,
        )
        for number, clip in enumerate(clips)
    }


if __name__ == "__main__":
    main()
