# SPDX-License-Identifier: GPL-3.0-or-later
"""Learn a style from recordings of one person: `rhetor train style DIR --name NAME`.

DIR is what `rhetor dataset build` made. Head and face are learnt in two processes side by side; a
training that was stopped goes on where it was when the same command is given again.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..background import BackgroundWork, Warn, run_together
from ..progress_line import ProgressLine
from ..protocol.errors import ConfigError, DatasetError
from ..stages import ProgressCallback
from ..styles import COMPANION_SUFFIXES, STYLE_SUFFIX, StyleEntry, check_new_name, find_style
from ..threads import limit_threads

PARTS_MODULE = f"{__package__}.style_parts"

USUAL_MINUTES = 3.0
"""What the usual number of steps takes on two processor cores, measured; see docs/training.md."""

HEAD_STEPS, FACE_STEPS = 400, 1000
_LEAST_SHARE = 0.1

_ESTIMATE_AFTER_S = 45.0

_LEARNT = 0.92
"""Share of the progress bar when the networks are learnt."""


@dataclass(frozen=True)
class StyleOrder:
    """What to learn. minutes: about how long to train on two cores. corpus: folder of a corpus of
    speech that is performed beside the recordings, "" for none. attribution: whose recordings they
    are, for the card; command: for the card.
    """

    name: str
    label: str = ""
    description: str = ""
    minutes: float = USUAL_MINUTES
    seed: int = 1
    corpus: str = ""
    attribution: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        if not self.minutes > 0:
            raise ConfigError("The minutes to train are above 0.")

    def steps(self) -> tuple[int, int]:
        """Steps of the head's and of the face's training."""
        share = max(_LEAST_SHARE, self.minutes / USUAL_MINUTES)
        return round(HEAD_STEPS * share), round(FACE_STEPS * share)

    def described(self) -> dict[str, Any]:
        """The beginning of the style file's description."""
        head, face = self.steps()
        label = self.label or self.name.replace("_", " ").replace("-", " ").capitalize()
        return {
            "name": self.name,
            "label": label,
            "description": self.description or f"Moves and speaks like {label}.",
            "training": {
                "command": self.command or self._usual_command(),
                "attribution": self.attribution,
                "seed": self.seed,
                "steps": {"head": head, "face": face},
                "summary": f"{head} steps of the head, {face} of the face",
            },
        }

    def _usual_command(self) -> str:
        minutes = "" if self.minutes == USUAL_MINUTES else f" --minutes {self.minutes:g}"
        corpus = " --corpus CORPUS" if self.corpus else ""
        return f"rhetor train style DIR --name {self.name}{minutes}{corpus} --seed {self.seed}"


def train_style(
    dataset: Path,
    order: StyleOrder,
    work: Path,
    progress: ProgressCallback,
    warn: Warn,
    *,
    force: bool = False,
) -> StyleEntry:
    """Learn a style from a dataset and install it.

    work: folder for intermediate results; started again with it, the training goes on where it
    stopped. progress: may raise to stop within a tenth of a second. force: replace a style of that
    name. Raises ConfigError on the name, DatasetError on what cannot be learnt from.
    """
    target = check_new_name(order.name, force)
    if not dataset.is_dir():
        raise DatasetError(
            f"There is no folder {dataset}.", "Make it with `rhetor dataset build VIDEO... -o DIR`."
        )
    warnings: list[str] = []

    def tell(text: str) -> None:
        warnings.append(text)
        warn(text)

    def part(name: str, **params: Any) -> BackgroundWork:
        given = {"part": name, "dataset": str(dataset.resolve()), **params}
        return BackgroundWork(PARTS_MODULE, given, work / f"{name}.log")

    run_together([part("prepare")], between(progress, 0.0, 0.02), tell)
    head, face = order.steps()
    parts = [
        part(
            name,
            folder=str(work / name),
            corpus=order.corpus,
            settings={"steps": steps, "seed": order.seed},
        )
        for name, steps in (("head", head), ("face", face))
    ]
    run_together(parts, _with_estimate(between(progress, 0.02, _LEARNT), parts, warn), tell)
    finished = work / "finished"
    described = {"described": order.described(), "warnings": warnings}
    run_together(
        [part("finish", folder=str(work), output=str(finished), **described)],
        between(progress, _LEARNT, 1.0),
        tell,
    )
    _install(finished / f"{order.name}{STYLE_SUFFIX}", target)
    for done in ("head", "face", "finished"):
        shutil.rmtree(work / done, ignore_errors=True)
    return find_style(order.name)


def between(progress: ProgressCallback, first: float, last: float) -> ProgressCallback:
    """A callback for a part of the work, from the fraction `first` to `last` of the whole."""
    return lambda fraction, stage: progress(first + (last - first) * fraction, stage)


def _with_estimate(
    progress: ProgressCallback, parts: Sequence[BackgroundWork], note: Callable[[str], None]
) -> ProgressCallback:
    """Tells once how long it is going to take: as long as the slower part, by its first steps."""
    begun: dict[int, tuple[float, float]] = {}  # of each part: when it was first seen at work
    told = False

    def show(fraction: float, stage: str) -> None:
        nonlocal told
        progress(fraction, stage)
        now_s = time.monotonic()
        for index, part in enumerate(parts):
            if part.fraction > 0.0:
                begun.setdefault(index, (now_s, part.fraction))
        if told or len(begun) < len(parts) or fraction >= 1.0:
            return
        if min(now_s - at_s for at_s, _ in begun.values()) >= _ESTIMATE_AFTER_S:
            left_s = max(
                (1.0 - parts[i].fraction) * (now_s - at_s) / max(parts[i].fraction - first, 1e-3)
                for i, (at_s, first) in begun.items()
            )
            note(f"Learning takes about {max(1, round(left_s / 60))} min more on this machine.")
            told = True

    return show


def _install(source: Path, target: Path) -> None:
    """Move a style's files into place, the style itself last."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (*COMPANION_SUFFIXES, STYLE_SUFFIX):
        partial = target.with_suffix(f"{suffix}.partial")
        shutil.copyfile(source.with_suffix(suffix), partial)
        partial.replace(target.with_suffix(suffix))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="rhetor train style",
        description="Learn how one person moves and speaks, from a dataset of their recordings.",
    )
    add = parser.add_argument
    add("dataset", type=Path, metavar="DIR", help="what `rhetor dataset build` made")
    add("--name", required=True, help="of the style: lower-case letters, digits, _ and -")
    add("--label", default="", help="its name in menus")
    add("--description", default="", help="a sentence for menus")
    add("--minutes", type=float, default=USUAL_MINUTES,
        help="about how long to train on two cores (%(default)g)")  # fmt: skip
    add("--corpus", type=Path, help="corpus of speech that is performed beside the recordings")
    add("--attribution", default="", help="whose recordings they are, for the style's card")
    add("--seed", type=int, default=1)
    add("--work", type=Path, help="folder for intermediate results (DIR/style_NAME)")
    add("--force", action="store_true", help="replace the style of that name")
    options = parser.parse_args()
    limit_threads()
    order = StyleOrder(
        options.name,
        options.label,
        options.description,
        options.minutes,
        options.seed,
        str(options.corpus.resolve()) if options.corpus else "",
        options.attribution,
    )
    work = options.work or options.dataset / f"style_{options.name}"
    started_s = time.monotonic()
    with ProgressLine() as line:
        entry = train_style(options.dataset, order, work, line.show, line.note, force=options.force)
    shutil.rmtree(work, ignore_errors=True)
    took_s = time.monotonic() - started_s
    print(f"{entry.name} is installed: {entry.path} ({took_s / 60:.1f} min)")
