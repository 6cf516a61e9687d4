# SPDX-License-Identifier: GPL-3.0-or-later
"""`rhetor dataset build`: its options and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..progress_line import ProgressLine
from ..threads import limit_threads
from .person_clip import RIGHTS


def main() -> int:
    """Command line."""
    options = _parser().parse_args()
    limit_threads()
    from .build import build_dataset
    from .build_settings import BuildSettings

    settings = BuildSettings(
        split=options.split,
        val_share=options.val_share,
        gap_s=options.gap,
        min_clip_s=options.min_seconds,
        max_clip_s=options.max_seconds,
        min_face_px=options.min_face,
        max_error=options.max_error,
        speaker=options.speaker,
        language=options.language,
        rights=options.rights,
        only=tuple(options.only),
        only_rights=options.only_rights,
        mix_rights=options.mix_rights,
        fit_alone=options.fit_alone,
        pictures=not options.no_pictures,
        landmarker=str(options.landmarker.resolve()) if options.landmarker else "",
    )
    with ProgressLine() as line:
        report = build_dataset(options.inputs, options.output, settings, line.show, line.note)
    for problem in report.problems():
        print(f"left out  {problem}")
    print(report.table())
    print(f"{len(report.kept)} clips in {options.output}. Look at its sheets and plots.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Turn films of a talking person into training clips.",
        epilog="A build that was stopped goes on where it was. See docs/datasets.md for how to "
        "record a good minute.",
    )
    add = parser.add_argument
    add("inputs", type=Path, nargs="+", metavar="INPUT",
        help="film, tracked landmarks (.npz), folder of them, or a JSON list")  # fmt: skip
    add("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the dataset")
    add("--split", choices=("time", "file", "train", "val"), default="time",
        help="hold out the end of each recording (time), whole recordings (file), nothing (train) "
        "or everything (val); a list's own splits come first")  # fmt: skip
    add(
        "--val-share", type=float, default=0.15, metavar="SHARE", help="share held out: %(default)s"
    )
    add("--gap", type=float, default=1.0, metavar="S", help="seconds between both: %(default)s")
    add("--min-seconds", type=float, default=1.0, metavar="S", help="shortest clip: %(default)s")
    add("--max-seconds", type=float, default=120.0, metavar="S", help="longest clip: %(default)s")
    add("--min-face", type=float, default=60.0, metavar="PX", help="smallest face: %(default)s")
    add("--max-error", type=float, default=0.05, metavar="SHARE",
        help="largest error of the fitted head, of the face's size: %(default)s")  # fmt: skip
    add("--speaker", default="", metavar="NAME", help="who speaks; else the folder's name")
    add("--language", default="", metavar="CODE", help="such as en")
    add("--rights", choices=RIGHTS, default="own", help="of what no list describes: %(default)s")
    add("--only", action="append", default=[], metavar="PATTERN",
        help="take only paths that end like this, such as '/monday/*'; repeatable")  # fmt: skip
    add("--only-rights", choices=RIGHTS, default="", help="take only these of a list")
    add("--mix-rights", action="store_true",
        help="allow recordings for research only beside others")  # fmt: skip
    add("--fit-alone", action="store_true",
        help="recordings of one name show several people: fit each by itself")  # fmt: skip
    add("--no-pictures", action="store_true", help="draw no sheets and plots")
    add("--landmarker", type=Path, metavar="FILE",
        help="a MediaPipe face landmarker .task file to track with")  # fmt: skip
    return parser
