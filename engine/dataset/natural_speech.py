# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of people reading, with their texts: lists of what may be trained on."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ..protocol.errors import DatasetError

HELD_OUT_SHARE = 0.04
"""Share of the sentences of speakers in training that is kept for validation."""


@dataclass(frozen=True)
class ReadSentence:
    """One recording of a read sentence."""

    path: Path
    speaker: str
    text: str
    duration_s: float
    split: str


def read_transcripts(folder: Path) -> list[ReadSentence]:
    """The sentences of FOLDER/transcripts.tsv (columns path, speaker, seconds, text, split).

    A sentence of the training split may be moved to validation, never the other way round, so
    that known voices saying unheard sentences can be judged too.
    """
    table = folder / "transcripts.tsv"
    if not table.exists():
        raise DatasetError(f"There is no {table}.", "Point --speech at a folder that has one.")
    sentences = []
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            split = "val" if _is_held_out(row["path"]) else row["split"]
            path = folder.parent / row["path"]
            seconds = float(row["seconds"])
            sentences.append(ReadSentence(path, row["speaker"], row["text"], seconds, split))
    return sentences


def read_grid(tracked: Path, most_min: float) -> list[ReadSentence]:
    """Sentences of the GRID corpus (speaker 1), at most so many minutes.

    Only clips whose entry in clips.json is marked open are taken.
    """
    times, index = tracked / "grid_s1_align.tsv", tracked.parent / "clips.json"
    if not times.exists() or not index.exists():
        return []
    clips = {entry["clip"].split("/")[-1]: entry for entry in json.loads(index.read_text())}
    sentences: list[ReadSentence] = []
    for line in times.read_text().splitlines():
        name, _, words = line.partition("\t")
        entry = clips.get(name)
        sounds = sorted((tracked / "grid_s1").glob(f"{name}.[of][gl]*"))
        if entry is None or entry["rights"] != "open" or not sounds:
            continue
        spoken = [word.split(":")[0] for word in words.split()]
        text = " ".join(word for word in spoken if word not in ("sil", "sp"))
        seconds = float(entry["seconds"])
        sentences.append(ReadSentence(sounds[0], "grid_s1", text, seconds, entry["split"]))
    sentences.sort(key=lambda s: _order(s.path.name))
    kept, total_s = [], 0.0
    for sentence in sentences:
        total_s += sentence.duration_s
        if total_s > most_min * 60:
            break
        kept.append(sentence)
    return kept


def _order(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _is_held_out(path: str) -> bool:
    return _order(path)[0] < 256 * HELD_OUT_SHARE
