# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole installations of one small wheel from a server on this machine, in the real process.

Killed, cancelled or failed, nothing half-made is ever used, and what was downloaded is kept.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rhetor.addon.core.installation.commands import Commands
from rhetor.addon.core.installation.home import EngineHome
from rhetor.addon.core.installation.interpreter import create_environment
from rhetor.addon.core.installation.pins import Pins
from rhetor.engine.protocol.errors import InstallError

NAME = "torch-1.0+cpu-py3-none-any.whl"
METADATA = "Metadata-Version: 2.1\nName: torch\nVersion: 1.0+cpu\n"
HOLD_AT = 1 << 20

CHILD = """
import shutil, sys
from pathlib import Path
from rhetor.addon.core.installation import install, work
from rhetor.addon.core.installation.pins import Pins
from rhetor.engine.protocol.errors import InstallError

template, verdict = sys.argv[1:]

def create_environment(folder, *_arguments):
    shutil.copytree(template, folder, symlinks=True, dirs_exist_ok=True)
    return folder / Path(sys.argv[1]).joinpath("python").read_text()

def examine(python, commands):
    if verdict != "good":
        raise InstallError("It does not work.", "Mend it.")
    return ("all good",)

install.read_pins = lambda: Pins(("torch==1.0",), (), (), (), "pip==99", "")
install.create_environment = create_environment
install.examine = examine
work.main()
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A real environment, made once and copied for each installation."""
    folder = tmp_path_factory.mktemp("template") / "env"
    folder.mkdir()
    commands = Commands(folder.parent / "log")
    python = create_environment(folder, Path(sys.executable), None, commands)
    (folder / "python").write_text(str(python.relative_to(folder)))
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    path = tmp_path_factory.mktemp("wheel") / NAME
    info = "torch-1.0+cpu.dist-info"
    files = {
        "torch.py": b"version = 1\n",
        "torch.bin": random.Random(1).randbytes(3_000_000),
        f"{info}/METADATA": METADATA.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, content)
    return path


class Index(ThreadingHTTPServer):
    """A package index with one wheel; `holds`: whether its content stops in the middle.

    pip, where it is old, loads the wheel to choose it; only what the download loads is counted.
    """

    def __init__(self, wheel):
        self.content = wheel.read_bytes()
        self.holds = False
        self.sent = 0
        self.let_go = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    block_on_close = False  # a held answer ends with the process that waits for it

    def page(self) -> bytes:
        digest = hashlib.sha256(self.content).hexdigest()
        about = hashlib.sha256(METADATA.encode()).hexdigest()
        attributes = f'data-core-metadata="sha256={about}" data-dist-info-metadata="sha256={about}"'
        return f'<a href="/{NAME}#sha256={digest}" {attributes}>{NAME}</a>'.encode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.replace("%2B", "+")
        if path == f"/{NAME}":
            self._wheel()
        elif path == f"/{NAME}.metadata":
            self._send(METADATA.encode())
        elif path == "/torch/":
            self._send(self.server.page(), kind="text/html")
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def _wheel(self):
        if self.headers["User-Agent"].startswith("pip"):
            self._send(self.server.content)
            return
        asked = self.headers.get("Range")
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = self.server.content[begin:]
        self._send(body[:HOLD_AT] if self.server.holds else body, 206 if begin else 200, len(body))
        if self.command == "GET":
            self.server.sent += len(body[:HOLD_AT] if self.server.holds else body)
            if self.server.holds:
                self.server.let_go.wait(30)

    def _send(self, body, code=200, length=None, kind="application/octet-stream"):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Content-Type", kind)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def index(wheel):
    server = Index(wheel)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.let_go.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def start(tmp_path, template, index):
    """Start the installer's process as Blender does; `verdict`: what its own check will find."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
        "RHETOR_ENGINE_HOME": str(tmp_path / "engine"),
        "PIP_INDEX_URL": f"http://127.0.0.1:{index.server_port}/",
        "PIP_CONFIG_FILE": os.devnull,
    }
    begun = []

    def begin(verdict="good", task="install", **order):
        process = subprocess.Popen(
            [sys.executable, "-I", str(script), str(template), verdict],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        process.stdin.write(json.dumps({"task": task, "order": order}).encode() + b"\n")
        process.stdin.flush()
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.fixture
def home(tmp_path):
    return EngineHome(tmp_path / "engine")


def outcome(process) -> dict:
    """The last line of a process that comes to its end."""
    lines = process.stdout.read().splitlines()  # its input stays open: the end of it is the end
    return json.loads(lines[-1])


def until_held(process, home, count) -> None:
    """Wait until so many bytes of the download lie on the disk."""
    deadline_s = time.monotonic() + 60
    while not any(p.stat().st_size >= count for p in home.downloads.glob("*.partial")):
        assert process.poll() is None and time.monotonic() < deadline_s
        time.sleep(0.02)


def environments(home) -> list[str]:
    return sorted(path.name for path in (home.root / "env").iterdir())


def test_killed_cancelled_resumed_updated_removed(start, index, home):
    index.holds = True
    killed = start()
    until_held(killed, home, HOLD_AT)
    assert "Another Blender is installing" in outcome(start())["error"]["message"]
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert home.installed() is None and environments(home) == ["1"], "half-made, and not used"

    cancelled = start()
    until_held(cancelled, home, 2 * HOLD_AT)
    cancelled.stdin.close()
    cancelled.wait(timeout=5)
    assert home.installed() is None

    index.holds = False
    index.let_go.set()
    done = outcome(start())["result"]
    assert done["torch"] == "1.0+cpu" and done["report"] == ["all good"]
    assert index.sent == len(index.content), "what had arrived twice was not sent again"
    installed = home.installed()
    assert installed is not None and environments(home) == [installed.environment]
    assert not home.downloads.exists() and not home.tools.exists()
    said = subprocess.run(
        [str(home.python(installed)), "-I", "-c", "import torch; print(torch.version)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "1\n"

    updated = outcome(start(is_update=True))["result"]
    assert updated["torch"] == "1.0+cpu" and index.sent == len(index.content), "nothing is new"
    installed = home.installed()
    assert installed is not None and environments(home) == [updated["environment"]]

    failed = outcome(start("bad"))["error"]
    assert failed["message"] == "It does not work." and failed["code"] == InstallError.code
    assert home.installed() == installed and environments(home) == [installed.environment]

    assert outcome(start(task="uninstall"))["result"] == {}
    assert not home.root.exists()


def test_pins_change_with_what_is_wanted():
    one, other = (Pins(("torch==1.0",), video, (), (), "pip", "uv") for video in ((), ("x",)))
    assert one.fingerprint() != other.fingerprint()
