# SPDX-License-Identifier: GPL-3.0-or-later
"""The clips of one recording: its sound put in step, its motion cut, what is unusable named."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.decode import decode_audio
from ..head.model import HeadModel, load_head
from ..protocol.errors import AudioError, CheckpointError, DatasetError
from ..protocol.take import MODEL_RATE_HZ, FloatArray
from ..speech.extractor import CharacterExtractor, load_extractor
from ..stages import ProgressCallback
from .build_report import ClipRecord, OffsetRecord, SourceRecord
from .build_settings import BuildSettings
from .captured_motion import CapturedMotion
from .clip_cutting import CutPiece, PhoneTimes, Samples, cut_motions, has_speech, make_clip
from .corpus import features_path
from .features import extractor_of, write_clip_features
from .listing import Source
from .person_clip import PersonClip, load_person_clip, save_person_clip
from .sound_offset import LipPair, OffsetMeter, settle_offset
from .source_capture import FittedShot, TrackedSource
from .spoken_phones import align_phones

PLOTS = "plots"
_MOST_FROZEN = 0.2
_LEAST_SEEN = 0.7
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Recorded:
    """What was captured of a recording, before it is cut. sound_start_s: as in VideoInfo."""

    source: Source
    fps: float
    motions: tuple[CapturedMotion, ...]
    sound_start_s: float = 0.0
    notes: tuple[str, ...] = ()


class ClipWriter:
    """Writes the clips of one recording after the other; the networks are loaded once."""

    def __init__(self, output: Path, settings: BuildSettings, note: Callable[[str], None]) -> None:
        self.output, self.settings, self.note = output, settings, note

    @cached_property
    def extractor(self) -> CharacterExtractor:
        """The speech features that ship."""
        return load_extractor()

    @cached_property
    def head(self) -> HeadModel:
        """The default head."""
        return load_head()

    @cached_property
    def _meter(self) -> OffsetMeter | None:
        """None, and a note, where the networks do not fit each other: the clips are good as far as
        their sound is in step."""
        try:
            return OffsetMeter(self.extractor, self.head)
        except CheckpointError as error:
            self.note(f"The offset of the sound is not measured. {error}")
            return None

    @cached_property
    def draws(self) -> bool:
        """Whether sheets and plots are drawn; what they need is optional."""
        needed = ("matplotlib", "PIL")
        missing = [name for name in needed if importlib.util.find_spec(name) is None]
        if self.settings.pictures and missing:
            self.note("No sheets and plots: they need matplotlib (pip install rhetor[training]).")
        return self.settings.pictures and not missing

    def is_complete(self, record: SourceRecord) -> bool:
        """Whether a recording was usable and all its clips are there."""
        return not record.problem and all(
            self._path(clip).exists() for clip in record.clips if not clip.problem
        )

    def remove(self, record: SourceRecord | None) -> None:
        """Delete the clips of an earlier build."""
        for clip in record.clips if record else ():
            path = self._path(clip)
            for file in (path, features_path(path), self.output / PLOTS / f"{clip.name}.png"):
                file.unlink(missing_ok=True)

    def failed(self, source: Source, key: str, problem: str) -> SourceRecord:
        """The record of a recording that cannot be used."""
        return replace(_blank(source, key, 0.0), problem=problem)

    def refresh_features(self, records: Iterable[SourceRecord], report: ProgressCallback) -> None:
        """Hear the clips of earlier builds anew where the speech features have changed."""
        kept = [self._path(clip) for r in records for clip in r.clips if not clip.problem]
        heard = [path for path in kept if features_path(path).exists()]
        old = [path for path in heard if extractor_of(path) != self.extractor.id]
        for index, path in enumerate(old):
            report(index / len(old), "listening")
            write_clip_features(path, load_person_clip(path).samples, self.extractor)

    def draw_sheet(self, shown: TrackedSource, fitted: FittedShot, panels: list[Any]) -> None:
        """Add the pictures of a shot to the panels of its recording; write the sheet so far."""
        if not self.draws:
            return
        from .contact_sheet import draw_panels, save_sheet

        more = draw_panels(fitted, self.head, shown.folder)
        panels += more
        if more:
            name = shown.source.name
            save_sheet(self.output / "sheets" / f"{name}.png", panels, name)
        if fitted.shot.path == shown.shots[-1].path:
            panels.clear()

    def listen(self, recorded: Recorded) -> list[LipPair]:
        """What is heard beside what the lips do, from which the offset is told; nothing where the
        offset is given already."""
        source = recorded.source
        if source.sound is None or source.offset_frames is not None or self._meter is None:
            return []
        try:
            samples = self._sound(source)
        except AudioError:
            return []  # told when its clips are written
        return self._meter.pairs(recorded.motions, samples, recorded.sound_start_s)

    def write(
        self,
        recorded: Recorded,
        key: str,
        own: Sequence[LipPair] = (),
        person: Sequence[LipPair] = (),
    ) -> SourceRecord:
        """All clips of one recording. What is wrong with it is told in its record.

        own, person: what `listen` gave of this recording, and of all that belong to it.
        """
        source = recorded.source
        record = replace(_blank(source, key, recorded.fps), notes=recorded.notes)
        offset = settle_offset(source.offset_frames, recorded.fps, own, person)
        try:
            clips = self._clips(recorded, self._sound(source), offset)
        except (DatasetError, AudioError) as error:
            return self.failed(source, key, str(error))
        except OSError as error:
            raise disk_error(error, self.output) from error
        return replace(record, offset=offset, clips=tuple(clips))

    def _sound(self, source: Source) -> Samples:
        if source.sound is None:
            return np.zeros(0, np.int16)
        try:
            samples = decode_audio(source.sound).samples
        except AudioError:
            if source.kind == "video":
                return np.zeros(0, np.int16)  # a film without sound still shows how a head moves
            raise
        return _as_int16(samples)

    def _clips(
        self, recorded: Recorded, samples: Samples, offset: OffsetRecord
    ) -> list[ClipRecord]:
        source = recorded.source
        pieces = cut_motions(recorded.motions, source.split, self.settings)
        phones = self._phones(source, samples)
        delay_s = recorded.sound_start_s + offset.used / (recorded.fps or MODEL_RATE_HZ)
        records = []
        for index, piece in enumerate(pieces):
            name = source.name if len(pieces) == 1 else f"{source.name}_{index + 1:03d}"
            record, motion = _plan(name, piece), piece.motion
            problem = self._problem(motion)
            if problem:
                record = replace(record, problem=problem)
            else:
                clip = make_clip(source, motion, samples, phones, delay_s)
                clip = replace(clip, offset_frames=offset.used)
                record = self._write(record, clip, _median(motion.face_px))
            records.append(record)
        if not pieces:
            raise DatasetError("There is no piece in which the face can be followed.")
        return records

    def _write(self, record: ClipRecord, clip: PersonClip, face_px: float) -> ClipRecord:
        """Write a clip with its features; its record with what is odd about it."""
        path = self._path(record)
        save_person_clip(path, clip)
        write_clip_features(path, clip.samples, self.extractor)
        if self.draws:
            from .clip_plot import save_clip_plot

            save_clip_plot(self.output / PLOTS / f"{record.name}.png", clip)
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
        try:
            return align_phones(samples, source.text, source.speaker)
        except DatasetError as error:
            self.note(f"{source.name}: no phones: {error}")
            return PhoneTimes.none()

    def _path(self, clip: ClipRecord) -> Path:
        return self.output / clip.split / f"{clip.name}.npz"


def disk_error(error: OSError, folder: Path) -> DatasetError:
    """What to tell where a file cannot be written."""
    free = shutil.disk_usage(folder if folder.exists() else folder.absolute().parent).free
    return DatasetError(
        f"Writing to {folder} failed: {error.strerror or error}.",
        f"{free / 2**30:.1f} GiB are free there; make room or choose another folder.",
    )


def _blank(source: Source, key: str, fps: float) -> SourceRecord:
    return SourceRecord(
        source.name, key, source.kind, source.speaker, source.language, source.rights,
        round(fps, 3), OffsetRecord(), (),
    )  # fmt: skip


def _plan(name: str, piece: CutPiece) -> ClipRecord:
    motion = piece.motion
    return ClipRecord(name, piece.split, round(motion.start_s, 3), round(motion.duration_s, 3))


def _as_int16(samples: FloatArray) -> Samples:
    """Piece by piece: a long recording is not held three times."""
    whole = np.empty(len(samples), np.int16)
    for start in range(0, len(samples), _BLOCK):
        block = slice(start, start + _BLOCK)
        whole[block] = np.round(samples[block] * 32767)
    return whole


def _median(values: FloatArray) -> float:
    """Of what was measured; NaN, which no limit exceeds, without any."""
    measured = values[np.isfinite(values)]
    return float(np.median(measured)) if len(measured) else float("nan")


def _notes(clip: PersonClip) -> tuple[str, ...]:
    if len(clip.samples) == 0:
        return ("no sound",)
    return () if has_speech(clip.samples) else ("no speech",)
