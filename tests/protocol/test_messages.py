# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages keep their meaning over the wire and across minor versions."""

import io
from pathlib import Path

import numpy as np
import pytest

from rhetor.engine.handlers import Handlers
from rhetor.engine.protocol.errors import AudioError, ProtocolError, RhetorError, TakeError
from rhetor.engine.protocol.frames import Frame, read_frame, write_frame
from rhetor.engine.protocol.messages import (
    PROTOCOL_VERSION,
    Cancel,
    Failure,
    Hello,
    Log,
    Progress,
    Reply,
    Request,
    check_version,
    from_frame,
    pack_take,
    to_frame,
    unpack_take,
)
from rhetor.engine.protocol.take import Take

MESSAGES = [
    Hello(PROTOCOL_VERSION, "rhetor 1.2.3", "1.2.3", "cpu", ("ping",), ({"name": "calm"},)),
    Request(7, "animate", {"audio": "/tmp/ä.wav", "seed": 3}),
    Reply(7, {"fps": 30.0}),
    Failure(7, "audio", "No.", "Try."),
    Failure(None, "protocol", "No."),
    Progress(7, 0.25, "Listening"),
    Log("warning", "Quiet."),
    Cancel(7),
]


def over_the_wire(message):
    stream = io.BytesIO()
    write_frame(stream, to_frame(message))
    stream.seek(0)
    return from_frame(read_frame(stream))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.type)
def test_round_trip(message):
    assert over_the_wire(message) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.type)
def test_fields_of_a_newer_minor_version_are_ignored(message):
    frame = to_frame(message)
    newer = Frame({**frame.header, "later": {"a": 1}}, frame.arrays)
    assert from_frame(newer) is not None
    assert to_frame(from_frame(newer)).header["type"] == message.type


def test_messages_of_a_newer_minor_version_are_ignored():
    assert from_frame(Frame({"type": "telemetry", "id": 3})) is None
    assert from_frame(Frame({})) is None


@pytest.mark.parametrize(
    "header",
    [
        {"type": "request", "method": "ping"},
        {"type": "request", "id": "1", "method": "ping"},
        {"type": "request", "id": True, "method": "ping"},
        {"type": "request", "id": 1, "method": 3},
        {"type": "request", "id": 1, "method": "ping", "params": []},
        {"type": "reply", "id": None},
        {"type": "progress", "id": 1, "fraction": "half"},
        {"type": "hello", "protocol": "1.0"},
        {"type": "hello", "protocol": []},
        {"type": "hello", "protocol": [1.5]},
        {"type": "hello", "protocol": [1], "styles": ["calm"]},
        {"type": "cancel"},
    ],
)
def test_broken_fields_are_refused(header):
    with pytest.raises(ProtocolError):
        from_frame(Frame(header))


def test_another_major_version_is_refused_with_advice():
    check_version((PROTOCOL_VERSION[0], 99), "rhetor 1.9")
    with pytest.raises(ProtocolError, match=r"rhetor 9\.0 speaks version 9\.0") as caught:
        check_version((PROTOCOL_VERSION[0] + 8, 0), "rhetor 9.0")
    assert "Update" in caught.value.hint


def test_errors_keep_kind_message_and_hint():
    got = over_the_wire(Failure.of(3, AudioError("It is empty.", "Choose another."))).to_error()
    assert type(got) is AudioError
    assert (got.message, got.hint) == ("It is empty.", "Choose another.")
    assert type(Failure(1, "of the future", "?").to_error()) is RhetorError


def test_the_written_protocol_knows_every_message_and_method():
    text = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert f"version {'.'.join(map(str, PROTOCOL_VERSION))}" in text.splitlines()[0]
    for message in MESSAGES:
        assert f"| `{message.type}` |" in text
    for method in Handlers().names:
        assert f"| `{method}` |" in text
    # The example, byte for byte.
    _, length, header, data = (part.strip() for part in text.split("```")[1].split(" | "))
    frame = b"RHT1" + bytes.fromhex(length) + header.encode() + bytes.fromhex(data)
    got = from_frame(read_frame(io.BytesIO(frame)))
    assert got.id == 1 and got.arrays["a"].tolist() == [1.5]


def test_takes_travel():
    rng = np.random.default_rng(0)
    take = Take(
        fps=24000 / 1001,
        pose=rng.normal(size=(5, 6)).astype(np.float32),
        expression=rng.random((5, 2)).astype(np.float32),
        expression_names=("jawOpen", "mouthClose"),
        identity=rng.normal(size=50).astype(np.float32),
        meta={"seed": 3, "warnings": ["ä"]},
    )
    result, arrays = pack_take(take)
    got = unpack_take(over_the_wire(Reply(1, result, arrays)))
    assert got.fps == take.fps and got.meta == take.meta
    assert got.expression_names == take.expression_names
    for name in ("pose", "expression", "identity"):
        assert (getattr(got, name) == getattr(take, name)).all()
    with pytest.raises(ProtocolError, match="incomplete"):
        unpack_take(Reply(1, result, {}))
    with pytest.raises(TakeError):
        unpack_take(Reply(1, result, {**arrays, "pose": arrays["pose"][1:]}))
