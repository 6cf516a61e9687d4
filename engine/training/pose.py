# SPDX-License-Identifier: GPL-3.0-or-later
"""Train PoseGAN: `rhetor train pose MOTION... RUN --preset plus`.

Each MOTION is a folder of the synthetic performer (`rhetor.engine.dataset.motion_clips`) or a
dataset of real people (`rhetor dataset build`). The run goes on where its last checkpoint stood;
`--export FILE` writes the averaged generator as a weights file at every checkpoint, `--critics
FILE` what personal styles begin with beside it.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch

from ..checkpoint import load_checkpoint, save_checkpoint
from ..config import config_to
from ..dataset.motion_sequences import SHIPPABLE, MotionSequence, load_sequences
from ..dataset.person_clip import RIGHTS
from ..posegan.match import MatchEncoder
from ..posegan.synthesizer import KIND
from . import distributed
from .acceleration import Acceleration
from .config_file import add_config_arguments, config_of
from .early_stopping import EarlyStopping
from .motion_plots import pose_figure
from .pose_batches import MotionBatches, varied
from .pose_calibration import calibrate_styles
from .pose_held_out import HeldOutMotion
from .pose_match import MatchTraining, train_match
from .pose_trainer import BEST_OF, PAPER_TRAINING, PoseTrainer, PoseTraining
from .pose_weights import load_generator, write_critics, write_weights
from .run import TrainingRun


def train(
    config: PoseTraining,
    sequences: Sequence[MotionSequence],
    folder: Path,
    *,
    export: Path | None = None,
    held_out: Sequence[MotionSequence] = (),
    critics: Path | None = None,
) -> PoseTrainer:
    """Run, or go on with, a training in `folder`; write weights at each checkpoint.

    held_out: sequences that the checkpoints are judged on; with patience, the best is exported.
    critics: file for the critics and the match encoders.
    """
    acceleration = Acceleration(config.device)
    with distributed.process_group(acceleration.device):
        torch.manual_seed(config.seed)
        if config.person:
            sequences = one_performance(sequences, config.person)
        material = varied(sequences, config.seed, as_themselves=True)
        batches = MotionBatches(material, config.model(), config.batch, BEST_OF, config.mix)
        match = _match_encoder(config, material)
        trainer = PoseTrainer(config, batches, config.model(), match, acceleration)
        if config.start_from:
            trainer.begin_with(Path(config.start_from))
        stopping = EarlyStopping(config.patience)
        parts = trainer.parts() | {"stopping": stopping}
        distributed.seed_this_process(config.seed)
        run = TrainingRun(folder, config_to(config), parts)
        judge = HeldOutMotion(held_out) if held_out else None
        while run.step < config.steps and not stopping.should_stop:
            values = trainer.step(run.step)
            run.step += 1
            if run.step % config.log_every == 0:
                run.log(values)
            if run.step % config.checkpoint_every == 0 or run.step == config.steps:
                if judge is not None:
                    _judge(judge, trainer, stopping, run)
                run.save()
                if distributed.is_first() and export is not None:
                    _export(trainer, stopping, run.step, export)
        run.close()
        if distributed.is_first():
            if export is not None and config.calibrates:
                calibrate_file(export, material)
            if critics is not None:
                write_critics(critics, trainer)
    return trainer


def one_performance(sequences: Sequence[MotionSequence], person: str) -> list[MotionSequence]:
    """A person's sequences, one for each recording: what can be learned without noise."""
    chosen: dict[int, MotionSequence] = {}
    for sequence in sequences:
        if sequence.person == person:
            chosen.setdefault(id(sequence.audio), sequence)
    return list(chosen.values())


def _match_encoder(
    config: PoseTraining, sequences: Sequence[MotionSequence]
) -> MatchEncoder | None:
    if not (config.match_steps and config.losses.match):
        return None
    return train_match(sequences, MatchTraining(steps=config.match_steps))


def _judge(
    judge: HeldOutMotion, trainer: PoseTrainer, stopping: EarlyStopping, run: TrainingRun
) -> None:
    averaged = trainer.averaged()
    figure = judge.distance(averaged)
    run.log({"held_out": figure})
    shown = judge.example(averaged)
    if shown is not None:
        run.plot("held_out/motion", pose_figure(*shown))
    stopping.update(figure, run.step, averaged)


def _export(trainer: PoseTrainer, stopping: EarlyStopping, step: int, path: Path) -> None:
    if trainer.config.patience and stopping.best_weights:
        write_weights(path, trainer, stopping.best_step, stopping.best_weights)
    else:
        write_weights(path, trainer, step, trainer.average.state_dict())


def calibrate_file(path: Path, sequences: Sequence[MotionSequence]) -> None:
    """Fit the gains of a weights file's styles to performed sequences, and write it again."""
    generator = load_generator(path)
    calibrate_styles(generator, sequences)
    _, description = load_checkpoint(path, {"kind": KIND})
    save_checkpoint(path, generator.state_dict(), description)


def main() -> None:
    """Command line; every setting of PoseTraining is an option."""
    parser = argparse.ArgumentParser(description="Train PoseGAN.")
    parser.add_argument("motion", type=Path, nargs="+", help="folders with train/ and val/")
    parser.add_argument("run", type=Path, help="folder of this run; goes on where it stopped")
    parser.add_argument("--export", type=Path, help="weights file to write")
    parser.add_argument("--critics", type=Path, help="file for what personal styles begin with")
    parser.add_argument(
        "--rights",
        nargs="+",
        choices=RIGHTS,
        default=SHIPPABLE,
        help="recordings that are used; weights to be given away: open and own ones only",
    )
    add_config_arguments(parser, PoseTraining)
    options = parser.parse_args()
    config = config_of(PoseTraining, options)
    if config.preset == "paper" and options.config is None:
        chosen = {k: v for k, v in vars(options).items() if k.startswith("setting:")}
        config = _paper(config, set(chosen))
    sequences = load_sequences(options.motion, "train", options.rights)
    held_out = load_sequences(options.motion, "val", options.rights)
    train(
        config,
        sequences,
        options.run,
        export=options.export,
        held_out=held_out,
        critics=options.critics,
    )


def _paper(config: PoseTraining, given: set[str]) -> PoseTraining:
    """The settings of `paper` where nothing else was asked for."""
    names = {name.partition(":")[2].partition(".")[0] for name in given}
    kept = {f.name: getattr(config, f.name) for f in dataclasses.fields(config) if f.name in names}
    return dataclasses.replace(PAPER_TRAINING, **kept)


if __name__ == "__main__":
    main()
