# SPDX-License-Identifier: GPL-3.0-or-later
"""`rhetor train style` really run on a made-up person, with few steps."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from person_clips import person_clip, write_person

from rhetor.engine import cli, styles
from rhetor.engine.background import BackgroundWork
from rhetor.engine.protocol.errors import ConfigError, DatasetError
from rhetor.engine.protocol.take_files import read_take
from rhetor.engine.protocol.weights_header import read_description
from rhetor.engine.training.style import StyleOrder, train_style

DEMO = styles.ASSETS_DIR / "demo" / "speech.flac"


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    folder = tmp_path / "own"
    monkeypatch.setenv("RHETOR_STYLES", str(folder))
    return folder


def nothing(*_arguments):
    pass


def png_size(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def test_from_recordings_to_a_take(own, tmp_path, capsys, monkeypatch):
    data, take = tmp_path / "anna", tmp_path / "take.npz"
    for index in range(3):
        write_person(data / "train", f"clip{index}", person_clip(12, index))
    write_person(data / "val", "held", person_clip(8, 5))
    command = ["train", "style", str(data), "--name", "anna", "--label", "Anna", "--minutes", "0.1"]
    command += ["--attribution", "Filmed by Ben."]
    assert cli.main(command) == 0
    assert "anna is installed" in capsys.readouterr().out

    entry = styles.find_style("anna")
    described = read_description(entry.path)
    assert entry.is_usable and entry.label == "Anna" and not entry.shipped
    assert png_size(entry.thumbnail) == (256, 256)
    training = described["training"]
    assert training["rights"] == ["own"] and training["seconds"] == 36.0
    faces = training["metrics"]["face"]
    assert {"style", "neutral", "mean face"} == set(faces)
    assert -1 <= faces["style"]["lip_r"]["value"] <= 1
    assert training["metrics"]["pose"]["style"]["jerk_ratio"] > 0
    text = entry.path.with_suffix(".md").read_text(encoding="utf-8")
    assert re.search(r"\| lip_r \| -?\d\.\d\d \[", text) and "36 s in 3 clips" in text
    assert text.rstrip().endswith("Filmed by Ben.") and "--minutes 0.1" in text
    assert not (data / "style_anna").exists(), "intermediate results are gone"

    assert (
        cli.main(["animate", str(DEMO), "--style", "anna", "--seconds", "2", "-o", str(take)]) == 0
    )
    made = read_take(take)
    np.testing.assert_allclose(made.identity, np.linspace(-1, 1, 50), atol=1e-3)
    assert "style_anna" in made.meta["weights_sha256"]

    assert cli.main(command) == 1
    assert "already" in capsys.readouterr().err


def test_what_cannot_be_learnt_is_told_before_any_training(tmp_path):
    with pytest.raises(DatasetError, match="dataset build"):
        train_style(tmp_path / "none", StyleOrder("anna"), tmp_path / "work", nothing, nothing)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError):
        train_style(tmp_path / "empty", StyleOrder("anna"), tmp_path / "work", nothing, nothing)
    with pytest.raises(ConfigError, match="cannot be the name"):
        train_style(tmp_path / "empty", StyleOrder("An Na"), tmp_path / "work", nothing, nothing)
    with pytest.raises(ConfigError, match="above 0"):
        StyleOrder("anna", minutes=0)


def test_the_minutes_set_the_steps():
    usual = StyleOrder("anna").steps()
    half = StyleOrder("anna", minutes=StyleOrder("anna").minutes / 2).steps()
    assert [2 * h for h in half] == pytest.approx([*usual], abs=2)
    assert min(StyleOrder("anna", minutes=1e-9).steps()) >= 35


def test_an_unknown_part_is_refused(tmp_path):
    from rhetor.engine.background import run_together
    from rhetor.engine.training.style import PARTS_MODULE

    work = BackgroundWork(PARTS_MODULE, {"part": "nose", "dataset": "x"}, tmp_path / "log")
    with pytest.raises(ConfigError, match="no part 'nose'"):
        run_together([work], nothing, nothing)
