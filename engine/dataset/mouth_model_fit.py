# SPDX-License-Identifier: GPL-3.0-or-later
"""Learn a mouth model from tracked faces whose phones are known.

`python -m rhetor.engine.dataset.mouth_model_fit runs/people/grid_s1 --output FILE`

Targets, firmness, coarticulation times and lead of `MouthModel` are fitted together to the tracked
units by gradient descent on the squared error of the lips in mm. Each is drawn to the rules of
`visemes`, first brought to the size of the tracked movements: a phone that is rare in the
recordings stays near its rule, one that is frequent is as the recordings have it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from ..head.channels import EXPRESSION_NAMES
from ..head.model import load_head
from ..pgface.lips import LipGeometry
from ..protocol.errors import DatasetError, RhetorError
from ..protocol.take import MODEL_RATE_HZ
from .articulation import MOUTH_MODEL_PATH
from .mouth_model import (
    OPENING_GROUPS,
    UNIT_NAMES,
    UNITS,
    MouthModel,
    channels_of,
    rule_model,
    save_mouth_model,
)
from .person_clip import PersonClip
from .phone_track import PARTS, PhoneTrack, phone_loudness, spoken_parts
from .phones import SILENCE
from .real_faces import HeardPerson, Rest, face_clip, read_people, rests

_NEIGHBOURS = 5
"""Parts before and after the one at a frame that can reach it."""
_FAR_S = 9.0
_LOG_2, _LOG_3 = float(np.log(2.0)), float(np.log(3.0))
_CLOSE = EXPRESSION_NAMES.index("mouthClose")


@dataclass(frozen=True)
class MouthFit:
    """Settings of a fit.

    frames: in a batch. gap: weight of the lip opening's error beside that of all lip vertices.
    unit: mm of lip error that an error of 1 in a unit counts for by itself. target_prior,
    firmness_prior, time_prior: how strongly targets, log firmness and log times hold to the rules,
    in frames of evidence.
    """

    steps: int = 250
    frames: int = 4000
    rate: float = 0.03
    gap: float = 0.3
    unit: float = 6.0
    target_prior: float = 30.0
    firmness_prior: float = 10.0
    time_prior: float = 20.0
    seed: int = 1


@dataclass(frozen=True)
class _Frames:
    """F frames and the 2·_NEIGHBOURS + 1 parts around each.

    part: (F, M). to_start, to_end: (F, M) seconds since the part's start and end. gain: (F, M).
    units: (F, K) tracked beyond rest, both sides' mean. known: (F, K). gap_mm: (F,) tracked.
    """

    part: torch.Tensor
    to_start: torch.Tensor
    to_end: torch.Tensor
    gain: torch.Tensor
    units: torch.Tensor
    known: torch.Tensor
    gap_mm: torch.Tensor

    def take(self, rows: torch.Tensor) -> _Frames:
        """Some of them."""
        return _Frames(*(getattr(self, field.name)[rows] for field in fields(self)))


class _Mouth(torch.nn.Module):
    """`MouthModel` with parameters."""

    spoken: torch.Tensor

    def __init__(self, prior: MouthModel) -> None:
        super().__init__()
        self.targets = torch.nn.Parameter(torch.from_numpy(prior.targets).float())
        self.firmness = torch.nn.Parameter(torch.from_numpy(prior.firmness).float().log())
        times = np.stack([prior.before_s, prior.after_s])
        self.times = torch.nn.Parameter(torch.from_numpy(times).float().log())
        self.lead = torch.nn.Parameter(torch.from_numpy(prior.lead_s).float())
        spoken = torch.ones(len(PARTS), 1)
        spoken[PARTS.index(SILENCE)] = 0.0
        self.register_buffer("spoken", spoken)

    def forward(self, frames: _Frames) -> torch.Tensor:
        """(F, K) units."""
        targets = self.targets * self.spoken
        moved = []
        column = 0
        for number, (group, names) in enumerate(UNITS.items()):
            weight = self.weights(frames, number)
            if group in OPENING_GROUPS:
                weight = weight * frames.gain
            by_part = weight.new_zeros(len(weight), len(PARTS)).scatter_add(1, frames.part, weight)
            moved.append(by_part @ targets[:, column : column + len(names)])
            column += len(names)
        return torch.cat(moved, 1)

    def weights(self, frames: _Frames, group: int) -> torch.Tensor:
        """(F, M) share of each part in a group of units, as `mouth_model.presence` has it."""
        before, after = self.times[:, group].exp()
        since, until = frames.to_start + self.lead[group], frames.to_end + self.lead[group]
        future = before * (
            (since.clamp_max(0.0) / before).exp() - (until.clamp_max(0.0) / before).exp()
        )
        past = after * (
            (-until.clamp_min(0.0) / after).exp() - (-since.clamp_min(0.0) / after).exp()
        )
        weight = self.firmness[:, group].exp()[frames.part] * (future + past + 1e-9)
        share: torch.Tensor = weight / weight.sum(1, keepdim=True)
        return share

    @torch.no_grad()
    def limit(self, prior: _Mouth) -> None:
        """No unit falls below the mouth at rest, a pause is at least a third as firmly shut as by
        the rules, and no phone reaches more than twice as far as there."""
        self.targets.clamp_(min=0.0)
        silence = PARTS.index(SILENCE)
        self.firmness[silence] = self.firmness[silence].maximum(prior.firmness[silence] - _LOG_3)
        self.times.copy_(self.times.minimum(prior.times + _LOG_2))

    def model(self) -> MouthModel:
        """As plain numbers."""
        targets = (self.targets * self.spoken).detach().double().numpy()
        before, after = self.times.detach().exp().double().numpy()
        firmness, lead = self.firmness.detach().exp(), self.lead.detach()
        return MouthModel(targets, firmness.double().numpy(), before, after, lead.double().numpy())


def fit_mouth_model(
    people: Sequence[HeardPerson], lips: LipGeometry, settings: MouthFit | None = None
) -> MouthModel:
    """The mouth of these people.

    Clips without phones are passed over. Raises DatasetError where none has any.
    """
    settings = settings or MouthFit()
    torch.manual_seed(settings.seed)
    frames = _gather(people, lips)
    prior = _sized_prior(frames)
    mouth, start = _Mouth(prior), _Mouth(prior)
    cost = _Cost(lips, settings, frames, start)
    optimiser = torch.optim.Adam(mouth.parameters(), lr=settings.rate)
    for step in range(settings.steps):
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * (1.0 - step / settings.steps) ** 0.5
        loss = cost(mouth, torch.randint(len(frames.part), (settings.frames,)))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        with torch.no_grad():
            mouth.limit(start)
    return mouth.model()


class _Cost:
    """Squared error of the lips in mm, and the distance from the prior."""

    def __init__(
        self, lips: LipGeometry, settings: MouthFit, frames: _Frames, prior: _Mouth
    ) -> None:
        self.frames, self.settings, self.prior = frames, settings, prior
        columns = [[EXPRESSION_NAMES.index(n) for n in channels_of(u)] for u in UNIT_NAMES]
        moves = torch.stack([lips.moves[rows].sum(0).flatten() for rows in columns])  # (K, 3L)
        gram = moves @ moves.T / lips.moves.shape[1]
        gram = gram + settings.unit**2 * torch.eye(len(UNIT_NAMES))
        self.root = torch.linalg.cholesky(gram)
        self.gap = torch.stack([lips.gap[rows].sum() for rows in columns])
        self.rest_gap_mm = lips.rest_gap_mm

    def __call__(self, mouth: _Mouth, rows: torch.Tensor) -> torch.Tensor:
        """The cost on some frames."""
        frames, settings = self.frames.take(rows), self.settings
        units = mouth(frames)
        error = torch.where(frames.known, units - frames.units, 0.0)
        lips = (error @ self.root).square().sum(1).mean()
        wanted = frames.gap_mm - self.rest_gap_mm
        gap = torch.where(torch.isfinite(wanted), units @ self.gap - wanted, 0.0)
        prior = self.prior
        targets = ((mouth.targets - prior.targets) @ self.root).square().sum()
        firmness = (mouth.firmness - prior.firmness).square().sum()
        times = (mouth.times - prior.times).square().sum()
        times = times + ((mouth.lead - prior.lead) / 0.03).square().sum()
        held = (
            settings.target_prior * targets
            + settings.firmness_prior * 30.0 * firmness
            + settings.time_prior * 30.0 * times
        )
        cost: torch.Tensor = (
            lips + settings.gap * gap.square().mean() + held / len(self.frames.part)
        )
        return cost


def _sized_prior(frames: _Frames) -> MouthModel:
    """The rules with each unit brought to the size at which these people move it."""
    rules = rule_model()
    with torch.no_grad():
        ruled = _Mouth(rules)(frames)
    targets = rules.targets.copy()
    for column in range(len(UNIT_NAMES)):
        seen = frames.known[:, column]
        x, y = ruled[seen, column].double(), frames.units[seen, column].double()
        if len(x) < 2 or float(x.std()) < 1e-6:
            continue
        x, y = x - x.mean(), y - y.mean()
        size = float((x @ y) / (x @ x))
        targets[:, column] *= np.clip(size, 0.2, 3.0)
    return MouthModel(targets, rules.firmness, rules.before_s, rules.after_s, rules.lead_s)


def _gather(people: Sequence[HeardPerson], lips: LipGeometry) -> _Frames:
    rest = rests(people)
    columns = [
        _clip_frames(person, rest[person.clip.speaker], lips)
        for person in people
        if len(person.clip.phone)
    ]
    if not columns:
        raise DatasetError(
            "No clip has phones, so there is nothing to learn a mouth from.",
            "Build the dataset from recordings whose text is known.",
        )
    return _Frames(*(torch.cat(parts) for parts in zip(*columns, strict=True)))


def person_track(clip: PersonClip) -> PhoneTrack:
    """The clip's phones with how loud each of them is; their stress is not known."""
    stress = np.full(len(clip.phone), -1)
    loud = phone_loudness(clip.samples, clip.phone_start_s, clip.phone_end_s, clip.phone)
    phones = tuple(clip.phone.tolist())
    return PhoneTrack(clip.phone_start_s, clip.phone_end_s, phones, stress, loud)


def _clip_frames(person: HeardPerson, rest: Rest, lips: LipGeometry) -> tuple[torch.Tensor, ...]:
    face = face_clip(person, rest, lips)
    parts = spoken_parts(person_track(person.clip))
    rows = np.flatnonzero(person.clip.face_ok[: len(face.expression)])
    times = rows / MODEL_RATE_HZ
    start, end = parts.start_s.copy(), parts.end_s.copy()
    start[0], end[-1] = min(start[0], 0.0) - 1.0, max(end[-1], times[-1]) + 1.0
    at = np.searchsorted(start, times, side="right") - 1
    offsets = np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    around = at[:, None] + offsets
    inside = (around >= 0) & (around < len(start))
    around = np.clip(around, 0, len(start) - 1)
    outside = np.where(offsets < 0, _FAR_S, -_FAR_S)
    sides = [[EXPRESSION_NAMES.index(n) for n in channels_of(u)] for u in UNIT_NAMES]
    units = np.stack([face.expression[rows][:, s].mean(1) for s in sides], 1)
    # Lips closed over an open jaw are the closures' own affair (see `articulation`).
    units[:, UNIT_NAMES.index("jawOpen")] -= face.expression[rows, _CLOSE]
    known = np.array([bool(person.clip.known[s].all()) for s in sides])
    gap = np.full(len(rows), np.nan) if face.gap_mm is None else face.gap_mm[rows]
    return (
        torch.from_numpy(parts.part[around]),
        torch.from_numpy(np.where(inside, times[:, None] - start[around], outside)).float(),
        torch.from_numpy(np.where(inside, times[:, None] - end[around], outside)).float(),
        torch.from_numpy(parts.opening[around]).float(),
        torch.from_numpy(units).float(),
        torch.from_numpy(known).expand(len(rows), -1),
        torch.from_numpy(gap).float(),
    )


def _describe(
    folders: Sequence[Path], people: Sequence[HeardPerson], seed: int
) -> dict[str, object]:
    spoken = [person.clip for person in people if len(person.clip.phone)]
    return {
        "speakers": sorted({clip.speaker for clip in spoken}),
        "seconds": round(sum(clip.frame_count for clip in spoken) / MODEL_RATE_HZ),
        "command": "python -m rhetor.engine.dataset.mouth_model_fit "
        + " ".join(folder.name for folder in folders),
        "seed": seed,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Learn a mouth model from tracked faces.")
    parser.add_argument("dataset", type=Path, nargs="+", help="folders with train/ and val/")
    parser.add_argument("--output", type=Path, default=MOUTH_MODEL_PATH)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        people = [person for d in arguments.dataset for person in read_people(d / "train")]
        model = fit_mouth_model(people, LipGeometry.of(load_head()), MouthFit(seed=arguments.seed))
        save_mouth_model(
            arguments.output, model, _describe(arguments.dataset, people, arguments.seed)
        )
    except RhetorError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
