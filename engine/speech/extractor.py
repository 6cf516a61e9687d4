# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech features behind one interface: 29 character logits, 50 times a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..audio.decode import Samples
from ..audio.mel import FFT_SIZE, HOP_SAMPLES, level_gain, log_mel
from ..checkpoint import WEIGHTS_DIR, load_checkpoint
from ..config import config_from
from ..protocol.errors import CheckpointError
from ..protocol.take import MODEL_RATE_HZ
from .network import (
    FEATURE_RATE_HZ,
    SYMBOLS,
    CharacterNetwork,
    CharacterNetworkConfig,
    ResidualBlock,
)

FEATURES_KIND = "features"
DEFAULT_FEATURES_PATH = WEIGHTS_DIR / "features.safetensors"

_STEP_SAMPLES = 2 * HOP_SAMPLES
_CHUNK_FRAMES = 1500


class SpeechFeatureExtractor(Protocol):
    """What PoseGAN and PGFace hear through.

    id: names the extractor and its weights; checkpoints record it and refuse another.
    """

    id: str
    rate_hz: float

    def extract(
        self,
        samples: torch.Tensor | Samples,
        progress: Callable[[float], None] | None = None,
    ) -> torch.Tensor:
        """Raw logits (N, 29), float32 on the CPU, N = ceil(S / 320), of mono 16 kHz (S,).

        Channels are space, a to z, apostrophe, blank. Frame j is centred on (j + 0.5) / 50 s.
        progress: called with the fraction done after each chunk; what it raises passes through.
        """
        ...


class CharacterExtractor:
    """The network that ships. Works in chunks, so memory does not grow with the recording.

    Each chunk hears enough of its neighbours that its logits are those of one single pass.
    """

    rate_hz = FEATURE_RATE_HZ

    def __init__(
        self,
        network: CharacterNetwork,
        identity: str,
        device: torch.device | str = "cpu",
        chunk_frames: int = _CHUNK_FRAMES,
    ) -> None:
        self.id = identity
        self._network = _fused(network.eval()).to(device)
        self._device = torch.device(device)
        self._chunk_frames = max(2, chunk_frames // 2 * 2)
        self._reach = network.config.reach_frames

    @torch.inference_mode()
    def extract(
        self,
        samples: torch.Tensor | Samples,
        progress: Callable[[float], None] | None = None,
    ) -> torch.Tensor:
        """See SpeechFeatureExtractor.extract."""
        sound = samples.cpu().numpy() if isinstance(samples, torch.Tensor) else samples
        count = -(-len(sound) // _STEP_SAMPLES)
        even = count + count % 2  # the network halves its frames once
        features = torch.empty(even, len(SYMBOLS))
        gain = level_gain(sound) if count else 1.0
        for start in range(0, even, self._chunk_frames):
            stop = min(start + self._chunk_frames, even)
            features[start:stop] = self._chunk(sound, gain, start, stop, even)
            if progress is not None:
                progress(stop / even)
        return features[:count]

    def _chunk(
        self, sound: Samples, gain: float, start: int, stop: int, count: int
    ) -> torch.Tensor:
        """Logits (stop - start, 29) of output frames start … stop; all three arguments even."""
        first, last = max(0, start - self._reach), min(count, stop + self._reach)
        # The mel windows of the outermost frames need real sound beyond them, where there is any.
        margin = FFT_SIZE // HOP_SAMPLES * HOP_SAMPLES
        begin = max(0, first * _STEP_SAMPLES - margin)
        end = last * _STEP_SAMPLES + margin
        piece = np.array(sound[begin:end], np.float32) * np.float32(gain)
        piece = np.pad(piece, (0, max(0, last * _STEP_SAMPLES - begin - len(piece))))
        mel = log_mel(torch.from_numpy(piece)[None].to(self._device))
        mel_first = (first * _STEP_SAMPLES - begin) // HOP_SAMPLES
        mel = mel[:, :, mel_first : mel_first + 2 * (last - first)]
        logits = self._network(mel)[0]  # (last - first, 29)
        kept: torch.Tensor = logits[start - first : stop - first].float().cpu()
        return kept


def load_extractor(
    device: torch.device | str = "cpu", path: Path = DEFAULT_FEATURES_PATH
) -> CharacterExtractor:
    """The extractor of a weights file.

    Raises CheckpointError where the file is missing, damaged or of another kind.
    """
    tensors, description = load_checkpoint(path, {"kind": FEATURES_KIND})
    network = CharacterNetwork(config_from(CharacterNetworkConfig, description["config"]))
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path.name} does not fit its own settings ({error}).", "Reinstall Rhetor."
        ) from error
    return CharacterExtractor(network, str(description["id"]), device)


def to_frame_rate(
    features: torch.Tensor, frame_count: int, rate_hz: float = MODEL_RATE_HZ
) -> torch.Tensor:
    """Linear interpolation (frame_count, 29) of 50 Hz features (N, 29): frame i at i / rate_hz s.

    Beyond the first and the last feature the nearest one is held.
    """
    if len(features) == 0:
        return features.new_zeros(frame_count, features.shape[1])
    frames = torch.arange(frame_count, dtype=torch.float64)
    at = (frames / rate_hz * FEATURE_RATE_HZ - 0.5).clamp(0, len(features) - 1)
    before = at.floor().long()
    after = (before + 1).clamp(max=len(features) - 1)
    share = (at - before).to(features.dtype)[:, None]
    return torch.lerp(features[before], features[after], share)


def _fused(network: CharacterNetwork) -> CharacterNetwork:
    """The same network with its batch normalisations folded into the convolutions."""
    copy = CharacterNetwork(network.config)
    copy.load_state_dict(network.state_dict())
    copy.eval()
    for layer in (copy.listen, copy.halve, copy.quarter, copy.merge):
        layer[0], layer[1] = _fused_conv(layer[0], layer[1]), nn.Identity()
    for block in copy.blocks:
        assert isinstance(block, ResidualBlock)
        block.conv, block.norm = _fused_conv(block.conv, block.norm), nn.Identity()
    return copy


def _fused_conv(conv: nn.Module, norm: nn.Module) -> nn.Conv1d:
    assert isinstance(conv, nn.Conv1d)
    assert isinstance(norm, nn.BatchNorm1d)
    return fuse_conv_bn_eval(conv, norm)
