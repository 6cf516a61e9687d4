# SPDX-License-Identifier: GPL-3.0-or-later
"""Which styles are installed: table rows, shipped files, the person's own, and broken ones."""

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from rhetor.engine import cli, styles
from rhetor.engine.head.channels import HEAD_MODEL_ID
from rhetor.engine.protocol.errors import CheckpointError, ConfigError
from rhetor.engine.protocol.weights_header import METADATA_KEY, read_description

EXTRACTOR = read_description(styles.WEIGHTS_DIR / "features.safetensors")["id"]


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """The folder of one's own styles; not there yet."""
    folder = tmp_path / "own"
    monkeypatch.setenv("RHETOR_STYLES", str(folder))
    return folder


def write_style(path, **changes):
    description = {
        "kind": "style",
        "name": path.stem,
        "label": "Some body",
        "description": "Nods a lot.",
        "preset": "plus",
        "feature_extractor": EXTRACTOR,
        "head_model": HEAD_MODEL_ID,
        **changes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"posegan.x": np.zeros(4, np.float16)}, path, {METADATA_KEY: json.dumps(description)})
    return path


def test_table_styles_come_first_and_need_no_folder(own):
    entries = styles.installed_styles()
    assert entries[0].name == "neutral" and len(entries) > 4
    tables = [e for e in entries if e.kind == "table"]
    assert all(e.is_usable and e.path is None and e.label and e.description for e in tables)
    assert [e.name for e in styles.installed_styles("paper")] == ["neutral"]
    assert not own.exists()


def test_ones_own_files_are_listed_with_picture_and_words(own):
    path = write_style(own / "somebody.safetensors")
    path.with_suffix(".png").write_bytes(b"picture")
    entry = styles.find_style("somebody")
    assert entry.path == path and entry.thumbnail == path.with_suffix(".png")
    assert (entry.label, entry.kind, entry.shipped) == ("Some body", "file", False)
    assert json.loads(json.dumps(entry.to_json()))["path"] == str(path)
    with pytest.raises(ConfigError, match="preset plus"):
        styles.find_style("somebody", "paper")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"feature_extractor": "older-1"}, "speech features 'older-1'"),
        ({"head_model": "another-head"}, "head 'another-head'"),
        ({"kind": "posegan"}, "not a style"),
    ],
)
def test_a_file_made_for_something_else_is_listed_with_the_reason(own, change, reason):
    write_style(own / "somebody.safetensors", **change)
    (entry,) = (e for e in styles.installed_styles() if e.name == "somebody")
    assert not entry.is_usable and reason in entry.problem
    with pytest.raises(CheckpointError, match="cannot be used"):
        styles.find_style("somebody")


def test_damaged_files_are_listed_and_harm_nobody(own):
    whole = write_style(own / "good.safetensors").read_bytes()
    cases = {
        "empty": b"",
        "noise": b"\xff" * 64,
        "short": whole[:-3],
        "long": whole + b"x",
        "list": (2).to_bytes(8, "little") + b"[]",
    }
    for name, content in cases.items():
        (own / f"{name}.safetensors").write_bytes(content)
    entries = {e.name: e for e in styles.installed_styles()}
    assert entries["good"].is_usable
    for name in cases:
        assert "damaged" in entries[name].problem, name


def test_names_of_table_styles_cannot_be_taken(own):
    write_style(own / "calm.safetensors")
    calm = [e for e in styles.installed_styles() if e.name == "calm"]
    assert [e.kind for e in calm if e.is_usable] == ["table"]
    assert "another style" in calm[1].problem
    assert styles.find_style("calm").kind == "table"
    with pytest.raises(ConfigError, match="Rhetor's own"):
        styles.check_new_name("calm", force=True)


@pytest.mark.parametrize("name", ["", "Anna", "a b", "../up", "-x", "nul", "com1", "ä", "x" * 41])
def test_names_that_not_every_system_could_keep_are_refused(name):
    with pytest.raises(ConfigError, match="cannot be the name"):
        styles.check_new_name(name)


def test_overwriting_needs_force(own):
    path = styles.check_new_name("somebody")
    write_style(path)
    with pytest.raises(ConfigError, match="already"):
        styles.check_new_name("somebody")
    assert styles.check_new_name("somebody", force=True) == path


def test_shipped_files_win_over_ones_own(own, tmp_path, monkeypatch):
    shipped = tmp_path / "shipped"
    monkeypatch.setattr(styles, "SHIPPED_STYLES_DIR", shipped)
    write_style(shipped / "measured.safetensors", label="Shipped")
    write_style(own / "measured.safetensors", label="Own")
    assert styles.find_style("measured").label == "Shipped"
    with pytest.raises(ConfigError, match="Rhetor's own"):
        styles.check_new_name("measured", force=True)


def test_export_import_remove(own, tmp_path, capsys):
    path = write_style(own / "somebody.safetensors")
    path.with_suffix(".md").write_text("card")
    assert cli.main(["styles", "export", "somebody", str(tmp_path / "out")]) == 0
    copy = tmp_path / "out" / "somebody.safetensors"
    assert cli.main(["styles", "import", str(copy)]) == 1
    assert "already" in capsys.readouterr().err
    assert cli.main(["styles", "import", str(copy), "--name", "other"]) == 0
    assert (own / "other.md").read_text() == "card"
    assert styles.find_style("other").is_usable
    assert cli.main(["styles", "remove", "somebody"]) == 0
    assert sorted(p.name for p in own.iterdir()) == ["other.md", "other.safetensors"]
    assert cli.main(["styles", "remove", "calm"]) == 1
    assert cli.main(["styles", "import", str(tmp_path / "none.safetensors")]) == 1


def test_the_list_says_what_cannot_be_used(own, capsys):
    write_style(own / "somebody.safetensors", head_model="x")
    assert cli.main(["styles"]) == 0
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("somebody"))
    assert "cannot be used" in line and "head" in line


def test_the_stamp_changes_with_the_files(own):
    before = styles.styles_stamp()
    path = write_style(own / "somebody.safetensors")
    added = styles.styles_stamp()
    write_style(path, label="A longer label")
    replaced = styles.styles_stamp()
    styles.remove_style("somebody")
    assert len({before, added, replaced}) == 3 and styles.styles_stamp() == before


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/rhetor/styles"),
        ("linux", {"HOME": "/home/a"}, "/home/a/.local/share/rhetor/styles"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/Rhetor/styles"),
        ("darwin", {"HOME": "/Users/a"}, "/Users/a/Library/Application Support/Rhetor/styles"),
    ],
)
def test_each_system_has_its_folder(monkeypatch, platform, variables, expected):
    for name in ("RHETOR_STYLES", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(styles.sys, "platform", platform)
    assert styles.styles_dir().as_posix() == expected


def test_styles_are_read_with_numpy_alone():
    script = (
        "import sys\nfrom rhetor.engine.styles import installed_styles\ninstalled_styles()\n"
        "assert not {'torch', 'scipy', 'safetensors'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
