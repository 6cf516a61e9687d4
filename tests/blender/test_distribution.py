# SPDX-License-Identifier: GPL-3.0-or-later
"""What `build.py package` publishes: the same bytes each time, small, and updates that arrive."""

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 20_000_000
MANIFEST = "blender_manifest.toml"


def build_module():
    spec = importlib.util.spec_from_file_location("build", ROOT / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def published(extension_zip, tmp_path_factory):
    """A repository of its own, which tests may change."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(extension_zip.parent, folder, dirs_exist_ok=True)
    return folder


def test_the_package_is_the_same_to_the_byte_and_small(published, tmp_path):
    command = [sys.executable, str(ROOT / "build.py"), "package", "--output", str(tmp_path)]
    subprocess.run(command, check=True, timeout=300, capture_output=True)
    names = sorted(path.name for path in published.iterdir())
    assert "index.json" in names and "index.html" in names
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (published / name).read_bytes(), name
    (archive,) = published.glob("*.zip")
    assert archive.stat().st_size < MOST_BYTES


def test_a_subscriber_gets_the_update(blender, published, tmp_path):
    folder, newer = tmp_path / "releases", tmp_path / "newer"
    shutil.copytree(published, folder)
    newer.mkdir()
    (archive,) = published.glob("*.zip")
    old = archive.stem.removeprefix("rhetor-")
    release_as(archive, newer / "rhetor-99.0.0.zip", old, "99.0.0")
    build_module().write_repository(newer)
    told = blender.run("subscribe", folder, newer, BLENDER_USER_RESOURCES=str(tmp_path / "user"))
    assert told == {"first": old, "then": "99.0.0"}


def release_as(archive, target, old, new):
    """The same extension under another version."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w") as copy:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == MANIFEST:
                data = data.replace(f'version = "{old}"'.encode(), f'version = "{new}"'.encode())
            copy.writestr(entry, data)
