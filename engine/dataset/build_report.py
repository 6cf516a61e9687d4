# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build made and what it left out, as DIR/dataset.json and as a table for the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..config import config_from
from ..protocol.errors import ConfigError, DatasetError

RECORD_NAME = "dataset.json"
RECORD_FORMAT = 1


@dataclass(frozen=True)
class ClipRecord:
    """One clip. problem: why it was left out, else empty. notes: what is odd but usable."""

    name: str
    split: str
    start_s: float
    seconds: float
    problem: str = ""
    notes: tuple[str, ...] = ()
    face_seen: float = 1.0
    reprojection_px: float | None = None
    face_px: float | None = None
    phones: int = 0


@dataclass(frozen=True)
class OffsetRecord:
    """Sound against picture, in frames of the source (minus: the lips lead).

    used: by how much the sound was moved. given: what the list says. estimated: what was measured,
    with its confidence (height of the best lag's correlation over the others', in their standard
    deviations) and correlation there.
    """

    used: float = 0.0
    given: float | None = None
    estimated: float | None = None
    confidence: float | None = None
    correlation: float | None = None
    is_confident: bool = False


@dataclass(frozen=True)
class SourceRecord:
    """One recording. key: hash of the file, the settings and the fit that made its clips."""

    name: str
    key: str
    kind: str
    speaker: str
    language: str
    rights: str
    fps: float
    offset: OffsetRecord
    clips: tuple[ClipRecord, ...]
    notes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class BuildReport:
    """All recordings of a dataset, those of earlier builds too."""

    folder: Path
    sources: tuple[SourceRecord, ...]

    @property
    def kept(self) -> list[ClipRecord]:
        """Clips that are in the dataset."""
        return [clip for source in self.sources for clip in source.clips if not clip.problem]

    def problems(self) -> list[str]:
        """A line for each recording or clip that was left out."""
        lines = [f"{s.name}: {s.problem}" for s in self.sources if s.problem]
        return lines + [
            f"{clip.name} ({clip.seconds:.1f} s): {clip.problem}"
            for source in self.sources
            for clip in source.clips
            if clip.problem
        ]

    def table(self) -> str:
        """Totals for each speaker and over all."""
        rows: list[tuple[str, ...]] = [
            ("Speaker", "Recordings", "Clips", "Train min", "Val min", "Left out", "Error px")
        ]
        speakers = sorted({source.speaker for source in self.sources})
        rows += [
            self._row(speaker, [s for s in self.sources if s.speaker == speaker])
            for speaker in speakers
        ]
        if len(speakers) > 1:
            rows.append(self._row("all", list(self.sources)))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join(
            "  ".join(
                [
                    row[0].ljust(widths[0]),
                    *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
                ]
            )
            for row in rows
        )

    @staticmethod
    def _row(label: str, sources: list[SourceRecord]) -> tuple[str, ...]:
        clips = [clip for source in sources for clip in source.clips]
        kept = [clip for clip in clips if not clip.problem]
        minutes = {s: sum(c.seconds for c in kept if c.split == s) / 60 for s in ("train", "val")}
        errors = sorted(c.reprojection_px for c in kept if c.reprojection_px is not None)
        left_out = len(clips) - len(kept) + sum(bool(s.problem) for s in sources)
        middle = f"{errors[len(errors) // 2]:.1f}" if errors else "-"
        return (
            label, str(len(sources)), str(len(kept)), f"{minutes['train']:.2f}",
            f"{minutes['val']:.2f}", str(left_out), middle,
        )  # fmt: skip


def read_records(folder: Path) -> dict[str, SourceRecord]:
    """The recordings of an earlier build by name; empty where there was none.

    Raises DatasetError where the record is damaged.
    """
    path = folder / RECORD_NAME
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != RECORD_FORMAT:
            return {}
        return {entry["name"]: _source_from(entry) for entry in data["sources"]}
    except (OSError, ValueError, KeyError, TypeError, ConfigError) as error:
        raise DatasetError(
            f"{path} is damaged ({error}).", "Delete it; the dataset is then built again."
        ) from error


def write_records(
    folder: Path, records: Mapping[str, SourceRecord], settings: Mapping[str, Any]
) -> None:
    """Write dataset.json in one step, never half a file."""
    sources = [asdict(records[name]) for name in sorted(records)]
    data = {"format": RECORD_FORMAT, "settings": dict(settings), "sources": sources}
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{RECORD_NAME}.partial"
    partial.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(folder / RECORD_NAME)


def _source_from(entry: dict[str, Any]) -> SourceRecord:
    clips = tuple(config_from(ClipRecord, clip) for clip in entry.pop("clips"))
    offset = config_from(OffsetRecord, entry.pop("offset"))
    return config_from(SourceRecord, {**entry, "clips": clips, "offset": offset})
