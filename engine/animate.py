# SPDX-License-Identifier: GPL-3.0-or-later
"""From a recording to a take: the whole method, in the order of the paper."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from .audio.decode import SAMPLE_RATE_HZ, Recording, decode_audio
from .audio.prosody import prosody_channels
from .checkpoint import WEIGHTS_DIR, file_sha256
from .device import choose_device, device_name, with_cpu_fallback
from .head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from .pgface.eyes import blink_and_gaze
from .pgface.synthesizer import FaceSynthesizer, load_pgface
from .posegan.style import NEUTRAL
from .posegan.synthesizer import PoseSynthesizer, load_posegan
from .protocol.errors import CheckpointError, ConfigError
from .protocol.requests import PRESETS, AnimateRequest, request_params
from .protocol.take import MODEL_RATE_HZ, FloatArray, Take
from .provenance import engine_version
from .speech.extractor import SpeechFeatureExtractor, load_extractor, to_frame_rate
from .stages import ProgressCallback, Stages
from .style_file import load_style
from .styles import find_style

STAGE_SHARES = {
    "Reading the recording": 0.1,
    "Listening": 0.4,
    "Prosody": 0.2,
    "Moving the head": 0.15,
    "Moving the face": 0.1,
    "Blinking": 0.05,
}

MOST_PEOPLE = 3
"""Persons' networks that stay loaded, 2 MB each: those that were used last."""


@dataclass(frozen=True)
class Networks:
    """The networks of one preset, or of one person, on one device.

    weights_sha256: of their files. pose_row, face_row: rows of the style tables that stand for
    the person whose networks these are, and identity that person's shape (50,); None for the
    networks of a preset, where the request tells the style.
    """

    device: torch.device
    extractor: SpeechFeatureExtractor
    posegan: PoseSynthesizer
    pgface: FaceSynthesizer
    weights_sha256: dict[str, str]
    pose_row: str | None = None
    face_row: str | None = None
    identity: FloatArray | None = None


def animate(request: AnimateRequest, networks: Networks, progress: ProgressCallback) -> Take:
    """One recording, or a silence, through all networks; the take is at request.fps.

    Raises AudioError, ConfigError, and whatever `progress` raises to stop the work.
    """
    _check_fit(request, networks)
    stages = Stages(STAGE_SHARES, progress)
    with stages.stage("Reading the recording") as report:
        recording = hear(request, report)
    pose, identity, expression = perform(recording.samples, request, networks, stages)
    settings = request_params(request)
    del settings["audio"]  # a path would tell others whose machine this was; the hash identifies
    meta = {
        "audio": {"name": Path(request.audio).name, "sha256": recording.sha256},
        "weights_sha256": networks.weights_sha256,
        "settings": settings,
        "engine_version": engine_version(),
        "device": device_name(networks.device),
        "stage_times_s": {name: round(time_s, 4) for name, time_s in stages.times_s.items()},
        "warnings": list(recording.warnings),
    }
    if request.identity is not None:
        identity = np.array(request.identity, dtype=np.float32)
    elif networks.identity is not None:
        identity = networks.identity
    take = Take(MODEL_RATE_HZ, pose, expression, EXPRESSION_NAMES, identity, meta)
    take = take.resampled(request.fps)
    return take if request.duration_s is None else take.beginning(request.duration_s)


def hear(request: AnimateRequest, progress: Callable[[float], None]) -> Recording:
    """What a request is to be performed to, with the silence around. Raises AudioError."""
    if request.silence_s is None:
        recording = decode_audio(
            Path(request.audio), progress, start_s=request.start_s, max_seconds=request.max_seconds
        )
    else:
        silence = np.zeros(max(1, round(request.silence_s * SAMPLE_RATE_HZ)), np.float32)
        recording = Recording(silence, request.silence_s, "")
    around = (round(request.lead_s * SAMPLE_RATE_HZ), round(request.trail_s * SAMPLE_RATE_HZ))
    return replace(recording, samples=np.pad(recording.samples, around))


@torch.inference_mode()
def perform(
    samples: FloatArray, request: AnimateRequest, networks: Networks, stages: Stages
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Pose (T, 6), identity (50,) and expression (T, 52) at 30 fps for samples (S,) at 16 kHz."""
    frames = max(1, math.ceil(len(samples) / SAMPLE_RATE_HZ * MODEL_RATE_HZ))
    with stages.stage("Listening") as report:
        features = networks.extractor.extract(samples, report)  # (N, 29) at 50 Hz
        speech = to_frame_rate(features, frames).cpu().numpy()  # (T, 29)
    with stages.stage("Prosody") as report:
        prosody = prosody_channels(samples, frames, progress=report)  # (T, 4)
    with stages.stage("Moving the head") as report:
        pose = networks.posegan.generate(
            speech,
            prosody,
            networks.pose_row or request.style,
            seed=request.seed,
            start_pose=_start_pose(request),
            progress=report,
        )  # (T, 6)
    with stages.stage("Moving the face") as report:
        identity, expression = networks.pgface.generate(
            speech, prosody, pose, networks.face_row or request.style, report
        )  # (50,), (T, 52)
    with stages.stage("Blinking"):
        if request.eyes:
            eyes = blink_and_gaze(frames, MODEL_RATE_HZ, request.seed, prosody, pose)
            for name, curve in eyes.items():
                expression[:, EXPRESSION_NAMES.index(name)] = curve
    return pose, identity, expression


def _check_fit(request: AnimateRequest, networks: Networks) -> None:
    """Refuse what the networks do not know before a long recording is listened to."""
    if networks.pose_row is None and request.style not in networks.posegan.styles:
        raise ConfigError(
            f"The preset {request.preset} has no style {request.style!r}.",
            f"Choose one of {', '.join(networks.posegan.styles)}.",
        )
    if request.identity is not None and len(request.identity) != IDENTITY_SIZE:
        raise ConfigError(
            f"The identity has {len(request.identity)} numbers, not {IDENTITY_SIZE}.",
            "Give one for each identity mode of the head.",
        )


def _start_pose(request: AnimateRequest) -> FloatArray | None:
    return None if request.start_pose is None else np.array(request.start_pose, dtype=np.float32)


class Engine:
    """Keeps networks loaded between takes. For one thread."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, str], Networks] = {}
        self._people: OrderedDict[tuple[str, int, str], Networks] = OrderedDict()

    def networks(self, preset: str, device: torch.device, style: str = NEUTRAL) -> Networks:
        """The networks that perform a style: the preset's own, or a person's.

        Loaded at the first call, and again where a style's file has been replaced; MOST_PEOPLE are
        kept. Raises ConfigError where there is no such style, CheckpointError where its weights
        cannot be used.
        """
        entry = find_style(style, preset)
        key = (preset, device.type)
        if key not in self._loaded:
            self._loaded[key] = load_networks(preset, device)
        if entry.path is None:
            return self._loaded[key]
        return self._person(entry.path, device, self._loaded[key].extractor)

    def _person(
        self, path: Path, device: torch.device, extractor: SpeechFeatureExtractor
    ) -> Networks:
        key = (str(path), path.stat().st_mtime_ns, device.type)
        if key not in self._people:
            self._people[key] = load_person(path, device, extractor)
        self._people.move_to_end(key)
        while len(self._people) > MOST_PEOPLE:
            self._people.popitem(last=False)
        return self._people[key]

    def warm_up(self, device: str = "auto") -> str:
        """Load the default preset and run it once; returns the device's name."""
        chosen = choose_device(device)
        networks = self.networks(PRESETS[0], chosen)
        second = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
        nobody = AnimateRequest(silence_s=1.0)
        perform(second, nobody, networks, Stages(STAGE_SHARES, lambda fraction, stage: None))
        return device_name(chosen)

    def animate(
        self, request: AnimateRequest, progress: ProgressCallback, warn: Callable[[str], None]
    ) -> Take:
        """The take for a request; `warn` gets what the person should know at once."""
        warnings: list[str] = []
        take = with_cpu_fallback(
            choose_device(request.device),
            lambda device: animate(
                request, self.networks(request.preset, device, request.style), progress
            ),
            warnings.append,
        )
        for text in (*warnings, *take.meta["warnings"]):
            warn(text)
        return replace(take, meta={**take.meta, "warnings": [*warnings, *take.meta["warnings"]]})


def load_person(path: Path, device: torch.device, extractor: SpeechFeatureExtractor) -> Networks:
    """Load a person's style file. Raises CheckpointError where it cannot be used."""
    style = load_style(path, device, extractor.id)
    return Networks(
        device,
        extractor,
        style.posegan,
        style.pgface,
        {
            "features": file_sha256(WEIGHTS_DIR / "features.safetensors"),
            f"style_{path.stem}": file_sha256(path),
        },
        style.pose_row,
        style.face_row,
        style.identity,
    )


def load_networks(preset: str, device: torch.device) -> Networks:
    """Load the networks of a preset. Raises CheckpointError where weights are missing or do not
    fit each other."""
    extractor = load_extractor(device)
    pgface = load_pgface(preset, device)
    trained_on = pgface.description.get("feature_extractor")
    if trained_on != extractor.id:
        raise CheckpointError(
            f"The weights of the face were trained on the speech features {trained_on!r}, "
            f"not on {extractor.id!r}.",
            "Reinstall Rhetor, or train the face again.",
        )
    names = ("features", f"posegan_{preset}", f"pgface_{preset}")
    return Networks(
        device,
        extractor,
        load_posegan(preset, device, extractor.id),
        pgface,
        {name: file_sha256(WEIGHTS_DIR / f"{name}.safetensors") for name in names},
    )
