# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's style file makes takes; whatever does not fit is refused with the reason."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rhetor.engine.animate import MOST_PEOPLE, Engine
from rhetor.engine.checkpoint import WEIGHTS_DIR, file_sha256, load_checkpoint, save_checkpoint
from rhetor.engine.config import config_from
from rhetor.engine.head.channels import IDENTITY_SIZE
from rhetor.engine.pgface.config import PGFaceConfig
from rhetor.engine.pgface.network import PGFace
from rhetor.engine.posegan.generator import PoseGanConfig, PoseGenerator
from rhetor.engine.protocol.errors import CheckpointError, ConfigError
from rhetor.engine.protocol.requests import AnimateRequest
from rhetor.engine.protocol.weights_header import read_description
from rhetor.engine.style_file import PersonNetworks, load_style, save_style

DEMO = Path(__file__).parents[2] / "assets" / "demo" / "speech.flac"
EXTRACTOR = read_description(WEIGHTS_DIR / "features.safetensors")["id"]
IDENTITY = np.linspace(-1, 1, IDENTITY_SIZE, dtype=np.float32)


def person(row: str = "calm", jaw: float = 0.0) -> PersonNetworks:
    """Copies of the shipped networks; `jaw` is added to what the face's last layer gives."""
    tensors, description = load_checkpoint(WEIGHTS_DIR / "posegan_plus.safetensors", {})
    posegan = PoseGenerator(config_from(PoseGanConfig, description["config"]))
    posegan.load_state_dict(tensors)
    tensors, description = load_checkpoint(WEIGHTS_DIR / "pgface_plus.safetensors", {})
    pgface = PGFace(config_from(PGFaceConfig, description["config"]))
    pgface.load_state_dict(tensors)
    with torch.no_grad():
        pgface.fully_connected[-1].bias[IDENTITY_SIZE:] += jaw
    return PersonNetworks(posegan, pgface, IDENTITY, row, row)


def write(path: Path, networks: PersonNetworks | None = None, **changes) -> Path:
    description = {"name": path.stem, "feature_extractor": EXTRACTOR, "training": {}, **changes}
    save_style(path, networks or person(), description)
    return path


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    folder = tmp_path / "own"
    monkeypatch.setenv("RHETOR_STYLES", str(folder))
    return folder


@pytest.fixture(scope="module")
def engine():
    return Engine()


def run(engine, request):
    return engine.animate(request, lambda fraction, stage: None, lambda text: None)


REQUEST = AnimateRequest(str(DEMO), style="somebody", device="cpu", max_seconds=2.0)


def test_a_take_in_a_persons_style_is_that_of_its_networks(engine, own):
    path = write(own / "somebody.safetensors")
    take, table = run(engine, REQUEST), run(engine, replace(REQUEST, style="calm"))
    np.testing.assert_array_equal(take.pose, table.pose)
    np.testing.assert_array_equal(take.expression, table.expression)
    np.testing.assert_allclose(take.identity, IDENTITY, atol=1e-3)  # stored as float16
    other = run(engine, replace(REQUEST, identity=(0.5,) * IDENTITY_SIZE))
    np.testing.assert_array_equal(other.identity, np.full(IDENTITY_SIZE, 0.5, np.float32))
    assert take.meta["weights_sha256"] == {
        "features": file_sha256(WEIGHTS_DIR / "features.safetensors"),
        "style_somebody": file_sha256(path),
    }
    assert take.meta["settings"]["style"] == "somebody"


def test_a_style_that_is_trained_again_is_loaded_again(engine, own):
    write(own / "somebody.safetensors")
    before = run(engine, REQUEST)
    write(own / "somebody.safetensors", person(jaw=0.2))
    after = run(engine, REQUEST)
    jaws = [take.expression_channel("jawOpen").mean() for take in (before, after)]
    assert jaws[1] > jaws[0] + 0.1


def test_only_the_last_used_people_stay_loaded(own):
    engine = Engine()
    device = torch.device("cpu")
    names = [f"person_{index}" for index in range(MOST_PEOPLE + 1)]
    for name in names:
        write(own / f"{name}.safetensors")
    loaded = [engine.networks("plus", device, name) for name in names]
    assert engine.networks("plus", device, names[-1]) is loaded[-1]
    assert engine.networks("plus", device, names[0]) is not loaded[0]
    assert loaded[0].extractor is loaded[-1].extractor, "the large network is shared"


def test_paper_has_no_people(engine, own):
    write(own / "somebody.safetensors")
    with pytest.raises(ConfigError, match="Use the preset plus"):
        run(engine, replace(REQUEST, preset="paper"))


def test_other_speech_features_are_refused(engine, own):
    write(own / "somebody.safetensors", feature_extractor="characters-of-long-ago")
    with pytest.raises(CheckpointError, match=r"characters-of-long-ago.*Train it again"):
        run(engine, REQUEST)


def test_a_file_that_lacks_what_it_describes_is_refused(own):
    path = write(own / "somebody.safetensors")
    tensors, description = load_file(path), read_description(path)
    for left_out in ("identity", "posegan.pose_mean", "pgface.input_mean"):
        fewer = {k: v for k, v in tensors.items() if k != left_out}
        save_checkpoint(path, fewer, description)
        with pytest.raises(CheckpointError, match="does not hold"):
            load_style(path, torch.device("cpu"), EXTRACTOR)


def test_style_files_are_small(own):
    assert write(own / "somebody.safetensors").stat().st_size < 4_000_000
