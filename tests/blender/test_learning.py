# SPDX-License-Identifier: GPL-3.0-or-later
"""New styles from video, as Blender sees them: a second worker, interrupted in every way."""

import json
import signal
import sys
import time
from pathlib import Path

import pytest

LEARNER = Path(__file__).parent / "scenarios" / "small_learner.py"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An engine whose `new_style` takes two seconds, and a folder for its styles."""
    folder = tmp_path_factory.mktemp("lernen É")
    starter = folder / "python"
    starter.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{LEARNER}"\n', "utf-8")
    starter.chmod(0o755)
    return {"RHETOR_ENGINE_PYTHON": str(starter), "RHETOR_STYLES": str(folder / "styles")}


@pytest.fixture(scope="module")
def told(blender, python):
    return blender.run("learn", timeout_s=600, **python)


def test_wrong_orders_are_refused_in_words(told):
    said = told["refused"]
    assert "No video was chosen" in said["nothing"]
    assert "no file" in said["no file"] and "nothing.mp4" in said["no file"]
    assert "There is a style lively already" in said["label taken"]
    assert "Install the engine first" in said["no engine"]


def test_a_finished_style_is_there_at_once_and_chosen(told):
    assert told["finished"]["style"] == "anna" and told["finished"]["label"] == "Ännä"
    assert "There is a style ännä already" in told["finished"]["again"]


def test_opening_another_file_or_undo_does_not_disturb(told):
    meanwhile = told["meanwhile"]
    assert meanwhile["stage"] == "Following the face" and meanwhile["fraction"] > 0.1
    assert meanwhile["chosen"] == "neutral", "another file's scene is left alone"
    assert meanwhile["used"] == "meanwhile" and meanwhile["undone"] == "undone"


def test_a_stopped_style_goes_on_where_it_was(told):
    stopped = told["stopped"]
    assert stopped["said"] == "cancelled" and stopped["phase"] == "idle"
    assert stopped["seconds"] < 2.0 and stopped["processes"] == 0
    assert stopped["offered"] == ["paused"] and stopped["style"] == "paused"
    assert len(stopped["went on"]) == 1 and stopped["went on"][0].startswith("Going on after step")
    assert "no unfinished style" in stopped["unknown"]


def test_failures_are_sentences_and_can_be_discarded_or_resumed(told):
    assert "No face was found in nobody.mp4. Use a video that shows one." in told["failed"]["said"]
    assert told["failed"]["left"] == []
    assert "ended with exit code 7" in told["crashed"]["said"]
    assert told["crashed"]["style"] == "crash"


def test_a_later_session_resumes_and_a_killed_one_leaves_no_process(told, blender, python):
    assert told["left"] == {"before": 1, "after": 0}
    done = blender.start("learn_again", timeout_s=400, **python)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    later = json.loads(done.stdout.strip().splitlines()[-1])
    assert later["offered"] == ["Abandoned"] and later["style"] == "abandoned"
    assert later["went on"][0].startswith("Going on after step")
    worker = Path(f"/proc/{later['worker']}")
    until = time.monotonic() + 5
    while worker.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not worker.exists(), "the engine outlived Blender"
