# SPDX-License-Identifier: GPL-3.0-or-later
"""The installation's decisions: where, for which machine, what, and what is in use."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rhetor.addon.core.installation import choice, hardware
from rhetor.addon.core.installation.choice import Wish, choose
from rhetor.addon.core.installation.commands import Commands, Finished
from rhetor.addon.core.installation.hardware import Machine, Variant, best_variant, variant_of
from rhetor.addon.core.installation.home import EngineHome, Installed, default_home
from rhetor.addon.core.installation.interpreter import (
    copy_environment,
    create_environment,
    is_bundled,
)
from rhetor.addon.core.installation.pins import PROJECT_FILE, read_pins
from rhetor.addon.core.installation.pip import NoBuildError, reason_of
from rhetor.addon.core.installation.wheels import Wheel, wheels_of_lock, wheels_of_report
from rhetor.engine.protocol.errors import InstallError

PERSON = Path("/home/ann")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "/home/ann/.local/share/rhetor/engine"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/rhetor/engine"),
        ("linux", {"XDG_DATA_HOME": "not/absolute"}, "/home/ann/.local/share/rhetor/engine"),
        ("darwin", {}, "/home/ann/Library/Application Support/Rhetor/engine"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/Rhetor/engine"),
        ("win32", {}, "/home/ann/AppData/Local/Rhetor/engine"),
        ("win32", {"RHETOR_ENGINE_HOME": "/else"}, "/else"),
    ],
)
def test_one_folder_for_a_person(platform, variables, expected):
    assert default_home(platform, variables, PERSON) == Path(expected)


@pytest.mark.parametrize(
    ("machine", "variant"),
    [
        (Machine("Linux", "x86_64"), Variant.CPU),
        (Machine("Linux", "x86_64", has_nvidia=True), Variant.CUDA),
        (Machine("Linux", "x86_64", has_amd=True), Variant.ROCM),
        (Machine("Linux", "x86_64", has_nvidia=True, has_amd=True), Variant.CUDA),
        (Machine("Windows", "AMD64", has_nvidia=True), Variant.CUDA),
        (Machine("Windows", "AMD64", has_amd=True), Variant.CPU),
        (Machine("Darwin", "arm64"), Variant.APPLE),
        (Machine("Darwin", "x86_64"), Variant.CPU),
    ],
)
def test_the_build_that_suits_a_machine(machine, variant):
    assert best_variant(machine) is variant


@pytest.mark.parametrize(
    ("version", "packages", "machine", "variant"),
    [
        ("2.13.0+cpu", [], Machine("Linux", "x86_64"), Variant.CPU),
        ("2.13.0+cu130", [], Machine("Windows", "AMD64"), Variant.CUDA),
        ("2.13.0+rocm7.1", [], Machine("Linux", "x86_64"), Variant.ROCM),
        ("2.13.0", ["nvidia-cublas", "numpy"], Machine("Linux", "x86_64"), Variant.CUDA),
        ("2.13.0", ["numpy"], Machine("Linux", "aarch64"), Variant.CPU),
        ("2.13.0", ["numpy"], Machine("Windows", "AMD64"), Variant.CPU),
        ("2.13.0", ["numpy"], Machine("Darwin", "arm64"), Variant.APPLE),
    ],
)
def test_which_build_was_offered(version, packages, machine, variant):
    assert variant_of(version, packages, machine) is variant


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
@pytest.mark.parametrize(("says", "expected"), [("GPU 0: Card", True), ("No devices", False)])
def test_the_driver_is_asked_for_cards(tmp_path, monkeypatch, says, expected):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho '{says}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert hardware.this_machine().has_nvidia is expected


def test_pins_are_the_projects():
    project = tomllib.loads(PROJECT_FILE.read_text("utf-8"))
    pins = read_pins()
    assert list(pins.packages) == project["project"]["dependencies"]
    assert pins.requirements(False) == pins.packages
    assert set(pins.requirements(True)) - set(pins.packages) == {*pins.training, *pins.video}
    assert pins.can_learn(["Torch", "MediaPipe"]) and not pins.can_learn(["torch"])
    assert pins.selector.count("==") == 1


def installed(name: str) -> Installed:
    return Installed(name, "bin/python", "cpu", "2.13.0+cpu", "abc", True, 1, ("ok",))


def environment(home: EngineHome) -> str:
    name = home.new_environment()
    python = home.environment(name) / "bin" / "python"
    python.parent.mkdir()
    python.write_text("")
    return name


def test_only_what_was_switched_to_is_in_use(tmp_path):
    home = EngineHome(tmp_path / "engine")
    assert home.installed() is None
    first = environment(home)
    assert home.installed() is None, "made, but not switched to"
    home.switch_to(installed(first))
    assert home.installed() == installed(first)
    second = environment(home)
    home.sweep_environments()
    assert home.environment(first).exists() and not home.environment(second).exists()
    home.python(installed(first)).unlink()
    assert home.installed() is None, "its Python is gone"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"environment": 3}', '{"python": "x"}'])
def test_a_damaged_record_counts_as_none(tmp_path, text):
    home = EngineHome(tmp_path)
    home.record.write_text(text)
    assert home.installed() is None


def test_a_record_of_a_later_version_is_read(tmp_path):
    home = EngineHome(tmp_path)
    home.switch_to(installed(environment(home)))
    stored = json.loads(home.record.read_text())
    home.record.write_text(json.dumps({**stored, "something": "new"}))
    assert home.installed() is not None


def test_one_at_a_time(tmp_path):
    home = EngineHome(tmp_path)
    other = EngineHome(tmp_path)
    with home.locked(), pytest.raises(InstallError, match="Another Blender"), other.locked():
        pass
    with home.locked():
        pass


def test_removing_leaves_what_others_put_there(tmp_path):
    home = EngineHome(tmp_path / "rhetor" / "engine")
    home.switch_to(installed(environment(home)))
    home.downloads.mkdir()
    home.log.write_text("")
    (home.root / "notes.txt").write_text("mine")
    home.remove()
    assert [path.name for path in home.root.iterdir()] == ["notes.txt"]
    (home.root / "notes.txt").unlink()
    home.switch_to(installed(environment(home)))
    home.remove()
    assert list(tmp_path.iterdir()) == []


def test_blenders_own_python_is_told_from_the_systems(tmp_path):
    blender = tmp_path / "blender-4.5"
    assert is_bundled(str(blender / "4.5" / "python"), ["", str(blender)])
    assert not is_bundled("/usr", ["/usr/bin", "/usr/share/blender", ""])


def test_a_bundled_python_is_copied_and_lives_without_blender(tmp_path):
    """This machine's Python stands for Blender's: a folder with bin, lib and no pip of its own."""
    prefix = Path(sys.base_prefix)
    python = prefix / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if not python.exists() or prefix.is_relative_to("/usr"):
        pytest.skip("the Python here is not in a folder of its own")
    commands = Commands(tmp_path / "log")
    made = create_environment(tmp_path / "env", python, prefix, commands)
    said = commands.run([made, "-I", "-c", "import ssl, pip, sys; print(sys.prefix, pip.__file__)"])
    assert said.code == 0, said.errors
    assert said.output.count(str(tmp_path / "env")) == 2
    assert not list((tmp_path / "env").glob("lib/python*/test"))


def report(**archive: object) -> str:
    source = {"url": "https://index.example/a%2Bcpu-1-py3-none-any.whl", "archive_info": archive}
    return json.dumps(
        {"install": [{"metadata": {"name": "a", "version": "1+cpu"}, "download_info": source}]}
    )


def test_files_of_a_report():
    (wheel,) = wheels_of_report(report(hashes={"sha256": "00ff"}))
    assert (wheel.name, wheel.version, wheel.sha256) == ("a", "1+cpu", "00ff")
    assert wheel.filename == "a+cpu-1-py3-none-any.whl"
    (older,) = wheels_of_report(report(hash="sha256=00ff"))
    assert older == wheel


def test_a_file_without_a_checksum_is_refused():
    with pytest.raises(InstallError, match="does not tell its checksum"):
        wheels_of_report(report(hash="md5=00"))


LOCK = """
lock-version = "1.0"
[[packages]]
name = "a"
version = "1"
wheels = [{{ url = "https://index.example/{file}", size = 5, hashes = {{ sha256 = "00" }} }}]
"""


def test_files_of_a_lock():
    assert wheels_of_lock(LOCK.format(file="a-1-py3-none-any.whl"))[0].size == 5
    with pytest.raises(InstallError, match="not a wheel"):
        wheels_of_lock(LOCK.format(file="a-1.tar.gz"))
    with pytest.raises(InstallError, match="no ready-made build"):
        wheels_of_lock('[[packages]]\nname = "a"\nversion = "1"\n')


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("WARNING: Retrying (Retry(total=1))\nERROR: No matching distribution", "be reached"),
        ("SSLError(SSLCertVerificationError)", "could not be trusted"),
        ("ERROR: No matching distribution found for torch==2.13.0", "torch==2.13.0 for Python 3."),
        ("ERROR: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: Something odd", "Something odd"),
        ("", "exit code 2"),
    ],
)
def test_pips_reasons_are_put_plainly(said, expected):
    error = reason_of(Finished(2, "", said))
    assert expected in error.message and error.hint


def wheels(version: str, *more: str) -> tuple[Wheel, ...]:
    return tuple(
        Wheel(name, number, f"https://index.example/{name}-{number}.whl", "00")
        for name, number in (("torch", version), *((name, "1") for name in more))
    )


class Offers:
    """Stands for pip and for the selector: what the sources at hand have."""

    def __init__(self, plain, learning=None, selected=None):
        self.plain, self.learning, self.selected = plain, learning, selected

    def choose(self, requirements, _constraints, where=()):
        if isinstance(where, Variant):
            if self.selected is None:
                raise InstallError("No build was found.")
            return self.selected
        if any("mediapipe" in text for text in requirements):
            if self.learning is None:
                raise NoBuildError("None.")
            return self.learning
        return self.plain


CPU_MACHINE, CARD = Machine("Linux", "x86_64"), Machine("Linux", "x86_64", has_nvidia=True)
AMD = Machine("Linux", "x86_64", has_amd=True)
CPU, CUDA = wheels("2.13.0+cpu"), wheels("2.13.0+cu130")


@pytest.mark.parametrize(
    ("wish", "machine", "offers", "expected", "noted"),
    [
        (Wish(learning=False), CPU_MACHINE, Offers(CPU), (CPU, Variant.CPU, False), False),
        (Wish(learning=False), CARD, Offers(CPU, None, CUDA), (CUDA, Variant.CUDA, False), False),
        (Wish(learning=False), CARD, Offers(CPU), (CPU, Variant.CPU, False), True),
        (Wish(learning=False), AMD, Offers(CUDA, None, CPU), (CPU, Variant.CPU, False), True),
        (Wish(Variant.CPU, False), CARD, Offers(CUDA, None, CPU), (CPU, Variant.CPU, False), False),
        (Wish(learning=False, sources=("x",)), CARD, Offers(CPU), (CPU, Variant.CPU, False), False),
        (Wish(Variant.CUDA, False, ("x",)), CARD, Offers(CPU), (CPU, Variant.CPU, False), True),
        (Wish(), CPU_MACHINE, Offers(CPU), (CPU, Variant.CPU, False), True),
        (
            Wish(),
            CPU_MACHINE,
            Offers(CPU, wheels("2.13.0+cpu", "mediapipe")),
            (wheels("2.13.0+cpu", "mediapipe"), Variant.CPU, True),
            False,
        ),
    ],
)
def test_what_is_chosen(wish, machine, offers, expected, noted):
    got = choose(wish, read_pins(), machine, offers, lambda: offers)
    assert (got.wheels, got.variant, got.learning) == expected
    assert bool(got.notes) is noted


def test_an_update_takes_only_what_is_not_there():
    offers = Offers(CPU, wheels("2.13.0+cpu", "mediapipe"))
    present = {"torch": "2.13.0+cpu", "pip": "26.3"}
    got = choose(Wish(), read_pins(), CPU_MACHINE, offers, lambda: offers, present=present)
    assert [wheel.name for wheel in got.wheels] == ["mediapipe"]
    assert (got.torch, got.variant, got.learning) == ("2.13.0+cpu", Variant.CPU, True)


def test_an_environment_is_copied_without_taking_space(tmp_path):
    old = tmp_path / "old"
    (old / "bin").mkdir(parents=True)
    (old / "bin" / "python3").write_bytes(b"x" * 100)
    (old / "bin" / "python").symlink_to("python3")
    new = tmp_path / "new"
    new.mkdir()
    copy_environment(old, new)
    assert (new / "bin" / "python").is_symlink()
    assert (new / "bin" / "python3").stat().st_ino == (old / "bin" / "python3").stat().st_ino
    shutil.rmtree(old)
    assert (new / "bin" / "python").read_bytes() == b"x" * 100


def test_a_build_that_was_asked_for_is_not_replaced():
    with pytest.raises(InstallError, match="No build"):
        choose(Wish(Variant.CUDA, False), read_pins(), CARD, Offers(CPU), lambda: Offers(CPU))
    with pytest.raises(InstallError, match=r"NVIDIA \(CUDA\)"):
        offers = Offers(CPU, None, CPU)
        choose(Wish(Variant.CUDA, False), read_pins(), CARD, offers, lambda: offers)


def test_programs_see_none_of_the_persons_python(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PIP_TARGET", "/nowhere")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example")
    code = "import os; print(sorted(k for k in os.environ if k.startswith(('PY', 'PIP_'))))"
    said = Commands(tmp_path / "log").run([sys.executable, "-c", code])
    assert "PYTHONPATH" not in said.output and "PIP_TARGET" not in said.output
    assert "PIP_INDEX_URL" in said.output
    assert "exit 0" in (tmp_path / "log").read_text()


def test_the_launcher_runs_this_copy(tmp_path):
    """From a folder of another name, without being installed, and with arguments."""
    root = Path(choice.__file__).resolve().parents[3]
    link = tmp_path / "bl_ext copy"
    link.symlink_to(root, target_is_directory=True)
    command = [sys.executable, "-I", str(link / "engine" / "launch.py"), "rhetor.engine"]
    done = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.startswith("rhetor "), done.stderr
