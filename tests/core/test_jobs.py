# SPDX-License-Identifier: GPL-3.0-or-later
"""The line of jobs: order, failures that stop nobody, takes that are kept."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from rhetor.addon.jobs import jobs
from rhetor.addon.jobs.jobs import JobLine, Phase
from rhetor.engine.protocol.errors import CancelledError, ConfigError, WorkerError

PYTHON = Path("python")


@dataclass(frozen=True)
class Order:
    title: str


A, B, C = (Order(name) for name in "abc")


@pytest.fixture
def line():
    line = JobLine()
    line.add([A, B, C], PYTHON)
    return line


def test_one_at_a_time_in_the_order_of_arrival(line):
    assert line.phase is Phase.IDLE and line.waiting == (A, B, C)
    assert line.begin_next().order is A
    assert line.begin_next() is None, "one runs"
    assert line.phase is Phase.WORKING and line.waiting == (B, C)
    line.finish("take a")
    assert line.phase is Phase.DONE and line.written == "take a"
    assert line.begin_next().order is B
    assert line.written == "take a", "shown while the next one runs"


def test_a_failure_is_kept_and_stops_nobody(line):
    job = line.begin_next()
    line.fail(WorkerError("It died."))
    assert job.error.message == "It died." and line.phase is Phase.FAILED
    assert [(failure.title, failure.performance) for failure in line.failures] == [("a", None)]
    assert line.begin_next().order is B
    line.finish("take b")
    assert line.phase is Phase.DONE and len(line.failures) == 1


def test_a_cancelled_job_is_no_failure(line):
    job = line.begin_next()
    line.fail(CancelledError("Cancelled."))
    assert line.failures == () and line.phase is Phase.IDLE
    assert isinstance(job.error, CancelledError)
    line.fail(CancelledError("Cancelled."))
    assert line.waiting == (B, C), "where nothing runs, nothing ends"


def test_waiting_ones_can_be_taken_out(line):
    line.begin_next()
    line.remove(1)
    assert line.waiting == (B,)
    with pytest.raises(IndexError):
        line.remove(1)
    line.clear()
    assert line.waiting == () and line.running.order is A


def test_new_work_drops_old_news_but_no_take_that_can_still_be_written(line):
    line.begin_next().performance = "finished"
    line.fail(WorkerError("The head is gone."))
    line.begin_next()
    line.fail(WorkerError("It died."))
    line.begin_next()
    line.finish("take c")
    line.add([A], PYTHON)
    assert [failure.performance for failure in line.failures] == ["finished"]
    assert line.written is None
    line.begin_next()
    line.add([B], PYTHON)
    line.fail(WorkerError("It died."))
    assert len(line.failures) == 2, "what fails while others wait is kept"
    line.settle(0, "written after all")
    assert [failure.title for failure in line.failures] == ["a"]
    assert line.written == "written after all" and line.phase is Phase.DONE


def test_a_refusal_does_not_touch_what_runs(line):
    line.begin_next()
    line.refuse(ConfigError("No recording."))
    assert line.running.order is A and line.failures[0].title == ""
    line.finish("take")
    line.clear()
    for _ in range(3):
        line.refuse(ConfigError("No recording."))
    assert len(line.failures) == 1, "pressing again says it once"
    line.forget(0)
    assert line.failures == () and line.phase is Phase.IDLE


def test_the_line_has_an_end(line, monkeypatch):
    monkeypatch.setattr(jobs, "LONGEST_LINE", 4)
    with pytest.raises(ConfigError, match="More than 4"):
        line.add([A, B], PYTHON)
    assert line.waiting == (A, B, C)


def test_time_left_counts_from_a_restart(line):
    job = line.begin_next()
    for second in range(11):
        job.advance(second / 20, "Listening", float(second))
    assert job.line == "Listening, about 10 s left"
    job.start_again("Starting the engine")
    assert (job.restarts, job.fraction, job.time_left) == (1, 0.0, "")
