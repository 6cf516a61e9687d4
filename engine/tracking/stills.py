# SPDX-License-Identifier: GPL-3.0-or-later
"""A few pictures of a film, spread over all of it however long it is, kept for a person's eye."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .video import VideoFrame

MOST_STILLS = 24
HEIGHT_PX = 400


class StillKeeper:
    """Keeps a picture now and then: when there are too many, every other goes.

    kept: file, shot, frame and scale of each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._step_s, self._next_s = 0.5, 0.0
        self.kept: list[dict[str, Any]] = []

    def offer(self, frame: VideoFrame, shot: int, number: int) -> None:
        """Keep the picture, frame `number` of a shot, if it is time for one."""
        if frame.time_s < self._next_s:
            return
        from PIL import Image

        scale = min(1.0, HEIGHT_PX / frame.image.shape[0])
        image = Image.fromarray(frame.image)
        if scale < 1.0:
            image = image.resize((round(image.width * scale), round(image.height * scale)))
        name = f"still_{round(frame.time_s * 1000):08d}.jpg"
        image.save(self._folder / name, quality=85)
        self.kept.append({"file": name, "shot": shot, "frame": number, "scale": scale})
        self._next_s = frame.time_s + self._step_s
        if len(self.kept) > MOST_STILLS:
            for still in self.kept[1::2]:
                (self._folder / still["file"]).unlink()
            self.kept = self.kept[::2]
            self._step_s *= 2
            self._next_s = frame.time_s + self._step_s

    def drop(self, shot: int) -> None:
        """Forget the pictures of a shot that is not used."""
        for still in self.kept:
            if still["shot"] == shot:
                (self._folder / still["file"]).unlink()
        self.kept = [s for s in self.kept if s["shot"] != shot]
