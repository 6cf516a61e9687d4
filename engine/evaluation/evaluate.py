# SPDX-License-Identifier: GPL-3.0-or-later
"""`rhetor evaluate DATASET... --json FILE`: every figure of face and head motion, with baselines.

What the figures mean, and the keys of the file, is written in docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..head.model import load_head
from ..progress_line import ProgressLine
from ..protocol.errors import RhetorError
from ..protocol.requests import PRESETS
from .baselines import has_face, learn_baselines
from .confidence import Estimate, rounded
from .face_geometry import FaceGeometry
from .judge_face import MADE, JudgedFaces, judge_faces
from .judge_pose import JudgedPoses, judge_poses
from .match_cache import cached_judge
from .material import EvaluationClip, Material, group_of, load_material
from .plain_net import PlainNetConfig
from .subject import Subject, load_subject
from .targets import Target, face_targets, pose_targets

FORMAT = 1

ENOUGH_MINUTES = 1.0
"""Of head motion of a person: with less, ratios and shares say next to nothing."""

ENOUGH_FACE_MINUTES = 0.5


@dataclass(frozen=True)
class Evaluation:
    """Everything that one run found out."""

    subject: Subject
    material: Material
    faces: JudgedFaces
    poses: JudgedPoses
    targets: tuple[Target, ...]
    datasets: tuple[str, ...]
    personal: str
    seconds: float


def evaluate(options: argparse.Namespace, line: ProgressLine) -> Evaluation:
    """Run an evaluation as the command line asks. Raises RhetorError where it cannot."""
    started = time.monotonic()
    known = frozenset(options.known) if options.known else None
    subject = load_subject(
        options.preset, options.style, posegan=options.posegan, pgface=options.pgface, known=known
    )
    extractor = subject.networks.extractor
    material = load_material(
        options.dataset,
        extractor,
        speakers=options.speakers,
        limit=options.limit,
        progress=lambda done: line.show(0.1 * done, "Reading clips"),
    )
    geometry = FaceGeometry.of(load_head())
    teachers = _teachers(material, options.rights)
    learned = learn_baselines(
        teachers,
        geometry,
        net=PlainNetConfig(seconds=options.net_seconds),
        cache=options.cache,
        progress=lambda done: line.show(0.1 + 0.3 * done, "Training the baselines"),
    )
    faces = judge_faces(
        subject,
        material,
        learned,
        geometry,
        groups=speaker_groups(material, subject.known_face),
        progress=lambda done: line.show(0.4 + 0.25 * done, "Judging faces"),
    )
    judge = cached_judge(
        material,
        options.cache,
        lambda done: line.show(0.65 + 0.2 * done, "Training the match judge"),
    )
    poses = judge_poses(
        subject,
        material,
        learned,
        speaker_groups(material, subject.known_pose),
        judge=judge,
        progress=lambda done: line.show(0.85 + 0.15 * done, "Judging head motion"),
    )
    personal = options.person or _personal(subject, material)
    targets = (*face_targets(faces, personal), *pose_targets(poses, personal))
    names = tuple(folder.name for folder in options.dataset)
    spent = time.monotonic() - started
    return Evaluation(subject, material, faces, poses, targets, names, personal, spent)


def _teachers(material: Material, rights: str) -> Material:
    """The material, its train part only of recordings with these rights."""
    if rights == "all":
        return material
    return Material(
        tuple(c for c in material.train if c.clip.rights in ("open", "own")), material.held_out
    )


def speaker_groups(material: Material, known: frozenset[str]) -> dict[str, set[str]]:
    """Keys of the speakers in "known", "same_corpus", "unknown", "other_language" and "all"."""
    clips: Sequence[EvaluationClip] = (*material.train, *material.held_out)
    heard = [c for c in clips if c.speaker in known or c.clip.speaker in known]
    corpora = {c.corpus for c in heard}
    languages = {c.clip.language for c in heard if c.clip.language} | {"en"}
    groups: dict[str, set[str]] = {
        name: set() for name in ("known", "same_corpus", "unknown", "other_language", "all")
    }
    for clip in clips:
        groups[group_of(clip, known, corpora)].add(clip.speaker)
        groups["all"].add(clip.speaker)
        if clip.clip.language and clip.clip.language not in languages:
            groups["other_language"].add(clip.speaker)
    return groups


def _personal(subject: Subject, material: Material) -> str:
    """The speaker whose own style is judged; empty for the styles of a preset."""
    for clip in (*material.train, *material.held_out):
        if clip.speaker in subject.own or clip.clip.speaker in subject.own:
            return clip.speaker
    return ""


def to_json(found: Evaluation) -> dict[str, Any]:
    """The file's content; see docs/evaluation.md."""
    material = found.material
    faces = {
        "speakers": {
            name: _systems(systems, minutes=found.faces.minutes[name], least=ENOUGH_FACE_MINUTES)
            for name, systems in found.faces.speakers.items()
        },
        "groups": {
            name: {"speakers": list(found.faces.members[name]), "metrics": _metrics(systems)}
            for name, systems in found.faces.groups.items()
        },
    }
    poses = {
        "made_minutes": rounded(found.poses.made_minutes),
        "speakers": {
            name: _systems(systems, minutes=found.poses.minutes[name], least=ENOUGH_MINUTES)
            for name, systems in found.poses.speakers.items()
        },
        "groups": {
            name: {"speakers": list(found.poses.members[name]), "metrics": _metrics(systems)}
            for name, systems in found.poses.groups.items()
        },
        "overall": _metrics(found.poses.overall),
        "manners": _plain(found.poses.manners),
    }
    return {
        "format": FORMAT,
        "weights": dict(found.subject.description),
        "dataset": {
            "names": list(found.datasets),
            "held_out": _amounts(material.held_out),
            "train": _amounts(material.train),
        },
        "face": faces,
        "pose": poses,
        "targets": [target.to_json() for target in found.targets],
        "seconds": rounded(found.seconds),
    }


def _systems(
    systems: Mapping[str, Mapping[str, Estimate]], minutes: float, least: float
) -> dict[str, Any]:
    return {
        "minutes": rounded(minutes),
        "enough": minutes >= least,
        "metrics": _metrics(systems),
    }


def _metrics(systems: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    """Each figure of the made system (null where only baselines have it), baselines beside it."""
    names = dict.fromkeys(name for figures in systems.values() for name in figures)
    result: dict[str, Any] = {}
    for name in names:
        made = systems.get(MADE, {}).get(name)
        entry: dict[str, Any]
        entry = made.to_json() if made is not None else {"value": None, "interval": [None, None]}
        entry["baselines"] = {
            system: figures[name].to_json()
            for system, figures in systems.items()
            if system != MADE and name in figures
        }
        result[name] = entry
    return result


def _plain(value: object) -> Any:
    if isinstance(value, Estimate):
        return value.to_json()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _amounts(clips: Sequence[EvaluationClip]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for clip in clips:
        entry = result.setdefault(
            clip.speaker,
            {
                "clips": 0,
                "minutes": 0.0,
                "language": clip.clip.language,
                "rights": clip.clip.rights,
                "talking_face": has_face(clip),
            },
        )
        entry["clips"] += 1
        entry["minutes"] = round(entry["minutes"] + clip.frame_count / 1800.0, 4)
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Judge the weights on clips of real people that they never saw."
    )
    parser.add_argument("dataset", type=Path, nargs="+", metavar="DATASET", help="has val/")
    parser.add_argument("--json", type=Path, required=True, help="file for all figures")
    parser.add_argument("--report", type=Path, help="page with plots: .png or .pdf")
    parser.add_argument("--preset", choices=PRESETS, default=PRESETS[0])
    parser.add_argument("--style", default="neutral", help="see `rhetor styles`")
    parser.add_argument("--person", default="", help="whose style it is, if it does not say so")
    parser.add_argument("--speakers", type=_names, default=[], help="only these, with commas")
    parser.add_argument(
        "--limit", type=int, default=0, help="at most so many held-out clips of a dataset"
    )
    parser.add_argument(
        "--known", type=_names, default=[], help="whom the weights learned from, if they do not say"
    )
    parser.add_argument(
        "--rights",
        choices=("open", "all"),
        default="open",
        help="recordings that the trained baselines learn from",
    )
    parser.add_argument("--posegan", type=Path, help="weights in place of the preset's")
    parser.add_argument("--pgface", type=Path, help="weights in place of the preset's")
    parser.add_argument(
        "--net-seconds", type=float, default=75.0, help="longest training of the plain net; 0: none"
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps the trained baselines")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def main() -> None:
    """Command line."""
    options = _parser().parse_args()
    torch.set_num_threads(1)
    try:
        with ProgressLine() as line:
            found = evaluate(options, line)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(to_json(found), indent=1, allow_nan=False) + "\n")
        if options.report is not None:
            from .report import write_report  # matplotlib only where a page is wanted

            write_report(found, options.report)
    except RhetorError as error:
        raise SystemExit(str(error)) from error
    print("\n".join(summary(found.targets)))
    print(f"{options.json}: {found.seconds:.0f} s")


def summary(targets: Sequence[Target]) -> list[str]:
    """The targets as lines for the terminal."""
    lines = []
    for target in targets:
        low, high = target.figure.interval
        beside = ""
        if target.baseline is not None:
            beside = f"  ({target.baseline[0]} {target.baseline[1].value:.2f})"
        mark = "met   " if target.met else "missed"
        lines.append(
            f"{mark} {target.name}: {target.figure.value:.2f} [{low:.2f}, {high:.2f}]"
            f"  wanted {target.target}{beside}"
        )
    return lines


if __name__ == "__main__":
    main()
