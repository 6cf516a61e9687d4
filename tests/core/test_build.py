"""build.py answers in plain words and needs nothing but the standard library."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "build.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_only_the_standard_library() -> None:
    tree = ast.parse((ROOT / "build.py").read_text("utf-8"))
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert all(name.split(".")[0] in sys.stdlib_module_names for name in names), names


@pytest.mark.parametrize("name", ["setup", "demo", "test", "ui-test", "check", "package", "bench"])
def test_every_command_explains_itself(name: str) -> None:
    result = run(name, "--help")
    assert result.returncode == 0 and "usage" in result.stdout


def test_missing_recording_is_a_one_line_reason() -> None:
    result = run("demo", "--audio", "no/such/voice.wav")
    assert result.returncode == 1
    assert "There is no recording" in result.stderr.splitlines()[-1]
