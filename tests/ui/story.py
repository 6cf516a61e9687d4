# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of the story share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from rhetor.tests.ui.blender_window import BlenderWindow
from rhetor.tests.ui.desktop import Desktop
from rhetor.tests.ui.picture import Box, save_small


@dataclass
class Story:
    """The window, the files that are dropped on it, and where pictures go.

    pictures: what this run has seen. manual: the manual's pictures; None where they stay as they
    are. broken_by: the step that failed.
    """

    window: BlenderWindow
    desktop: Desktop
    extension: Path
    long_recording: Path
    short_recording: Path
    answer: Path
    engine_python: Path
    pictures: Path
    manual: Path | None = None
    broken_by: str = ""

    def keep(self, name: str, within: Box | None = None) -> Image.Image:
        """Keep a picture of the window, or of a part of it."""
        self.window.put_mouse_away()
        picture = self.window.picture(within)
        save_small(picture, self.pictures / f"{name}.png")
        return picture

    def show(self, name: str, within: Box, is_at_rest: bool = True) -> None:
        """Renew a picture of the manual. is_at_rest: the mouse may be put away."""
        if is_at_rest:
            self.window.put_mouse_away()
        assert self.manual is not None
        save_small(self.window.picture(within), self.manual / f"{name}.png")
