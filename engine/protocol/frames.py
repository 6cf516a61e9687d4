# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames: what travels on the pipe between Blender and the worker.

    magic "RHT1" | header_len uint32 | header, JSON in UTF-8 | arrays, one after another

All numbers are little-endian. The header is one JSON object; its key "arrays" lists
{"name", "dtype", "shape"} of the arrays that follow, in order, as raw C-ordered bytes without
padding. No pickle, nothing executable, every size checked before memory is taken.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from .errors import ProtocolError

Array = npt.NDArray[Any]

MAGIC = b"RHT1"
MAX_HEADER_BYTES = 4 * 1024 * 1024
MAX_ARRAYS = 64
MAX_DIMENSIONS = 8
MAX_ARRAY_BYTES = 1024 * 1024 * 1024
"""Limit for all arrays of one frame together."""

DTYPES: Mapping[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "uint8": np.dtype("u1"),
    "bool": np.dtype("?"),
}

_PREFIX = struct.Struct("<4sI")
_ARRAYS_KEY = "arrays"


class ByteReader(Protocol):
    """The part of a binary stream that reading needs."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the buffer from its start; the bytes read, 0 at the end."""


class ByteWriter(Protocol):
    """The part of a binary stream that writing needs; `write` takes all bytes or raises."""

    def write(self, data: bytes | memoryview, /) -> Any:
        """Take all bytes."""

    def flush(self) -> None:
        """Pass on what was taken."""


@dataclass(frozen=True)
class Frame:
    """One frame: `header` without its array list, and the arrays by name."""

    header: Mapping[str, Any]
    arrays: Mapping[str, Array] = field(default_factory=dict)


def write_frame(stream: ByteWriter, frame: Frame) -> None:
    """Write one frame and flush. Raises ProtocolError before the first byte if it breaks a rule."""
    arrays = {name: np.asarray(value, order="C") for name, value in frame.arrays.items()}
    listing = []
    for name, value in arrays.items():
        if DTYPES.get(value.dtype.name) is None:
            raise ProtocolError(f"Array {name} has type {value.dtype}, which does not travel.")
        listing.append({"name": name, "dtype": value.dtype.name, "shape": list(value.shape)})
    header = _encode_header({**frame.header, _ARRAYS_KEY: listing})
    _checked_listing(listing)
    stream.write(_PREFIX.pack(MAGIC, len(header)) + header)
    for value in arrays.values():
        if value.size:
            stream.write(_bytes_of(value.astype(DTYPES[value.dtype.name], copy=False)))
    stream.flush()


def read_frame(stream: ByteReader) -> Frame | None:
    """Read one frame; None where the stream ends cleanly between two frames.

    Raises ProtocolError on foreign bytes, on a frame cut short and on anything over a limit.
    """
    prefix = bytearray(_PREFIX.size)
    got = _fill(stream, memoryview(prefix))
    if got == 0:
        return None
    # Foreign text shorter than a prefix is still foreign text: look at the magic first.
    if not MAGIC.startswith(bytes(prefix[: min(got, len(MAGIC))])):
        raise ProtocolError(
            f"The other end does not speak Rhetor's protocol (it sent {bytes(prefix[:got])!r}).",
            "Something else is writing to the pipe, or the wrong program was started.",
        )
    if got < len(prefix):
        raise _cut_short()
    _, header_len = _PREFIX.unpack(prefix)
    if header_len > MAX_HEADER_BYTES:
        raise ProtocolError(f"A message header of {header_len} bytes is over the limit.")
    raw = bytearray(header_len)
    if _fill(stream, memoryview(raw)) < header_len:
        raise _cut_short()
    header = _decode_header(bytes(raw))
    arrays: dict[str, Array] = {}
    for name, dtype, shape in _checked_listing(header.pop(_ARRAYS_KEY, [])):
        value = np.empty(shape, DTYPES[dtype])
        if value.size:
            view = _bytes_of(value)
            if _fill(stream, view) < len(view):
                raise _cut_short()
        arrays[name] = value
    return Frame(header, arrays)


def _bytes_of(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _encode_header(header: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(header, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        data = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"The message cannot be written as JSON: {error}.") from error
    if len(data) > MAX_HEADER_BYTES:
        raise ProtocolError(f"A message header of {len(data)} bytes is over the limit.")
    return data


def _decode_header(data: bytes) -> dict[str, Any]:
    try:
        header = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"The message header is not valid JSON: {error}.") from error
    if not isinstance(header, dict):
        raise ProtocolError("The message header is not a JSON object.")
    return header


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _checked_listing(listing: Any) -> list[tuple[str, str, tuple[int, ...]]]:
    if not isinstance(listing, list) or len(listing) > MAX_ARRAYS:
        raise ProtocolError(f"A message lists its arrays wrongly or has more than {MAX_ARRAYS}.")
    checked: list[tuple[str, str, tuple[int, ...]]] = []
    total = 0
    for entry in listing:
        if not isinstance(entry, dict):
            raise ProtocolError("A message lists its arrays wrongly.")
        name, dtype, shape = entry.get("name"), entry.get("dtype"), entry.get("shape")
        if not isinstance(name, str) or name in (seen for seen, _, _ in checked):
            raise ProtocolError(f"A message has an array without a name of its own: {name!r}.")
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise ProtocolError(f"Array {name} has type {dtype!r}, which does not travel.")
        if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not _are_sizes(shape):
            raise ProtocolError(f"Array {name} has the impossible shape {shape!r}.")
        total += math.prod(shape) * DTYPES[dtype].itemsize
        if total > MAX_ARRAY_BYTES:
            raise ProtocolError(f"The arrays of a message are over the limit at {name}.")
        checked.append((name, dtype, tuple(shape)))
    return checked


def _are_sizes(shape: list[Any]) -> bool:
    # Each size alone is limited too: numpy refuses (0, 2**70) although it holds nothing.
    return all(type(size) is int and 0 <= size <= MAX_ARRAY_BYTES for size in shape) and (
        math.prod(max(size, 1) for size in shape) <= MAX_ARRAY_BYTES
    )


def _fill(stream: ByteReader, buffer: memoryview) -> int:
    done = 0
    while done < len(buffer):
        count = stream.readinto(buffer[done:])
        if not count:
            break
        done += count
    return done


def _cut_short() -> ProtocolError:
    return ProtocolError("The connection ended in the middle of a message.")
