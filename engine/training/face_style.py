# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's own face: fine-tune PGFace on one to three minutes of their clips.

The whole network moves on from the shipped weights, with a small learning rate and with batches
half of the person and half of performed speech, so that closures and silence are not forgotten.
What tracking cannot tell (eyes, brows, tongue) is held to what the shipped network does on the
same speech. The best network on the person's held-out part is kept.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import torch

from ..dataset.face_clips import FaceClip
from ..dataset.real_faces import HeardPerson, face_clip, rests, varied
from ..head.model import load_head
from ..pgface.config import STYLE_NAMES
from ..pgface.lips import LipGeometry
from ..pgface.network import PGFace
from ..pgface.synthesizer import FaceSynthesizer
from ..protocol.errors import DatasetError
from .face_held_out import HeldOutFaces, wanted_gap_mm
from .face_material import FaceMaterial
from .face_trainer import FaceTrainer, FaceTraining

Progress = Callable[[float, str], None]

_LEAST_S = 8.0
"""A face cannot be learned from less."""
_RATE_HZ = 30.0
_SHUT_MM, _NEARLY_SHUT_MM = 0.7, 2.5


@dataclass(frozen=True)
class FaceStyleSettings:
    """Settings of a fine-tuning.

    steps, pairs, rate: of the training; minutes: it stops after so long. real: share of pairs that
    are of the person, where base material is given. held_out: share of the clips' time that is only
    judged on, at the end of each clip. judge_every: steps. patience: judgements without a better
    one before it stops. whole: keep the tracked face whole instead of what it does beyond its rest.
    """

    steps: int = 1000
    pairs: int = 64
    rate: float = 3e-4
    minutes: float = 8.0
    real: float = 0.6
    held_out: float = 0.15
    judge_every: int = 50
    patience: int = 6
    noise: float = 0.35
    whole: bool = False
    seed: int = 1


@dataclass(frozen=True)
class PersonalFace:
    """The person's network (any row of its style table is theirs: use neutral) and the held-out
    lip correlation of the shipped network and of this one."""

    network: PGFace
    before: float
    after: float


def personalise_face(
    base: FaceSynthesizer,
    people: Sequence[HeardPerson],
    settings: FaceStyleSettings | None = None,
    progress: Progress | None = None,
    *,
    performed: Sequence[FaceClip] = (),
    held_out: Sequence[HeardPerson] = (),
    lips: LipGeometry | None = None,
    folder: Path | None = None,
) -> PersonalFace:
    """Fine-tune a network on a person's clips; neutral becomes the person.

    people: clips of one speaker with their features, by the extractor that the base was trained on.
    performed: clips of the mouth model to mix in (see `face_clips.read_face_clips`). held_out:
    clips to judge on; without them the end of each clip is kept back. progress: called with the
    fraction done and a word on it; what it raises passes through. folder: of the run; started
    again with it, the training goes on where it stopped.
    Raises DatasetError where there is too little of the person's face.
    """
    settings = settings or FaceStyleSettings()
    lips = lips or LipGeometry.of(load_head())
    mine, kept = _parts(people, held_out, settings, lips)
    taught = [_with_base(clip, base, lips) for clip in varied(mine)]
    material = FaceMaterial([*performed, *taught])
    training = FaceTraining(
        steps=settings.steps,
        pairs=settings.pairs,
        rate=settings.rate,
        real=settings.real,
        style_dropout=0.0,
        speaker_dropout=0.0,
        noise=settings.noise,
        generated=0.0,
        average=0.99,
        patience=settings.patience,
        device="cpu",
        seed=settings.seed,
        log_every=settings.judge_every,
        save_every=settings.judge_every,
    )
    judge = _Judge(kept, lips, settings, progress)
    with TemporaryDirectory() as elsewhere:
        run = folder or Path(elsewhere)
        trainer = FaceTrainer(run, base.network.config, training, material, lips)
        before = judge(base.network)["figure"]
        if trainer.run.step == 0:
            trainer.begin_with(base.network)
            trainer.stopping.update(before, 0, base.network)
        judge.asked = trainer.run.step // settings.judge_every + 1
        trainer.train(settings.steps, judge)
        trainer.run.close()
    network = trainer.shipped()
    return PersonalFace(network, before, trainer.stopping.best)


class _Judge:
    """The held-out figure; tells the progress, and ends the training when its time is over."""

    def __init__(
        self,
        clips: Sequence[FaceClip],
        lips: LipGeometry,
        settings: FaceStyleSettings,
        progress: Progress | None,
    ) -> None:
        self.held_out = HeldOutFaces(clips, lips)
        self.settings, self.progress = settings, progress
        self.asked, self.started_s = 0, time.monotonic()

    def __call__(self, network: PGFace) -> dict[str, float]:
        figures = self.held_out(network)
        settings = self.settings
        spent = (time.monotonic() - self.started_s) / (60.0 * settings.minutes)
        done = max(self.asked * settings.judge_every / settings.steps, spent)
        if self.progress is not None:
            self.progress(min(1.0, done), f"lips follow the voice with r = {figures['figure']:.2f}")
        self.asked += 1
        return figures | {"time_is_over": float(spent >= 1.0)}

    def example(self, network: PGFace) -> None:
        """Nothing to look at: the style's card tells."""


def _parts(
    people: Sequence[HeardPerson],
    held_out: Sequence[HeardPerson],
    settings: FaceStyleSettings,
    lips: LipGeometry,
) -> tuple[list[FaceClip], list[FaceClip]]:
    """What is learned and what is judged; never the same frames."""
    if len({person.clip.speaker for person in people}) != 1:
        raise DatasetError("A style is learned from clips of one person.")
    rest = None if settings.whole else next(iter(rests([*people]).values()))
    clips = [face_clip(person, rest, lips) for person in people]
    kept = [face_clip(person, rest, lips) for person in held_out]
    if not kept:
        split = [_cut(clip, settings.held_out) for clip in clips]
        clips, kept = [a for a, _ in split], [b for _, b in split]
    clips, kept = ([c for c in part if len(c.speech) > 1] for part in (clips, kept))
    seconds = sum(int(_seen(clip).sum()) for clip in clips) / _RATE_HZ
    if seconds < _LEAST_S or not kept:
        raise DatasetError(
            f"There are only {seconds:.0f} s of the person's face.",
            "Give at least one minute in which the face is seen and heard.",
        )
    return clips, kept


def _seen(clip: FaceClip) -> npt.NDArray[np.bool_]:
    return np.ones(len(clip.speech), bool) if clip.tracked is None else clip.tracked


def _cut(clip: FaceClip, share: float) -> tuple[FaceClip, FaceClip]:
    """The beginning of a clip and its end."""
    at = round(len(clip.speech) * (1.0 - share))
    return _slice(clip, slice(None, at)), _slice(clip, slice(at, None))


def _slice(clip: FaceClip, part: slice) -> FaceClip:
    names = [
        *("speech", "prosody", "pose", "expression", "closed", "opened", "silent"),
        *(n for n in ("tracked", "gap_mm", "pose_known") if getattr(clip, n) is not None),
    ]
    return dataclasses.replace(clip, **{name: getattr(clip, name)[part] for name in names})


def _with_base(clip: FaceClip, base: FaceSynthesizer, lips: LipGeometry) -> FaceClip:
    """The clip with what tracking cannot tell as the base network has it.

    Its closures too, where the tracked lips come near each other: trackers smooth them away, and
    the phones are not known here.
    """
    _, made = base.generate(clip.speech, clip.prosody, clip.pose, STYLE_NAMES[0])
    known = np.ones(made.shape[1], bool) if clip.known is None else clip.known
    expression = np.where(known, clip.expression, made)
    shut = lips.opening_mm(torch.from_numpy(made)).numpy() < _SHUT_MM
    seen, _ = wanted_gap_mm(clip, lips)
    closed = np.maximum(clip.closed, shut & (seen < _NEARLY_SHUT_MM) & (clip.silent == 0))
    return dataclasses.replace(
        clip, expression=expression, known=None, closed=closed.astype(np.float32)
    )
