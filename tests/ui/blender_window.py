# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender on a desktop: what it says about itself, and where things are on the screen."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from rhetor.tests.ui.desktop import SCREEN, Desktop, wait_for
from rhetor.tests.ui.picture import Box, as_array, find_text, lowest_text

SIZE = (1280, 960)
DRIVER = Path(__file__).with_name("driver.py")
_TAB_STRIP_PX = 22
_MARGIN_PX = 14
_NOWHERE = (252, 13)
_ANSWER_TIMEOUT_S = 20.0
_START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class MainThread:
    """What kept Blender's main thread for a while, in seconds.

    gaps: the longest times between two ticks of a 10 ms timer, the longest last; redraws are in
    them. gaps_of_writes: the same from the first final write on. stays: the longest stay in
    Rhetor's own code by the function through which it was entered, without the final writes.
    writes: how long those took.
    """

    gaps: list[float]
    gaps_of_writes: list[float]
    stays: dict[str, float]
    writes: list[float]

    def in_words(self) -> str:
        """A line for the test's output."""
        stays = sorted(self.stays.items(), key=lambda item: -item[1])[:3]
        ours = ", ".join(f"{name} {1000 * stay:.1f}" for name, stay in stays) or "none"
        writes = "".join(f"; final write {1000 * write:.0f}" for write in self.writes)
        after = f", with the final write {_in_ms(self.gaps_of_writes)}" if self.writes else ""
        return f"longest gaps, ms: {_in_ms(self.gaps)}{after}; in Rhetor's own code: {ours}{writes}"


def _in_ms(gaps: list[float]) -> str:
    return " ".join(f"{1000 * gap:.0f}" for gap in reversed(gaps[-3:]))


class BlenderWindow:
    """One Blender process in a window, with the driver inside."""

    def __init__(self, desktop: Desktop, **environment: str) -> None:
        self.desktop = desktop
        self.lab = desktop.place.lab
        self._open_panels = {"Takes"}  # as the extension has it
        self._socket = self.lab / "driver.socket"
        self._socket.unlink(missing_ok=True)
        for part in DRIVER.parent.glob("driver*.py"):
            shutil.copy(part, self.lab)
        resources = self.lab / "resources"
        resources.mkdir(exist_ok=True)
        runtime = self.lab / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        self.process = desktop.start(
            [desktop.place.blender, "--window-geometry", "0", "0", *map(str, SIZE),
             "--python", str(self.lab / DRIVER.name), "--", str(self._socket)],
            LIBGL_ALWAYS_SOFTWARE="1", XDG_RUNTIME_DIR=str(runtime),
            BLENDER_USER_RESOURCES=str(resources), TMPDIR=str(runtime), **environment,
        )  # fmt: skip
        wait_for(self._is_up, "Blender's window", _START_TIMEOUT_S)
        desktop.point(SIZE[0] // 2, SIZE[1] // 2)  # the focus follows the mouse

    def ask(self, name: str, *arguments: object) -> Any:
        """Ask the driver. Raises AssertionError where Blender is gone or the question fails."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(_ANSWER_TIMEOUT_S)
            link.connect(str(self._socket))
            link.sendall((json.dumps([name, *arguments]) + "\n").encode())
            reply = json.loads(link.makefile().readline())
        assert "failure" not in reply, reply["failure"]
        return reply["answer"]

    def await_state(self, question: str, timeout_s: float = 20.0, **wanted: object) -> Any:
        """Wait until an answer has these values, and return it."""
        answer: Any = None

        def is_so() -> bool:
            nonlocal answer
            answer = self.ask(question)
            return all(answer[key] == value for key, value in wanted.items())

        try:
            wait_for(is_so, f"{question} {wanted}", timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {answer}") from None
        return answer

    def box(self, area_type: str, region: str = "WINDOW") -> Box:
        """Where a region of the first area of that type is on the screen."""
        window = self.ask("windows")[0]
        areas = [area for area in window["areas"] if area["type"] == area_type]
        assert areas, f"no {area_type} in {[area['type'] for area in window['areas']]}"
        x, y, width, height = areas[0]["regions"][region]
        return Box(x, window["size"][1] - y - height, width, height)

    def await_takes(self, number: int, timeout_s: float = 60.0) -> None:
        """Wait until so many takes are written."""

        def is_so() -> bool:
            session = self.ask("session")
            assert session["phase"] != "failed", session["error"]
            return len(self.ask("takes")["names"]) == number and session["phase"] == "done"

        wait_for(is_so, f"take {number}", timeout_s)

    @property
    def sidebar(self) -> Box:
        """The sidebar's panels, without the strip of tabs."""
        whole = self.box("VIEW_3D", "UI")
        return Box(whole.x, whole.y, whole.width - _TAB_STRIP_PX, whole.height)

    @property
    def panels(self) -> Box:
        """The sidebar as far down as there are panels."""
        return self.as_far_as_texts(self.sidebar)

    @property
    def view(self) -> Box:
        """The 3D view."""
        return self.box("VIEW_3D")

    @property
    def all(self) -> Box:
        """The whole window."""
        return Box(0, 0, *SIZE)

    def as_far_as_texts(self, box: Box, picture: Image.Image | None = None) -> Box:
        """The upper part of a box, down to the lowest text in it; on a picture, or now."""
        if picture is None:
            self.put_mouse_away()
            picture = self.desktop.look()
        lowest = lowest_text(self.desktop.place, box.crop(picture))
        return Box(box.x, box.y, box.width, min(box.height, lowest + _MARGIN_PX))

    def settle(self) -> None:
        """Wait until Blender has dealt with what came so far, and drawn what came of it."""
        for _ in range(2):
            self.ask("is_here")

    def click(self, x: int, y: int, times: int = 1) -> None:
        """Move there and click, giving Blender time to see the mouse first."""
        self.desktop.point(x, y)
        self.settle()
        self.desktop.click(times)
        self.settle()

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.desktop.press(key)
            self.settle()

    def type(self, text: str) -> None:
        """Type a text."""
        self.desktop.type(text)
        self.settle()

    def await_text(self, phrase: str, within: Box | None = None, timeout_s: float = 30.0) -> Box:
        """Where a text is, in the sidebar unless said otherwise. Puts the mouse away."""
        self.put_mouse_away()
        return self.desktop.await_text(phrase, within or self.sidebar, timeout_s)

    def click_text(self, phrase: str, within: Box | None = None, timeout_s: float = 30.0) -> Box:
        """Click on a text. Returns where it is."""
        found = self.await_text(phrase, within, timeout_s)
        self.click(*found.centre)
        return found

    def click_tab(self, name: str) -> None:
        """Click on a tab at the sidebar's edge, whose name is written downwards."""
        whole = self.box("VIEW_3D", "UI")
        strip = Box(whole.right - _TAB_STRIP_PX, whole.y, _TAB_STRIP_PX, whole.height)
        found: Box | None = None

        def look() -> bool:
            nonlocal found
            turned = strip.crop(self.desktop.look()).rotate(90, expand=True)
            found = find_text(self.desktop.place, turned, name, (0, 0))
            return found is not None

        wait_for(look, f"the tab {name}")
        assert found is not None
        self.click(strip.x + _TAB_STRIP_PX // 2, strip.y + found.centre[0])

    def widen_sidebar(self, by_px: int = 110) -> None:
        """Drag the sidebar's edge, beside a panel: elsewhere 4.3 does not take hold of it."""
        side = self.box("VIEW_3D", "UI")
        x, y = side.x + 8, side.y + 60
        self.desktop.drag((x, y), (x - by_px, y))
        self.settle()
        assert self.box("VIEW_3D", "UI").width > side.width

    def open_only(self, title: str) -> None:
        """Click on the headers of sub-panels until only this one is open."""
        for other in self._open_panels - {title}:
            self.click_text(other)
        if title not in self._open_panels:
            self.click_text(title)
        self._open_panels = {title}

    def set_slider(self, label: str, text: str) -> None:
        """Click into the field right of its label and type a number."""
        found = self.await_text(label)
        self.click(self.sidebar.right - 60, found.centre[1])
        self.press("ctrl+a")
        self.type(text)
        self.press("Return")

    def scrub(self, share: float) -> None:
        """Drag the playhead along the timeline to a share of its width."""
        line = self.box("DOPESHEET_EDITOR")
        y = line.y + 12
        self.desktop.drag((line.x + 40, y), (line.x + int(share * line.width), y))

    def through_file_browser(self, keys: str, file: Path) -> None:
        """Open the file browser with a short cut, type a folder and a name, confirm."""
        self.press(keys)
        wait_for(lambda: self._has_area("FILE_BROWSER"), "the file browser")
        for region, text in (("UI", file.parent), ("EXECUTE", file.name)):
            box = self.box("FILE_BROWSER", region)
            self.click(box.x + box.width // 2, box.centre[1], times=2)
            self.press("ctrl+a")
            self.type(str(text))
            self.press("Return")
        self.press("Return")
        wait_for(lambda: not self._has_area("FILE_BROWSER"), "the end of the file browser")

    def measured(self, action: Callable[[], object]) -> MainThread:
        """What kept Blender's main thread during an action."""
        self.ask("measure", True)
        action()
        return MainThread(**self.ask("measure", False))

    def redraw_for(self, seconds: float) -> None:
        """Have the panels redrawn as often as progress does."""
        self.ask("redraw_for", seconds)
        time.sleep(seconds)

    def _has_area(self, area_type: str) -> bool:
        return any(a["type"] == area_type for w in self.ask("windows") for a in w["areas"])

    def put_mouse_away(self) -> None:
        """Between menus and workspaces, where it covers nothing and lights nothing up."""
        self.desktop.point(*_NOWHERE)
        self.settle()

    def point_at_view(self) -> None:
        """Put the mouse over the 3D view, where nothing of the head is in the way."""
        view = self.view
        self.desktop.point(view.x + 160, view.y + view.height - 60)

    def drop(self, file: Path, onto: tuple[int, int]) -> None:
        """Drag a file from another window onto a point of this one."""
        corner = (SIZE[0] + 20, 40)
        script = self.lab / "drag_source.py"
        script.write_bytes(Path(__file__).with_name("drag_source.py").read_bytes())
        source = self.desktop.start(["/usr/bin/python3", str(script), str(file), *map(str, corner)])
        end = time.monotonic() + 10.0
        while as_array(self.desktop.look())[60, SIZE[0] + 60] != 0xC8:  # until it is to be seen
            assert time.monotonic() < end, "the window with the file did not open"
            time.sleep(0.1)
        self.desktop.drag((corner[0] + 50, corner[1] + 30), onto, steps=16)
        assert source.wait(timeout=10) == 0

    def picture(self, within: Box | None = None) -> Image.Image:
        """The window, or a part of it, as it is now."""
        return (within or self.all).crop(self.desktop.look())

    def _is_up(self) -> bool:
        assert self.process.poll() is None, (self.lab / "blender.log").read_text()[-2000:]
        if not self._socket.exists():
            return False
        try:
            return bool(self.ask("windows"))
        except OSError:
            return False


assert SCREEN[0] > SIZE[0] + 120
