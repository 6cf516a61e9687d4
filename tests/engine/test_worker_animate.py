# SPDX-License-Identifier: GPL-3.0-or-later
"""Animating through the real worker process: the same take, cancel, memory, and a sudden end."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rhetor.addon.client import Client
from rhetor.engine.animate import Engine
from rhetor.engine.bench import DEMO_RECORDING, Worker, write_looped
from rhetor.engine.protocol.errors import AudioError, CancelledError, WorkerError
from rhetor.engine.protocol.requests import AnimateRequest, request_params


@pytest.fixture(scope="module")
def client():
    with Client(Path(sys.executable), program="tests") as client:
        client.wait_ready(60)
        yield client


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory):
    return write_looped(DEMO_RECORDING, tmp_path_factory.mktemp("long") / "long.wav", 600.0)


def test_the_worker_gives_the_engines_take(client):
    request = AnimateRequest(str(DEMO_RECORDING), device="cpu", max_seconds=4.0, fps=24.0, seed=5)
    seen = []
    call = client.animate(request, lambda fraction, stage: seen.append(fraction))
    client.wait(call, 60)
    take = call.take()
    direct = Engine().animate(request, lambda fraction, stage: None, lambda text: None)
    for name in ("pose", "expression", "identity"):
        np.testing.assert_allclose(getattr(take, name), getattr(direct, name), atol=1e-5)
    assert take.fps == 24.0 and take.expression_names == direct.expression_names
    drop = "stage_times_s"
    assert {k: v for k, v in take.meta.items() if k != drop} == {
        k: v for k, v in direct.meta.items() if k != drop
    }
    assert seen == sorted(seen) and seen


def test_errors_arrive_with_advice_and_the_worker_goes_on(client, tmp_path):
    empty = tmp_path / "empty.wav"
    empty.touch()
    with pytest.raises(AudioError, match="empty") as caught:
        client.wait(client.animate(AnimateRequest(str(empty))), 30)
    assert caught.value.hint
    assert client.is_running


@pytest.mark.parametrize("after_s", [0.05, 0.3, 0.8, 1.5])
def test_a_long_job_is_cancelled_within_half_a_second(client, long_recording, after_s):
    call = client.animate(AnimateRequest(str(long_recording), device="cpu"))
    pump_for(client, after_s)
    assert not call.is_done, "the job was over before it could be cancelled"
    client.cancel(call)
    started_s = time.monotonic()
    with pytest.raises(CancelledError):
        client.wait(call, 10)
    assert time.monotonic() - started_s < 0.5
    assert client.is_running, "the worker had to be killed"


def test_ping_is_answered_while_a_job_runs(client, long_recording):
    call = client.animate(AnimateRequest(str(long_recording), device="cpu"))
    pump_for(client, 0.3)
    started_s = time.monotonic()
    client.wait(client.call("ping"), 10)
    assert time.monotonic() - started_s < 0.5
    assert not call.is_done
    client.cancel(call)
    with pytest.raises(CancelledError):
        client.wait(call, 10)


def pump_for(client, seconds):
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        client.pump()
        time.sleep(0.01)


def test_the_worker_ends_in_the_middle_of_a_job_when_its_client_goes(long_recording):
    with Client(Path(sys.executable)) as client:
        client.wait_ready(60)
        call = client.animate(AnimateRequest(str(long_recording), device="cpu"))
        pump_for(client, 0.3)
        assert not call.is_done
        process = client._worker._process
        started_s = time.monotonic()
        process.stdin.close()
        assert process.wait(5) == 0
        assert time.monotonic() - started_s < 0.5
        with pytest.raises(WorkerError, match="exit code 0"):
            client.wait(call, 10)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_ten_minutes_fit_into_memory(long_recording):
    with Worker() as worker:
        reply = worker.ask("animate", request_params(AnimateRequest(str(long_recording))))
        assert reply.arrays["pose"].shape == (18000, 6)
        assert worker.peak_rss_mb() < 1500
