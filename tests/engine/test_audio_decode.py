# SPDX-License-Identifier: GPL-3.0-or-later
"""The decoder on real files of every kind, made here with PyAV."""

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest

from rhetor.engine.audio.decode import SAMPLE_RATE_HZ, decode_audio
from rhetor.engine.protocol.errors import AudioError

TONE_HZ = 440.0
CODECS = {
    "wav": ("pcm_s16le", "s16"),
    "flac": ("flac", "s16"),
    "mp3": ("libmp3lame", "fltp"),
    "ogg": ("libopus", "flt"),
    "m4a": ("aac", "fltp"),
    "mp4": ("aac", "fltp"),
    "mov": ("aac", "fltp"),
}


def tone(seconds: float, rate_hz: int, amplitude: float = 0.5) -> np.ndarray:
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    return (amplitude * np.sin(2 * np.pi * TONE_HZ * times)).astype(np.float32)


def write_audio(
    path: Path, sound: np.ndarray, rate_hz: int, codec: str, sample_format: str, layout: str
) -> None:
    """sound: (S,), written to every channel."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz)
        stream.layout = layout
        stream.format = sample_format
        channels = len(av.AudioLayout(layout).channels)
        source = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(np.tile(sound, (channels, 1))), format="fltp", layout=layout
        )
        source.sample_rate = rate_hz
        size = stream.codec_context.frame_size or 4096
        resampler = av.AudioResampler(sample_format, layout, rate_hz, frame_size=size)
        for frame in (*resampler.resample(source), *resampler.resample(None)):
            frame.pts = None
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_pcm(path: Path, sound: np.ndarray, rate_hz: int, layout: str = "mono") -> None:
    write_audio(path, sound, rate_hz, "pcm_s16le", "s16", layout)


def strongest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * SAMPLE_RATE_HZ / len(samples))


@pytest.mark.parametrize("ending", CODECS)
def test_every_container_gives_the_same_tone(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"tone.{ending}"
    codec, sample_format = CODECS[ending]
    write_audio(path, tone(1.5, 48000), 48000, codec, sample_format, "stereo")
    recording = decode_audio(path)
    assert recording.samples.dtype == np.float32
    assert recording.duration_s == pytest.approx(1.5, abs=0.08)  # lossy codecs pad their frames
    assert len(recording.samples) == round(recording.duration_s * SAMPLE_RATE_HZ)
    assert strongest_hz(recording.samples) == pytest.approx(TONE_HZ, abs=2.0)
    middle = recording.samples[4000:16000]
    # ffmpeg's mixing to mono keeps the level of equal channels within 3 dB.
    assert 0.30 < np.sqrt(2 * np.mean(middle**2)) < 0.75
    assert recording.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("ending", CODECS)
@pytest.mark.parametrize("start_s", [0.2, 1.0, 4.123456])
def test_a_part_is_the_same_as_in_the_whole(tmp_path: Path, ending: str, start_s: float) -> None:
    """To the nearest sample: a rising tone is like itself at one place only."""
    path = tmp_path / f"rising.{ending}"
    codec, sample_format = CODECS[ending]
    times = np.arange(5 * 48000) / 48000
    rising = 0.5 * np.sin(2 * np.pi * (200 * times + 250 * times**2))
    write_audio(path, rising.astype(np.float32), 48000, codec, sample_format, "mono")
    whole = decode_audio(path).samples
    part = decode_audio(path, start_s=start_s, max_seconds=0.5).samples
    start = round(start_s * SAMPLE_RATE_HZ)
    assert len(part) == 8000
    apart = {d: np.abs(part - whole[start + d : start + d + 8000]).mean() for d in range(-3, 4)}
    assert min(apart, key=apart.__getitem__) == 0 and apart[0] < 0.15, apart


def test_what_lies_before_and_behind_a_part_is_not_read(tmp_path: Path) -> None:
    """Numbers that are not finite are refused where they are met."""
    sound = tone(4.0, 16000)
    sound[8000] = sound[56000] = np.nan  # at 0.5 and 3.5 s
    path = tmp_path / "nan.wav"
    write_audio(path, sound, 16000, "pcm_f32le", "flt", "mono")
    assert decode_audio(path, start_s=2.0, max_seconds=1.0).duration_s == 1.0
    with pytest.raises(AudioError, match="not finite"):
        decode_audio(path, start_s=2.0)


@pytest.mark.parametrize("ending", ["wav", "mp3"])
def test_a_part_beyond_the_end_is_refused_and_the_last_bit_is_not(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"tone.{ending}"
    codec, sample_format = CODECS[ending]
    write_audio(path, tone(2.0, 48000), 48000, codec, sample_format, "mono")
    with pytest.raises(AudioError, match="is over before 7"):
        decode_audio(path, start_s=7.0)
    last = decode_audio(path, start_s=1.9, max_seconds=5.0)
    assert 0.09 < last.duration_s < 0.2


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 37123, 48000, 96000])
def test_any_rate(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "tone.wav"
    write_pcm(path, tone(1.0, rate_hz), rate_hz)
    samples = decode_audio(path).samples
    assert abs(len(samples) - SAMPLE_RATE_HZ) <= 32
    assert strongest_hz(samples) == pytest.approx(TONE_HZ, abs=2.0)


def test_wav_at_16_khz_is_taken_as_it_is(tmp_path: Path) -> None:
    sound = tone(0.5, SAMPLE_RATE_HZ)
    write_pcm(tmp_path / "tone.wav", sound, SAMPLE_RATE_HZ)
    samples = decode_audio(tmp_path / "tone.wav").samples
    assert len(samples) == len(sound)
    assert np.abs(samples - sound).max() < 2e-4


@pytest.mark.parametrize("layout", ["stereo", "quad", "5.1"])
def test_several_channels_are_mixed(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "tone.wav"
    write_pcm(path, tone(0.5, 48000, 0.2), 48000, layout)
    samples = decode_audio(path).samples
    assert strongest_hz(samples) == pytest.approx(TONE_HZ, abs=3.0)
    assert np.abs(samples).max() > 0.1


def test_a_path_with_any_letters(tmp_path: Path) -> None:
    path = tmp_path / "Grüße – 声音 😀" / "aufnahme é.flac"
    path.parent.mkdir()
    write_audio(path, tone(0.3, 16000), 16000, "flac", "s16", "mono")
    assert decode_audio(path).duration_s == pytest.approx(0.3)


def test_a_film_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="no audio stream"):
        decode_audio(path)


def test_missing_empty_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no file"):
        decode_audio(tmp_path / "nothing.wav")
    (tmp_path / "empty.wav").write_bytes(b"")
    with pytest.raises(AudioError, match="is empty"):
        decode_audio(tmp_path / "empty.wav")
    (tmp_path / "text.wav").write_text("This is no sound at all.\n" * 50)
    with pytest.raises(AudioError, match="cannot be read") as caught:
        decode_audio(tmp_path / "text.wav")
    assert "wav, flac" in caught.value.hint


def test_a_header_without_samples_is_refused(tmp_path: Path) -> None:
    write_pcm(tmp_path / "tone.wav", tone(0.2, 16000), 16000)
    whole = (tmp_path / "tone.wav").read_bytes()
    start = whole.index(b"data") + 8
    (tmp_path / "cut.wav").write_bytes(whole[:start])
    with pytest.raises(AudioError):
        decode_audio(tmp_path / "cut.wav")


def test_a_cut_file_gives_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "tone.flac"
    write_audio(path, tone(3.0, 16000), 16000, "flac", "s16", "mono")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert 0.3 < decode_audio(path).duration_s < 2.9


def test_not_a_number_is_refused(tmp_path: Path) -> None:
    sound = tone(0.2, 16000)
    sound[1000] = np.nan
    path = tmp_path / "nan.wav"
    write_audio(path, sound, 16000, "pcm_f32le", "flt", "mono")
    with pytest.raises(AudioError, match="not finite"):
        decode_audio(path)


def test_silence_is_fine_and_told(tmp_path: Path) -> None:
    write_pcm(tmp_path / "silence.wav", np.zeros(16000, np.float32), 16000)
    recording = decode_audio(tmp_path / "silence.wav")
    assert not recording.samples.any()
    assert any("silent" in warning for warning in recording.warnings)


def test_too_loud_is_clipped_and_told(tmp_path: Path) -> None:
    write_audio(tmp_path / "loud.wav", tone(0.3, 16000, 3.0), 16000, "pcm_f32le", "flt", "mono")
    recording = decode_audio(tmp_path / "loud.wav")
    assert np.abs(recording.samples).max() == 1.0
    assert any("full scale" in warning for warning in recording.warnings)
