# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: answered exactly once, in order, cancelled where they stand; devices; stages."""

import threading
import time

import pytest
import torch

from rhetor.engine.device import choose_device, with_cpu_fallback
from rhetor.engine.jobs import Job, JobQueue
from rhetor.engine.protocol.errors import AudioError, CancelledError, DeviceError, ProtocolError
from rhetor.engine.protocol.messages import Failure, Log, Progress, Reply, Request
from rhetor.engine.stages import Stages


class Answers(list):
    """Messages as they are sent."""

    def wait_for(self, count: int) -> None:
        give_up_s = time.monotonic() + 5
        while len(self) < count and time.monotonic() < give_up_s:
            time.sleep(0.005)
        assert len(self) >= count, self


@pytest.fixture
def queue_and_answers():
    jobs, answers = JobQueue(), Answers()
    threading.Thread(target=jobs.run, daemon=True).start()
    return jobs, answers


def submit(jobs, answers, request_id, handler):
    jobs.submit(Job(Request(request_id, "x"), answers.append), handler)


def outcomes(answers):
    return [m for m in answers if isinstance(m, Reply | Failure)]


def test_jobs_run_in_order_and_each_is_answered_once(queue_and_answers):
    jobs, answers = queue_and_answers
    for i in range(5):
        submit(jobs, answers, i, lambda job: ({"id": job.request.id}, {}))
    answers.wait_for(10)
    assert [m.result["id"] for m in outcomes(answers)] == [0, 1, 2, 3, 4]


def test_expected_errors_keep_their_kind_and_unexpected_ones_are_readable(
    queue_and_answers, caplog
):
    jobs, answers = queue_and_answers

    def expected(job):
        raise AudioError("Empty.", "Choose another.")

    def unexpected(job):
        raise ZeroDivisionError("division by zero")

    def too_large(job):
        raise MemoryError

    for i, handler in enumerate((expected, unexpected, too_large)):
        submit(jobs, answers, i, handler)
    submit(jobs, answers, 3, lambda job: ({"alive": True}, {}))
    answers.wait_for(8)
    first, second, third, last = outcomes(answers)
    assert (first.code, first.message, first.hint) == ("audio", "Empty.", "Choose another.")
    assert second.code == "worker" and "ZeroDivisionError" in second.message
    assert "Traceback" not in second.message and "Traceback" in caplog.text
    assert "memory" in third.message
    assert last.result == {"alive": True}


def test_running_and_waiting_jobs_can_be_cancelled(queue_and_answers):
    jobs, answers = queue_and_answers
    started = threading.Event()

    def long_job(job):
        started.set()
        for i in range(1000):
            time.sleep(0.005)
            job.progress(i / 1000, "Working")
        return {}, {}

    submit(jobs, answers, 1, long_job)
    submit(jobs, answers, 2, long_job)
    assert started.wait(5)
    jobs.cancel(2)
    jobs.cancel(1)
    jobs.cancel(99)
    cancelled_s = time.monotonic()
    while len(outcomes(answers)) < 2 and time.monotonic() - cancelled_s < 5:
        time.sleep(0.005)
    assert time.monotonic() - cancelled_s < 0.5
    assert [(m.id, m.code) for m in outcomes(answers)] == [(1, "cancelled"), (2, "cancelled")]


def test_an_id_cannot_be_used_twice_at_once_but_again_later(queue_and_answers):
    jobs, answers = queue_and_answers
    free = threading.Event()
    submit(jobs, answers, 1, lambda job: (free.wait(5) and {}, {}))
    with pytest.raises(ProtocolError, match="already"):
        submit(jobs, answers, 1, lambda job: ({}, {}))
    free.set()
    answers.wait_for(2)
    give_up_s = time.monotonic() + 5
    while time.monotonic() < give_up_s:
        try:
            submit(jobs, answers, 1, lambda job: ({"again": 1}, {}))
            break
        except ProtocolError:
            time.sleep(0.005)
    answers.wait_for(4)
    assert outcomes(answers)[-1].result == {"again": 1}


def test_progress_is_thinned_out_but_no_stage_is_lost():
    answers = Answers()
    job = Job(Request(1, "x"), answers.append)
    for i in range(2000):
        job.progress(i / 2000, "one" if i < 1000 else "two")
    shown = [m for m in answers if isinstance(m, Progress)]
    assert 2 <= len(shown) < 200
    assert next(m.stage for m in shown if m.stage) == "one" and shown[-1].stage == "two"


def test_an_answer_over_a_limit_becomes_an_error():
    answers = Answers()

    def send(message):
        if isinstance(message, Reply):
            raise ProtocolError("A message header is over the limit.")
        answers.append(message)

    Job(Request(1, "x"), send).run(lambda job: ({"huge": 1}, {}))
    assert outcomes(answers)[0].code == "protocol"


def test_warnings_reach_the_person():
    answers = Answers()
    Job(Request(1, "x"), answers.append).warn("It is quiet.")
    assert answers == [Log("warning", "It is quiet.")]


def test_auto_picks_a_device_that_exists():
    assert choose_device("auto").type in ("cuda", "mps", "cpu")
    assert choose_device("cpu").type == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="cuda"):
            choose_device("cuda")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
    ],
    ids=["cuda", "mps"],
)
def test_a_gpu_without_memory_gives_way_to_the_cpu(error):
    tried, warnings = [], []

    def run(device):
        tried.append(device.type)
        if device.type != "cpu":
            raise error
        return "done"

    # "meta" stands for a GPU here: no cache of a card that is not there is emptied.
    assert with_cpu_fallback(torch.device("meta"), run, warnings.append) == "done"
    assert tried == ["meta", "cpu"]
    assert len(warnings) == 1 and "CPU" in warnings[0]


def test_other_errors_of_a_gpu_and_memory_errors_of_the_cpu_pass_through():
    def fail(device):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        with_cpu_fallback(torch.device("meta"), fail, print)

    def exhaust(device):
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        with_cpu_fallback(torch.device("cpu"), exhaust, print)


def test_stages_make_one_bar_and_keep_times():
    seen = []
    stages = Stages({"a": 1.0, "b": 3.0}, lambda fraction, stage: seen.append((fraction, stage)))
    with stages.stage("a"):
        time.sleep(0.01)
    with stages.stage("b") as report:
        report(0.5)
        report(7.0)
    assert seen == [
        (0.0, "a"), (0.25, "a"), (0.25, "b"), (0.625, "b"), (1.0, "b"), (1.0, "b"),
    ]  # fmt: skip
    assert stages.times_s["a"] >= 0.01 and set(stages.times_s) == {"a", "b"}

    def stop(fraction, stage):
        raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError), Stages({"a": 1.0}, stop).stage("a"):
        raise AssertionError("the stage ran although it was cancelled")
