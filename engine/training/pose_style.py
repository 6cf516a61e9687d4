# SPDX-License-Identifier: GPL-3.0-or-later
"""Learn how one person moves: PoseGAN fine-tuned on one to three minutes of their head motion.

The generator starts from the weights that ship, its critics from those it was trained against.
Poses are scaled by the person's own mean and deviation, mirrored motion belongs to a person of
its own (whose left is this one's right), and windows are shuffled and time-warped. What the
training leaves wrong in amount, gains correct (`pose_calibration`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from ..config import config_to
from ..dataset.motion_sequences import MotionSequence, load_audio_features, tracked_sequences
from ..dataset.person_clip import PersonClip, load_person_clip
from ..posegan.discriminators import MotionCritic, SpeechCritic
from ..posegan.generator import WINDOW_FRAMES, PoseGenerator
from ..posegan.losses import LossWeights
from ..posegan.match import MatchEncoder
from ..posegan.style import NEUTRAL
from ..protocol.errors import ConfigError, DatasetError
from ..protocol.take import FloatArray
from .pose_batches import MIRRORED, Mix, MotionBatches, varied
from .pose_calibration import calibrated
from .pose_trainer import BEST_OF, PoseTrainer, PoseTraining
from .pose_weights import load_critics
from .run import TrainingRun

Progress = Callable[[float], object]
Critics = tuple[MotionCritic, SpeechCritic, MatchEncoder]

LEAST_FRAMES = WINDOW_FRAMES
"""Well-tracked motion that a style needs, 8.5 s; a minute is better."""

_READINGS = 24
_SAVE_EVERY = 50

STYLE_LOSSES = LossWeights(
    pose=0.3,
    pose_late=0.1,
    acceleration=1.0,
    adversarial=0.2,
    adversarial_speech=0.2,
    feature_matching=2.0,
    manner=1.0,
    manner_near=0.5,
    match=1.0,
    mode_seeking=0.2,
)


@dataclass(frozen=True)
class PoseStyleTraining:
    """Settings of a personal style. name: of its one row in the generator's table.

    steps, batch, rates: of the fine-tuning, see PoseTraining; blur: see Mix.
    losses: weights of its terms.
    """

    name: str = NEUTRAL
    steps: int = 300
    blur: float = 0.5
    batch: int = 8
    rate_generator: float = 3e-4
    rate_critic: float = 3e-4
    average: float = 0.99
    seed: int = 1
    device: str = "auto"
    losses: LossWeights = field(default_factory=lambda: STYLE_LOSSES)


@dataclass(frozen=True)
class PersonMotion:
    """A clip with its audio (T, 33): speech features and prosody at 30 fps, by `extractor`."""

    clip: PersonClip
    audio: FloatArray
    extractor: str


def load_person_motion(paths: Sequence[Path]) -> list[PersonMotion]:
    """Clips with the features that lie beside them."""
    return [PersonMotion(load_person_clip(p), *load_audio_features(p)) for p in paths]


def personalise_pose(
    base: PoseGenerator,
    clips: Sequence[PersonMotion],
    settings: PoseStyleTraining,
    progress: Progress | None = None,
    critics: Critics | None = None,
    *,
    folder: Path | None = None,
) -> PoseGenerator:
    """A generator that moves like the person of these clips.

    base: a trained generator of the preset `plus` (`pose_weights.load_generator`). clips: of one
    person; stretches without pose_ok are left out. critics: what the base was trained against;
    those that ship where they are None. progress: called with a fraction; what it raises passes
    through. folder: of the run; started again with it, the training goes on where it stopped. The
    result has one style, `settings.name`, its person's mean pose and deviations and gains. Raises
    DatasetError where there is too little motion, ConfigError for another preset.
    """
    if base.style is None or not base.config.noise_size:
        raise ConfigError("Only generators of the preset plus learn styles.", "Give plus weights.")
    sequences = person_sequences(clips)
    motion, speech, match = critics or load_critics(feature_extractor=sequences[0].extractor)
    torch.manual_seed(settings.seed)
    trainer = _trainer(base, varied(sequences, settings.seed), settings, match)
    _begin(trainer, base, motion, speech)
    run = None if folder is None else TrainingRun(folder, config_to(settings), trainer.parts())
    for number in range(0 if run is None else run.step, settings.steps):
        values = trainer.step(number)
        if run is not None:
            _note(run, number + 1, values)
        if progress is not None:
            progress(0.97 * (number + 1) / settings.steps)
    tuned = _one_style(trainer.averaged().cpu(), settings.name)
    tuned.gain[0] = torch.from_numpy(calibrated(tuned, settings.name, sequences, settings.seed))
    if progress is not None:
        progress(1.0)
    return tuned.eval()


def _note(run: TrainingRun, step: int, values: Mapping[str, float]) -> None:
    run.step = step
    if step % _SAVE_EVERY == 0:
        run.log(values)
        run.save()


def person_sequences(clips: Sequence[PersonMotion]) -> list[MotionSequence]:
    """The well-tracked stretches of one person's clips. Raises DatasetError for too little."""
    sequences = [
        replace(s, person=clips[0].clip.speaker)
        for c in clips
        for s in tracked_sequences(c.clip, c.audio, c.extractor)
    ]
    frames = sum(s.frame_count for s in sequences)
    if frames < LEAST_FRAMES:
        raise DatasetError(
            f"There are only {frames / 30:.0f} s of well-tracked head motion with speech.",
            "Give a minute or more of one person whose face is seen.",
        )
    return sequences


def _trainer(
    base: PoseGenerator,
    material: Sequence[MotionSequence],
    settings: PoseStyleTraining,
    match: MatchEncoder,
) -> PoseTrainer:
    config = PoseTraining(
        width=base.config.width,
        steps=settings.steps,
        warmup=0,
        batch=settings.batch,
        rate_generator=settings.rate_generator,
        rate_critic=settings.rate_critic,
        average=settings.average,
        seed=settings.seed,
        device=settings.device,
        mix=Mix(reference_share=0.1, style_dropout=0.0, blur=settings.blur),
        losses=settings.losses,
    )
    who = next(s.person for s in material if not s.person.endswith(MIRRORED))
    model = replace(base.config, style_names=(who, who + MIRRORED))
    batches = MotionBatches(material, model, settings.batch, BEST_OF, config.mix)
    return PoseTrainer(config, batches, model, match)


def _begin(
    trainer: PoseTrainer, base: PoseGenerator, motion: MotionCritic, speech: SpeechCritic
) -> None:
    """Take over the base's networks; the person's rows are read from their motion."""
    generator = trainer.generator
    own = ("style.table.weight", "gain", "pose_mean", "pose_std", "step_std")
    kept = {k: v for k, v in generator.state_dict().items() if k in own}
    generator.load_state_dict({k: v for k, v in base.state_dict().items() if k not in own} | kept)
    trainer.critic.load_state_dict(motion.state_dict())
    assert trainer.speech_critic is not None
    heard = {k: v for k, v in speech.state_dict().items() if not k.startswith("person")}
    trainer.speech_critic.load_state_dict(heard, strict=False)
    with torch.no_grad():
        rows = trainer.speech_critic.person.weight
        rows.copy_(speech.person.weight[:1].expand_as(rows))
        assert generator.style is not None
        for row, style in enumerate(_read_rows(trainer)):
            generator.style.table.weight[row] = style
    trainer.restart_average()


def _read_rows(trainer: PoseTrainer) -> list[torch.Tensor]:
    """What the base's style encoder reads in the motion of each row, averaged over windows."""
    generator = trainer.generator
    assert generator.style is not None
    read: list[list[torch.Tensor]] = [[] for _ in generator.config.style_names]
    for _ in range(_READINGS):
        batch = trainer.acceleration.move(trainer.batches.draw())
        styles = generator.style.encoder(*generator.clip_channels(batch.reference))
        for row, style in zip(batch.person.tolist(), styles, strict=True):
            read[row].append(style)
    neutral = torch.zeros_like(read[0][0]) if read[0] else torch.zeros(0)
    return [torch.stack(r).mean(0) if r else neutral for r in read]


def _one_style(generator: PoseGenerator, name: str) -> PoseGenerator:
    """The generator with its first row alone."""
    result = PoseGenerator(replace(generator.config, style_names=(name,)))
    tensors = generator.state_dict()
    for key in ("style.table.weight", "gain"):
        tensors[key] = tensors[key][:1].clone()
    result.load_state_dict(tensors)
    return result
