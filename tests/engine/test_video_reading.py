# SPDX-License-Identifier: GPL-3.0-or-later
"""Films as people have them: turned, irregular, odd, silent, damaged, or no films at all."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest

from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.tracking import landmarker
from rhetor.engine.tracking.stills import MOST_STILLS, StillKeeper
from rhetor.engine.tracking.video import VideoFrame, probe_video, read_video
from rhetor.engine.tracking.video_tracks import read_tracks, regular_track, track_video


def picture(width, height, level):
    """Red to the left, blue at the bottom, and a level of green."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 3, 0] = 220
    image[-height // 3 :, :, 2] = 220
    image[..., 1] = level
    return image


def film(path, times_ms, size=(64, 48), sound_from_s=None, codec="mpeg4"):
    """Frames at these times; a tone from sound_from_s on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=1000)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        sound = None if sound_from_s is None else container.add_stream("aac", rate=16000)
        for index, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(picture(*size, 10 + index % 200), format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            tone = (8000 * np.sin(np.arange(16000) * 0.2)).astype(np.int16)[None]
            block = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            block.sample_rate, block.time_base = 16000, Fraction(1, 16000)
            block.pts = round(sound_from_s * 16000)
            container.mux(sound.encode(block))
            container.mux(sound.encode())
    return path


def test_irregular_times_are_true(tmp_path):
    times_ms = [0, 40, 80, 200, 240, 410, 440, 1000]
    path = film(tmp_path / "phone.mkv", times_ms)
    read = [frame.time_s for frame in read_video(path)]
    np.testing.assert_allclose(read, np.array(times_ms) / 1000, atol=2e-3)


def test_odd_sizes_and_large_pictures(tmp_path):
    odd = film(tmp_path / "odd.mkv", [0, 40], size=(66, 50))
    assert next(read_video(odd)).image.shape == (50, 66, 3)
    assert next(read_video(odd, max_side=33)).image.shape == (25, 33, 3)
    assert probe_video(odd, max_side=33).size == (33, 25)


def test_very_many_pictures_a_second_are_thinned(tmp_path):
    path = film(tmp_path / "slow.mkv", range(0, 800, 4))
    assert probe_video(path).frame_rate == pytest.approx(250, rel=0.02)
    kept = [frame.time_s for frame in read_video(path, most_hz=60.0)]
    assert np.diff(kept).min() >= 0.015 and len(kept) >= 48


def test_a_turned_film_is_set_upright(tmp_path):
    """A phone held upright stores a lying picture and says how to turn it."""
    lying = film(tmp_path / "lying.mp4", [0, 40, 80], size=(96, 64))
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(with_rotation(lying.read_bytes()))
    info = probe_video(turned)
    assert info.size == (64, 96)
    image = next(read_video(turned)).image.astype(int)
    # A quarter turn clockwise: what was left is up, what was at the bottom is left.
    assert image[:20, 10:-10, 0].mean() > 150 > image[-20:, 10:-10, 0].mean()
    assert image[10:-10, :15, 2].mean() > 150 > image[10:-10, -15:, 2].mean()


def with_rotation(data):
    """An mp4 whose picture is to be shown a quarter turn clockwise: the track header's matrix."""
    at = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 8  # version, times and ids, reserved, layer
    unit = 1 << 16
    matrix = np.array([0, unit, 0, -unit, 0, 0, 0, 0, 1 << 30], ">i4").tobytes()
    return data[:at] + matrix + data[at + 36 :]


@pytest.mark.parametrize("start_s", [0.0, 0.25])
def test_the_start_of_the_sound_is_known(tmp_path, start_s):
    path = film(tmp_path / "talk.mkv", range(0, 1000, 40), sound_from_s=start_s)
    info = probe_video(path)
    assert info.has_sound and info.sound_start_s == pytest.approx(start_s, abs=0.08)
    silent = probe_video(film(tmp_path / "silent.mkv", [0, 40]))
    assert not silent.has_sound and silent.sound_start_s == 0.0


def test_what_is_no_film_is_refused(tmp_path):
    sound = tmp_path / "sound.mka"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        block = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), "s16", "mono")
        block.sample_rate = 16000
        container.mux(stream.encode(block))
        container.mux(stream.encode())
    text = tmp_path / "text.mp4"
    text.write_text("no film")
    for path, words in ((sound, "no video stream"), (text, "cannot be read"),
                        (tmp_path / "gone.mp4", "no file")):  # fmt: skip
        with pytest.raises(DatasetError, match=words):
            probe_video(path)
        with pytest.raises(DatasetError, match=words):
            list(read_video(path))


def test_a_damaged_film_is_used_as_far_as_it_goes(tmp_path):
    path = film(tmp_path / "whole.mkv", range(0, 4000, 40))
    data = path.read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 2])
    assert 10 < len(list(read_video(tmp_path / "half.mkv"))) < 90


def points(times_s):
    """478 landmarks that move evenly with time."""
    base = np.random.default_rng(0).uniform(0, 100, (478, 3))
    return (base + 50 * np.asarray(times_s)[:, None, None]).astype(np.float32)


def test_irregular_frames_become_a_regular_track():
    times_s = np.array([0.0, 0.03, 0.09, 0.12, 0.18, 0.5, 0.53, 0.56])
    track = regular_track(times_s + 7, points(times_s), np.ones(8, bool), 30.0, (100, 100))
    assert len(track.ok) == 18 and track.fps == 30.0
    np.testing.assert_allclose(track.points[:-1], points(np.arange(17) / 30), atol=0.1)
    assert track.ok[:6].all() and not track.ok[8:13].any() and track.ok[15:].all()


def test_regular_frames_stay_as_they_are():
    times_s = np.arange(40) / 25 + np.random.default_rng(1).uniform(-0.002, 0.002, 40)
    ok = np.arange(40) % 7 > 0
    track = regular_track(times_s, points(times_s), ok, 25.0, (100, 100))
    np.testing.assert_array_equal(track.points, points(times_s))
    np.testing.assert_array_equal(track.ok, ok)


def test_stills_are_few_and_spread_over_the_whole_film(tmp_path):
    pytest.importorskip("PIL")
    keeper = StillKeeper(tmp_path)
    image = np.zeros((48, 64, 3), np.uint8)
    for index in range(6000):  # four minutes
        keeper.offer(VideoFrame(index / 25, image), index // 3000, index % 3000)
    at = [still["shot"] * 3000 + still["frame"] for still in keeper.kept]
    assert MOST_STILLS // 2 <= len(at) <= MOST_STILLS
    assert np.diff(at).max() <= 2.1 * np.diff(at).min() and at[-1] > 5000
    assert len(list(tmp_path.glob("*.jpg"))) == len(at)
    keeper.drop(1)
    assert {still["shot"] for still in keeper.kept} == {0}


def test_a_missing_tracker_is_said_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(landmarker.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(landmarker.sys, "version_info", (3, 11, 0))
    with pytest.raises(DatasetError, match=r"pip install rhetor\[video\].*npz"):
        landmarker.open_landmarker()
    monkeypatch.setattr(landmarker.sys, "version_info", (3, 13, 0))
    with pytest.raises(DatasetError, match=r"Python 3\.13.*3\.12.*npz"):
        landmarker.open_landmarker()
    with pytest.raises(DatasetError, match="no file"):
        landmarker.open_landmarker(str(tmp_path / "gone.task"))


def test_a_film_without_a_face_is_told(tmp_path):
    pytest.importorskip("mediapipe")
    path = film(tmp_path / "wall.mkv", range(0, 600, 40), size=(128, 96))
    folder = tmp_path / "tracks"
    with pytest.raises(DatasetError, match=r"No face was found in wall\.mkv"):
        track_video(path, folder, "", lambda fraction, stage: None, print)
    assert read_tracks(folder) is None


def test_half_written_tracks_are_not_taken(tmp_path):
    assert read_tracks(tmp_path) is None
    (tmp_path / "tracks.json").write_text(json.dumps({"key": "x"}))
    assert read_tracks(tmp_path) is None
