# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch made motion beside the tracked one: `python -m rhetor.engine.evaluation.side_by_side`.

Draws the landmarks of the head (brows, lids, nose, lips, chin and its outline) under the real and
under the made motion, to a film with the sound (.mp4) or to a sheet of moments (.png).
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..audio.decode import SAMPLE_RATE_HZ
from ..dataset.person_clip import load_person_clip
from ..head.channels import EXPRESSION_NAMES
from ..head.model import HeadModel, load_head
from ..protocol.errors import ConfigError, RhetorError
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from ..space import euler_to_matrix
from .material import heard
from .subject import load_subject

_LINES = (
    "lip_front_upper",
    "lip_front_lower",
    "lip_inner_upper",
    "lip_inner_lower",
    "lid_upper_left",
    "lid_lower_left",
    "lid_upper_right",
    "lid_lower_right",
)
_CLOUD_EVERY = 7
_SHEET_MOMENTS = 12
_REACH_MM = 120.0
_LIDS = [EXPRESSION_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]


class Drawing:
    """One head as lines and dots, seen from the front."""

    def __init__(self, head: HeadModel, identity: FloatArray) -> None:
        self._head, self._identity = head, identity
        regions = [head.landmarks[name] for name in ("upper_face", "lower_face")]
        rows = np.unique(np.concatenate([region[::_CLOUD_EVERY] for region in regions]))
        self._rows = rows
        self._lines = [head.landmarks[name] for name in _LINES]

    def draw(self, axes: Axes, pose: FloatArray, expression: FloatArray, title: str) -> None:
        """Draw the head under a pose (6,) and an expression (52,)."""
        points = self._head.vertices("face", self._identity, expression)
        turned = points @ euler_to_matrix(pose[:3]).T + pose[3:]
        axes.clear()
        axes.plot(turned[self._rows, 0], turned[self._rows, 2], ".", ms=1.5, color="#95a5a6")
        for line in self._lines:
            axes.plot(turned[line, 0], turned[line, 2], "-", lw=1.4, color="#922b21")
        axes.set_xlim(-_REACH_MM, _REACH_MM)
        axes.set_ylim(-_REACH_MM, _REACH_MM)
        axes.set_aspect("equal")
        axes.axis("off")
        axes.set_title(title, fontsize=9)


def draw_sheet(
    path: Path,
    drawing: Drawing,
    systems: dict[str, tuple[FloatArray, FloatArray]],
    gaps: dict[str, FloatArray],
) -> None:
    """Rows of heads at twelve moments, and the curves of lips, lids and head below them.

    systems: name -> pose (T, 6) and expression (T, 52). gaps: name -> lip opening (T,) in mm.
    """
    frames = len(next(iter(systems.values()))[0])
    figure = Figure(figsize=(22.0, 4.0 * len(systems) + 9.0), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(systems) + 4, _SHEET_MOMENTS)
    moments = np.linspace(0, frames - 1, _SHEET_MOMENTS + 2).astype(int)[1:-1]
    for row, (name, (pose, expression)) in enumerate(systems.items()):
        for column, at in enumerate(moments):
            title = f"{name} {at / MODEL_RATE_HZ:.1f} s"
            drawing.draw(figure.add_subplot(grid[row, column]), pose[at], expression[at], title)
    time = np.arange(frames) / MODEL_RATE_HZ
    panels = [figure.add_subplot(grid[len(systems) + k, :]) for k in range(4)]
    for name, (pose, expression) in systems.items():
        panels[0].plot(time, gaps[name], label=name)
        panels[1].plot(time, expression[:, _LIDS].mean(1), label=name)
        panels[2].plot(time, np.degrees(pose[:, 0]), label=name)
        panels[3].plot(time, np.degrees(pose[:, 1]), label=name)
    labels = ("lip gap, mm", "lids shut", "pitch, degrees", "yaw, degrees")
    for axes, label in zip(panels, labels, strict=True):
        axes.set_ylabel(label)
        axes.margins(x=0.0)
    panels[0].legend()
    figure.savefig(path, dpi=70)


def _pixels(canvas: FigureCanvasAgg) -> npt.NDArray[np.uint8]:
    """(H, W, 4) what the canvas shows."""
    return np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]


def draw_film(
    path: Path,
    drawing: Drawing,
    systems: dict[str, tuple[FloatArray, FloatArray]],
    samples: npt.NDArray[np.int16],
) -> None:
    """A film of the heads beside each other with the sound."""
    frames = len(next(iter(systems.values()))[0])
    figure = Figure(figsize=(4.0 * len(systems), 4.4), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = np.atleast_1d(figure.subplots(1, len(systems)))
    with av.open(str(path), "w") as film:
        picture = film.add_stream("libx264", rate=Fraction(int(MODEL_RATE_HZ)))
        canvas.draw()  # type: ignore[no-untyped-call]
        height, width = _pixels(canvas).shape[:2]
        picture.width, picture.height = width // 2 * 2, height // 2 * 2
        picture.pix_fmt = "yuv420p"
        sound = film.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
        for at in range(frames):
            for axes, (name, (pose, expression)) in zip(panels, systems.items(), strict=True):
                drawing.draw(axes, pose[at], expression[at], name)
            canvas.draw()  # type: ignore[no-untyped-call]
            image = _pixels(canvas)[: picture.height, : picture.width, :3]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts = at
            film.mux(picture.encode(frame))
        film.mux(picture.encode())
        audio = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        audio.sample_rate, audio.pts = SAMPLE_RATE_HZ, 0
        film.mux(sound.encode(audio))
        film.mux(sound.encode())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Draw made motion beside the tracked one.")
    parser.add_argument("clip", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help=".mp4 or .png")
    parser.add_argument("--preset", default="plus")
    parser.add_argument("--style", default="neutral")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        _run(options)
    except RhetorError as error:
        raise SystemExit(str(error)) from error


def _run(options: argparse.Namespace) -> None:
    if options.output.suffix not in (".mp4", ".png"):
        raise ConfigError(f"{options.output.name} is neither .mp4 nor .png.")
    subject = load_subject(options.preset, options.style)
    clip = load_person_clip(options.clip)
    speech, prosody = heard(options.clip, clip, subject.networks.extractor)
    part = slice(0, round(options.seconds * MODEL_RATE_HZ))
    pose = subject.pose(speech, prosody, seed=0, start=clip.pose[0])
    under_real = subject.expression(speech, prosody, clip.pose, 0)
    under_made = subject.expression(speech, prosody, pose, 0)
    systems = {
        "tracked": (clip.pose[part], clip.expression[part]),
        "made, real head": (clip.pose[part], under_real[part]),
        "made": (pose[part], under_made[part]),
    }
    head = load_head()
    drawing = Drawing(head, clip.identity)
    if options.output.suffix == ".mp4":
        count = round(len(systems["made"][0]) / MODEL_RATE_HZ * SAMPLE_RATE_HZ)
        draw_film(options.output, drawing, systems, clip.samples[:count])
    else:
        gaps = {name: head.lip_gap_mm(face) for name, (_, face) in systems.items()}
        gaps["tracked"] = clip.lip_gap_mm[part]
        draw_sheet(options.output, drawing, systems, gaps)
    print(options.output)


if __name__ == "__main__":
    main()
