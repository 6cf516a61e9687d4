# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against servers that are broken on purpose: readable errors, nothing left behind."""

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from rhetor.addon.client import Client
from rhetor.engine.protocol.errors import (
    AudioError,
    CancelledError,
    ProtocolError,
    RhetorError,
    WorkerError,
)

PYTHON = Path(sys.executable)

SERVER = """
import os, sys, time
import numpy as np
from rhetor.engine.protocol.frames import *
from rhetor.engine.protocol.messages import *
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
def send(message): write_frame(stdout, to_frame(message))
def hello(version=PROTOCOL_VERSION): send(Hello(tuple(version), "rhetor 0.0.1", "0.0.1", "cpu"))
def receive():
    frame = read_frame(stdin)
    if frame is None: sys.exit(0)
    return from_frame(frame)
assert isinstance(receive(), Hello)
"""


@pytest.fixture
def connect(tmp_path):
    clients = []
    threads = set(threading.enumerate())

    def start(script: str, **options) -> Client:
        path = tmp_path / "server.py"
        path.write_text(SERVER + script)
        clients.append(Client(PYTHON, arguments=("-I", str(path)), **options))
        return clients[-1]

    yield start
    for client in clients:
        client.close()
        assert not client.is_running
    assert set(threading.enumerate()) <= threads
    with pytest.raises(ChildProcessError):  # no child, not even a zombie
        os.waitpid(-1, os.WNOHANG)


def test_calls_are_answered_by_id_and_progress_comes_in_order(connect):
    client = connect(
        """
hello()
first, second = receive(), receive()
send(Log("warning", "It is quiet."))
for fraction in (0.0, 0.5, 1.0): send(Progress(second.id, fraction, "Listening"))
send(Reply(second.id, {"of": second.method}, second.arrays))
send(Failure(first.id, "audio", "It is empty.", "Choose another."))
receive()
"""
    )
    seen, ended, said = [], [], []
    client._on_log = lambda level, text: said.append((level, text))
    first = client.call("one", on_done=lambda call: ended.append(call.id))
    array = np.arange(3, dtype=np.float32)
    second = client.call("two", {}, {"x": array}, lambda f, s: seen.append((f, s)))
    reply = client.wait(second, 20)
    assert reply.result == {"of": "two"} and (reply.arrays["x"] == array).all()
    assert seen == [(0.0, "Listening"), (0.5, "Listening"), (1.0, "Listening")]
    with pytest.raises(AudioError, match="empty") as caught:
        client.wait(first, 20)
    assert caught.value.hint == "Choose another."
    assert ended == [first.id]
    assert said == [("warning", "It is quiet.")]


def test_pump_never_waits_and_runs_callbacks_on_this_thread(connect):
    client = connect("hello(); call = receive(); time.sleep(0.3); send(Reply(call.id)); receive()")
    threads = []
    call = client.call("x", on_done=lambda call: threads.append(threading.current_thread()))
    slowest_s = 0.0
    give_up_s = time.monotonic() + 20
    while not call.is_done and time.monotonic() < give_up_s:
        started_s = time.monotonic()
        client.pump()
        slowest_s = max(slowest_s, time.monotonic() - started_s)
        time.sleep(0.01)
    assert call.is_done and threads == [threading.current_thread()]
    assert slowest_s < 0.2


def test_a_missing_python_is_named(tmp_path):
    with pytest.raises(WorkerError, match="no_python") as caught:
        Client(tmp_path / "no_python").start()
    assert "preferences" in caught.value.hint


BROKEN = {
    "other major version": ("hello((9, 0))", ProtocolError, "version 9.0"),
    "refuses us": (
        'send(Failure(None, "protocol", "I only speak 9.0.", "Update."))',
        ProtocolError,
        "only speak",
    ),
    "wrong magic": (
        "stdout.write(b'\\x80\\x04K\\x01.' * 4); stdout.flush()",
        ProtocolError,
        "speak",
    ),
    "prints to stdout": (
        "print('Loading model...', flush=True); hello()",
        ProtocolError,
        "Loading",
    ),
    "huge header": (
        "stdout.write(MAGIC + b'\\xff\\xff\\xff\\xff'); stdout.flush(); time.sleep(60)",
        ProtocolError,
        "over the limit",
    ),
    "huge array": (
        """
import json, struct
listing = [{"name": "a", "dtype": "float64", "shape": [2**29]}]
header = json.dumps({"type": "reply", "arrays": listing}).encode()
stdout.write(MAGIC + struct.pack("<I", len(header)) + header); stdout.flush(); time.sleep(60)
""",
        ProtocolError,
        "over the limit",
    ),
    "cut frame": (
        "stdout.write(MAGIC + b'\\x10\\0\\0\\0{'); stdout.flush()",
        ProtocolError,
        "middle",
    ),
    "dies at start": (
        "print('no torch here', file=sys.stderr); sys.exit(7)",
        WorkerError,
        "exit code 7",
    ),
    "closes its output but lives": (
        "os.close(1); time.sleep(60)",
        WorkerError,
        "closed its connection",
    ),
}


@pytest.mark.parametrize(("script", "kind", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_start_fails_with_a_reason(connect, script, kind, words):
    client = connect(script)
    call = client.call("animate")
    with pytest.raises(kind, match=words):
        client.wait_ready(20)
    with pytest.raises(kind, match=words):
        call.result()
    assert not client.is_running


def test_the_last_words_of_a_dead_worker_are_shown(connect):
    client = connect("hello(); receive(); print('ä segfault', file=sys.stderr); os._exit(11)")
    with pytest.raises(WorkerError, match="exit code 11") as caught:
        client.wait(client.call("animate"), 20)
    assert "segfault" in caught.value.hint


def test_a_server_that_never_gets_ready_is_given_up(connect):
    client = connect("print('still loading', file=sys.stderr); time.sleep(60)", start_timeout_s=1.5)
    started_s = time.monotonic()
    with pytest.raises(WorkerError, match=r"not ready within 1\.5 s"):
        client.wait_ready(20)
    assert time.monotonic() - started_s < 5
    assert not client.is_running


def test_a_call_that_ignores_cancel_is_killed(connect):
    client = connect("hello(); receive(); time.sleep(60)", kill_after_s=0.5)
    client.wait_ready(20)
    stuck, waiting = client.call("animate"), client.call("animate")
    client.cancel(stuck)
    started_s = time.monotonic()
    with pytest.raises(CancelledError):
        client.wait(stuck, 20)
    assert time.monotonic() - started_s < 3
    with pytest.raises(WorkerError, match="killed"):
        waiting.result()
    assert not client.is_running


def test_a_client_starts_again_after_its_worker_died(connect, tmp_path):
    client = connect(
        f"""
from pathlib import Path
flag = Path({str(tmp_path / "flag")!r})
hello()
call = receive()
if not flag.exists():
    flag.touch(); os._exit(1)
send(Reply(call.id, {{"second": True}})); receive()
"""
    )
    with pytest.raises(WorkerError):
        client.wait(client.call("x"), 20)
    assert client.wait(client.call("x"), 20).result == {"second": True}


def test_a_worker_that_died_while_idle_is_replaced_unasked(connect):
    client = connect("hello(); call = receive(); send(Reply(call.id)); receive()")
    client.wait(client.call("x"), 20)
    client._worker._process.kill()
    client._worker._threads[1].join(10)
    client.wait(client.call("x"), 20)


def test_a_stranger_holding_the_pipes_does_not_hold_us_up(connect):
    client = connect(
        """
import subprocess
stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3.5)"])
hello(); receive(); time.sleep(60)
"""
    )
    client.wait_ready(20)
    threads = client._worker._threads
    started_s = time.monotonic()
    client.close()
    assert time.monotonic() - started_s < 3.4
    for thread in threads:  # the stranger ends, and the threads with it
        thread.join(5)


def test_letting_go_of_a_stubborn_worker_does_not_wait(connect):
    client = connect("hello(); receive(); time.sleep(60)")
    call = client.call("animate")
    client.wait_ready(20)
    started_s = time.monotonic()
    client.let_go()
    assert time.monotonic() - started_s < 0.3
    assert call.is_done and not client.is_running


def test_close_fails_what_is_under_way_and_may_be_repeated(connect):
    client = connect("hello(); receive(); time.sleep(60)")
    call = client.call("animate")
    client.wait_ready(20)
    started_s = time.monotonic()
    client.close()
    client.close()
    assert time.monotonic() - started_s < 4
    assert isinstance(call.error, RhetorError)


def test_a_hostile_environment_does_not_reach_the_worker(connect, tmp_path, monkeypatch):
    (tmp_path / "hostile").mkdir()
    (tmp_path / "hostile" / "json.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hostile"))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "hostile"))
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    monkeypatch.chdir(tmp_path / "hostile")
    client = connect(
        """
hello(); call = receive()
found = [k for k in os.environ if k.startswith("PYTHON")]
send(Reply(call.id, {"found": found, "folder": os.getcwd()})); receive()
"""
    )
    result = client.wait(client.call("x"), 20).result
    assert result["found"] == []
    assert Path(result["folder"]) != tmp_path / "hostile"


def test_waiting_can_be_limited(connect):
    client = connect("hello(); receive(); time.sleep(60)")
    call = client.call("x")
    with pytest.raises(WorkerError, match="not answered within"):
        client.wait(call, 0.3)
    assert not call.is_done
