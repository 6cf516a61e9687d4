# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of motion for TensorBoard: what a network makes, over what was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..protocol.take import MODEL_RATE_HZ, FloatArray

ANGLES = ("pitch", "yaw", "roll")
Curves = Mapping[str, FloatArray]
MADE, TARGET = "#d95f02", "#7a7a7a"


def pose_figure(made: FloatArray, target: FloatArray | None = None, title: str = "") -> Figure:
    """Pitch, yaw and roll in degrees over seconds; poses (T, 6) in rad and mm at 30 fps."""
    rows = {
        name: (np.degrees(made[:, axis]), None if target is None else np.degrees(target[:, axis]))
        for axis, name in enumerate(ANGLES)
    }
    return _curves(rows, "°", title)


def lip_figure(made: Curves, target: Curves, unit: str = "mm", title: str = "") -> Figure:
    """Curves (T,) by name, made and recorded: lip gaps, jaws, smiles."""
    return _curves({name: (made[name], target.get(name)) for name in made}, unit, title)


def _curves(
    rows: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any] | None]],
    unit: str,
    title: str,
) -> Figure:
    figure = Figure(figsize=(8.0, 1.4 * len(rows) + 0.5), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, (made, target)) in zip(axes, rows.items(), strict=True):
        if target is not None:
            axis.plot(np.arange(len(target)) / MODEL_RATE_HZ, target, TARGET, lw=1.2, label="real")
        axis.plot(np.arange(len(made)) / MODEL_RATE_HZ, made, MADE, lw=1.2, label="made")
        axis.set_ylabel(f"{name} ({unit})", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.25)
    axes[0].legend(loc="upper right", fontsize=7, ncols=2, frameon=False)
    axes[-1].set_xlabel("s", fontsize=8)
    if title:
        figure.suptitle(title, fontsize=9)
    return figure
