# SPDX-License-Identifier: GPL-3.0-or-later
"""A screen of its own with a window manager, a mouse and a keyboard."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from rhetor.tests.ui.blender_place import BlenderPlace
from rhetor.tests.ui.picture import Box, find_text, read_screen

SCREEN = (1440, 960)
"""Blender's window takes the left 1280 pixels, the window with files the rest."""

_KEPT_PLAIN = """<?xml version="1.0"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <focus><followMouse>yes</followMouse><raiseOnFocus>no</raiseOnFocus></focus>
  <theme><keepBorder>no</keepBorder></theme>
  <keyboard/><mouse/>
  <applications><application class="*"><decor>no</decor></application></applications>
</openbox_config>
"""
_START_TIMEOUT_S = 30.0
_LOOK_AGAIN_S = 0.2


class Desktop:
    """Xvfb and openbox in a place; ended by `close`.

    Every program gets a hard limit on its life, so that nothing is left behind even where this
    process is killed.
    """

    def __init__(self, place: BlenderPlace) -> None:
        self.place = place
        for left in place.lab.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        self._programs: list[subprocess.Popen[bytes]] = []
        number = place.lab / "display"
        size = f"{SCREEN[0]}x{SCREEN[1]}x24"
        server = f"Xvfb -displayfd 3 -screen 0 {size} -fbdir {place.lab} -dpi 96 -nolisten tcp"
        self.start(["sh", "-c", f"exec {server} 3>{number}"])
        wait_for(lambda: number.exists() and number.read_text().endswith("\n"), "the X server")
        self.display = f":{number.read_text().strip()}"
        (place.lab / "rc.xml").write_text(_KEPT_PLAIN)
        self.start(["openbox", "--config-file", str(place.lab / "rc.xml")])

    def start(self, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """Start a program on this desktop; its output goes to a log of its name in the lab."""
        screen = {"DISPLAY": self.display} if hasattr(self, "display") else {}
        log = self.place.lab / f"{Path(command[0]).name}.log"
        program = self.place.start(command, log, **screen, **environment)
        self._programs.append(program)
        return program

    def close(self) -> None:
        """End all programs that were started here."""
        for program in reversed(self._programs):
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()

    def look(self) -> Image.Image:
        """The screen as it is now."""
        return read_screen(self.place.lab / "Xvfb_screen0")

    def find(self, phrase: str, within: Box) -> Box | None:
        """Where a text is on a part of the screen; None where it is not."""
        return find_text(self.place, within.crop(self.look()), phrase, (within.x, within.y))

    def await_text(self, phrase: str, within: Box, timeout_s: float = 30.0) -> Box:
        """Where a text is, as soon as it is there. Raises AssertionError where it does not come."""
        found: Box | None = None

        def look() -> bool:
            nonlocal found
            found = self.find(phrase, within)
            return found is not None

        wait_for(look, f"the text “{phrase}”", timeout_s)
        assert found is not None
        return found

    def point(self, x: int, y: int) -> None:
        """Move the mouse there, by a small last step that every program takes for a motion."""
        self._do(f"mousemove {x - 3} {y - 1} sleep 0.08 mousemove {x} {y} sleep 0.12")

    def click(self, times: int = 1) -> None:
        """Click where the mouse is."""
        self._do(f"click --repeat {times} --delay 90 1 sleep 0.1")

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 8) -> None:
        """Press, move in steps, let go."""
        moves = []
        for step in range(1, steps + 1):
            x, y = (a + (b - a) * step // steps for a, b in zip(start, end, strict=True))
            moves.append(f"mousemove {x} {y} sleep 0.08")
        self.point(*start)
        self._do(f"mousedown 1 sleep 0.15 {' '.join(moves)} sleep 0.4 mouseup 1 sleep 0.2")

    def press(self, *keys: str) -> None:
        """Press keys one after the other, each by its X name or a chord such as ctrl+z."""
        self._do(" ".join(f"key {key} sleep 0.12" for key in keys))

    def type(self, text: str) -> None:
        """Type a text."""
        self._xdotool(["type", "--delay", "25", text])

    def _do(self, chain: str) -> None:
        self._xdotool(chain.split())

    def _xdotool(self, arguments: list[str]) -> None:
        self.place.output(["xdotool", *arguments], DISPLAY=self.display)


def wait_for(is_so: Callable[[], object], what: str, timeout_s: float = _START_TIMEOUT_S) -> None:
    """Wait until it is so. Raises AssertionError where it does not become so in time."""
    ends = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < ends, f"{what} did not come within {timeout_s:g} s"
        time.sleep(_LOOK_AGAIN_S)
