# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads from a server that breaks off, lies or is full; offline kits that are damaged."""

import contextlib
import hashlib
import shutil
import threading
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rhetor.addon.core.installation.download import Downloader, default_opener, size_label
from rhetor.addon.core.installation.hardware import Machine
from rhetor.addon.core.installation.kit import KitTarget, unpack_kit, write_kit
from rhetor.addon.core.installation.wheels import Wheel
from rhetor.engine.protocol.errors import InstallError

CONTENT = bytes(range(256)) * 8000
NAME = "thing-1-py3-none-any.whl"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Source:
    """A server on this machine. breaks_at: bytes after which an answer ends, each once."""

    def __init__(self) -> None:
        self.breaks_at: list[int] = []
        self.knows_ranges = True
        self.errors: list[int] = []
        self.content = CONTENT
        self.seen: Counter[str] = Counter()
        self.sent = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        begin = 0
        if self.errors and handler.command == "GET":
            handler.send_error(self.errors.pop(0))
            return
        if self.knows_ranges and (asked := handler.headers.get("Range")):
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            self.seen["ranges"] += 1
            if begin >= len(self.content):
                handler.send_error(416)
                return
        body = self.content[begin:]
        handler.send_response(206 if begin else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command == "GET":
            self.seen["gets"] += 1
            cut = self.breaks_at.pop(0) if self.breaks_at else len(body)
            self.sent += len(body[:cut])
            with contextlib.suppress(OSError):
                handler.wfile.write(body[:cut])


@pytest.fixture
def source():
    told = Source()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            told.answer(self)

        do_HEAD = do_GET

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/{NAME}"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def downloader(tmp_path):
    return Downloader(tmp_path / "downloads", default_opener(), pause_s=0.0)


def wheel(url: str, sha256: str = SHA256) -> Wheel:
    return Wheel("thing", "1", url, sha256)


def test_a_broken_connection_goes_on_where_it_stopped(source, downloader, tmp_path):
    source.breaks_at = [500_000, 1000, 700_000]
    told = []
    downloader.fetch_all([wheel(source.url)], lambda done, total: told.append((done, total)))
    assert (tmp_path / "downloads" / NAME).read_bytes() == CONTENT
    assert source.seen == {"gets": 4, "ranges": 3}
    assert source.sent == len(CONTENT), "nothing was sent twice"
    assert told == sorted(told) and told[-1] == (len(CONTENT), len(CONTENT))


def test_what_is_there_is_not_asked_for_again(source, downloader):
    downloader.fetch_all([wheel(source.url)], lambda *_: None)
    downloader.fetch_all([wheel(source.url)], lambda *_: None)
    assert source.seen["gets"] == 1


def test_a_later_run_resumes(source, downloader, tmp_path):
    source.breaks_at = [300_000, 0, 0, 0, 0, 0]
    with pytest.raises(InstallError, match="broke off"):
        downloader.fetch(wheel(source.url), lambda _: None)
    again = Downloader(tmp_path / "downloads", default_opener(), pause_s=0.0)
    source.breaks_at = []
    again.fetch(wheel(source.url), lambda _: None)
    assert source.sent == len(CONTENT)


def test_a_server_without_ranges_sends_all_again(source, downloader):
    source.breaks_at, source.knows_ranges = [500_000], False
    path = downloader.fetch(wheel(source.url), lambda _: None)
    assert path.read_bytes() == CONTENT and source.sent == len(CONTENT) + 500_000


def test_a_wrong_checksum_is_refused(source, downloader, tmp_path):
    source.content = CONTENT[::-1]
    with pytest.raises(InstallError, match="checksum"):
        downloader.fetch(wheel(source.url), lambda _: None)
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_damaged_beginning_is_thrown_away(source, downloader, tmp_path):
    """A part that lies there from earlier and does not fit costs one try, not the download."""
    growing = tmp_path / "downloads" / f"{NAME}.{SHA256[:8]}.partial"
    growing.parent.mkdir()
    for rest in (b"\0" * 1000, CONTENT + b"more"):
        growing.write_bytes(rest)
        path = downloader.fetch(wheel(source.url), lambda _: None)
        assert path.read_bytes() == CONTENT
        path.unlink()


def test_a_finished_file_that_was_changed_is_fetched_again(source, downloader, tmp_path):
    path = downloader.fetch(wheel(source.url), lambda _: None)
    path.write_bytes(b"changed")
    assert downloader.fetch(wheel(source.url), lambda _: None).read_bytes() == CONTENT


def test_a_busy_server_is_asked_again_a_missing_file_is_not(source, downloader):
    source.errors = [503, 500]
    assert downloader.fetch(wheel(source.url), lambda _: None).exists()
    source.errors = [404] * 9
    other = wheel(source.url.replace("thing", "other"), "00" * 32)
    with pytest.raises(InstallError, match="answered 404"):
        downloader.fetch(other, lambda _: None)
    assert len(source.errors) == 8


def test_nobody_there(downloader):
    with pytest.raises(InstallError, match="cannot be downloaded") as caught:
        downloader.fetch(wheel(f"http://127.0.0.1:9/{NAME}"), lambda _: None)
    assert "goes on where it stopped" in caught.value.hint


def test_a_full_disk_is_seen_before(source, downloader, monkeypatch):
    free = shutil.disk_usage("/")._replace(free=3_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)
    with pytest.raises(InstallError, match=r"9 MB are needed in .*, 3 MB are free"):
        downloader.fetch_all([wheel(source.url)], lambda *_: None)
    assert source.seen["gets"] == 0


def test_a_kit_needs_room_too(kit, tmp_path, monkeypatch):
    free = shutil.disk_usage("/")._replace(free=3_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)
    with pytest.raises(InstallError, match="disk is too full"):
        unpack_kit(kit, tmp_path / "out", HERE, lambda *_: None)


def test_files_on_this_machine(downloader, tmp_path):
    (tmp_path / NAME).write_bytes(CONTENT)
    downloader.fetch_all([wheel((tmp_path / NAME).as_uri())], lambda *_: None)
    assert (tmp_path / "downloads" / NAME).read_bytes() == CONTENT


def test_sizes_for_people():
    assert [size_label(n) for n in (1, 310e6, 2.44e9)] == ["1 MB", "310 MB", "2.4 GB"]


HERE = KitTarget.here(Machine("Linux", "x86_64"))


@pytest.fixture
def kit(tmp_path):
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / NAME).write_bytes(CONTENT)
    path = tmp_path / HERE.filename
    write_kit(path, HERE, [wheel((folder / NAME).as_uri())], folder)
    return path


def test_a_kit_is_the_same_every_time(kit, tmp_path):
    first = kit.read_bytes()
    write_kit(kit, HERE, [wheel((tmp_path / "wheels" / NAME).as_uri())], tmp_path / "wheels")
    assert kit.read_bytes() == first
    told = []
    unpack_kit(kit, tmp_path / "out", HERE, lambda done, total: told.append((done, total)))
    assert (tmp_path / "out" / NAME).read_bytes() == CONTENT
    assert told == [(len(CONTENT), len(CONTENT))]


def changed(kit, tmp_path, name, content):
    other = tmp_path / "changed.zip"
    with zipfile.ZipFile(kit) as old, zipfile.ZipFile(other, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
    return other


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (f"wheels/{NAME}", b"other", "damaged: thing"),
        ("kit.json", b"{}", "not an offline kit"),
        ("kit.json", b"{", "cannot be read"),
    ],
)
def test_a_damaged_kit_is_refused(kit, tmp_path, name, content, said):
    with pytest.raises(InstallError, match=said):
        unpack_kit(changed(kit, tmp_path, name, content), tmp_path / "out", HERE, lambda *_: None)
    assert not (tmp_path / "out" / NAME).exists()


def test_a_kit_for_another_machine_says_which(kit, tmp_path):
    other = KitTarget("3.13", "Windows", "AMD64")
    with pytest.raises(InstallError, match=r"for Python 3.* on Linux.*here is Python 3.13"):
        unpack_kit(kit, tmp_path, other, lambda *_: None)


def test_something_that_is_no_zip(tmp_path):
    (tmp_path / "kit.zip").write_bytes(b"no")
    with pytest.raises(InstallError, match="cannot be read"):
        unpack_kit(tmp_path / "kit.zip", tmp_path, HERE, lambda *_: None)
