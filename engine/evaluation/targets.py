# SPDX-License-Identifier: GPL-3.0-or-later
"""What the weights are meant to reach, and whether they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .confidence import Estimate, rounded
from .judge_face import JudgedFaces
from .judge_pose import JudgedPoses
from .pose_scores import AXES, BANDS

_LAG_MS = 33.4
"""One frame."""

CONTROL_R = 0.15
"""A control no higher than this counts as none. Of sentences that are built alike the rolled one
is far below zero: where one opens the mouth, the half-way shifted other one closes it."""


@dataclass(frozen=True)
class Target:
    """One aim. target: in words of the report, such as ">= 0.55". baseline: the figure it is to be
    read beside, with its name."""

    name: str
    figure: Estimate
    target: str
    met: bool
    baseline: tuple[str, Estimate] | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry of the list `targets`."""
        beside = None
        if self.baseline is not None:
            name, figure = self.baseline
            beside = {"name": name, "value": rounded(figure.value)}
        return {
            "name": self.name,
            **self.figure.to_json(),
            "target": self.target,
            "met": self.met,
            "beside": beside,
        }


def face_targets(faces: JudgedFaces, personal: str = "") -> list[Target]:
    """Aims of the face. personal: key of the speaker whose style is judged, if it is one's."""
    return list(_face_targets(faces, personal))


def _face_targets(faces: JudgedFaces, personal: str) -> Iterator[Target]:
    least = {"known": 0.55, "same_corpus": 0.80, "unknown": 0.50}
    for group, value in least.items():
        systems = faces.groups.get(group, {})
        yield from _at_least(f"lip correlation, {group} speakers", systems, "lip_r", value)
        yield from _no_more(f"its control (rolled), {group} speakers", systems, "lip_r_rolled")
    for speaker, systems in faces.speakers.items():
        name = f"lip correlation without the sentences' course, {speaker}"
        yield from _at_least(name, systems, "lip_r_course_removed", 0.88)
        if name_of(systems, "lip_r_course_control") is not None:
            yield from _no_more(f"its control, {speaker}", systems, "lip_r_course_control")
    if personal in faces.speakers:
        own = faces.speakers[personal]
        yield from _at_least(f"lip correlation of {personal}'s own style", own, "lip_r", 0.60)
    other = faces.groups.get("other_language", {})
    yield from _at_least("lip correlation, language never heard", other, "lip_r", 0.30)
    everybody = faces.groups.get("all", {})
    yield from _within(everybody, "lip lag in ms", "lip_lag_ms", (-_LAG_MS, _LAG_MS))
    for group in ("known", "all"):
        yield from _less_error(faces.groups.get(group, {}), "lve_mm", f"{group} speakers")
    yield from _less_error(everybody, "lve_moving_mm", "all speakers, about the own mean face")
    yield from _at_least("closure rate on p b m", everybody, "closure_rate", 0.9, "real")
    yield from _within(everybody, "mouth opening in silence, mm", "silence_gap_mm", (-9.0, 1.0))


def name_of(systems: Mapping[str, Mapping[str, Estimate]], figure: str) -> Estimate | None:
    """The made system's figure; None where it has none."""
    found = systems.get("made", {}).get(figure)
    return found if found is not None and found.windows > 0 else None


def _beside(
    systems: Mapping[str, Mapping[str, Estimate]], figure: str, name: str
) -> tuple[str, Estimate] | None:
    found = systems.get(name, {}).get(figure)
    return None if found is None else (name, found)


def _at_least(
    name: str,
    systems: Mapping[str, Mapping[str, Estimate]],
    figure: str,
    least: float,
    beside: str = "plain_net",
) -> Iterator[Target]:
    found = name_of(systems, figure)
    if found is not None:
        baseline = _beside(systems, figure, beside)
        yield Target(name, found, f">= {least:g}", found.value >= least, baseline)


def _no_more(
    name: str, systems: Mapping[str, Mapping[str, Estimate]], figure: str
) -> Iterator[Target]:
    found = name_of(systems, figure)
    if found is not None:
        yield Target(name, found, f"<= {CONTROL_R:g}", found.value <= CONTROL_R)


def _within(
    systems: Mapping[str, Mapping[str, Estimate]],
    name: str,
    figure: str,
    limits: tuple[float, float],
    beside: str = "real",
) -> Iterator[Target]:
    found = name_of(systems, figure)
    if found is None:
        return
    low, high = limits
    wanted = f"<= {high:g}" if low <= 0.0 and figure.endswith("_mm") else f"{low:.3g} … {high:.3g}"
    yield Target(name, found, wanted, low <= found.value <= high, _beside(systems, figure, beside))


def _less_error(
    systems: Mapping[str, Mapping[str, Estimate]], figure: str, who: str
) -> Iterator[Target]:
    found = _share_of_mean(systems, figure, "made")
    if found is not None:
        net = _share_of_mean(systems, figure, "plain_net")
        yield Target(
            f"lip vertex error as a share of the speaker-mean face's, {who}",
            found,
            "<= 0.6",
            found.value <= 0.6,
            None if net is None else ("plain_net", net),
        )


def _share_of_mean(
    systems: Mapping[str, Mapping[str, Estimate]], figure: str, system: str
) -> Estimate | None:
    ours, mean = systems.get(system, {}).get(figure), systems.get("speaker_mean", {}).get(figure)
    if ours is None or mean is None:
        return None
    return Estimate(ours.value / mean.value, ours.windows, ours.draws / mean.draws)


def pose_targets(poses: JudgedPoses, personal: str = "") -> list[Target]:
    """Aims of the head motion: against the person where the style is one's, else everybody."""
    systems = poses.speakers.get(personal) or poses.groups.get("all", {})
    who = personal if personal in poses.speakers else "everybody"
    return [
        *_motion_targets(systems, who),
        *_overall_targets(poses),
        *_manner_targets(poses, personal),
    ]


def _motion_targets(systems: Mapping[str, Mapping[str, Estimate]], who: str) -> Iterator[Target]:
    for axis in AXES:
        name = f"variance ratio of {axis}, against {who}"
        yield from _within(systems, name, f"variance_ratio_{axis}", (0.8, 1.25))
    for axis in AXES:
        name = f"step ratio of {axis}, against {who}"
        yield from _within(systems, name, f"step_ratio_{axis}", (0.7, 1.4))
    for band in BANDS:
        name = f"difference of the share of energy {band.replace('_', ' ')}"
        yield from _within(systems, name, f"share_difference_{band}", (-0.1, 0.1))
    yield from _within(systems, "jerk ratio", "jerk_ratio", (0.0, 1.2))


def _overall_targets(poses: JudgedPoses) -> Iterator[Target]:
    overall = poses.overall
    match = name_of(overall, "match")
    if match is not None:
        beside = _beside(overall, "match", "real")
        yield Target("match score", match, ">= 0.75", match.value >= 0.75, beside)
        control = overall.get("rolled_audio", {}).get("match")
        if control is not None:
            met = abs(control.value - 0.5) <= 0.1
            yield Target("its control (motion for rolled audio)", control, "0.4 … 0.6", met)
    margin, real = name_of(overall, "beat_margin"), overall.get("real", {}).get("beat_margin")
    if margin is not None and real is not None:
        met = margin.value >= real.value
        wanted = f">= {real.value:.3f} (real)"
        yield Target("beat alignment above rolled audio", margin, wanted, met, ("real", real))
    yield from _within(overall, "seam jump", "seam_jump", (0.0, 1.3))
    yield from _within(overall, "initial pose error", "initial_pose_error", (0.0, 0.001))
    spread = name_of(overall, "diversity_deg")
    if spread is not None:
        yield Target("spread over seeds in degrees", spread, "> 0.1", spread.value > 0.1)
    yield from _within(overall, "blinks a minute", "blinks_per_minute", (8.0, 25.0))


def _manner_targets(poses: JudgedPoses, personal: str) -> Iterator[Target]:
    manners: Mapping[str, Any] = poses.manners
    if personal not in manners.get("people", ()):
        return
    distances: Mapping[str, Estimate] = manners["fpd"]
    others = {name: d for name, d in distances.items() if name != personal}
    nearest = min(others, key=lambda name: others[name].value)
    own = distances[personal]
    yield Target(
        "distance of motion (FPD) to the own person",
        own,
        f"< {others[nearest].value:.1f} ({nearest})",
        own.value < others[nearest].value,
        ("real, half to half", manners["fpd_real"][personal]["own"]),
    )
    named, real = manners["named"][personal], manners["named_real"][personal]
    yield Target(
        "made windows given to the own person",
        named,
        f">= {real.value:.2f} (real)",
        named.value >= real.value,
        ("real", real),
    )
