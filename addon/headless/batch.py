# SPDX-License-Identifier: GPL-3.0-or-later
"""Many performances with one engine process; what came of each is in a manifest."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...engine.progress_line import ProgressLine
from ...engine.protocol.errors import RhetorError
from ..core.batch_manifest import (
    BatchManifest,
    Status,
    finished_items,
    input_hashes,
    is_still_done,
    output_hashes,
)
from ..core.headless_options import HeadlessOptions
from .headless import animate_to_file, versions


class BatchLine(ProgressLine):
    """Progress of one job as a part of all."""

    def __init__(self) -> None:
        super().__init__()
        self._index, self._count, self._prefix = 0, 1, ""

    def begin(self, index: int, count: int, name: str) -> None:
        """What is shown from now on belongs to this job."""
        self._index, self._count = index, count
        self._prefix = f"{index + 1}/{count} {name}: "

    def show(self, fraction: float, stage: str) -> None:
        """Draw how far all is."""
        super().show((self._index + fraction) / self._count, self._prefix + stage)

    def tell(self, text: str) -> None:
        """Print what came of the job."""
        self.note(self._prefix + text)


def run_batch(
    jobs: Sequence[HeadlessOptions],
    engine_python: Path,
    manifest_path: Path,
    line: BatchLine,
    *,
    resume: bool = False,
    keep_going: bool = True,
) -> BatchManifest:
    """Do all jobs in order; returns the manifest, which is on disk at every moment.

    resume: leave out what an earlier manifest says is done, where inputs have not changed.
    keep_going: a failure does not stop the rest. Raises ConfigError where the earlier manifest is
    none, and KeyboardInterrupt after noting it.
    """
    earlier = finished_items(manifest_path) if resume else {}
    manifest = BatchManifest(manifest_path, jobs, {"versions": versions()})
    manifest.write()
    for index, job in enumerate(jobs):
        line.begin(index, len(jobs), job.output.name)
        done = earlier.get(str(job.output))
        if done is not None and is_still_done(job, done):
            manifest.take_over(index, done)
            line.tell("is there already")
        elif not _run_one(index, job, engine_python, manifest, line) and not keep_going:
            break
    return manifest


def _run_one(
    index: int, job: HeadlessOptions, python: Path, manifest: BatchManifest, line: BatchLine
) -> bool:
    """Do one job and note what came of it; whether it went well."""
    started_s = time.perf_counter()
    manifest.set(index, Status.RUNNING)
    inputs = input_hashes(job)
    try:
        report = animate_to_file(job, python, line)
    except KeyboardInterrupt:
        manifest.set(index, Status.INTERRUPTED)
        raise
    except Exception as error:  # the others must still have their turn
        known = error if isinstance(error, RhetorError) else _unexpected(error)
        manifest.fail(index, known, time.perf_counter() - started_s)
        line.tell(str(known))
        return False
    seconds = round(time.perf_counter() - started_s, 3)
    facts = {"inputs": inputs, "outputs": output_hashes(job), **_facts(report)}
    manifest.set(index, Status.DONE, seconds=seconds, **facts)
    line.tell(f"{report['frames']} frames in {seconds:.1f} s")
    return True


def _unexpected(error: Exception) -> RhetorError:
    traceback.print_exception(error)
    return RhetorError(f"Something unexpected went wrong: {error}.", "See the messages above.")


def _facts(report: Mapping[str, Any]) -> dict[str, Any]:
    """What of a report belongs in the manifest."""
    names = ("title", "character", "frames", "fps", "duration_s", "stage_times_s", "take")
    return {**{name: report[name] for name in names}, "warnings": report["warnings"]}
