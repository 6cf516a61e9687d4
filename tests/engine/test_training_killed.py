# SPDX-License-Identifier: GPL-3.0-or-later
"""`rhetor train pose`, killed in the middle with SIGKILL, ends with the weights of a whole run."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from person_clips import person_clip, write_person

from rhetor.engine import cli

STEPS = 12
SETTINGS = [
    *("--width", "8", "--batch", "2", "--warmup", "3", "--match-steps", "2"),
    *("--checkpoint-every", "2", "--log-every", "1", "--device", "cpu"),
]


def arguments(data: Path, run: Path) -> list[str]:
    return ["train", "pose", str(data), str(run), *SETTINGS, "--steps", str(STEPS)]


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_killed_training_of_the_head_goes_on_exactly(tmp_path):
    data = tmp_path / "anna"
    write_person(data / "train", "a", person_clip(12))
    write_person(data / "train", "b", person_clip(12, 1))
    write_person(data / "val", "c", person_clip(10, 2))
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [sys.executable, "-m", "rhetor.engine", *arguments(data, killed)],
        stdout=subprocess.DEVNULL,
    )
    end_s = time.monotonic() + 240
    while not (killed / "last.pt").exists():
        assert process.poll() is None and time.monotonic() < end_s
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    reached = torch.load(killed / "last.pt", weights_only=True)["step"]
    assert reached < STEPS
    for run in (killed, whole):
        assert cli.main(arguments(data, run)) == 0
    one, other = (torch.load(run / "last.pt", weights_only=True) for run in (killed, whole))
    assert one["step"] == other["step"] == STEPS
    for part, state in other["parts"].items():
        _same(one["parts"][part], state, part)
    assert torch.equal(one["random"][0]["torch"], other["random"][0]["torch"])


def _same(one, other, where):
    if isinstance(other, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(other, dict):
        assert one.keys() == other.keys(), where
        for key, value in other.items():
            _same(one[key], value, f"{where}.{key}")
    elif isinstance(other, list | tuple):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            _same(a, b, f"{where}[{index}]")
    else:
        assert one == other or (one != one and other != other), where
