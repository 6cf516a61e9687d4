# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each job of a batch, as a JSON file that a later run can go on from.

{"format": "rhetor-batch", "version": 1, "items": [{"output", "status", "inputs", ...}]}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from ...engine.protocol.errors import ConfigError, RhetorError
from ...engine.protocol.files import whole_file
from .headless_options import HeadlessOptions

FORMAT, VERSION = "rhetor-batch", 1
_CHUNK_BYTES = 1 << 20


class Status(Enum):
    """How far a job has come. SKIPPED: an earlier run has done it."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class BatchManifest:
    """The state of a batch; every change is written at once.

    facts: versions and the like, kept beside the items.
    """

    def __init__(
        self, path: Path, jobs: Sequence[HeadlessOptions], facts: Mapping[str, Any]
    ) -> None:
        self.path = path
        self._facts = dict(facts)
        self._items = [_new_item(job) for job in jobs]

    def set(self, index: int, status: Status, **facts: Any) -> None:
        """Note what became of one job. Raises TakeError where the file cannot be written."""
        self._items[index] |= {"status": status.value, **facts}
        self.write()

    def fail(self, index: int, error: RhetorError, seconds: float) -> None:
        """Note why a job came to nothing."""
        self.set(index, Status.FAILED, error=error.to_wire(), seconds=round(seconds, 3))

    def take_over(self, index: int, earlier: Mapping[str, Any]) -> None:
        """Keep what an earlier run has noted of a job that is done."""
        self._items[index] = {**earlier, "status": Status.SKIPPED.value}
        self.write()

    def count(self, *wanted: Status) -> int:
        """How many have one of these states."""
        return sum(item["status"] in {status.value for status in wanted} for item in self._items)

    def to_json(self) -> dict[str, Any]:
        """JSON types only."""
        counts = {status.value: self.count(status) for status in Status if self.count(status)}
        return {
            "format": FORMAT,
            "version": VERSION,
            **self._facts,
            "counts": counts,
            "items": self._items,
        }

    def write(self) -> None:
        """Write it whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False)
        with whole_file(self.path) as file:
            file.write(f"{text}\n".encode())


def finished_items(path: Path) -> dict[str, dict[str, Any]]:
    """What an earlier manifest says of jobs that are done, by output. {} where there is none.

    Raises ConfigError where the file is no manifest of ours.
    """
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if (data["format"], data["version"]) != (FORMAT, VERSION):
            raise KeyError("format")
        done = (Status.DONE.value, Status.SKIPPED.value)
        return {str(item["output"]): dict(item) for item in data["items"] if item["status"] in done}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path.name} cannot be resumed from: it is no list of results.",
            "Name another manifest, or leave out --resume to begin anew.",
        ) from error


def is_still_done(job: HeadlessOptions, earlier: Mapping[str, Any] | None) -> bool:
    """Whether the outputs of a finished job are there and its inputs have not changed since."""
    if earlier is None or not all(path.is_file() for path in _outputs(job)):
        return False
    return bool(earlier.get("inputs") == input_hashes(job))


def input_hashes(job: HeadlessOptions) -> dict[str, str]:
    """SHA-256 of all that decides about a result: settings, recording, existing file.

    "" for a file that is not there.
    """
    settings = json.dumps(job.to_json(), sort_keys=True)
    hashes = {
        "settings": hashlib.sha256(settings.encode()).hexdigest(),
        "audio": file_hash(job.audio),
    }
    return hashes if job.blend is None else {**hashes, "blend": file_hash(job.blend)}


def output_hashes(job: HeadlessOptions) -> dict[str, str]:
    """SHA-256 of what was made, by file name."""
    return {path.name: file_hash(path) for path in _outputs(job)}


def file_hash(path: Path) -> str:
    """SHA-256 of a file; "" where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()


def _outputs(job: HeadlessOptions) -> tuple[Path, ...]:
    return (job.output,) if job.render is None else (job.output, job.render)


def _new_item(job: HeadlessOptions) -> dict[str, Any]:
    return {
        "output": str(job.output),
        "render": None if job.render is None else str(job.render),
        "status": Status.WAITING.value,
        "options": job.to_json(),
    }
