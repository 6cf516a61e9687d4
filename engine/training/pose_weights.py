# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGAN's weights files: the generator that ships, and the critics that teach personal styles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from ..checkpoint import WEIGHTS_DIR, load_checkpoint, save_checkpoint
from ..config import config_from, config_to
from ..dataset.personality import PERSONALITIES
from ..posegan.discriminators import MotionCritic, SpeechCritic
from ..posegan.generator import PoseGanConfig, PoseGenerator
from ..posegan.match import MatchEncoder
from ..posegan.style import NEUTRAL
from ..posegan.synthesizer import KIND, read_generator
from ..protocol.errors import CheckpointError
from ..protocol.take import MODEL_RATE_HZ
from .pose_trainer import PoseTrainer

CRITICS_KIND = "posegan_critics"
CRITICS_PATH = WEIGHTS_DIR / "posegan_critics.safetensors"


def write_weights(
    path: Path, trainer: PoseTrainer, step: int, tensors: Mapping[str, torch.Tensor]
) -> None:
    """A generator's tensors as a weights file."""
    config, model = trainer.config, trainer.generator.config
    described = {NEUTRAL: ("Neutral", "The mean of all styles, for a voice that is not known.")}
    described |= {p.name: (p.label, p.description) for p in PERSONALITIES.values()}
    description = {
        "kind": KIND,
        "preset": config.preset,
        "config": config_to(model),
        "feature_extractor": trainer.batches.extractor,
        "rate_hz": MODEL_RATE_HZ,
        "styles": [
            {"name": n, "label": described[n][0], "description": described[n][1]}
            for n in model.style_names
        ],
        "training": {
            "command": f"rhetor train pose MOTION... RUN --preset {config.preset}",
            "settings": config_to(config),
            "seed": config.seed,
            "steps": step,
            "data": f"{trainer.batches.minutes:.0f} min of motion",
            "real_people": list(trainer.batches.real_people),
            "metrics": {},
        },
    }
    save_checkpoint(path, tensors, description)


def write_critics(path: Path, trainer: PoseTrainer) -> None:
    """The critics and match encoders of a `plus` training, which `load_critics` reads.

    Raises CheckpointError where the training lacks one of them.
    """
    parts = {"motion": trainer.critic, "speech": trainer.speech_critic, "match": trainer.match}
    tensors: dict[str, torch.Tensor] = {}
    for name, part in parts.items():
        if part is None:
            raise CheckpointError(
                f"This training has no {name} critic.", "Train with the losses of the preset plus."
            )
        tensors |= {f"{name}.{key}": value for key, value in part.state_dict().items()}
    description = {
        "kind": CRITICS_KIND,
        "preset": trainer.config.preset,
        "config": config_to(trainer.generator.config),
        "feature_extractor": trainer.batches.extractor,
        "rate_hz": MODEL_RATE_HZ,
    }
    save_checkpoint(path, tensors, description)


def load_critics(
    path: Path = CRITICS_PATH, feature_extractor: str | None = None
) -> tuple[MotionCritic, SpeechCritic, MatchEncoder]:
    """What `write_critics` wrote. Raises CheckpointError."""
    expected: dict[str, object] = {"kind": CRITICS_KIND}
    if feature_extractor is not None:
        expected["feature_extractor"] = feature_extractor
    tensors, description = load_checkpoint(path, expected)
    config = config_from(PoseGanConfig, description["config"])
    modules = (MotionCritic(), SpeechCritic(config), MatchEncoder(config.input_size))
    for name, module in zip(("motion", "speech", "match"), modules, strict=True):
        own = {k.partition(".")[2]: v for k, v in tensors.items() if k.startswith(f"{name}.")}
        try:
            module.load_state_dict(own)
        except RuntimeError as error:
            raise CheckpointError(
                f"{path.name} does not fit its own description.", "Reinstall Rhetor."
            ) from error
    modules[2].eval().requires_grad_(False)
    return modules


def load_generator(
    path_or_preset: Path | str = "plus", feature_extractor: str | None = None
) -> PoseGenerator:
    """A trained generator as it can be trained on (a synthesizer's is folded). CheckpointError."""
    return read_generator(path_or_preset, feature_extractor)[0]
