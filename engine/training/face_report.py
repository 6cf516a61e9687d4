# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure PGFace on held-out clips: `python -m rhetor.engine.training.face_report --preset plus`.

Every figure stands beside its control (the result rolled by half the clip) or its baseline (the
mean face), natural and synthetic speech apart.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..dataset.face_clips import FaceClip, read_face_clips
from ..head.channels import EXPRESSION_NAMES
from ..head.model import load_head
from ..pgface.config import PRESETS, STYLE_NAMES
from ..pgface.lips import LipGeometry
from ..pgface.synthesizer import FaceSynthesizer, load_pgface
from ..posegan.synthesizer import load_posegan
from ..protocol.errors import RhetorError
from ..protocol.take import MODEL_RATE_HZ, FloatArray

CLOSED_MM = 1.0
"""Lips nearer than this count as closed."""
_LAG_FRAMES = 6
_JAW = EXPRESSION_NAMES.index("jawOpen")

Figures = dict[str, float]


def clip_figures(expression: FloatArray, clip: FaceClip, lips: LipGeometry) -> Figures:
    """Figures of one clip for a predicted expression (T, 52); those that it lacks are left out."""
    gap, wanted = (
        lips.opening_mm(torch.from_numpy(weights)).numpy()
        for weights in (expression, clip.expression)
    )
    half = len(gap) // 2
    mean_face = np.broadcast_to(clip.expression.mean(0), clip.expression.shape)
    figures = {
        "gap_r": correlation(gap, wanted),
        "gap_r_control": correlation(np.roll(gap, half), wanted),
        "jaw_r": correlation(expression[:, _JAW], clip.expression[:, _JAW]),
        "jaw_r_control": correlation(np.roll(expression[:, _JAW], half), clip.expression[:, _JAW]),
        "gap_spread_ratio": float(gap.std() / max(wanted.std(), 1e-6)),
        "lag_ms": lag_s(gap, wanted) * 1000.0,
        "lve_mm": lips.lip_vertex_error_mm(expression, clip.expression),
        "lve_mm_mean_face": lips.lip_vertex_error_mm(
            np.ascontiguousarray(mean_face), clip.expression
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


def correlation(one: npt.NDArray[np.floating[Any]], other: npt.NDArray[np.floating[Any]]) -> float:
    """Pearson r; 0 where one of them does not move."""
    if one.std() < 1e-6 or other.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


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
    """Means over the clips of natural and of synthetic speech, and how many there were.

    poses: other head motion for clips by number. The largest opening in silence is given as the
    mean over clips of each clip's largest one, and the worst clip of all.
    """
    gathered: dict[str, dict[str, list[float]]] = {"natural": {}, "synthetic": {}}
    for number, clip in enumerate(clips):
        style = clip.style if clip.style in synthesizer.styles else STYLE_NAMES[0]
        pose = clip.pose if poses is None else poses[number]
        _, expression = synthesizer.generate(clip.speech, clip.prosody, pose, style)
        kind = "natural" if clip.source == "natural" else "synthetic"
        for name, value in clip_figures(expression, clip, lips).items():
            gathered[kind].setdefault(name, []).append(value)
    result: dict[str, Figures] = {}
    for kind, columns in gathered.items():
        if columns:
            result[kind] = {name: round(float(np.mean(v)), 3) for name, v in columns.items()}
            result[kind]["clips"] = len(columns["gap_r"])
            if "silence_max_mm" in columns:
                result[kind]["silence_worst_mm"] = round(max(columns["silence_max_mm"]), 3)
    return result


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure PGFace on held-out clips.")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="plus")
    parser.add_argument("--weights", type=Path, help="weights file instead of the preset's")
    parser.add_argument("--corpus", type=Path, default=Path("runs/corpus"))
    parser.add_argument("--limit", type=int, default=0, help="at most so many recordings")
    parser.add_argument("--posegan", help="preset or weights whose head motion is used")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    try:
        synthesizer = load_pgface(arguments.weights or arguments.preset, "cpu")
        head = load_head()
        clips = list(read_face_clips(arguments.corpus / "val", limit=arguments.limit, head=head))
        poses = None
        if arguments.posegan:
            posegan = load_posegan(arguments.posegan, "cpu")
            poses = {
                number: posegan.generate(
                    clip.speech,
                    clip.prosody,
                    clip.style if clip.style in posegan.styles else STYLE_NAMES[0],
                    seed=number,
                )
                for number, clip in enumerate(clips)
            }
        figures = report(synthesizer, clips, LipGeometry.of(head), poses)
    except RhetorError as error:
        raise SystemExit(str(error)) from error
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
