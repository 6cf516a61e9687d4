# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of a film one after the other: upright, square pixels, true times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from ..protocol.errors import DatasetError

MAX_SIDE_PX = 1280
"""Larger pictures are scaled down: a face that fills a quarter of this is tracked no worse."""

_HIGHEST_RATE_HZ = 300.0
"""A higher stated rate is the clock of a film with irregular times."""
_RATED_PICTURES = 300
_HINT = "Choose a film such as mp4, mov, mkv or webm."


@dataclass(frozen=True)
class VideoInfo:
    """size: (width, height) as read, upright. duration_s: None where the file does not tell.

    sound_start_s: how much later than the picture the sound begins (minus: earlier).
    """

    size: tuple[int, int]
    frame_rate: float
    duration_s: float | None
    has_sound: bool
    sound_start_s: float


@dataclass(frozen=True)
class VideoFrame:
    """time_s: seconds after the first picture. image: (H, W, 3) uint8 RGB."""

    time_s: float
    image: npt.NDArray[np.uint8]


def probe_video(path: Path, max_side: int = MAX_SIDE_PX) -> VideoInfo:
    """What a film's header and first picture say.

    Raises DatasetError where the file is missing, unreadable or has no picture.
    """
    with _opened(path) as container:
        stream = _picture_stream(container, path)
        first = next(_decoded(container, stream, path), None)
        if first is None:
            raise DatasetError(f"{path.name} holds no picture that can be read.", _HINT)
        size = _upright(first, stream, max_side).shape[1::-1]
        sounds = container.streams.audio
        start_s = 0.0
        if sounds and sounds[0].start_time is not None and first.time is not None:
            start_s = float(sounds[0].start_time * sounds[0].time_base) - float(first.time)
        return VideoInfo(
            (int(size[0]), int(size[1])),
            _frame_rate(path, stream),
            _duration_s(container, stream),
            bool(sounds),
            start_s,
        )


def read_video(
    path: Path, max_side: int = MAX_SIDE_PX, most_hz: float = 60.0
) -> Iterator[VideoFrame]:
    """The pictures in order of time, one at a time, at most about most_hz of them each second.

    Those without a time of their own follow at the average rate; those that do not come later than
    the one before are left out.

    A film that is damaged somewhere ends there. Raises DatasetError where nothing can be read.
    """
    with _opened(path) as container:
        stream = _picture_stream(container, path)
        stream.thread_type = "AUTO"
        step_s = 1.0 / _frame_rate(path, stream)
        start_s, last_s, shown_s = None, -step_s, -np.inf
        for frame in _decoded(container, stream, path):
            if start_s is None:
                start_s = frame.time if frame.time is not None else 0.0
            time_s = last_s + step_s if frame.time is None else float(frame.time) - start_s
            if time_s <= last_s + 1e-4:
                continue
            last_s = time_s
            # A little less than a full step: times are often rounded to milliseconds.
            if time_s - shown_s >= 1.0 / most_hz - 1.5e-3:
                shown_s = time_s
                yield VideoFrame(time_s, _upright(frame, stream, max_side))
        if start_s is None:
            raise DatasetError(f"{path.name} holds no picture that can be read.", _HINT)


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise DatasetError(f"There is no file {path}.", "Check the path.")
    try:
        return av.open(str(path), metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:
        raise DatasetError(f"{path.name} cannot be read as a film.", _HINT) from error


def _picture_stream(container: Any, path: Path) -> Any:
    """The first stream of moving pictures; the cover of a song is none."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise DatasetError(f"{path.name} has no video stream.", _HINT)


def _decoded(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    read = 0
    try:
        for frame in container.decode(stream):
            read += 1
            yield frame
    except av.error.FFmpegError as error:
        if read == 0:
            raise DatasetError(f"{path.name} cannot be decoded ({error}).", _HINT) from error


def _upright(frame: Any, stream: Any, max_side: int) -> npt.NDArray[np.uint8]:
    """RGB, pixels made square, at most max_side on the longer side, turned as it was filmed."""
    aspect = stream.sample_aspect_ratio
    width = frame.width * (float(aspect) if aspect else 1.0)
    scale = min(1.0, max_side / max(width, frame.height))
    size = max(2, round(width * scale)), max(2, round(frame.height * scale))
    image: npt.NDArray[np.uint8] = frame.to_ndarray(
        format="rgb24", width=size[0], height=size[1], interpolation="AREA"
    )
    # The display matrix turns counterclockwise, as rot90 does.
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _frame_rate(path: Path, stream: Any) -> float:
    """The stated rate where it can be one; else the mean rate of the first pictures."""
    stated = float(stream.average_rate or stream.guessed_rate or 0.0)
    if 5.0 <= stated <= _HIGHEST_RATE_HZ:
        return stated
    times = []
    with _opened(path) as container:
        for packet in container.demux(container.streams[stream.index]):
            if packet.pts is not None:
                times.append(float(packet.pts * packet.time_base))
            if len(times) > _RATED_PICTURES:
                break
    span_s = max(times) - min(times) if times else 0.0
    return float(np.clip((len(times) - 1) / span_s, 5.0, _HIGHEST_RATE_HZ)) if span_s else 25.0


def _duration_s(container: Any, stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None
