# SPDX-License-Identifier: GPL-3.0-or-later
"""One page: the targets, lips of every speaker, one clip's curves, head motion against people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from ..protocol.errors import ConfigError
from ..protocol.take import MODEL_RATE_HZ
from .confidence import Estimate
from .pose_scores import AXES, BANDS

if TYPE_CHECKING:
    from .evaluate import Evaluation

SUFFIXES = (".png", ".pdf")

_COLOURS = {
    "made": "#c0392b",
    "plain_net": "#2471a3",
    "ridge": "#7fb3d5",
    "other_clip": "#b2babb",
    "rolled_audio": "#d7bde2",
    "real": "#1e8449",
    "speaker_mean": "#b9770e",
    "still": "#839192",
    "generated_pose": "#e59866",
}
_CURVE_FRAMES = 300

Systems = Mapping[str, Mapping[str, Estimate]]


def write_report(found: Evaluation, path: Path) -> None:
    """Draw an evaluation to a .png or .pdf. Raises ConfigError for another ending."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"The report cannot be written as {path.suffix}.", "Use .png or .pdf.")
    figure = Figure(figsize=(16.5, 22.0), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(6, 6, height_ratios=(3.6, 1.5, 1.5, 1.3, 1.5, 1.6))
    figure.suptitle(_title(found), fontsize=14)
    _targets(figure.add_subplot(grid[0, :]), found)
    lips = ("made", "plain_net", "ridge", "other_clip", "rolled_audio")
    faces = dict(found.faces.speakers) | {f"[{n}]": s for n, s in found.faces.groups.items()}
    _bars(figure.add_subplot(grid[1, :]), faces, "lip_r", lips, "Lip gap, Pearson r")
    errors = ("made", "plain_net", "speaker_mean", "still")
    _bars(figure.add_subplot(grid[2, :]), faces, "lve_mm", errors, "Largest lip vertex error in mm")
    _lip_curves(figure.add_subplot(grid[3, :]), found)
    people = dict(found.poses.speakers) | {f"[{n}]": s for n, s in found.poses.groups.items()}
    _ratios(figure.add_subplot(grid[4, :3]), people, "variance_ratio", "Variance, made / real")
    _ratios(figure.add_subplot(grid[4, 3:]), people, "step_ratio", "Mean step, made / real")
    _pose_curves(figure.add_subplot(grid[5, :2]), found)
    _bands(figure.add_subplot(grid[5, 2:4]), found)
    _choices(figure.add_subplot(grid[5, 4:]), found)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def _title(found: Evaluation) -> str:
    weights = found.subject.description
    minutes = sum(found.faces.minutes.values())
    return (
        f"preset {weights['preset']}, style {weights['style']}: {minutes:.1f} min of held-out "
        f"faces, {found.poses.made_minutes:.1f} min of made head motion"
    )


def _targets(axes: Axes, found: Evaluation) -> None:
    axes.axis("off")
    rows, colours = [], []
    for target in found.targets:
        low, high = target.figure.interval
        beside = ""
        if target.baseline is not None:
            beside = f"{target.baseline[0]} {target.baseline[1].value:.2f}"
        interval = "" if np.isnan(low) else f"{low:.2f} … {high:.2f}"
        met = "met" if target.met else "missed"
        rows.append(
            (target.name, f"{target.figure.value:.2f}", interval, target.target, beside, met)
        )
        colours.append(["white"] * 5 + ["#d5f5e3" if target.met else "#fadbd8"])
    if not rows:
        return
    table = axes.table(
        cellText=rows,
        cellColours=colours,
        colLabels=("target", "value", "interval (90 %)", "wanted", "beside", ""),
        colWidths=(0.40, 0.08, 0.15, 0.15, 0.15, 0.07),
        cellLoc="left",
        loc="upper center",
        bbox=Bbox.unit(),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8.5)


def _bars(
    axes: Axes,
    speakers: Mapping[str, Systems],
    figure: str,
    systems: Sequence[str],
    title: str,
) -> None:
    """Groups of bars by speaker with the intervals of all of them."""
    names = [n for n, found in speakers.items() if figure in found.get("made", {})]
    width = 0.8 / len(systems)
    for index, system in enumerate(systems):
        found = [speakers[n].get(system, {}).get(figure) for n in names]
        values = np.array([np.nan if item is None else item.value for item in found])
        sides = [(np.nan, np.nan) if item is None else item.interval for item in found]
        low, high = np.array(sides).reshape(-1, 2).T
        at = np.arange(len(names)) + (index - len(systems) / 2 + 0.5) * width
        spread = np.nan_to_num(np.maximum(np.stack([values - low, high - values]), 0.0))
        axes.bar(
            at,
            values,
            width,
            yerr=spread,
            color=_COLOURS[system],
            label=system,
            error_kw={"lw": 0.7},
        )
    axes.set_xticks(np.arange(len(names)), names, fontsize=9)
    axes.axhline(0.0, color="black", lw=0.6)
    axes.set_title(title, loc="left", fontsize=11)
    axes.legend(ncols=len(systems), fontsize=8, frameon=False)


def _lip_curves(axes: Axes, found: Evaluation) -> None:
    """Ten seconds of the speaker with the longest held-out clip."""
    curves = found.faces.curves
    if not curves:
        axes.axis("off")
        return
    speaker = max(curves, key=lambda name: len(curves[name]["made"]))
    for name in ("real", "plain_net", "made"):
        if name in curves[speaker]:
            gap = curves[speaker][name][:_CURVE_FRAMES]
            axes.plot(np.arange(len(gap)) / MODEL_RATE_HZ, gap, color=_COLOURS[name], label=name)
    rms = curves[speaker]["rms"][:_CURVE_FRAMES]
    axes.plot(np.arange(len(rms)) / MODEL_RATE_HZ, 3 * rms - 4, color="#aaaaaa", label="loudness")
    axes.set_title(f"Lip gap of {speaker} in mm", loc="left", fontsize=11)
    axes.set_xlabel("s")
    axes.margins(x=0.0)
    axes.legend(ncols=4, fontsize=8, frameon=False)


def _ratios(axes: Axes, people: Mapping[str, Systems], figure: str, title: str) -> None:
    """Points on a logarithmic axis: made, and a person against themselves."""
    names = [n for n, found in people.items() if f"{figure}_pitch" in found.get("made", {})]
    for shift, (system, colour) in zip(
        (-0.22, 0.22), (("made", "#c0392b"), ("real", "#1e8449")), strict=True
    ):
        for index, (axis, marker) in enumerate(zip(AXES, "v>o", strict=True)):
            found = [people[n].get(system, {}).get(f"{figure}_{axis}") for n in names]
            at = np.arange(len(names)) + shift + 0.1 * (index - 1)
            for x, item in zip(at, found, strict=True):
                if item is not None:
                    low, high = item.interval
                    axes.plot([x, x], [low, high], color=colour, lw=0.8)
                    axes.plot([x], [item.value], marker, color=colour, ms=4)
    axes.axhspan(*((0.8, 1.25) if "variance" in figure else (0.7, 1.4)), color="#d5f5e3")
    axes.set_yscale("log")
    axes.set_ylim(0.02, 30.0)
    axes.set_xticks(np.arange(len(names)), names, fontsize=8, rotation=20)
    note = "(red: made, green: half of the real to the other; ▼ pitch ▶ yaw ● roll)"
    axes.set_title(f"{title} {note}", loc="left", fontsize=9)


def _pose_curves(axes: Axes, found: Evaluation) -> None:
    """Yaw and pitch over half a minute, people below each other."""
    for row, (name, angles) in enumerate(found.poses.curves.items()):
        time = np.arange(len(angles)) / MODEL_RATE_HZ
        for column, style in ((0, "-"), (1, "--")):
            curve = angles[:, column] - angles[:, column].mean() - 30.0 * row
            axes.plot(time, curve, style, lw=0.9, color=f"C{row}")
        axes.text(0.0, -30.0 * row + 10.0, name, fontsize=8, color=f"C{row}")
    axes.set_title("Pitch (-) and yaw (--) in degrees", loc="left", fontsize=9)
    axes.set_xlabel("s")


def _bands(axes: Axes, found: Evaluation) -> None:
    """Share of energy by band: real people, and made."""
    group = found.poses.groups.get("all", {})
    made = [group.get("made", {}).get(f"share_{b}") for b in BANDS]
    people = {
        name: [
            systems["made"][f"share_{b}"].value - systems["made"][f"share_difference_{b}"].value
            for b in BANDS
        ]
        for name, systems in found.poses.speakers.items()
    }
    rows = people | ({"made": [m.value for m in made if m is not None]} if all(made) else {})
    left = np.zeros(len(rows))
    for index, band in enumerate(BANDS):
        values = np.array([shares[index] for shares in rows.values()])
        axes.barh(list(rows), values, left=left, color=f"C{index}", label=band.replace("_", " "))
        left += values
    axes.legend(fontsize=7, loc="lower left")
    axes.set_title("Energy of head motion by band", loc="left", fontsize=9)


def _choices(axes: Axes, found: Evaluation) -> None:
    """Match score and beat alignment of every system."""
    overall = found.poses.overall
    names = [n for n in ("made", "rolled_audio", "ridge", "real") if n in overall]
    for shift, (figure, label) in enumerate(
        (
            ("match", "match score"),
            ("beat_alignment", "beats"),
            ("beat_alignment_rolled", "beats, sound rolled"),
        )
    ):
        for row, name in enumerate(names):
            item = overall[name].get(figure)
            if item is None:
                continue
            y = row + 0.2 * (shift - 1)
            low, high = item.interval
            axes.plot([low, high], [y, y], color=f"C{shift}", lw=1.0)
            axes.plot([item.value], [y], "o", color=f"C{shift}", label="" if row else label)
    axes.axvline(0.5, color="black", lw=0.6)
    axes.set_yticks(np.arange(len(names)), names)
    axes.legend(fontsize=7)
    axes.set_title(
        "Does the motion belong to the sound? (match: 0.5 is chance)", loc="left", fontsize=9
    )
