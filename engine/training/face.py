# SPDX-License-Identifier: GPL-3.0-or-later
"""Train PGFace: `rhetor train face DATASET... --preset plus`.

Each DATASET is a corpus of speech (`rhetor.engine.dataset.corpus`), which the mouth model performs
in every style, or a dataset of real people (`rhetor dataset build`). A run started again with the
same --run folder goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from ..checkpoint import WEIGHTS_DIR, save_checkpoint
from ..config import config_to
from ..dataset.face_clips import FaceClip, read_face_clips
from ..dataset.mouth_model import MouthModel, rule_model
from ..dataset.person_clip import RIGHTS
from ..dataset.real_faces import SHIPPABLE, is_people_folder, read_real_clips, varied
from ..head.model import HeadModel, load_head
from ..pgface.config import PRESETS
from ..pgface.lips import LipGeometry
from ..pgface.synthesizer import describe
from ..posegan.synthesizer import load_posegan
from ..protocol.errors import RhetorError
from ..protocol.weights_header import read_description
from . import distributed
from .acceleration import Acceleration
from .config_file import add_config_arguments, config_of
from .face_held_out import HeldOutFaces
from .face_material import FaceMaterial
from .face_trainer import FaceTrainer, FaceTraining

MOUTHS = ("learned", "rules")


def read_material(
    folders: Sequence[Path],
    head: HeadModel,
    *,
    rights: Sequence[str] = SHIPPABLE,
    model: MouthModel | None = None,
    limit: int = 0,
) -> tuple[list[FaceClip], list[FaceClip]]:
    """Clips to train on, and real ones that are held out, of datasets of both kinds.

    model: the mouth that performs speech, by default the one that ships. limit: at most so many
    recordings of a corpus. Recordings of a corpus by a speaker of whom there are real clips are
    left out: the real mouth is better, and its held-out sentences stay unheard.
    """
    people = [folder for folder in folders if is_people_folder(_some_split(folder))]
    lips = LipGeometry.of(head)
    train, held_out = (
        [clip for f in people for clip in read_real_clips(f / split, lips, rights)]
        for split in ("train", "val")
    )
    speakers = {clip.style for clip in chain(train, held_out)}
    performed = [
        clip
        for folder in folders
        if folder not in people
        for clip in read_face_clips(
            folder / "train", limit=limit, head=head, model=model, without=speakers
        )
    ]
    return performed + varied(train), held_out


def _some_split(folder: Path) -> Path:
    """The train part of a dataset, or the val part of one that is only for validation."""
    return folder / ("train" if any((folder / "train").glob("*.npz")) else "val")


def train(
    trainer: FaceTrainer, held_out: Sequence[FaceClip], until: int | None = None
) -> FaceTrainer:
    """Run a training to its end, judging it on held-out clips at every checkpoint."""
    trainer.train(until or trainer.training.steps, HeldOutFaces(held_out) if held_out else None)
    return trainer


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rhetor train face", description="Train PGFace.")
    parser.add_argument("dataset", type=Path, nargs="+", help="folders with train/ and val/")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="plus")
    parser.add_argument("--run", type=Path, help="folder of the run (runs/face_PRESET)")
    parser.add_argument("--output", type=Path, help="weights file to write at the end")
    parser.add_argument("--features", type=Path, default=WEIGHTS_DIR / "features.safetensors")
    parser.add_argument("--posegan", help="preset or weights whose poses the last steps see")
    parser.add_argument("--mouth", choices=MOUTHS, default="learned", help="who performs speech")
    parser.add_argument("--limit", type=int, default=0, help="at most so many recordings")
    parser.add_argument(
        "--rights",
        nargs="+",
        choices=RIGHTS,
        default=SHIPPABLE,
        help="real recordings that are used; weights to be given away: open and own ones only",
    )
    add_config_arguments(parser, FaceTraining)
    return parser.parse_args()


def main() -> None:
    """Command line; every setting of FaceTraining is an option."""
    arguments = _arguments()
    try:
        _train(arguments)
    except RhetorError as error:
        raise SystemExit(str(error)) from error


def _train(arguments: argparse.Namespace) -> None:
    training = config_of(FaceTraining, arguments)
    acceleration = Acceleration(training.device)
    extractor = str(read_description(arguments.features)["id"])
    posegan = load_posegan(arguments.posegan, "cpu", extractor) if arguments.posegan else None
    head = load_head()
    clips, held_out = read_material(
        arguments.dataset,
        head,
        rights=arguments.rights,
        model=rule_model() if arguments.mouth == "rules" else None,
        limit=arguments.limit,
    )
    config = training.network(arguments.preset, clips)
    with distributed.process_group(acceleration.device):
        material = FaceMaterial(clips, posegan, config.styles)
        del clips
        print(f"{material.frame_count} frames, of real people: {material.speakers}", flush=True)
        folder = arguments.run or Path("runs") / f"face_{arguments.preset}"
        lips = LipGeometry.of(head)
        trainer = FaceTrainer(folder, config, training, material, lips, acceleration=acceleration)
        train(trainer, held_out)
        if distributed.is_first():
            output = arguments.output or WEIGHTS_DIR / f"pgface_{arguments.preset}.safetensors"
            _write(output, trainer, extractor, arguments)


def _write(path: Path, trainer: FaceTrainer, extractor: str, arguments: argparse.Namespace) -> None:
    network = trainer.shipped()
    names = " ".join(folder.name for folder in arguments.dataset)
    description = describe(network.config, extractor) | {
        "training": {
            "command": f"rhetor train face {names} --preset {arguments.preset}",
            "settings": config_to(trainer.training),
            "mouth": arguments.mouth,
            "seed": trainer.training.seed,
            "steps": trainer.run.step,
            "frames": trainer.material.frame_count,
            "real_people": list(trainer.material.speakers),
            "rights": list(arguments.rights),
        }
    }
    save_checkpoint(path, network.state_dict(), description)


if __name__ == "__main__":
    main()
