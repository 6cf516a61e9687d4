"""Weights files: strict about what they were made for, calm about damage."""

from pathlib import Path

import pytest
import torch

from rhetor.engine.checkpoint import load_checkpoint, save_checkpoint
from rhetor.engine.protocol.errors import CheckpointError
from rhetor.engine.protocol.weights_header import read_description

DESCRIPTION = {"kind": "posegan", "preset": "plus", "rate_hz": 30.0, "styles": [{"name": "calm"}]}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, {"a": torch.arange(4.0), "n": torch.tensor(3)}, DESCRIPTION)
    return path


def test_round_trip(weights: Path) -> None:
    tensors, description = load_checkpoint(weights, {"kind": "posegan"})
    assert description == DESCRIPTION == read_description(weights)
    assert tensors["a"].dtype == torch.float32 and tensors["a"].tolist() == [0, 1, 2, 3]
    assert tensors["n"].item() == 3 and not list(weights.parent.glob("*.partial"))


def test_mismatch_names_both_sides(weights: Path) -> None:
    with pytest.raises(CheckpointError, match=r"kind = 'posegan', not 'pgface'"):
        load_checkpoint(weights, {"kind": "pgface"})


def test_missing_damaged_and_foreign_files(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="missing"):
        load_checkpoint(tmp_path / "none.safetensors", {})
    content = weights.read_bytes()
    for damage in (b"", content[:5], content[:40], b"\xff" * 64, b"PK\x03\x04" + content):
        weights.write_bytes(damage)
        with pytest.raises(CheckpointError, match="damaged"):
            load_checkpoint(weights, {})
    weights.write_bytes(content[:-4])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(weights, {"kind": "posegan"})
