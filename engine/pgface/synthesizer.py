# SPDX-License-Identifier: GPL-3.0-or-later
"""From a clip's speech features and head pose to its identity and expression curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from ..checkpoint import WEIGHTS_DIR, load_checkpoint
from ..config import config_from, config_to
from ..head.channels import HEAD_MODEL_ID
from ..protocol.errors import CheckpointError, ConfigError
from ..protocol.take import POSE_CHANNELS, FloatArray
from .config import (
    FRAMES_AFTER,
    FRAMES_BEFORE,
    PRESETS,
    PROSODY_SIZE,
    SPEECH_SIZE,
    STYLE_NAMES,
    WINDOW,
    PGFaceConfig,
)
from .network import PGFace

KIND = "pgface"
CHUNK = 512
"""Windows in one batch: large enough for the matrix products, small enough for the cache."""


class FaceSynthesizer:
    """A trained PGFace ready for whole clips.

    styles: names that `generate` accepts. description: what the weights file says of itself.
    """

    def __init__(
        self, network: PGFace, device: torch.device, description: Mapping[str, Any] | None = None
    ) -> None:
        self.network = network.to(device).eval()
        self.device = device
        self.description = dict(description or {})
        self.styles = network.config.styles or STYLE_NAMES[:1]

    @torch.inference_mode()
    def generate(
        self,
        speech: npt.ArrayLike,
        prosody: npt.ArrayLike,
        pose: npt.ArrayLike,
        style: str = "neutral",
        progress: Callable[[float], None] | None = None,
        *,
        chunk: int = CHUNK,
    ) -> tuple[FloatArray, FloatArray]:
        """Face of T >= 1 frames at 30 fps.

        speech (T, 29) logits, prosody (T, 4), pose (T, 6) in rad and mm. Frames before the first
        and after the last are held. Returns the identity (50,), averaged over the clip so that it
        does not flicker, and the expression (T, 52), limited to [0, 1]. `progress` is called with
        the fraction done after every chunk of windows and may raise to stop.
        Raises ConfigError for an unknown style or inputs that do not fit each other.
        """
        row = self._style_row(style)
        inputs, context = self._inputs(speech, prosody, pose)
        frames = len(inputs) - WINDOW + 1
        windows = inputs.unfold(0, WINDOW, 1)  # (T, 35, 16), a view
        contexts = context.unfold(0, WINDOW, 1)  # (T, 4, 16), a view
        identity = torch.zeros(self.network.config.identity_size, device=self.device)
        expression = torch.empty(frames, self.network.config.expression_size)
        for start in range(0, frames, chunk):
            part = slice(start, min(start + chunk, frames))
            rows = None if row is None else row.expand(part.stop - start)
            shape, weights = self.network(windows[part], contexts[part], rows)
            identity += shape.sum(0)
            expression[part] = weights.clamp(0.0, 1.0).cpu()
            if progress is not None:
                progress(part.stop / frames)
        return (identity / frames).cpu().numpy(), expression.numpy()

    def _style_row(self, style: str) -> torch.Tensor | None:
        if style not in self.styles:
            preset = self.network.config.preset
            raise ConfigError(
                f"The preset {preset} has no style {style!r}.",
                f"Choose one of: {', '.join(self.styles)}.",
            )
        if self.network.style is None:
            return None
        return torch.tensor([self.styles.index(style)], device=self.device)

    def _inputs(
        self, speech: npt.ArrayLike, prosody: npt.ArrayLike, pose: npt.ArrayLike
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The padded inputs (T + 15, 35) and prosody (T + 15, 4) on the device."""
        arrays = [
            torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32))
            for part in (pose, speech, prosody)
        ]
        sizes = (len(POSE_CHANNELS), SPEECH_SIZE, PROSODY_SIZE)
        shapes = [tuple(part.shape) for part in arrays]
        frames = shapes[0][0] if shapes[0] else 0
        if frames < 1 or shapes != [(frames, size) for size in sizes]:
            raise ConfigError(
                f"Pose, speech and prosody do not fit each other: shapes {shapes}.",
                "Give at least one frame, and as many of each.",
            )
        inputs = torch.cat(arrays[:2], 1).to(self.device)
        return pad_frames(inputs), pad_frames(arrays[2].to(self.device))


def pad_frames(values: torch.Tensor) -> torch.Tensor:
    """(T, C) → (T + 15, C): ends held, so that window i of the result surrounds frame i."""
    padded = functional.pad(values.T[None], (FRAMES_BEFORE, FRAMES_AFTER), mode="replicate")
    return padded[0].T.contiguous()


def load_pgface(path_or_preset: str | Path, device: torch.device | str) -> FaceSynthesizer:
    """The synthesizer of a preset (`paper`, `plus`) that ships, or of a weights file.

    Raises CheckpointError where the file is missing, damaged or made for another head.
    """
    if str(path_or_preset) in PRESETS:
        path = WEIGHTS_DIR / f"pgface_{path_or_preset}.safetensors"
    else:
        path = Path(path_or_preset)
    tensors, description = load_checkpoint(path, {"kind": KIND, "head_model": HEAD_MODEL_ID})
    network = PGFace(config_from(PGFaceConfig, description.get("config", {})))
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path.name} does not hold the network that it describes.", "Reinstall Rhetor."
        ) from error
    return FaceSynthesizer(network, torch.device(device), description)


def describe(config: PGFaceConfig, feature_extractor: str) -> dict[str, Any]:
    """The part of a weights file's description that follows from the network itself."""
    return {
        "kind": KIND,
        "preset": config.preset,
        "config": config_to(config),
        "feature_extractor": feature_extractor,
        "head_model": HEAD_MODEL_ID,
        "rate_hz": 30.0,
        "styles": [
            {"name": name, "label": name.capitalize(), "description": STYLE_DESCRIPTIONS[name]}
            for name in config.styles or STYLE_NAMES[:1]
        ],
    }


STYLE_DESCRIPTIONS = {
    "neutral": "The mean of all styles.",
    "calm": "Small, even articulation and a quiet upper face.",
    "lively": "Large articulation, ready smile, brows that follow the accents.",
    "formal": "Precise articulation, little smile, steady brows.",
    "thoughtful": "Soft articulation, brows drawn slightly together, uneven corners.",
}
