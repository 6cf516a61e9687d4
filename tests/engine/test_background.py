# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in child processes: results, reasons, cancelling, and no orphans."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rhetor.engine.background import BackgroundWork, run_together, serve_work
from rhetor.engine.protocol.errors import CancelledError, DatasetError, WorkerError

MODULE = "rhetor_test_background_child"

CHILD = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location({MODULE!r}, {__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.serve_work(module.work)
"""


def work(params, progress, warn):
    """What the child does in these tests."""
    print("a stray print")
    os.write(1, b"and one in C\n")
    Path(params["pid_file"]).write_text(str(os.getpid()))
    if params["do"] == "fail":
        raise DatasetError("No face in it.", "Film one.")
    if params["do"] == "crash":
        print("about to crash", file=sys.stderr, flush=True)
        os._exit(3)
    for index in range(params.get("steps", 3)):
        progress(index / 3, f"step {index}")
        time.sleep(params.get("step_s", 0.0))
    warn("watch out")
    return {"sum": params["a"] + params["b"]}


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a child that runs `work` above; as a script, for it is no installed module."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    real = subprocess.Popen

    def as_script(command, **options):
        assert command[1] == "-I" and command[-1] == MODULE
        return real([command[0], "-I", str(script)], **options)

    monkeypatch.setattr(subprocess, "Popen", as_script)

    def begin(do="add", name="child", **params):
        params = {"do": do, "a": 1, "b": 2, "pid_file": str(tmp_path / f"{name}.pid"), **params}
        return BackgroundWork(MODULE, params, tmp_path / f"{name}.log")

    return begin


def is_alive(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, seconds=30.0):
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def nothing(*_arguments):
    pass


def test_results_progress_and_warnings_come_back(start, tmp_path):
    works = [start(name="one"), start(name="two", a=10)]
    seen, warned = [], []
    run_together(works, lambda fraction, stage: seen.append((fraction, stage)), warned.append)
    assert [w.result for w in works] == [{"sum": 3}, {"sum": 12}]
    assert warned == ["watch out"] * 2 and seen[-1] == (1.0, "step 2")
    assert "a stray print" in (tmp_path / "one.log").read_text()
    assert "and one in C" in (tmp_path / "one.log").read_text()


def test_an_error_keeps_its_kind_and_ends_the_others(start):
    works = [start(name="slow", steps=1000, step_s=0.1), start("fail", name="bad")]
    with pytest.raises(DatasetError, match=r"No face in it\. Film one\."):
        run_together(works, nothing, nothing)
    assert works[0]._process.poll() is not None


def test_a_crash_is_told_with_the_end_of_the_log(start):
    with pytest.raises(WorkerError, match="about to crash"):
        run_together([start("crash")], nothing, nothing)


def test_cancelling_ends_the_child_at_once(start, tmp_path):
    child = start(steps=1000, step_s=10.0)
    wait_for((tmp_path / "child.pid").exists)

    def stop(fraction, stage):
        raise CancelledError("Cancelled.")

    started_s = time.monotonic()
    with pytest.raises(CancelledError):
        run_together([child], stop, nothing)
    assert time.monotonic() - started_s < 2.0
    assert not is_alive(tmp_path / "child.pid")


@pytest.mark.skipif(sys.platform == "win32", reason="asks for the process by POSIX rules")
def test_a_child_dies_with_its_parent(start, tmp_path):
    child = start(steps=1000, step_s=10.0)
    wait_for((tmp_path / "child.pid").exists)
    child._stdin.close()  # all that a child sees of its parent's death
    wait_for(lambda: child._process.poll() is not None, 5.0)


assert serve_work  # the child's side, called by CHILD
