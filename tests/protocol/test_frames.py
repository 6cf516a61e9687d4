# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames survive the pipe unchanged; everything that is no frame is refused, never guessed."""

import io
import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rhetor.engine.protocol.errors import ProtocolError
from rhetor.engine.protocol.frames import (
    DTYPES,
    MAGIC,
    MAX_ARRAY_BYTES,
    MAX_ARRAYS,
    MAX_HEADER_BYTES,
    Frame,
    read_frame,
    write_frame,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
HEADERS = st.dictionaries(st.text(max_size=8).filter(lambda k: k != "arrays"), JSON, max_size=5)
ARRAYS = st.dictionaries(
    st.text(max_size=8),
    st.sampled_from(list(DTYPES.values())).flatmap(
        lambda dtype: hnp.arrays(
            dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
        )
    ),
    max_size=4,
)


def encoded(frame: Frame) -> bytes:
    stream = io.BytesIO()
    write_frame(stream, frame)
    return stream.getvalue()


def raw_frame(header: object, payload: bytes = b"", magic: bytes = MAGIC) -> bytes:
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    return magic + struct.pack("<I", len(data)) + data + payload


def read_bytes(data: bytes) -> Frame | None:
    return read_frame(io.BytesIO(data))


@settings(deadline=None, max_examples=100)
@given(HEADERS, ARRAYS)
def test_round_trip(header, arrays):
    stream = io.BytesIO(encoded(Frame(header, arrays)) + encoded(Frame({"next": True})))
    frame = read_frame(stream)
    assert frame.header == header
    assert list(frame.arrays) == list(arrays)
    for name, value in arrays.items():
        got = frame.arrays[name]
        assert got.dtype == value.dtype and got.shape == value.shape
        assert got.tobytes() == np.ascontiguousarray(value).tobytes()
    assert read_frame(stream).header == {"next": True}
    assert read_frame(stream) is None


@settings(deadline=None, max_examples=60)
@given(HEADERS, ARRAYS, st.data())
def test_a_frame_cut_anywhere_is_refused(header, arrays, data):
    whole = encoded(Frame(header, arrays))
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(ProtocolError):
        read_bytes(whole[:cut])


@settings(deadline=None, max_examples=100)
@given(st.binary(min_size=1, max_size=300).filter(lambda b: not b.startswith(MAGIC)))
def test_foreign_bytes_are_refused(data):
    with pytest.raises(ProtocolError):
        read_bytes(data)


@settings(deadline=None, max_examples=120)
@given(st.binary(max_size=200), st.binary(max_size=50))
def test_junk_in_the_header_never_gets_through(header, payload):
    try:
        json.loads(header.decode())
    except ValueError:
        with pytest.raises(ProtocolError):
            read_bytes(raw_frame(header, payload))


@settings(deadline=None, max_examples=120)
@given(HEADERS, ARRAYS, st.data())
def test_flipped_bits_give_a_frame_or_a_protocol_error(header, arrays, data):
    whole = bytearray(encoded(Frame(header, arrays)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        frame = read_bytes(bytes(whole))
    except ProtocolError:
        return
    assert isinstance(frame, Frame)


def test_foreign_text_shorter_than_a_prefix_is_named():
    with pytest.raises(ProtocolError, match="does not speak"):
        read_bytes(b"hi\n")


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_outside_json_are_refused(constant):
    with pytest.raises(ProtocolError, match="JSON"):
        read_bytes(raw_frame(b'{"fraction": ' + constant + b"}"))
    with pytest.raises(ProtocolError, match="JSON"):
        encoded(Frame({"fraction": math.nan}))


@pytest.mark.parametrize("header", [b"[]", b"3", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_header_that_is_no_object_is_refused(header):
    with pytest.raises(ProtocolError):
        read_bytes(raw_frame(header))


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "a", "dtype": "object", "shape": [1]},
        {"name": "a", "dtype": "complex64", "shape": [1]},
        {"name": "a", "dtype": "<f4", "shape": [1]},
        {"name": "a", "dtype": ["float32"], "shape": [1]},
        {"name": "a", "dtype": "float32", "shape": [-1]},
        {"name": "a", "dtype": "float32", "shape": [1.0]},
        {"name": "a", "dtype": "float32", "shape": [True]},
        {"name": "a", "dtype": "float32", "shape": "1"},
        {"name": "a", "dtype": "float32", "shape": [1] * 9},
        {"name": "a", "dtype": "float32", "shape": [0, 2**70]},
        {"name": "a", "dtype": "float32", "shape": [MAX_ARRAY_BYTES // 4 + 1]},
        {"name": 3, "dtype": "float32", "shape": [1]},
        {"dtype": "float32", "shape": [1]},
        "a",
    ],
)
def test_an_impossible_array_is_refused_before_memory_is_taken(entry):
    with pytest.raises(ProtocolError):
        read_bytes(raw_frame({"arrays": [entry]}, bytes(64)))


def test_limits():
    with pytest.raises(ProtocolError, match="over the limit"):
        read_bytes(MAGIC + struct.pack("<I", MAX_HEADER_BYTES + 1))
    with pytest.raises(ProtocolError, match="over the limit"):
        encoded(Frame({"text": "x" * MAX_HEADER_BYTES}))
    one = {"dtype": "uint8", "shape": [0]}
    many = [{"name": str(i), **one} for i in range(MAX_ARRAYS + 1)]
    with pytest.raises(ProtocolError):
        read_bytes(raw_frame({"arrays": many}))
    with pytest.raises(ProtocolError, match="name of its own"):
        read_bytes(raw_frame({"arrays": [{"name": "a", **one}, {"name": "a", **one}]}))
    half = {"dtype": "uint8", "shape": [MAX_ARRAY_BYTES // 2 + 1]}
    with pytest.raises(ProtocolError, match="over the limit"):
        read_bytes(raw_frame({"arrays": [{"name": "a", **half}, {"name": "b", **half}]}))


def test_a_refused_frame_leaves_no_byte_on_the_pipe():
    stream = io.BytesIO()
    for frame in (Frame({"x": math.inf}), Frame({}, {"a": np.zeros(2, np.complex64)})):
        with pytest.raises(ProtocolError):
            write_frame(stream, frame)
    with pytest.raises(ProtocolError):
        write_frame(stream, Frame({}, {"a": np.array([object()])}))
    assert stream.getvalue() == b""


def test_arrays_travel_little_endian_and_in_c_order():
    fortran = np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3))
    data = encoded(Frame({}, {"a": fortran}))
    assert data.endswith(np.arange(6, dtype="<f4").tobytes())
    assert (read_bytes(data).arrays["a"] == fortran).all()


def test_the_layout_is_the_documented_one():
    data = encoded(Frame({"type": "x"}, {"a": np.array([1.5], dtype=np.float32)}))
    header = b'{"type":"x","arrays":[{"name":"a","dtype":"float32","shape":[1]}]}'
    assert data == b"RHT1" + struct.pack("<I", len(header)) + header + struct.pack("<f", 1.5)


def test_received_arrays_can_be_written_to():
    frame = read_bytes(encoded(Frame({}, {"a": np.zeros(3, np.float32)})))
    frame.arrays["a"][0] = 1.0
    assert frame.arrays["a"][0] == 1.0


class Dribble(io.RawIOBase):
    """A pipe that gives one byte at a time."""

    def __init__(self, data: bytes):
        self._stream = io.BytesIO(data)

    def readinto(self, buffer):
        return self._stream.readinto(memoryview(buffer)[:1])


def test_slow_pipes_are_read_to_the_end():
    frame = Frame({"a": 1}, {"x": np.arange(10, dtype=np.int16)})
    got = read_frame(Dribble(encoded(frame)))
    assert got.header == {"a": 1}
    assert (got.arrays["x"] == np.arange(10)).all()
