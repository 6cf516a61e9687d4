# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of styles for menus: a few seconds of the head's pitch, yaw and roll.

`python -m rhetor.engine.training.style_thumbnail` draws those of the designed styles.
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..protocol.errors import RhetorError
from ..protocol.take import MODEL_RATE_HZ, FloatArray

SIZE_PX = 256
SECONDS = 8.0
RANGE_DEG = 18.0
"""Height of each curve's lane: the same for all styles, so that they can be compared."""

_SKIPPED_S = 1.0
"""The way from the neutral pose into the motion."""

BACKGROUND, LANE = "#1c1f24", "#30353d"
COLOURS = {"pitch": "#ff9f43", "yaw": "#4dc4ff", "roll": "#9be564"}


def write_thumbnail(path: Path, pose: FloatArray) -> None:
    """Draw 8 s of a motion (T, 6) in rad and mm at 30 fps as a PNG of 256 x 256 pixels."""
    first = round(_SKIPPED_S * MODEL_RATE_HZ)
    shown = np.degrees(pose[first : first + round(SECONDS * MODEL_RATE_HZ), :3])
    shown = shown - shown.mean(axis=0)
    shown = 0.5 * RANGE_DEG * np.tanh(shown / (0.5 * RANGE_DEG))  # wide turns stay in their lane
    figure = Figure(figsize=(SIZE_PX / 100, SIZE_PX / 100), dpi=100, facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.04, 0.03, 0.92, 0.94))
    axes.set_axis_off()
    axes.set_xlim(0, SECONDS)
    axes.set_ylim(-2.55 * RANGE_DEG, 0.55 * RANGE_DEG)
    seconds = np.arange(len(shown)) / MODEL_RATE_HZ
    for lane, (name, colour) in enumerate(COLOURS.items()):
        height = -lane * RANGE_DEG
        axes.axhline(height, color=LANE, lw=1.2)
        axes.plot(seconds, height + shown[:, lane], color=colour, lw=3.0, solid_capstyle="round")
        axes.text(0.02, height - 0.46 * RANGE_DEG, name, color=colour, fontsize=8, alpha=0.8)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    image = BytesIO()
    figure.savefig(image, format="png", facecolor=BACKGROUND, pil_kwargs={"optimize": True})
    partial.write_bytes(image.getvalue())
    partial.replace(path)


def main() -> None:
    """Command line: the designed styles, each on the same recording, with the same seed."""
    from ..posegan import load_posegan
    from ..styles import ASSETS_DIR, THUMBNAILS_DIR

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--audio", type=Path, default=ASSETS_DIR / "demo" / "speech.flac")
    parser.add_argument("--output", type=Path, default=THUMBNAILS_DIR)
    arguments = parser.parse_args()
    try:
        posegan = load_posegan("plus")
        for style in posegan.styles:
            path = arguments.output / f"{style}.png"
            write_thumbnail(path, posegan.generate(*heard(arguments.audio), style))
            print(path)
    except RhetorError as error:
        raise SystemExit(str(error)) from error


def heard(audio: Path) -> tuple[FloatArray, FloatArray]:
    """Speech features (T, 29) and prosody (T, 4) of the beginning of a recording."""
    from ..audio.decode import SAMPLE_RATE_HZ, decode_audio
    from ..audio.prosody import prosody_channels
    from ..speech.extractor import load_extractor, to_frame_rate

    samples = decode_audio(audio).samples[: round((_SKIPPED_S + SECONDS + 1) * SAMPLE_RATE_HZ)]
    frames = round(len(samples) / SAMPLE_RATE_HZ * MODEL_RATE_HZ)
    speech = to_frame_rate(load_extractor().extract(samples), frames).numpy()
    return speech, prosody_channels(samples, frames)


if __name__ == "__main__":
    main()
