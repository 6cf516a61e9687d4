# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender window for each Blender that is here; the tests are one story, told in order."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rhetor.tests.ui.blender_place import ROOT, PlaceError, find_place, wanted_labels
from rhetor.tests.ui.blender_window import BlenderWindow
from rhetor.tests.ui.desktop import Desktop
from rhetor.tests.ui.engine_relay import EngineRelay
from rhetor.tests.ui.recordings import write_speech
from rhetor.tests.ui.story import Story

HEAD = ROOT / "assets" / "head" / "default_head.npz"
ENGINE = ROOT / ".venv" / "bin" / "python"
LONG_S, SHORT_S, ANSWER_S = 600.0, 9.0, 4.0


@pytest.fixture(scope="module", params=wanted_labels())
def story(request: pytest.FixtureRequest) -> Iterator[Story]:
    """Blender with an empty configuration; everything that was started is ended afterwards."""
    if not HEAD.exists():
        pytest.skip("the head has not been built: run build.py setup")
    try:
        place = find_place(request.param, may_set_up=bool(os.environ.get("RHETOR_UI_SETUP")))
    except PlaceError as error:
        pytest.skip(str(error))
    desktop = Desktop(place)
    relay = EngineRelay(place.lab, ENGINE)
    try:
        window = BlenderWindow(desktop, RHETOR_ENGINE_HOME=str(place.lab / "engine"))
        yield Story(
            window,
            desktop,
            _extension_zip(place.lab),
            write_speech(place.lab / "interview.wav", LONG_S),
            write_speech(place.lab / "greeting.wav", SHORT_S),
            write_speech(place.lab / "answer.wav", ANSWER_S),
            relay.python if place.is_apart else ENGINE,
            _pictures_folder(request.param),
            _manual_folder(request.param),
        )
    finally:
        relay.close()
        desktop.close()


@pytest.fixture(autouse=True)
def in_order(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a step that failed the others cannot be told; keep a picture of where it stopped."""
    if "story" not in request.fixturenames:
        yield
        return
    story: Story = request.getfixturevalue("story")
    if story.broken_by:
        pytest.fail(f"not reached: {story.broken_by} failed", pytrace=False)
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        story.broken_by = request.node.name
        story.keep(f"failed-{request.node.originalname}")


def _pictures_folder(label: str) -> Path:
    """A fresh folder for what this run sees."""
    folder = ROOT / "build" / "ui" / label
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _manual_folder(label: str) -> Path | None:
    """Where the manual's pictures are to be renewed; they show the newest Blender."""
    named = os.environ.get("RHETOR_UI_IMAGES")
    return Path(named) if named and label == wanted_labels()[-1] else None


def _extension_zip(lab: Path) -> Path:
    """The zip as `build.py package` makes it, where Blender can reach it."""
    named = os.environ.get("RHETOR_TEST_ZIP")
    if named:
        return Path(shutil.copy(named, lab))
    command = [sys.executable, str(ROOT / "build.py"), "package", "--output", str(lab / "dist")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = (lab / "dist").glob("*.zip")
    return archive
