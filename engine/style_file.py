# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's style on disk: both fine-tuned networks of the preset `plus` in one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .checkpoint import load_checkpoint, save_checkpoint
from .config import config_from, config_to
from .head.channels import HEAD_MODEL_ID, IDENTITY_SIZE
from .pgface.config import PGFaceConfig
from .pgface.network import PGFace
from .pgface.synthesizer import FaceSynthesizer
from .posegan.generator import PoseGanConfig, PoseGenerator
from .posegan.style import NEUTRAL
from .posegan.synthesizer import PoseSynthesizer
from .protocol.errors import CheckpointError
from .protocol.take import MODEL_RATE_HZ, FloatArray
from .styles import STYLE_KIND, STYLE_PRESET


@dataclass(frozen=True)
class PersonNetworks:
    """The networks of one person, as they were trained.

    pose_row, face_row: the rows of their style tables that stand for the person. identity: (50,)
    the person's shape in standard deviations.
    """

    posegan: PoseGenerator
    pgface: PGFace
    identity: FloatArray
    pose_row: str = NEUTRAL
    face_row: str = NEUTRAL


@dataclass(frozen=True)
class PersonStyle:
    """A style file ready to make takes; the fields as in `PersonNetworks`."""

    posegan: PoseSynthesizer
    pgface: FaceSynthesizer
    identity: FloatArray
    pose_row: str
    face_row: str
    description: Mapping[str, Any]


def save_style(path: Path, networks: PersonNetworks, description: Mapping[str, Any]) -> None:
    """Write a style in one step, never half a file.

    description: `name`, `label`, `description`, `feature_extractor` and `training`; the rest
    follows from the networks.
    """
    tensors = {
        **{f"posegan.{k}": v for k, v in networks.posegan.state_dict().items()},
        **{f"pgface.{k}": v for k, v in networks.pgface.state_dict().items()},
        "identity": torch.from_numpy(np.asarray(networks.identity, dtype=np.float32)),
    }
    follows = {
        "kind": STYLE_KIND,
        "preset": STYLE_PRESET,
        "head_model": HEAD_MODEL_ID,
        "rate_hz": MODEL_RATE_HZ,
        "posegan": config_to(networks.posegan.config),
        "pgface": config_to(networks.pgface.config),
        "pose_row": networks.pose_row,
        "face_row": networks.face_row,
    }
    save_checkpoint(path, tensors, {**description, **follows})


def load_style(path: Path, device: torch.device, feature_extractor: str) -> PersonStyle:
    """A style file, ready to make takes.

    Raises CheckpointError where it is missing, damaged, or made for another head or for other
    speech features than `feature_extractor`.
    """
    expected = {
        "kind": STYLE_KIND,
        "head_model": HEAD_MODEL_ID,
        "feature_extractor": feature_extractor,
    }
    tensors, description = load_checkpoint(path, expected)
    generator = PoseGenerator(config_from(PoseGanConfig, description.get("posegan", {})))
    pgface = PGFace(config_from(PGFaceConfig, description.get("pgface", {})))
    identity = tensors.get("identity")
    fits = identity is not None and identity.shape == (IDENTITY_SIZE,)
    fits = fits and all(
        _fill(network, tensors, prefix)
        for network, prefix in ((generator, "posegan."), (pgface, "pgface."))
    )
    if not fits or identity is None:
        raise CheckpointError(
            f"{path.name} does not hold the networks that it describes.",
            "Train the style again.",
        )
    return PersonStyle(
        PoseSynthesizer(generator, device, feature_extractor),
        FaceSynthesizer(pgface, device, description),
        identity.numpy(),
        str(description.get("pose_row", NEUTRAL)),
        str(description.get("face_row", NEUTRAL)),
        description,
    )


def _fill(network: nn.Module, tensors: Mapping[str, torch.Tensor], prefix: str) -> bool:
    own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    try:
        network.load_state_dict(own)
    except RuntimeError:
        return False
    return True
