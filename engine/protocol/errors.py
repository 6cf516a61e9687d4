# SPDX-License-Identifier: GPL-3.0-or-later
"""One error tree. Every error a person can meet says what happened and what to do."""

from __future__ import annotations

from typing import Any, ClassVar


class RhetorError(Exception):
    """Base of all expected errors.

    message: what happened, one plain sentence. hint: what the person can do about it.
    code: stable identifier that survives the wire.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def to_wire(self) -> dict[str, str]:
        """The error as a JSON object."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    @staticmethod
    def from_wire(data: dict[str, Any]) -> RhetorError:
        """Rebuild the error that `to_wire` described; an unknown code gives the base class."""
        kind = _by_code().get(str(data.get("code", "")), RhetorError)
        return kind(str(data.get("message", "Unknown error.")), str(data.get("hint", "")))


class AudioError(RhetorError):
    """The recording cannot be used."""

    code = "audio"


class ConfigError(RhetorError):
    """A setting is unknown or out of range."""

    code = "config"


class CheckpointError(RhetorError):
    """A weights file is missing, damaged or made for something else."""

    code = "checkpoint"


class HeadError(RhetorError):
    """The head model is missing, damaged or does not fit."""

    code = "head"


class TakeError(RhetorError):
    """A take is inconsistent, or its file cannot be read or written."""

    code = "take"


class RigError(RhetorError):
    """The character in the scene cannot be animated."""

    code = "rig"


class ProtocolError(RhetorError):
    """Both ends of the pipe do not understand each other."""

    code = "protocol"


class WorkerError(RhetorError):
    """The worker process is missing, died or failed in an unexpected way."""

    code = "worker"


class DeviceError(RhetorError):
    """The asked-for compute device is not usable."""

    code = "device"


class DatasetError(RhetorError):
    """Training material is missing or damaged."""

    code = "dataset"


class InstallError(RhetorError):
    """The engine's environment cannot be installed, or is damaged."""

    code = "install"


class CancelledError(RhetorError):
    """The person asked to stop; nothing went wrong."""

    code = "cancelled"


def _by_code() -> dict[str, type[RhetorError]]:
    kinds: list[type[RhetorError]] = [RhetorError, *RhetorError.__subclasses__()]
    return {kind.code: kind for kind in kinds}
