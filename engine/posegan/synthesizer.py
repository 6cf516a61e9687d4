# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion for a whole recording: the trained generator, applied window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..checkpoint import WEIGHTS_DIR, load_checkpoint
from ..config import config_from
from ..protocol.errors import CheckpointError, ConfigError
from .calibration import apply_gains
from .generator import POSE_SIZE, WINDOW_FRAMES, PoseGanConfig, PoseGenerator
from .noise import smooth_noise
from .style import MIN_CLIP_FRAMES, NEUTRAL
from .windows import ease_from, join_window, window_starts

FloatArray = npt.NDArray[np.float32]
Progress = Callable[[float], object]

KIND = "posegan"
OVERLAP_FRAMES = {"paper": 1, "plus": 64}
"""Frames that successive windows share: in `paper` the last state of one starts the next."""

BATCH_WINDOWS = 16
"""Windows heard at once; bounds the memory for long recordings."""

_TAIL_FRAMES = 16

_REACH = 2.5
"""Initial poses further out than this many standard deviations are unknown to the network."""


class PoseSynthesizer:
    """Makes head motion from speech features.

    styles: names that `generate` knows. feature_extractor: id of the speech features the weights
    were trained on; others give nonsense.
    """

    def __init__(self, generator: PoseGenerator, device: torch.device, feature_extractor: str = ""):
        self.config = generator.config
        self.styles = generator.config.style_names
        self.feature_extractor = feature_extractor
        self._device = device
        self._generator = generator.eval().to(device)
        _fuse_normalisation(self._generator)

    @torch.inference_mode()
    def generate(
        self,
        speech: FloatArray,
        prosody: FloatArray,
        style: str | FloatArray = NEUTRAL,
        *,
        seed: int = 0,
        start_pose: FloatArray | None = None,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Head poses (T, 6), rad and mm, at 30 fps for T >= 1 frames of speech.

        speech: (T, 29). prosody: (T, 4), not used by the preset `paper`. style: a name of `styles`
        or a vector (32,) of `read_style`. seed: another one gives another performance (`plus`).
        start_pose: (6,), kept exactly at frame 0; the mean pose where it is None.
        progress: called with a fraction after each window; what it raises passes through.
        Raises ConfigError where an input does not fit.
        """
        frames = len(speech)
        audio = self._audio(speech, prosody)
        manner = self._style(style)
        start = self._start(start_pose)
        noise = torch.from_numpy(smooth_noise(seed, len(audio))).to(self._device)
        motion = np.zeros((len(audio), POSE_SIZE), dtype=np.float32)
        starts = window_starts(len(audio), WINDOW_FRAMES, OVERLAP_FRAMES[self.config.preset])
        done = 0
        with _single_thread():
            for index, (first, heard) in enumerate(
                zip(starts, self._listen(audio, starts), strict=True)
            ):
                begin = start if index == 0 else motion[first].copy()
                window = self._window(heard, begin, manner, noise[first : first + WINDOW_FRAMES])
                chained = first > 0 and first == done - 1
                step = motion[first] - motion[first - 1] if chained else None
                ease_from(window, begin, step)
                done = join_window(motion, done, window, first)
                if progress is not None:
                    progress((index + 1) / len(starts))
        home = self._generator.pose_mean.cpu().numpy()
        return apply_gains(motion[:frames].copy(), self._gains(style), home)

    @torch.inference_mode()
    def read_style(self, pose: FloatArray) -> FloatArray:
        """The style (32,) of a reference clip (T, 6) in rad and mm at 30 fps, T >= 64."""
        bank = self._generator.style
        if bank is None:
            raise ConfigError("The preset paper has no styles.", "Use the preset plus.")
        if pose.ndim != 2 or pose.shape[1] != POSE_SIZE or len(pose) < MIN_CLIP_FRAMES:
            raise ConfigError(
                f"A reference clip of shape {pose.shape} says nothing about a style.",
                f"Use at least {MIN_CLIP_FRAMES} frames of 6 channels.",
            )
        clip = torch.as_tensor(pose, dtype=torch.float32, device=self._device)[None]
        style: torch.Tensor = bank.encoder(*self._generator.clip_channels(clip))
        return style[0].cpu().numpy()

    def _audio(self, speech: FloatArray, prosody: FloatArray) -> torch.Tensor:
        """(T', F) input of the network, T' >= T: at least a window long."""
        c = self.config
        for name, value, size in (("Speech", speech, c.speech_size), ("Prosody", prosody, 4)):
            if value.ndim != 2 or value.shape[1] != size or len(value) != len(speech):
                raise ConfigError(f"{name} features of shape {value.shape} do not fit.")
        if len(speech) == 0:
            raise ConfigError("There is no speech to move to.", "Give at least one frame.")
        parts = [speech, prosody[:, : c.prosody_size]]
        audio = np.concatenate(parts, axis=1).astype(np.float32)
        # The recording goes on as it ended: a short one fills a window, and none ends at the
        # edge of one, where the network sees nothing ahead.
        more = max(WINDOW_FRAMES - len(audio), _TAIL_FRAMES)
        return torch.from_numpy(np.pad(audio, ((0, more), (0, 0)), mode="edge")).to(self._device)

    def _style(self, style: str | FloatArray) -> torch.Tensor | None:
        bank = self._generator.style
        if isinstance(style, str):
            if style not in self.styles:
                raise ConfigError(
                    f"There is no style {style!r} in the preset {self.config.preset}.",
                    f"Styles: {', '.join(self.styles)}.",
                )
            if bank is None:
                return None
            row: torch.Tensor = bank(torch.tensor([self.styles.index(style)], device=self._device))
            return row
        if bank is None or np.shape(style) != (self.config.style_size,):
            raise ConfigError(f"A style vector of shape {np.shape(style)} does not fit.")
        return torch.as_tensor(style, dtype=torch.float32, device=self._device)[None]

    def _gains(self, style: str | FloatArray) -> FloatArray:
        """(BANDS, 6) of a named style; a style read from a clip has none of its own."""
        if not isinstance(style, str):
            return np.ones(self._generator.gain.shape[1:], dtype=np.float32)
        gains: FloatArray = self._generator.gain[self.styles.index(style)].cpu().numpy()
        return gains

    def _start(self, start_pose: FloatArray | None) -> FloatArray:
        if start_pose is None:
            return self._generator.pose_mean.cpu().numpy()
        start = np.asarray(start_pose, dtype=np.float32)
        if start.shape != (POSE_SIZE,) or not np.isfinite(start).all():
            raise ConfigError("The start pose is not six finite numbers.")
        return start

    def _listen(self, audio: torch.Tensor, starts: list[int]) -> Iterator[torch.Tensor]:
        """Yield (1, 2 W, 256) for each window; the U-net runs on many windows at once."""
        for group in range(0, len(starts), BATCH_WINDOWS):
            chosen = starts[group : group + BATCH_WINDOWS]
            batch = torch.stack([audio[s : s + WINDOW_FRAMES] for s in chosen])
            heard = self._generator.listen(batch)
            yield from (heard[i : i + 1] for i in range(len(chosen)))

    def _window(
        self,
        heard: torch.Tensor,
        begin: FloatArray,
        style: torch.Tensor | None,
        noise: torch.Tensor,
    ) -> FloatArray:
        """(256, 6) motion of one window from the pose `begin` (6,), or the nearest known one."""
        generator = self._generator
        pose = torch.from_numpy(begin).to(self._device)[None]
        known = generator.unscale(generator.scale(pose).clamp(-_REACH, _REACH))
        given = noise[None] if self.config.noise_size else None
        window: FloatArray = generator.decode(heard, known, style, given)[0].cpu().numpy()
        return window


@contextmanager
def _single_thread() -> Iterator[None]:
    """One thread for layers so small that several wait for each other longer than they compute.

    Measured on two busy cores, 60 s of speech: 30 ms with one thread, 110 to 175 ms with two.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def weights_path(path_or_preset: Path | str) -> Path:
    """The weights file that ships for a preset; another path is returned as it is."""
    if str(path_or_preset) in OVERLAP_FRAMES:
        return WEIGHTS_DIR / f"{KIND}_{path_or_preset}.safetensors"
    return Path(path_or_preset)


def load_posegan(
    path_or_preset: Path | str = "plus",
    device: torch.device | str = "cpu",
    feature_extractor: str | None = None,
) -> PoseSynthesizer:
    """Trained weights, ready to generate: a preset's name or a weights file.

    feature_extractor: id of the speech features that will be given; None skips the check.
    Raises CheckpointError where the file is missing, damaged or made for something else.
    """
    generator, extractor = read_generator(path_or_preset, feature_extractor)
    return PoseSynthesizer(generator, torch.device(device), extractor)


def read_generator(
    path_or_preset: Path | str, feature_extractor: str | None = None
) -> tuple[PoseGenerator, str]:
    """The network of a weights file, and the id of the speech features it was trained on.

    Arguments and errors as in `load_posegan`.
    """
    path = weights_path(path_or_preset)
    expected: dict[str, object] = {"kind": KIND}
    if str(path_or_preset) in OVERLAP_FRAMES:
        expected["preset"] = str(path_or_preset)
    if feature_extractor is not None:
        expected["feature_extractor"] = feature_extractor
    tensors, description = load_checkpoint(path, expected)
    generator = PoseGenerator(config_from(PoseGanConfig, description["config"]))
    try:
        generator.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path.name} does not fit its own description.", "Reinstall Rhetor."
        ) from error
    return generator, str(description.get("feature_extractor", ""))


def _fuse_normalisation(generator: PoseGenerator) -> None:
    """Fold each batch normalisation into the convolution before it: the same result, faster."""
    for block in (generator.stem, *generator.down, *generator.up, generator.decoder):
        assert isinstance(block, torch.nn.Sequential)
        for index in range(len(block) - 1):
            layer, norm = block[index], block[index + 1]
            if isinstance(norm, torch.nn.BatchNorm1d):
                assert isinstance(layer, torch.nn.Conv1d | torch.nn.ConvTranspose1d)
                transposed = isinstance(layer, torch.nn.ConvTranspose1d)
                block[index] = fuse_conv_bn_eval(layer, norm, transpose=transposed)
                block[index + 1] = torch.nn.Identity()
