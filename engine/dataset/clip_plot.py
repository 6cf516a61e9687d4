# SPDX-License-Identifier: GPL-3.0-or-later
"""A plot of one clip: pose and lips under the waveform, to see whether they belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..audio.decode import SAMPLE_RATE_HZ
from ..head.channels import EXPRESSION_NAMES
from ..protocol.take import MODEL_RATE_HZ, POSE_CHANNELS
from .person_clip import PersonClip
from .phones import SILENCE

_MOST_S = 40.0
_LIPS = ("jawOpen", "mouthPucker", "mouthFunnel", "mouthSmileLeft", "eyeBlinkLeft")


def save_clip_plot(path: Path, clip: PersonClip) -> None:
    """Write a plot of the first 40 seconds of a clip as PNG."""
    frames = min(clip.frame_count, int(_MOST_S * MODEL_RATE_HZ))
    seconds = np.arange(frames) / MODEL_RATE_HZ
    width = float(np.clip(seconds[-1] * 0.6, 7.0, 20.0))
    figure = Figure(figsize=(width, 6.5), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(4, 1, sharex=True)
    _draw_sound(rows[0], clip, seconds[-1])
    gap = clip.lip_gap_mm[:frames]
    if np.isfinite(gap).any():
        rows[1].plot(seconds, gap, "#b2182b", lw=1.2)
    rows[1].set_ylabel("lip gap (mm)", fontsize=8)
    for name in _LIPS:
        column = EXPRESSION_NAMES.index(name)
        if clip.known[column]:
            rows[2].plot(seconds, clip.expression[:frames, column], lw=1.0, label=name)
    rows[2].set_ylim(-0.02, 1.02)
    for column, name in enumerate(POSE_CHANNELS[:3]):
        rows[3].plot(seconds, np.degrees(clip.pose[:frames, column]), lw=1.0, label=f"{name} (°)")
    lost = ~(clip.pose_ok if clip.pose_ok.any() else clip.face_ok)[:frames]
    for row in rows[1:]:
        if lost.any():
            row.fill_between(
                seconds, 0, 1, where=lost, color="#bbbbbb", transform=row.get_xaxis_transform()
            )
    for row in rows[2:]:
        if row.lines:
            row.legend(loc="upper right", fontsize=7, ncols=5, frameon=False)
    for row in rows:
        row.tick_params(labelsize=7)
        row.grid(alpha=0.25)
    rows[3].set_xlabel("s", fontsize=8)
    figure.suptitle(_title(path.stem, clip), fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    figure.savefig(partial, format="png")
    partial.replace(path)


def _draw_sound(axes: Axes, clip: PersonClip, until_s: float) -> None:
    axes.set_ylabel("sound", fontsize=8)
    if len(clip.samples) == 0:
        axes.text(0.01, 0.4, "no sound", transform=axes.transAxes, fontsize=8)
        return
    block = SAMPLE_RATE_HZ // 200
    count = int(min(len(clip.samples), (until_s + 0.03) * SAMPLE_RATE_HZ)) // block
    blocks = clip.samples[: count * block].reshape(count, block).astype(np.float32) / 32768
    at = (np.arange(count) + 0.5) * block / SAMPLE_RATE_HZ
    axes.fill_between(at, blocks.min(axis=1), blocks.max(axis=1), color="#4575b4", lw=0)
    top = float(np.abs(blocks).max())
    for start, phone in zip(clip.phone_start_s.tolist(), clip.phone.tolist(), strict=True):
        if phone != SILENCE and start < until_s:
            axes.axvline(start, color="#888888", lw=0.4)
            axes.text(start, top, phone, fontsize=5, va="top")


def _title(name: str, clip: PersonClip) -> str:
    parts = [name, clip.speaker, f"{clip.frame_count / MODEL_RATE_HZ:.1f} s"]
    if np.isfinite(clip.reprojection_px):
        parts.append(f"error {clip.reprojection_px:.1f} px")
    if clip.offset_frames:
        parts.append(f"sound moved by {clip.offset_frames:+.1f} frames")
    return "   ".join(parts)
