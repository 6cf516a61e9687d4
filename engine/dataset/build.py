# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of people in, training clips out: `rhetor dataset build`.

DIR/{train,val}/CLIP.npz with CLIP.features.npz, DIR/sheets and DIR/plots for the eye, DIR/tracks
with the landmarks of films, DIR/dataset.json with all that was found. A build that is run again
does only what is not there yet or was made by other settings or another fit.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..audio.decode import decode_audio
from ..head.model import HeadModel, load_head
from ..protocol.errors import AudioError, ConfigError, DatasetError
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from ..speech.extractor import CharacterExtractor, load_extractor
from ..stages import ProgressCallback
from .build_report import (
    BuildReport,
    ClipRecord,
    OffsetRecord,
    SourceRecord,
    read_records,
    write_records,
)
from .captured_motion import CapturedMotion
from .clip_cutting import (
    CutPiece,
    CutSettings,
    PhoneTimes,
    Samples,
    cut_motions,
    has_speech,
    make_clip,
)
from .corpus import SPLITS, features_path
from .features import write_clip_features
from .listing import Source, find_sources, select
from .person_clip import PersonClip, save_person_clip
from .source_capture import Capture, CaptureSettings, capture_source, fit_fingerprint

SPLIT_WAYS = ("time", "file", *SPLITS)
_BUILD_VERSION = 1
_MOST_FROZEN = 0.2
_LEAST_SEEN = 0.7


@dataclass(frozen=True)
class BuildSettings:
    """How to build a dataset.

    split: `time` holds out the last val_share of each recording, `file` whole recordings, `train`
    and `val` put everything there; where a list names a split, `time` and `file` keep it. gap_s:
    seconds left out between training and validation. min_clip_s, max_clip_s: shortest and longest
    clip. min_face_px: smallest face. max_error: largest median distance of fitted to tracked
    landmarks, as a share of the face's size. speaker, language, rights: for recordings that no
    list describes. only: patterns of paths to take. only_rights: take no others.
    landmarker: a MediaPipe .task file to use instead of its built-in face mesh.
    """

    split: str = "time"
    val_share: float = 0.15
    gap_s: float = 1.0
    min_clip_s: float = 1.0
    max_clip_s: float = 120.0
    min_face_px: float = 60.0
    max_error: float = 0.05
    speaker: str = ""
    language: str = ""
    rights: str = "own"
    only: tuple[str, ...] = ()
    only_rights: str = ""
    mix_rights: bool = False
    landmarker: str = ""

    def __post_init__(self) -> None:
        if self.split not in SPLIT_WAYS:
            raise ConfigError(f"There is no split {self.split!r}.", f"Use one of {SPLIT_WAYS}.")
        if not 0.0 <= self.val_share <= 0.9:
            raise ConfigError("The share to hold out has to be between 0 and 0.9.")


def build_dataset(
    inputs: Sequence[Path],
    output: Path,
    settings: BuildSettings,
    progress: ProgressCallback,
    note: Callable[[str], None] = lambda text: None,
) -> BuildReport:
    """Build or complete the dataset in `output`.

    progress: called with the fraction done and what is being done; may raise CancelledError, after
    which a further call goes on. note: gets what the person should know at once. Raises
    DatasetError where nothing can be used; a single recording that cannot is told and left out.
    """
    sources = find_sources(inputs, settings.speaker, settings.language, settings.rights)
    sources = _with_splits(select(sources, settings.only, settings.only_rights), settings)
    records = read_records(output)
    _check_rights(sources, records, settings)
    builder = _Builder(output, settings, note)
    for index, source in enumerate(sources):

        def report(fraction: float, stage: str, done: int = index, name: str = source.name) -> None:
            progress((done + fraction) / len(sources), f"{name}: {stage}")

        report(0.0, "reading")
        key = builder.key(source)
        earlier = records.get(source.name)
        if earlier is not None and earlier.key == key and builder.is_complete(earlier):
            continue
        builder.remove(earlier)
        records[source.name] = builder.build(source, key, report)
        write_records(output, records, asdict(settings))
    result = BuildReport(output, tuple(records[name] for name in sorted(records)))
    if not result.kept:
        reasons = "; ".join(result.problems()[:3])
        raise DatasetError(f"No clip could be made: {reasons}.", "See docs/datasets.md.")
    return result


def _with_splits(sources: Sequence[Source], settings: BuildSettings) -> list[Source]:
    """Each source with its split; empty where it is to be parted by time."""
    if settings.split in SPLITS:
        return [replace(source, split=settings.split) for source in sources]
    if settings.split == "time":
        return list(sources)
    free = [i for i, source in enumerate(sources) if not source.split]
    count = round(len(free) * settings.val_share)
    if free and settings.val_share and not 0 < count < len(free):
        raise ConfigError(
            f"{len(free)} recordings cannot be parted by file.", "Use --split time, or more files."
        )
    # Spread over the list: neighbours are often of one session.
    held_out = {free[i] for i in np.linspace(0, len(free) - 1, count).round().astype(int).tolist()}
    return [
        source if source.split else replace(source, split="val" if i in held_out else "train")
        for i, source in enumerate(sources)
    ]


def _check_rights(
    sources: Sequence[Source], records: dict[str, SourceRecord], settings: BuildSettings
) -> None:
    kinds = {source.rights for source in sources} | {record.rights for record in records.values()}
    if "research" in kinds and len(kinds) > 1 and not settings.mix_rights:
        raise DatasetError(
            "Recordings for research only would be mixed with others in one dataset.",
            "Use --rights open or another folder; --mix-rights if nothing of it is given away.",
        )


class _Builder:
    """Makes the clips of one recording after the other; the networks are loaded once."""

    def __init__(self, output: Path, settings: BuildSettings, note: Callable[[str], None]) -> None:
        self.output = output
        self.settings = settings
        self.note = note
        self._cut = CutSettings(
            settings.split,
            settings.val_share,
            settings.gap_s,
            settings.min_clip_s,
            settings.max_clip_s,
        )
        self._capture = CaptureSettings(settings.landmarker)

    @cached_property
    def _head(self) -> HeadModel:
        return load_head()

    @cached_property
    def _extractor(self) -> CharacterExtractor:
        return load_extractor()

    @cached_property
    def _fit(self) -> str:
        return fit_fingerprint()

    def key(self, source: Source) -> str:
        """Hash of all that the clips of a source depend on."""
        settings = asdict(self.settings)
        for name in ("only", "only_rights", "mix_rights", "speaker", "language", "rights"):
            del settings[name]  # they choose and describe; what they lead to is in the source
        described = {k: str(v) for k, v in asdict(source).items() if k not in ("path", "sound")}
        digest = hashlib.sha256(
            json.dumps([_BUILD_VERSION, self._fit, settings, described], sort_keys=True).encode()
        )
        for path in {source.path, source.sound or source.path}:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:24]

    def is_complete(self, record: SourceRecord) -> bool:
        """Whether all clips of a record are there."""
        return all(self._path(clip).exists() for clip in record.clips if not clip.problem)

    def remove(self, record: SourceRecord | None) -> None:
        """Delete the clips of an earlier build."""
        for clip in record.clips if record else ():
            path = self._path(clip)
            for file in (path, features_path(path), self.output / "plots" / f"{clip.name}.png"):
                file.unlink(missing_ok=True)

    def build(self, source: Source, key: str, report: ProgressCallback) -> SourceRecord:
        """All clips of one recording. What is wrong with it is told in its record."""
        record = SourceRecord(
            source.name, key, source.kind, source.speaker, source.language, source.rights,
            0.0, OffsetRecord(), (),
        )  # fmt: skip
        try:
            capture = capture_source(
                source, self._head, self.output / "tracks", self._capture, report
            )
            samples = self._sound(source)
            offset = self._offset(source)
            clips = self._make(source, capture, samples, offset, report)
        except (DatasetError, AudioError) as error:
            self.note(f"{source.name}: {error}")
            return replace(record, problem=str(error))
        except OSError as error:
            raise _disk_error(error, self.output) from error
        fps = capture.motions[0].fps if capture.motions else 0.0
        return replace(record, fps=fps, offset=offset, clips=tuple(clips), notes=capture.notes)

    def _sound(self, source: Source) -> Samples:
        if source.sound is None:
            return np.zeros(0, np.int16)
        try:
            samples = decode_audio(source.sound).samples
        except AudioError:
            if source.kind == "video":
                return np.zeros(0, np.int16)  # a film without sound still shows how a head moves
            raise
        return np.round(samples * 32767).astype(np.int16)

    def _offset(self, source: Source) -> OffsetRecord:
        given = source.offset_frames
        return OffsetRecord(used=given or 0.0, given=given)

    def _make(
        self,
        source: Source,
        capture: Capture,
        samples: Samples,
        offset: OffsetRecord,
        report: ProgressCallback,
    ) -> list[ClipRecord]:
        pieces = cut_motions(capture.motions, source.split, self._cut)
        phones = self._phones(source, samples)
        records = []
        for index, piece in enumerate(pieces):
            report(0.8 + 0.2 * index / len(pieces), "writing clips")
            name = source.name if len(pieces) == 1 else f"{source.name}_{index + 1:03d}"
            record, motion = _plan(name, piece), piece.motion
            problem = self._problem(motion)
            if problem:
                record = replace(record, problem=problem)
            else:
                clip = make_clip(source, motion, samples, phones, offset.used)
                record = self._write(record, clip, _median(motion.face_px))
            records.append(record)
        for record in records:
            if record.problem:
                self.note(f"{record.name}: left out: {record.problem}")
        return records

    def _write(self, record: ClipRecord, clip: PersonClip, face_px: float) -> ClipRecord:
        """Write a clip with its features; its record with what is odd about it."""
        path = self._path(record)
        save_person_clip(path, clip)
        write_clip_features(path, clip.samples, self._extractor)
        error = clip.reprojection_px
        return replace(
            record,
            seconds=round(clip.frame_count / MODEL_RATE_HZ, 3),
            notes=_notes(clip),
            face_seen=round(float(clip.face_ok.mean()), 3),
            reprojection_px=round(error, 3) if np.isfinite(error) else None,
            face_px=round(face_px, 1) if np.isfinite(face_px) else None,
            phones=len(clip.phone),
        )

    def _problem(self, motion: CapturedMotion) -> str:
        """Why a piece cannot be used, or empty."""
        limits = self.settings
        if motion.duration_s < limits.min_clip_s:
            return f"too short, {motion.duration_s:.1f} s"
        if motion.frozen.mean() > _MOST_FROZEN:
            return "the picture stands still"
        face_px, error_px = (_median(values) for values in (motion.face_px, motion.error_px))
        if face_px < limits.min_face_px:
            return f"face too small, {face_px:.0f} px"
        if error_px > limits.max_error * face_px:
            return f"the head does not fit, {error_px:.1f} px off on a face of {face_px:.0f} px"
        if motion.face_ok.mean() < _LEAST_SEEN:
            return f"face seen in {motion.face_ok.mean():.0%} of the frames only"
        return ""

    def _phones(self, source: Source, samples: Samples) -> PhoneTimes:
        if not source.text or len(samples) == 0:
            return PhoneTimes.none()
        from .spoken_phones import align_phones

        try:
            return align_phones(samples, source.text, source.speaker)
        except DatasetError as error:
            self.note(f"{source.name}: no phones: {error}")
            return PhoneTimes.none()

    def _path(self, clip: ClipRecord) -> Path:
        return self.output / clip.split / f"{clip.name}.npz"


def _median(values: FloatArray) -> float:
    """Of what was measured; NaN, which no limit exceeds, without any."""
    measured = values[np.isfinite(values)]
    return float(np.median(measured)) if len(measured) else float("nan")


def _plan(name: str, piece: CutPiece) -> ClipRecord:
    motion = piece.motion
    return ClipRecord(name, piece.split, round(motion.start_s, 3), round(motion.duration_s, 3))


def _notes(clip: PersonClip) -> tuple[str, ...]:
    if len(clip.samples) == 0:
        return ("no sound",)
    return () if has_speech(clip.samples) else ("no speech",)


def _disk_error(error: OSError, folder: Path) -> DatasetError:
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    return DatasetError(
        f"Writing to {folder} failed: {error.strerror or error}.",
        f"{free / 2**30:.1f} GiB are free there; make room or choose another folder.",
    )
