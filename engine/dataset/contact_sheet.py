# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets: pictures of a recording with the fitted head drawn over the face.

Green: the head's polygons that face the camera, posed and shaped as fitted. Red: the landmarks as
they were tracked. Where there is no picture, the landmarks are drawn on black.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..head.model import FACE, HeadModel
from ..tracking.camera import slopes
from ..tracking.shots import face_boxes
from ..tracking.video_tracks import Still
from .source_capture import FittedShot

PANEL_PX = 280
COLUMNS = 6
MOST_PANELS = 24
_BLIND_PANELS = 6
_MARGIN = 1.5
_WIRE, _DOT, _TEXT = (60, 230, 120, 90), (255, 60, 60, 255), (255, 255, 255, 255)
_DRAWN_SLOT = "skin"


@dataclass(frozen=True)
class Panel:
    """image: one frame of the sheet. time_s: of the recording."""

    image: Image.Image
    time_s: float


def draw_panels(shot: FittedShot, head: HeadModel, folder: Path) -> list[Panel]:
    """The kept pictures of a shot in `folder` with the fit, or some frames on black."""
    track = shot.track
    wire = _Wire(head)
    places: list[tuple[int, Still | None]] = [
        (still.frame, still) for still in shot.shot.stills if still.frame < len(track.ok)
    ]
    if not places:
        seen = np.flatnonzero(track.ok)
        chosen = seen[np.linspace(0, len(seen) - 1, _BLIND_PANELS).round().astype(int)]
        places = [(frame, None) for frame in np.unique(chosen).tolist()]
    panels = []
    for frame, still in places:
        picture, scale = Image.new("RGB", track.size), 1.0
        if still is not None:
            picture, scale = Image.open(folder / still.file).convert("RGB"), still.scale
        image = _panel(shot, frame, picture, scale, wire)
        panels.append(Panel(image, shot.shot.start_s + frame / track.fps))
    return panels


def save_sheet(path: Path, panels: list[Panel], title: str) -> None:
    """Write the panels of one recording as one PNG, at most MOST_PANELS spread over it."""
    few = np.unique(np.linspace(0, len(panels) - 1, MOST_PANELS).round().astype(int))
    chosen = [panels[i] for i in few.tolist()] if len(panels) > MOST_PANELS else panels
    columns = min(COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    head_px = 18
    sheet = Image.new("RGB", (columns * PANEL_PX, rows * PANEL_PX + head_px), (20, 20, 20))
    draw = ImageDraw.Draw(sheet)
    draw.text((4, 3), title, fill=_TEXT)
    for index, panel in enumerate(chosen):
        corner = (index % columns * PANEL_PX, head_px + index // columns * PANEL_PX)
        sheet.paste(panel.image, corner)
        draw.text((corner[0] + 4, corner[1] + 3), f"{panel.time_s:.1f} s", fill=_TEXT)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    sheet.save(partial, format="PNG", optimize=True)
    partial.replace(path)


class _Wire:
    """The polygons of the face's skin."""

    def __init__(self, head: HeadModel) -> None:
        self.head = head
        face = head.face
        shown = face.face_slots == face.slots.index(_DRAWN_SLOT)
        self.polygons = [p for p, is_shown in zip(face.faces(), shown, strict=True) if is_shown]


def _panel(
    shot: FittedShot, frame: int, picture: Image.Image, scale: float, wire: _Wire
) -> Image.Image:
    """One picture cut to the face, with the head and the landmarks of that frame."""
    track, fitted = shot.track, shot.fitted
    centre, size = face_boxes(track)
    half = _MARGIN * size[frame] / 2
    corner = centre[frame] - half
    zoom = PANEL_PX / (2 * half)
    box = [float(v * scale) for v in (*corner, *(corner + 2 * half))]
    image = picture.transform(
        (PANEL_PX, PANEL_PX), Image.Transform.EXTENT, tuple(box), Image.Resampling.BILINEAR
    )
    layer = Image.new("RGBA", image.size)
    draw = ImageDraw.Draw(layer)
    shape = wire.head.vertices(FACE, fitted.identity, fitted.expression[frame])
    pose = fitted.rigid_pose().select(np.array([frame]))
    placed = pose.apply(shape.astype(np.float64))
    pixels = (fitted.camera.pixels(slopes(placed))[0] - corner) * zoom
    for polygon in wire.polygons:
        points = pixels[polygon]
        if _faces_camera(points):
            draw.polygon([tuple(p) for p in points.tolist()], outline=_WIRE)
    for x, y in ((track.points[frame, :, :2] - corner) * zoom).tolist():
        draw.rectangle((x - 0.5, y - 0.5, x + 0.5, y + 0.5), fill=_DOT)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def _faces_camera(points: npt.NDArray[np.float64]) -> bool:
    """Whether a polygon's corners, counter-clockwise from outside, are so in the image too."""
    x, y = points[:, 0], points[:, 1]
    area = np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    return bool(area < 0)  # the image's y points down
