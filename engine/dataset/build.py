# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of people in, training clips out: `rhetor dataset build`.

DIR/{train,val}/CLIP.npz with CLIP.features.npz, DIR/sheets and DIR/plots for the eye, DIR/tracks
with the landmarks of films, DIR/dataset.json with all that was found. A build that is run again
does only what is not there yet or was made by other settings or another fit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ..protocol.errors import DatasetError, RhetorError, WorkerError
from ..stages import ProgressCallback
from ..tracking.landmarker import require_landmarker
from .build_report import BuildReport, SourceRecord, read_records, write_records
from .build_settings import BuildSettings, with_splits
from .captured_motion import CapturedMotion
from .listing import Source, find_sources, select
from .rig_capture import load_rig_capture
from .source_capture import (
    Group,
    TrackedSource,
    fit_fingerprint,
    fit_shots,
    group_shots,
    locate_shots,
    motions_of,
    settle_short,
)
from .source_clips import ClipWriter, Recorded, disk_error

_BUILD_VERSION = 2
_TRACKING_SHARE = 0.6


def build_dataset(
    inputs: Sequence[Path],
    output: Path,
    settings: BuildSettings,
    progress: ProgressCallback,
    note: Callable[[str], None] = lambda text: None,
) -> BuildReport:
    """Build or complete the dataset in `output`.

    progress: called with the fraction done and what is being done; may raise CancelledError, after
    which a further call goes on. note: gets what the person should know at once; what was left out
    is in the report. Raises DatasetError where nothing can be used.
    """
    sources = find_sources(inputs, settings.speaker, settings.language, settings.rights)
    sources = with_splits(select(sources, settings.only, settings.only_rights), settings)
    build = _Build(output, settings, progress, note)
    _check_rights(sources, build.records, settings)
    films = sum(source.kind == "video" for source in sources)
    build.share = _TRACKING_SHARE * films / len(sources)
    build.capture_rigs([source for source in sources if source.kind == "rig"])
    build.capture_faces(build.tracked([source for source in sources if source.kind != "rig"]))
    build.refresh_features()
    result = BuildReport(output, tuple(build.records[name] for name in sorted(build.records)))
    if not result.kept:
        reasons = "; ".join(result.problems()[:3])
        raise DatasetError(f"No clip could be made: {reasons}", "See docs/datasets.md.")
    return result


def _check_rights(
    sources: Sequence[Source], records: dict[str, SourceRecord], settings: BuildSettings
) -> None:
    kinds = {source.rights for source in sources} | {record.rights for record in records.values()}
    if "research" in kinds and len(kinds) > 1 and not settings.mix_rights:
        raise DatasetError(
            "Recordings for research only would be mixed with others in one dataset.",
            "Use --only-rights open or another folder; --mix-rights if nothing is given away.",
        )


class _Build:
    """One run: tracks films, fits what belongs together, writes the clips of each recording.

    records: what is in the dataset, by name. share: part of the progress that tracking takes.
    """

    def __init__(
        self,
        output: Path,
        settings: BuildSettings,
        progress: ProgressCallback,
        note: Callable[[str], None],
    ) -> None:
        self.share = 0.0
        self.records = read_records(output)
        self._output, self._settings = output, settings
        self._progress, self._note = progress, note
        self._writer = ClipWriter(output, settings, note)
        self._fit = fit_fingerprint()
        self._hashes: dict[str, str] = {}

    def capture_rigs(self, sources: Sequence[Source]) -> None:
        """Recordings that are rig weights already."""
        for index, source in enumerate(sources):
            self._tell(index, len(sources), f"{source.name}: reading")
            key = self._key(source, [source])
            if self._is_done(source, key):
                continue
            try:
                motion = load_rig_capture(source.path)
            except DatasetError as error:
                self._fail(source, error)
            else:
                self._writer.remove(self.records.get(source.name))
                recorded = Recorded(source, motion.fps, (motion,))
                self._keep(self._writer.write(recorded, key))

    def tracked(self, sources: Sequence[Source]) -> list[TrackedSource]:
        """Recordings with their landmarks; films are tracked. Those without a face are told."""
        found = []
        films = [source.name for source in sources if source.kind == "video"]
        if films:
            require_landmarker(self._settings.landmarker)
        for source in sources:
            at = films.index(source.name) if source.kind == "video" else 0
            report = partial(self._tell_tracking, source.name, at, max(1, len(films)))
            report(0.0, "reading")
            try:
                tracks = self._output / "tracks"
                landmarker = self._settings.landmarker
                found.append(locate_shots(source, tracks, landmarker, report, self._note))
            except (DatasetError, WorkerError) as error:
                self._fail(source, error)
            except OSError as error:
                raise disk_error(error, self._output) from error
        return found

    def capture_faces(self, tracked: Sequence[TrackedSource]) -> None:
        """Fit what shows one person together, then write the clips of all their recordings."""
        people: dict[tuple[str, str], list[TrackedSource]] = {}
        for shown in settle_short(tracked, self._settings):
            source = shown.source
            name = source.name if self._settings.fit_alone else source.speaker
            people.setdefault((name, source.rights), []).append(shown)
        for index, recordings in enumerate(people.values()):
            self._capture_person(recordings, partial(self._tell_person, index, len(people)))

    def _capture_person(
        self, recordings: Sequence[TrackedSource], report: ProgressCallback
    ) -> None:
        sources = [shown.source for shown in recordings]
        keys = {source.name: self._key(source, sources) for source in sources}
        missing = [t for t in recordings if not self._is_done(t.source, keys[t.source.name])]
        if not missing:
            return
        motions = self._fit_all(recordings, {t.source.name for t in missing}, report)
        recorded = [
            Recorded(t.source, t.fps, tuple(motions[t.source.name]), t.sound_start_s, t.notes)
            for t in missing
        ]
        heard = []
        for index, recording in enumerate(recorded):
            report(0.6 + 0.2 * index / len(recorded), f"{recording.source.name}: listening")
            heard.append(self._writer.listen(recording))
        everything = [pair for pairs in heard for pair in pairs]
        for index, (recording, own) in enumerate(zip(recorded, heard, strict=True)):
            name = recording.source.name
            report(0.8 + 0.2 * index / len(recorded), f"{name}: writing clips")
            self._writer.remove(self.records.get(name))
            self._keep(self._writer.write(recording, keys[name], own, everything))

    def _fit_all(
        self, recordings: Sequence[TrackedSource], wanted: set[str], report: ProgressCallback
    ) -> dict[str, list[CapturedMotion]]:
        """The motions of the wanted recordings by name; draws their sheets on the way."""
        motions: dict[str, list[CapturedMotion]] = {name: [] for name in wanted}
        panels: dict[str, list[Any]] = {name: [] for name in wanted}
        groups = group_shots(recordings)
        for index, group in enumerate(groups):

            def tell(fraction: float, stage: str, group: Group = group, done: int = index) -> None:
                more = f" and {len(group) - 1} more" if len(group) > 1 else ""
                name = group[0][0].source.name
                report(0.6 * (done + fraction) / len(groups), f"{name}{more}: fitting, {stage}")

            owner = {shot.path: shown for shown, shot in group}
            for fitted in fit_shots([shot for _, shot in group], self._writer.head, tell):
                shown = owner[fitted.shot.path]
                if shown.source.name in wanted:
                    motions[shown.source.name] += motions_of(fitted)
                    self._writer.draw_sheet(shown, fitted, panels[shown.source.name])
        return motions

    def refresh_features(self) -> None:
        """Features of all clips by the present network."""
        self._writer.refresh_features(
            self.records.values(), lambda _, stage: self._tell(1, 1, stage)
        )

    def _fail(self, source: Source, error: RhetorError) -> None:
        self._writer.remove(self.records.get(source.name))
        self._keep(self._writer.failed(source, self._key(source, [source]), str(error)))

    def _keep(self, record: SourceRecord) -> None:
        self.records[record.name] = record
        try:
            write_records(self._output, self.records, asdict(self._settings))
        except OSError as error:
            raise disk_error(error, self._output) from error

    def _is_done(self, source: Source, key: str) -> bool:
        earlier = self.records.get(source.name)
        return earlier is not None and earlier.key == key and self._writer.is_complete(earlier)

    def _key(self, source: Source, companions: Sequence[Source]) -> str:
        """Hash of all that the clips of a source depend on."""
        settings = asdict(self._settings)
        for name in ("only", "only_rights", "mix_rights", "speaker", "language", "rights"):
            del settings[name]  # they choose and describe; what they lead to is in the source
        described = {k: str(v) for k, v in asdict(source).items() if k not in ("path", "sound")}
        # A split of its own moves a recording, but is nothing to those fitted with it.
        files = [self._content(source), *(self._content(other) for other in companions)]
        whole = json.dumps([_BUILD_VERSION, self._fit, settings, described, files], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:24]

    def _content(self, source: Source) -> str:
        if source.name not in self._hashes:
            digest = hashlib.sha256()
            for path in sorted({source.path, source.sound or source.path}):
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            self._hashes[source.name] = digest.hexdigest()
        return self._hashes[source.name]

    def _tell(self, done: int, of: int, stage: str) -> None:
        self._progress(min(1.0, self.share + (1.0 - self.share) * done / max(of, 1)), stage)

    def _tell_tracking(self, name: str, at: int, films: int, fraction: float, stage: str) -> None:
        self._progress(self.share * (at + fraction) / films, f"{name}: {stage}")

    def _tell_person(self, at: int, people: int, fraction: float, stage: str) -> None:
        self._progress(self.share + (1.0 - self.share) * (at + fraction) / people, stage)
