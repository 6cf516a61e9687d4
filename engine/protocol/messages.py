# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages: what the two ends say to each other, one per frame.

A message is a frozen dataclass here and a JSON object with a "type" on the wire. Fields that the
receiver does not know are ignored, and so are whole messages of an unknown type: a newer minor
version may add both. Another major version is refused at the handshake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

from .errors import ProtocolError, RhetorError
from .frames import Array, Frame
from .take import Take

PROTOCOL_VERSION = (1, 2)
"""(major, minor) of this protocol; see docs/protocol.md."""


@dataclass(frozen=True)
class Hello:
    """First message of both ends. The worker sends its own when it is ready to work.

    program: name and version of the sender. The other fields are the worker's.
    """

    type: ClassVar[str] = "hello"
    protocol: tuple[int, ...]
    program: str = ""
    engine_version: str = ""
    device: str = ""
    methods: tuple[str, ...] = ()
    styles: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Request:
    """A call of `method`; exactly one Reply or Failure with the same id answers it."""

    type: ClassVar[str] = "request"
    id: int
    method: str
    params: dict[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """The result of request `id`."""

    type: ClassVar[str] = "reply"
    id: int
    result: dict[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """Request `id` failed; id None: the connection itself failed and ends."""

    type: ClassVar[str] = "error"
    id: int | None
    code: str
    message: str
    hint: str = ""

    @staticmethod
    def of(request_id: int | None, error: RhetorError) -> Failure:
        """The failure that carries `error`."""
        return Failure(request_id, **error.to_wire())

    def to_error(self) -> RhetorError:
        """The error to raise at this end."""
        return RhetorError.from_wire(
            {"code": self.code, "message": self.message, "hint": self.hint}
        )


@dataclass(frozen=True)
class Progress:
    """Request `id` is done to `fraction` in [0, 1]; `stage` names what runs now."""

    type: ClassVar[str] = "progress"
    id: int
    fraction: float
    stage: str = ""


@dataclass(frozen=True)
class Log:
    """A line for the person at the other end. level: "info" or "warning"."""

    type: ClassVar[str] = "log"
    level: str
    text: str


@dataclass(frozen=True)
class Cancel:
    """Stop request `id`; it is answered with a failure of code "cancelled"."""

    type: ClassVar[str] = "cancel"
    id: int


Message = Hello | Request | Reply | Failure | Progress | Log | Cancel

_KINDS: dict[str, type[Any]] = {
    kind.type: kind for kind in (Hello, Request, Reply, Failure, Progress, Log, Cancel)
}


def _is_version(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(part) is int for part in value)


_CHECKS: Mapping[str, Any] = {
    "protocol": _is_version,
    "id": lambda v: type(v) is int,
    "fraction": lambda v: type(v) in (int, float),
    "params": lambda v: isinstance(v, dict),
    "result": lambda v: isinstance(v, dict),
    "methods": lambda v: isinstance(v, list) and all(isinstance(m, str) for m in v),
    "styles": lambda v: isinstance(v, list) and all(isinstance(s, dict) for s in v),
}


def to_frame(message: Message) -> Frame:
    """The frame that carries a message."""
    header: dict[str, Any] = {"type": message.type}
    for f in fields(message):
        value = getattr(message, f.name)
        header[f.name] = list(value) if isinstance(value, tuple) else value
    arrays = header.pop("arrays", {})
    return Frame(header, arrays)


def from_frame(frame: Frame) -> Message | None:
    """The message in a frame; None where its type is unknown and the frame is to be ignored.

    Raises ProtocolError where a field is missing or of the wrong kind.
    """
    kind = _KINDS.get(str(frame.header.get("type")))
    if kind is None:
        return None
    values: dict[str, Any] = {}
    for f in fields(kind):
        if f.name == "arrays":
            values["arrays"] = frame.arrays
        elif f.name in frame.header:
            values[f.name] = _checked(kind, f.name, frame.header[f.name])
        elif f.default is MISSING and f.default_factory is MISSING:
            raise ProtocolError(f"A message of type {kind.type} lacks its {f.name}.")
    message: Message = kind(**values)
    return message


def check_version(protocol: tuple[int, ...], program: str) -> None:
    """Raise ProtocolError where the other end's major version is not ours."""
    if protocol[0] != PROTOCOL_VERSION[0]:
        theirs, ours = (".".join(map(str, v)) for v in (protocol, PROTOCOL_VERSION))
        raise ProtocolError(
            f"{program or 'The other end'} speaks version {theirs} of the protocol, "
            f"this program version {ours}.",
            "Update the add-on and the engine so that both come from the same release.",
        )


def pack_take(take: Take) -> tuple[dict[str, Any], dict[str, Array]]:
    """A take as result and arrays of a reply."""
    result = {
        "fps": take.fps,
        "expression_names": list(take.expression_names),
        "meta": dict(take.meta),
    }
    return result, {name: getattr(take, name) for name in ("pose", "expression", "identity")}


def unpack_take(reply: Reply) -> Take:
    """The take in a reply of the method "animate". Raises ProtocolError or TakeError."""
    try:
        return Take(
            fps=float(reply.result["fps"]),
            pose=reply.arrays["pose"],
            expression=reply.arrays["expression"],
            expression_names=tuple(reply.result["expression_names"]),
            identity=reply.arrays["identity"],
            meta=dict(reply.result["meta"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"The worker's take is incomplete: {error}.") from error


def _checked(kind: type[Any], name: str, value: Any) -> Any:
    if kind is Failure and name == "id" and value is None:
        return None
    check = _CHECKS.get(name, lambda v: isinstance(v, str))
    if not check(value):
        raise ProtocolError(f"The {name} of a message of type {kind.type} is {value!r}.")
    return tuple(value) if isinstance(value, list) else value
