# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine, installed for real from an offline kit without any network, used, and removed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NO_NETWORK = {
    "PIP_NO_INDEX": "1",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_FIND_LINKS": "",
    "https_proxy": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def kit(tmp_path_factory, default_blender):
    """The kit for the default Blender's Python, from wherever pip finds wheels here."""
    folder = tmp_path_factory.mktemp("kit")
    module = "rhetor.addon.core.installation.kit_command"
    options = ["--output", str(folder), "--work", str(ROOT / "build" / "offline-kit")]
    done = subprocess.run(
        [sys.executable, "-m", module, *options, "--no-new-style", "--variant", "cpu"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"pip's sources do not serve the engine here: {done.stderr.strip()}")
    return Path(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def told(default_blender, kit, speech, engine_python):
    return default_blender.run(
        "installation", kit, speech, engine_python, timeout_s=400, **NO_NETWORK
    )


def test_a_new_person_sees_one_button(told):
    assert "Install the engine first" in told["before"]
    assert told["first run"][-1] == "rhetor.install_engine"
    assert told["first run"].count("rhetor.install_engine") == 1
    assert "Allow Online Access" in told["offline"]
    said = told["preferences"]
    assert "not installed" in said[0] and said[1] == "rhetor.install_engine"


def test_the_kit_installs_without_network(told):
    installed = told["installed"]
    assert installed["torch"].startswith("2.") and installed["size_bytes"] > 100_000_000
    assert any(line.startswith("trial run: 60 frames") for line in installed["report"])
    assert told["left over"] == ["env", "install.log", "installed.json", "lock"]


def test_the_installed_engine_animates(told):
    assert told["animated"]["title"] and told["animated"]["engine"].startswith("Engine ")
    assert told["ready"] == []
    said = " ".join(told["preferences then"])
    assert f"PyTorch {told['installed']['torch']}" in said and "checks passed" in said
    assert said.index("rhetor.check_engine") < said.index("rhetor.uninstall_engine")
    assert "checks passed" in told["checks"] and "BAD" not in told["checks"]
    assert "Blender " in told["checks"] and "torch: " in told["checks"]


def test_what_cannot_be_used_is_refused(told):
    assert "The offline kit cannot be read" in told["not a kit"]
    assert "There is no Python in" in told["nowhere"]


def test_an_existing_environment_is_tried_and_kept(told, engine_python):
    kept, *shown = told["existing"]
    assert kept == str(engine_python)
    assert str(engine_python) in " ".join(shown) and "rhetor.use_environment" in shown


def test_uninstalling_leaves_nothing(told):
    assert told["after"] == []
    assert "Nothing is installed" in told["again"]
