# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's method `new_style`: what it refuses, how it fails, how it stops."""

import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from rhetor.addon.client import Client
from rhetor.engine import new_style as new_style_module
from rhetor.engine.new_style import StyleRequest, new_style
from rhetor.engine.protocol.errors import CancelledError, ConfigError, DatasetError
from rhetor.engine.styles import material_dir


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    folder = tmp_path / "own"
    monkeypatch.setenv("RHETOR_STYLES", str(folder))
    return folder


@pytest.fixture
def video(tmp_path):
    """A file that is no film."""
    path = tmp_path / "anna.mp4"
    path.write_bytes(b"no film at all" * 50)
    return str(path)


@pytest.fixture
def film(tmp_path):
    """A minute in which nobody is seen: it takes seconds to look through."""
    path = tmp_path / "nobody.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        grey = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 90, np.uint8), format="rgb24")
        for _ in range(1500):
            container.mux(stream.encode(grey))
        container.mux(stream.encode(None))
    return str(path)


def nothing(*_arguments):
    pass


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"videos": [], "name": "anna"}, "no video"),
        ({"videos": ["anna.mp4"], "name": "anna"}, "not absolute"),
        ({"videos": ["/anna.mp4"]}, "name"),
        ({"videos": ["/anna.mp4"], "name": "anna", "speed": 2}, "speed"),
        ({"videos": ["/anna.mp4"], "name": 3}, "texts"),
    ],
)
def test_orders_that_cannot_be_meant_are_refused(params, reason):
    with pytest.raises(ConfigError, match=reason):
        StyleRequest.of(params)


def test_a_name_that_is_taken_is_refused_before_any_work(own, video):
    with pytest.raises(ConfigError, match="Rhetor's own"):
        new_style(StyleRequest((video,), "calm"), nothing, nothing)
    assert not own.exists()


def test_a_missing_package_is_named_with_what_to_install(video, monkeypatch):
    monkeypatch.setattr(
        new_style_module, "find_spec", lambda name: None if name == "mediapipe" else True
    )
    with pytest.raises(ConfigError, match=r"mediapipe.*rhetor\[video\]"):
        new_style(StyleRequest((video,), "anna"), nothing, nothing)


def test_what_was_made_of_other_videos_is_not_mixed_in(video, tmp_path):
    other = tmp_path / "other.mp4"
    other.write_bytes(b"neither")
    for videos, kept in (((video,), False), ((video,), True), ((str(other),), False)):
        folder = new_style_module._folder_for(StyleRequest(videos, "anna"))
        assert (folder / "clip.npz").exists() == kept
        (folder / "clip.npz").write_bytes(b"clip")
    assert folder == material_dir("anna")


def test_the_worker_tells_why_there_is_no_style(video):
    with (
        Client(Path(sys.executable)) as client,
        pytest.raises(DatasetError, match=r"anna|clip|film"),
    ):
        client.wait(client.call("new_style", {"videos": [video], "name": "anna"}), 240)


def test_the_worker_stops_when_asked_and_serves_on(film):
    with Client(Path(sys.executable)) as client:
        call = client.call("new_style", {"videos": [film], "name": "anna"})
        end_s = time.monotonic() + 120
        while not call.stage and time.monotonic() < end_s:
            client.pump()
            time.sleep(0.01)
        client.cancel(call)
        asked_s = time.monotonic()
        with pytest.raises(CancelledError):
            client.wait(call, 30)
        assert time.monotonic() - asked_s < 2.0
        assert client.wait(client.call("ping", {"still": "here"}), 10)
