# SPDX-License-Identifier: GPL-3.0-or-later
"""The real worker process: handshake, protected stdout, and that it never outlives its parent."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rhetor.addon.client import Client
from rhetor.engine.protocol.errors import CheckpointError, ConfigError, ProtocolError
from rhetor.engine.protocol.frames import Frame, read_frame, write_frame
from rhetor.engine.protocol.messages import (
    PROTOCOL_VERSION,
    Failure,
    Hello,
    Log,
    Reply,
    Request,
    from_frame,
    to_frame,
)
from rhetor.engine.provenance import engine_version

PYTHON = Path(sys.executable)
SERVE = [sys.executable, "-I", "-m", "rhetor.engine", "serve"]


@pytest.fixture
def serve():
    processes = []

    def start(command=SERVE) -> subprocess.Popen:
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def send(process, message):
    write_frame(process.stdin, to_frame(message))


def receive(process):
    while True:
        frame = read_frame(process.stdout)
        message = None if frame is None else from_frame(frame)
        if not isinstance(message, Log):
            return message


def answer(process, request_id):
    """Wait for the reply to a request; a hello may come in between."""
    while (message := receive(process)) is not None:
        if isinstance(message, Reply) and message.id == request_id:
            return
    raise AssertionError("the worker ended")


@pytest.fixture(scope="module")
def client():
    with Client(PYTHON, program="tests") as client:
        client.wait_ready(60)
        yield client


def test_hello_describes_the_worker(client):
    hello = client.hello
    assert hello.protocol == PROTOCOL_VERSION
    assert hello.engine_version == engine_version()
    assert {"ping", "animate", "styles", "doctor"} <= set(hello.methods)
    assert hello.device


def test_ping_brings_back_what_was_sent(client):
    reply = client.wait(client.call("ping", {"text": "ä", "list": [1, None]}), 10)
    assert reply.result == {"text": "ä", "list": [1, None]}


def test_unknown_methods_and_settings_are_refused_and_the_worker_goes_on(client):
    with pytest.raises(ProtocolError, match="no method 'fly'"):
        client.wait(client.call("fly"), 10)
    with pytest.raises(ConfigError, match="sead"):
        client.wait(client.call("animate", {"audio": "/x.wav", "sead": 1}), 10)
    with pytest.raises(ConfigError, match="not absolute"):
        client.wait(client.call("animate", {"audio": "x.wav"}), 10)
    with pytest.raises(ConfigError, match="preset"):
        client.wait(client.call("styles", {"preset": "best"}), 10)
    assert client.wait(client.call("ping"), 10).result == {}


def test_another_major_version_is_refused(serve):
    process = serve()
    send(process, Hello((PROTOCOL_VERSION[0] + 1, 0), "addon 9.9"))
    answer = receive(process)
    assert isinstance(answer, Failure) and answer.id is None
    assert "addon 9.9" in answer.message and "Update" in answer.hint
    assert process.wait(10) == 2


@pytest.mark.parametrize("first", ["request", "junk"])
def test_a_peer_that_does_not_speak_the_protocol_is_refused(serve, first):
    process = serve()
    if first == "request":
        send(process, Request(1, "ping"))
    else:
        process.stdin.write(b"GET / HTTP/1.1\r\n\r\n")
        process.stdin.flush()
    answer = receive(process)
    assert isinstance(answer, Failure) and answer.code == "protocol"
    assert process.wait(10) == 2


def test_messages_of_a_newer_minor_version_are_ignored(serve):
    process = serve()
    newer = to_frame(Hello((PROTOCOL_VERSION[0], 99), "later")).header
    write_frame(process.stdin, Frame({**newer, "mood": "good"}))
    write_frame(process.stdin, Frame({"type": "telemetry"}))
    send(process, Request(5, "ping"))
    answer(process, 5)


@pytest.mark.parametrize("after_s", [0.0, 0.7])
def test_end_of_file_ends_the_worker_while_it_starts(serve, after_s):
    process = serve()
    time.sleep(after_s)
    process.stdin.close()
    assert process.wait(3) == 0


def test_an_interrupt_meant_for_the_parent_does_not_stop_the_worker(serve):
    process = serve()
    send(process, Hello(PROTOCOL_VERSION))
    send(process, Request(1, "ping"))
    answer(process, 1)
    process.send_signal(signal.SIGINT)
    send(process, Request(2, "ping"))
    answer(process, 2)


PARENT = """
import subprocess, sys, time
worker = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(worker.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_the_worker_dies_with_a_parent_that_is_killed(serve):
    parent = serve([sys.executable, "-c", PARENT, *SERVE])
    worker = int(parent.stdout.readline())
    time.sleep(0.5)
    assert "serve" in Path(f"/proc/{worker}/cmdline").read_text()
    os.kill(parent.pid, signal.SIGKILL)
    give_up_s = time.monotonic() + 3
    while time.monotonic() < give_up_s and is_alive(worker):
        time.sleep(0.02)
    assert not is_alive(worker)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


STRAY_PRINTS = """
import ctypes, os, sys
from rhetor.engine.protocol.frames import Frame, read_frame, write_frame
from rhetor.engine.worker import protect_stdio
stdin, stdout = protect_stdio()
print("from Python")
os.write(1, b"from a descriptor\\n")
ctypes.CDLL(None).puts(b"from C")
ctypes.CDLL(None).fflush(None)
assert sys.stdin.read() == ""
write_frame(stdout, Frame({"got": read_frame(stdin).header["sent"]}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="loads the C library by POSIX rules")
def test_stray_prints_never_reach_the_stream(serve):
    process = serve([sys.executable, "-c", STRAY_PRINTS])
    write_frame(process.stdin, Frame({"sent": 7}))
    output, errors = process.communicate(timeout=30)
    assert output.startswith(b"RHT1") and b"from" not in output and b'"got":7' in output
    for source in (b"from Python", b"from a descriptor", b"from C"):
        assert source in errors


def test_missing_weights_are_told_at_the_start_and_again_at_each_request(tmp_path):
    said = []
    script = tmp_path / "serve_without_weights.py"
    script.write_text(
        "from pathlib import Path\n"
        "import rhetor.engine.checkpoint as checkpoint, rhetor.engine.styles as styles\n"
        f"checkpoint.WEIGHTS_DIR = styles.WEIGHTS_DIR = Path({str(tmp_path)!r})\n"
        "from rhetor.engine.worker import serve\n"
        "serve()\n"
    )
    with Client(
        PYTHON, arguments=("-I", str(script)), on_log=lambda level, text: said.append(text)
    ) as client:
        client.wait_ready(60)
        assert any("missing" in text for text in said)
        with pytest.raises(CheckpointError, match="missing"):
            client.wait(client.call("animate", {"audio": str(tmp_path / "x.wav")}), 30)
        with pytest.raises(CheckpointError):
            client.wait(client.call("styles"), 10)
