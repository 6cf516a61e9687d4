# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch remembers, and what a later run may leave out."""

import json
from dataclasses import replace

import pytest

from rhetor.addon.core.batch_manifest import (
    BatchManifest,
    Status,
    finished_items,
    input_hashes,
    is_still_done,
    output_hashes,
)
from rhetor.addon.core.headless_options import HeadlessOptions
from rhetor.engine.protocol.errors import AudioError, ConfigError


@pytest.fixture
def job(tmp_path):
    for name in ("a.wav", "from.blend", "a.blend"):
        (tmp_path / name).write_bytes(name.encode())
    return HeadlessOptions(tmp_path / "a.wav", tmp_path / "a.blend", blend=tmp_path / "from.blend")


def finish(job, path):
    manifest = BatchManifest(path, [job], {"versions": {"rhetor": "1"}})
    manifest.set(0, Status.DONE, inputs=input_hashes(job), outputs=output_hashes(job))
    return finished_items(path)[str(job.output)]


def test_every_change_is_on_disk(job, tmp_path):
    path = tmp_path / "new" / "batch.json"
    other = replace(job, output=tmp_path / "ü.blend")
    manifest = BatchManifest(path, [job, other], {"versions": {"rhetor": "1"}})
    manifest.set(0, Status.RUNNING)
    assert json.loads(path.read_text())["items"][0]["status"] == "running"
    manifest.set(0, Status.DONE, seconds=1.5)
    manifest.fail(1, AudioError("It is empty.", "Record again."), 0.25)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written == manifest.to_json() and written["versions"] == {"rhetor": "1"}
    assert written["counts"] == {"done": 1, "failed": 1}
    assert written["items"][1]["error"] == {
        "code": "audio",
        "message": "It is empty.",
        "hint": "Record again.",
    }
    assert set(finished_items(path)) == {str(job.output)}


def test_what_is_done_stays_done_until_something_changes(job, tmp_path):
    earlier = finish(job, tmp_path / "batch.json")
    assert is_still_done(job, earlier)
    assert not is_still_done(replace(job, seed=2), earlier)
    assert not is_still_done(replace(job, render=tmp_path / "a.mp4"), earlier)
    assert not is_still_done(job, None)
    for changed in (job.audio, job.blend):
        before = changed.read_bytes()
        changed.write_bytes(b"other")
        assert not is_still_done(job, earlier), changed
        changed.write_bytes(before)
    assert is_still_done(job, earlier)
    job.output.unlink()
    assert not is_still_done(job, earlier)


def test_a_skipped_job_is_skipped_again(job, tmp_path):
    path = tmp_path / "batch.json"
    earlier = finish(job, path)
    BatchManifest(path, [job], {}).take_over(0, earlier)
    again = finished_items(path)[str(job.output)]
    assert again["status"] == "skipped" and is_still_done(job, again)


def test_a_missing_recording_has_no_hash(job):
    job.audio.unlink()
    assert input_hashes(job)["audio"] == ""


@pytest.mark.parametrize("text", ["", "[]", '{"format": "x"}', '{"format": "rhetor-batch"}'])
def test_a_stranger_is_not_resumed_from(tmp_path, text):
    path = tmp_path / "batch.json"
    assert finished_items(path) == {}
    path.write_text(text)
    with pytest.raises(ConfigError, match="cannot be resumed"):
        finished_items(path)
