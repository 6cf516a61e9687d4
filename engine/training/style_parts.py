# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of learning a style, each in a process of its own (see `background`).

Head and face are learnt side by side. What a part has finished lies in its folder under a key of
all that went into it, and is not made again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..background import Warn, serve_work
from ..checkpoint import WEIGHTS_DIR, file_sha256, load_checkpoint, save_checkpoint
from ..config import config_from, config_to
from ..dataset.real_faces import HeardPerson
from ..head.model import load_head
from ..pgface.config import STYLE_NAMES, PGFaceConfig
from ..pgface.network import PGFace
from ..pgface.synthesizer import load_pgface
from ..posegan.generator import PoseGanConfig, PoseGenerator
from ..posegan.synthesizer import load_posegan
from ..protocol.errors import ConfigError, DatasetError
from ..speech.extractor import load_extractor
from ..stages import ProgressCallback
from ..style_file import PersonNetworks, load_style, save_style
from .person_material import PersonMaterial, read_person

if TYPE_CHECKING:  # each part imports what it needs: matplotlib and all alone takes seconds
    from ..dataset.face_clips import FaceClip
    from .pose_style import PersonMotion
    from .style_report import Performer

PART_FILE = "learnt.safetensors"
_PART_KIND = "style_part"
_MOST_MINUTES = 18.0
"""The face's training stops then, however slow the machine."""

_MOST_PERFORMED = 60
_HEAD_BASES = ("features", "posegan_plus", "posegan_critics")
_FACE_BASES = ("features", "pgface_plus")


def build(params: Mapping[str, Any], progress: ProgressCallback, warn: Warn) -> dict[str, Any]:
    """Part "dataset": make clips of the videos."""
    from ..dataset.build import build_dataset
    from ..dataset.build_settings import BuildSettings

    report = build_dataset(
        [Path(video) for video in params["videos"]],
        Path(params["dataset"]),
        BuildSettings(speaker=str(params["speaker"])),
        progress,
        warn,
    )
    for problem in report.problems():
        warn(f"Left out: {problem}")
    return {"clips": len(report.kept)}


def prepare(params: Mapping[str, Any], progress: ProgressCallback, warn: Warn) -> dict[str, Any]:
    """Part "prepare": hear the clips anew where the speech features have changed; check them."""
    from ..dataset.features import write_features

    dataset = Path(params["dataset"])
    progress(0.0, "Listening")
    write_features(dataset, load_extractor())
    material = read_person(dataset)
    for text in material.warnings:
        warn(text)
    return {"seconds": material.seconds, "warnings": list(material.warnings)}


def learn_head(params: Mapping[str, Any], progress: ProgressCallback, warn: Warn) -> dict[str, Any]:
    """Part "head": fine-tune PoseGAN."""
    from .pose_style import PoseStyleTraining, personalise_pose
    from .pose_weights import load_generator

    material = read_person(Path(params["dataset"]))
    settings = PoseStyleTraining(**params["settings"])

    def learn(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        clips = [_motion(person) for person in material.train]
        base = load_generator(WEIGHTS_DIR / "posegan_plus.safetensors")
        generator = personalise_pose(
            base, clips, settings, lambda done: progress(done, "Learning the head"), folder=folder
        )
        row = generator.config.style_names[0]
        return generator.state_dict(), {"config": config_to(generator.config), "row": row}

    key = _key(material, config_to(settings), _HEAD_BASES)
    return _once(Path(params["folder"]), key, learn)


def learn_face(params: Mapping[str, Any], progress: ProgressCallback, warn: Warn) -> dict[str, Any]:
    """Part "face": fine-tune PGFace."""
    from .face_style import FaceStyleSettings, personalise_face

    material = read_person(Path(params["dataset"]))
    settings = FaceStyleSettings(minutes=_MOST_MINUTES, **params["settings"])
    corpus = str(params.get("corpus", ""))
    who = material.speakers[0]  # several speakers have been warned of: they become one

    def learn(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        people = [replace(p, clip=replace(p.clip, speaker=who)) for p in material.train]
        learnt = personalise_face(
            load_pgface("plus", "cpu"),
            people,
            settings,
            lambda done, found: progress(done, f"Learning the face ({found})"),
            performed=_performed(corpus, material) if corpus else (),
            folder=folder,
        )
        network = learnt.network
        return network.state_dict(), {"config": config_to(network.config), "row": STYLE_NAMES[0]}

    key = _key(material, {**config_to(settings), "corpus": corpus}, _FACE_BASES)
    return _once(Path(params["folder"]), key, learn)


def _performed(corpus: str, material: PersonMaterial) -> list[FaceClip]:
    """Speech that the mouth model performs, beside which the person's face is learnt."""
    from ..dataset.corpus import clip_paths, features_path
    from ..dataset.face_clips import read_face_clips, read_features

    folder = Path(corpus) / "train"
    for path in clip_paths(folder)[:1]:
        if read_features(features_path(path))[2] != material.extractor:
            raise DatasetError(
                f"The speech features in {corpus} are not those of the recordings.",
                "Write them anew: python -m rhetor.engine.dataset.features FOLDER.",
            )
    return [
        *read_face_clips(folder, limit=_MOST_PERFORMED, head=load_head(), without=material.speakers)
    ]


def finish(params: Mapping[str, Any], progress: ProgressCallback, warn: Warn) -> dict[str, Any]:
    """Part "finish": judge, and write the style's three files into the folder `output`."""
    from .style_report import card, report
    from .style_thumbnail import heard, write_thumbnail

    material, folder = read_person(Path(params["dataset"])), Path(params["folder"])
    progress(0.1, "Comparing with the person")
    networks = _networks(folder, material)
    described = dict(params["described"])
    described["feature_extractor"] = material.extractor
    path = Path(params["output"]) / f"{described['name']}.safetensors"
    save_style(path, networks, described)
    performers = _performers(path, material.extractor)
    figures = report(material, performers, load_head())
    progress(0.8, "Writing the style")
    described["training"] = {
        **described["training"],
        "seconds": round(material.seconds, 1),
        "speakers": list(material.speakers),
        "rights": list(material.rights),
        "metrics": figures,
    }
    save_style(path, networks, described)
    text = card(described, material, params["warnings"])
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    audio = WEIGHTS_DIR.parent / "demo" / "speech.flac"
    style = performers["style"]
    pose = style.posegan.generate(*heard(audio), style.pose_row)
    write_thumbnail(path.with_suffix(".png"), pose)
    return {"metrics": figures}


PARTS = {
    "dataset": build,
    "prepare": prepare,
    "head": learn_head,
    "face": learn_face,
    "finish": finish,
}


def _work(params: Mapping[str, Any], progress: ProgressCallback, warn: Warn) -> Mapping[str, Any]:
    torch.set_num_threads(1)
    part = str(params["part"])
    if part not in PARTS:
        raise ConfigError(f"Learning a style has no part {part!r}.")
    return PARTS[part](params, progress, warn)


def _once(
    folder: Path,
    key: str,
    learn: Callable[[Path], tuple[dict[str, torch.Tensor], dict[str, Any]]],
) -> dict[str, Any]:
    """Learn in a folder of the key's own, unless the part has been learnt; older ones go."""
    run = folder / f"run_{key}"
    for old in folder.glob("run_*"):
        if old != run:
            shutil.rmtree(old)
    path = run / PART_FILE
    if not path.exists():
        tensors, description = learn(run)
        save_checkpoint(path, tensors, {"kind": _PART_KIND, **description})
    return {"key": key}


def _motion(person: HeardPerson) -> PersonMotion:
    from .pose_style import PersonMotion

    audio = np.concatenate([person.speech, person.prosody], axis=1)
    return PersonMotion(person.clip, audio, person.extractor)


def _key(material: PersonMaterial, settings: Mapping[str, Any], bases: Sequence[str]) -> str:
    """Depends on the clips, the settings and the weights that are begun with."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for person in material.train:
        for array in (person.clip.pose, person.clip.expression, person.speech):
            digest.update(array.tobytes())
    for name in bases:
        path = WEIGHTS_DIR / f"{name}.safetensors"
        digest.update(file_sha256(path).encode() if path.exists() else b"")
    return digest.hexdigest()[:12]


def _networks(folder: Path, material: PersonMaterial) -> PersonNetworks:
    (head, head_says), (face, face_says) = (
        load_checkpoint(next((folder / part).glob(f"run_*/{PART_FILE}")), {"kind": _PART_KIND})
        for part in ("head", "face")
    )
    generator = PoseGenerator(config_from(PoseGanConfig, head_says["config"]))
    generator.load_state_dict(head)
    network = PGFace(config_from(PGFaceConfig, face_says["config"]))
    network.load_state_dict(face)
    return PersonNetworks(
        generator.eval(), network.eval(), material.identity(), head_says["row"], face_says["row"]
    )


def _performers(path: Path, extractor: str) -> dict[str, Performer]:
    from .style_report import Performer

    cpu = torch.device("cpu")
    style = load_style(path, cpu, extractor)
    posegan, pgface = load_posegan("plus", cpu, extractor), load_pgface("plus", cpu)
    return {
        "style": Performer(style.posegan, style.pgface, style.pose_row, style.face_row),
        "neutral": Performer(posegan, pgface, posegan.styles[0], pgface.styles[0]),
    }


if __name__ == "__main__":
    serve_work(_work)
