# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a personal style is like its person, on recordings that it never saw; its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dataset.real_faces import HeardPerson
from ..evaluation.confidence import Estimate
from ..evaluation.face_geometry import FaceGeometry
from ..evaluation.face_metrics import Face, Statistics, TrackedFace, face_figures, face_statistics
from ..evaluation.pose_metrics import MotionFigures, motion_figures
from ..head.model import HeadModel
from ..pgface.synthesizer import FaceSynthesizer
from ..posegan.synthesizer import PoseSynthesizer
from ..protocol.take import FloatArray
from .person_material import PersonMaterial

FACE_FIGURES = ("lip_r", "lip_r_rolled", "lip_lag_ms", "lip_spread_ratio", "lve_mm", "closure_rate")
_SEEDS = 3


@dataclass(frozen=True)
class Performer:
    """Networks to judge, and the rows of their style tables."""

    posegan: PoseSynthesizer
    pgface: FaceSynthesizer
    pose_row: str
    face_row: str

    def pose(self, person: HeardPerson, seed: int = 0) -> FloatArray:
        """Head motion (T, 6) for what a person says."""
        return self.posegan.generate(person.speech, person.prosody, self.pose_row, seed=seed)

    def expression(self, person: HeardPerson) -> FloatArray:
        """Face (T, 52) for what a person says, on the performer's own head motion."""
        pose = self.pose(person)
        return self.pgface.generate(person.speech, person.prosody, pose, self.face_row)[1]


def report(
    material: PersonMaterial, performers: Mapping[str, Performer], head: HeadModel
) -> dict[str, Any]:
    """Figures of each performer on the held-out clips; JSON types.

    `face`: with intervals, beside the person's own mean face. `pose`: made motion of several
    seeds by the person's whole real motion.
    """
    if not material.held_out:
        return {}
    geometry = FaceGeometry.of(head)
    mean = _mean_face(material.train)
    real = motion_figures(_real_motion(material)) if _real_motion(material) else None
    figures: dict[str, Any] = {"face": {}, "pose": {}}
    for name, performer in performers.items():
        faces = [performer.expression(p) for p in material.held_out]
        figures["face"][name] = _face(material.held_out, faces, geometry)
        if real is not None:
            made = [performer.pose(p, seed) for p in material.held_out for seed in range(_SEEDS)]
            figures["pose"][name] = _pose(motion_figures(made), real)
    still = [np.broadcast_to(mean, (len(p.speech), len(mean))) for p in material.held_out]
    figures["face"]["mean face"] = _face(material.held_out, still, geometry)
    return figures


def _mean_face(people: Sequence[HeardPerson]) -> FloatArray:
    faces = np.concatenate([p.clip.expression[p.clip.face_ok] for p in people])
    mean: FloatArray = faces.mean(axis=0)
    return mean


def _real_motion(material: PersonMaterial) -> list[FloatArray]:
    clips = [p.clip for p in (*material.train, *material.held_out)]
    return [c.pose for c in clips if c.pose_ok.mean() > 0.5 and c.frame_count > 8]


def _face(
    people: Sequence[HeardPerson], faces: Sequence[FloatArray], geometry: FaceGeometry
) -> dict[str, Any]:
    tables: list[Statistics] = []
    for person, made in zip(people, faces, strict=True):
        clip = person.clip
        frames = min(len(made), clip.frame_count)
        seen, gap = clip.expression[:frames], clip.lip_gap_mm[:frames]
        if not np.isfinite(gap).any():  # captured on a rig: there are no landmarks of lips
            gap = geometry.lip_gap_mm(seen)
        target = TrackedFace(
            Face(seen, gap),
            clip.face_ok[:frames],
            clip.known,
            clip.phone.tolist(),
            clip.phone_start_s.tolist(),
            clip.phone_end_s.tolist(),
        )
        tables.append(face_statistics(Face.of(made[:frames], geometry), target, geometry))
    figures: dict[str, Estimate] = face_figures(tables)
    return {name: figures[name].to_json() for name in FACE_FIGURES if name in figures}


def _pose(made: MotionFigures, real: MotionFigures) -> dict[str, Any]:
    return {
        "variance_ratio": _rounded((made.deviation / real.deviation) ** 2),
        "step_ratio": _rounded(made.step / real.step),
        "band_difference": _rounded(made.bands - real.bands),
        "jerk_ratio": round(made.jerk / real.jerk, 3),
    }


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 3) for value in values]


CARD = """# {label}

{description}

A style of Rhetor: how one person moves the head and the face while speaking. `rhetor animate
--style {name}`, or the style menu in Blender.

|  |  |
|---|---|
| Speaker | {speakers} |
| Learnt from | {seconds:.0f} s in {clips} clips, {held_out:.0f} s held out |
| Rights of the recordings | {rights} |
| Speech features | {extractor} |
| Command | `{command}` |
| Seed | {seed} |
| Training | {times} |

## How near it comes

On the held-out clips. `style` are these networks, `neutral` the shipped ones without a style,
`mean face` the person's own face standing still. 90 % of repeated draws of 3 s windows lie within
the brackets. Lip figures compare the opening of the lips; `lip_r_rolled` is the control, the same
curve half a clip later. The face is performed on the style's own head motion.

{face}
{pose}{warnings}
## Rights

{rights_text}
{attribution}"""

_RIGHTS_TEXT = {
    "own": "The recordings are the user's own. Whoever is heard and seen in them has to agree "
    "before the style is given away: it moves like that person.",
    "open": "The recordings are open data; their attribution belongs beside this style.",
    "research": "Some of the recordings may be used for research only. This style must not be "
    "given away.",
}


def card(described: Mapping[str, Any], material: PersonMaterial, warnings: Sequence[str]) -> str:
    """The model card of a style, as Markdown."""
    training = described["training"]
    rights = material.rights or ("own",)
    told = "".join(f"- {text}\n" for text in warnings)
    figures = training["metrics"]
    return CARD.format(
        label=described["label"],
        description=described["description"],
        name=described["name"],
        speakers=", ".join(material.speakers),
        seconds=material.seconds,
        clips=len(material.train),
        held_out=material.held_out_seconds,
        rights=", ".join(rights),
        extractor=described["feature_extractor"],
        command=training["command"],
        seed=training["seed"],
        times=training["summary"],
        face=_face_table(figures.get("face", {})) or "Nothing was held out.\n",
        pose=_pose_table(figures.get("pose", {})),
        warnings=f"\n## Mind\n\n{told}" if told else "",
        attribution=f"\n{training['attribution']}\n" if training.get("attribution") else "",
        rights_text=_RIGHTS_TEXT["research" if "research" in rights else rights[0]],
    )


def _face_table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    names = [n for n in FACE_FIGURES if any(n in rows for rows in figures.values())]
    if not names:
        return ""
    head = f"| Face | {' | '.join(figures)} |\n|---|{'---|' * len(figures)}\n"
    rows = [f"| {n} | {' | '.join(_shown(figures[w].get(n)) for w in figures)} |\n" for n in names]
    return head + "".join(rows)


def _shown(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure["value"] is None:
        return "–"
    low, high = figure["interval"]
    between = "" if low is None else f" [{low:.2f}, {high:.2f}]"
    return f"{figure['value']:.2f}{between}"


def _pose_table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    if not figures:
        return ""
    lines = [
        "\nMotion of the head, made by real: pitch, yaw, roll. Bands: to 0.5, to 2, above 2 Hz.\n",
        f"\n| Head | {' | '.join(figures)} |\n|---|{'---|' * len(figures)}\n",
    ]
    for name in next(iter(figures.values())):
        values = (figures[who][name] for who in figures)
        shown = (" ".join(f"{v:.2f}" for v in np.atleast_1d(value)) for value in values)
        lines.append(f"| {name} | {' | '.join(shown)} |\n")
    return "".join(lines)
