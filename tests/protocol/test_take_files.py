# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes on disk: exact, whole or not at all, and readable by others."""

import csv
import json
import math
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from rhetor.engine.head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from rhetor.engine.pgface import eyes
from rhetor.engine.protocol.errors import TakeError
from rhetor.engine.protocol.take import Take
from rhetor.engine.protocol.take_files import (
    FULL_GAZE_DEG,
    LIVE_LINK_COLUMNS,
    read_take,
    write_take,
)


def make_take(frames: int = 40, fps: float = 30.0) -> Take:
    rng = np.random.default_rng(1)
    return Take(
        fps=fps,
        pose=rng.normal(size=(frames, 6)).astype(np.float32),
        expression=rng.random((frames, 52)).astype(np.float32),
        expression_names=EXPRESSION_NAMES,
        identity=rng.normal(size=IDENTITY_SIZE).astype(np.float32),
        meta={"seed": 3, "audio": {"name": "Grüße.wav"}, "warnings": []},
    )


def test_npz_is_exact(tmp_path):
    take = make_take(fps=24000 / 1001)
    write_take(tmp_path / "ä take.npz", take)
    got = read_take(tmp_path / "ä take.npz")
    assert got.fps == take.fps and got.meta == take.meta
    assert got.expression_names == take.expression_names
    for name in ("pose", "expression", "identity"):
        assert (getattr(got, name) == getattr(take, name)).all()


def test_npz_has_the_promised_keys_and_no_pickle(tmp_path):
    write_take(tmp_path / "take.npz", make_take())
    with np.load(tmp_path / "take.npz", allow_pickle=False) as data:
        assert set(data) == {"pose", "expression", "expression_names", "identity", "fps", "meta"}
        assert data["pose"].dtype == np.float32
        assert data["expression_names"].tolist() == list(EXPRESSION_NAMES)
        assert float(data["fps"]) == 30.0
        assert json.loads(str(data["meta"]))["seed"] == 3


def test_json_is_readable_and_within_a_millionth(tmp_path):
    take = make_take()
    write_take(tmp_path / "take.json", take)
    assert "Grüße" in (tmp_path / "take.json").read_text(encoding="utf-8")
    got = read_take(tmp_path / "take.json")
    assert got.meta == take.meta
    for name in ("pose", "expression", "identity"):
        np.testing.assert_allclose(getattr(got, name), getattr(take, name), atol=1.1e-6)


def test_csv_has_the_columns_of_live_link_face(tmp_path):
    write_take(tmp_path / "take.csv", make_take())
    rows = list(csv.reader((tmp_path / "take.csv").open(encoding="utf-8", newline="")))
    assert rows[0] == list(LIVE_LINK_COLUMNS)
    assert len(rows[0]) == 63 and len(rows) == 41
    assert rows[0][:3] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft"]
    assert rows[0][16:22] == [
        "JawForward", "JawRight", "JawLeft", "JawOpen", "MouthClose", "MouthFunnel",
    ]  # fmt: skip
    assert rows[0][23:26] == ["MouthRight", "MouthLeft", "MouthSmileLeft"]
    assert rows[0][53:58] == ["TongueOut", "HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw"]
    assert rows[1][:2] == ["00:00:00:00.000", "61"]
    assert rows[32][0] == "00:00:01:01.000"


def test_csv_values_stand_under_their_names(tmp_path):
    names = {"jawLeft": 0.25, "jawRight": 0.75, "eyeLookOutLeft": 1.0, "eyeLookInRight": 0.5}
    expression = np.zeros((1, 52), dtype=np.float32)
    for name, value in names.items():
        expression[0, EXPRESSION_NAMES.index(name)] = value
    pose = np.array([[0.1, 0.2, 0.3, 1, 2, 3]], dtype=np.float32)
    take = Take(30.0, pose, expression, EXPRESSION_NAMES, np.zeros(50, np.float32))
    write_take(tmp_path / "take.csv", take)
    header, row = csv.reader((tmp_path / "take.csv").open(encoding="utf-8", newline=""))
    values = dict(zip(header, row, strict=True))
    assert float(values["JawLeft"]) == 0.25 and float(values["JawRight"]) == 0.75
    head = [float(values[f"Head{angle}"]) for angle in ("Pitch", "Yaw", "Roll")]
    assert head == pytest.approx([0.1, 0.2, 0.3], abs=1e-6)
    # Both eyes look to the character's left: positive yaw in both.
    assert float(values["LeftEyeYaw"]) == pytest.approx(math.radians(26), abs=1e-6)
    assert float(values["RightEyeYaw"]) == pytest.approx(math.radians(13), abs=1e-6)
    assert math.isclose(float(values["LeftEyePitch"]), 0.0)


def test_a_full_gaze_is_the_same_angle_as_where_gaze_is_made():
    made = eyes.FULL_GAZE_DEG
    assert {
        "In": made["side"], "Out": made["side"], "Up": made["up"], "Down": made["down"]
    } == FULL_GAZE_DEG  # fmt: skip


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0])
def test_csv_reads_back_what_it_can_hold(tmp_path, fps):
    take = make_take(frames=130, fps=fps)
    write_take(tmp_path / "take.csv", take)
    got = read_take(tmp_path / "take.csv")
    assert got.fps == fps and got.frame_count == 130
    np.testing.assert_allclose(got.expression, take.expression, atol=1e-7)
    np.testing.assert_allclose(got.pose[:, :3], take.pose[:, :3], atol=1e-7)
    assert not got.pose[:, 3:].any()


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
def test_damaged_files_are_refused(tmp_path, suffix):
    path = tmp_path / f"take{suffix}"
    with pytest.raises(TakeError, match="no file"):
        read_take(path)
    write_take(path, make_take())
    whole = path.read_bytes()
    for data in (b"", b"\x00junk", whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(TakeError):
            read_take(path)


def test_a_pickle_inside_an_npz_is_refused(tmp_path):
    path = tmp_path / "take.npz"
    np.savez(path, **{k: np.array([{}]) for k in ("pose", "expression", "identity")})
    with pytest.raises(TakeError):
        read_take(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pose", b"")
    with pytest.raises(TakeError):
        read_take(path)


def test_unknown_formats_and_bad_places_are_named(tmp_path):
    with pytest.raises(TakeError, match="format"):
        write_take(tmp_path / "take.fbx", make_take())
    with pytest.raises(TakeError, match="does not exist"):
        write_take(tmp_path / "nowhere" / "take.npz", make_take())
    with pytest.raises(TakeError):
        read_take(tmp_path)


def test_provenance_that_is_no_json_is_refused_and_the_old_file_stays(tmp_path):
    path = tmp_path / "take.npz"
    write_take(path, make_take())
    before = path.read_bytes()
    take = make_take()
    bad = Take(30.0, take.pose, take.expression, EXPRESSION_NAMES, take.identity, {"x": math.nan})
    with pytest.raises(TakeError, match="provenance"):
        write_take(path, bad)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from rhetor.engine.protocol.errors import TakeError
from rhetor.engine.protocol.take import Take
from rhetor.engine.protocol.take_files import write_take
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
rng = np.random.default_rng(0)
take = Take(30.0, rng.normal(size=(4000, 6)).astype("f4"), np.zeros((4000, 0), "f4"), (),
            np.zeros(0, "f4"))
try:
    write_take(Path(sys.argv[1]), take)
except TakeError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file size limits")
@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
def test_a_full_disk_leaves_the_old_file_and_no_rubbish(tmp_path, suffix):
    path = tmp_path / f"take{suffix}"
    path.write_bytes(b"old")
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "no room" in run.stdout, run.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
