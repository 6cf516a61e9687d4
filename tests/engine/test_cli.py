# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: exit codes, one-line reasons, and help without torch."""

import io
import json
import re
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from rhetor.engine import cli
from rhetor.engine.progress_line import ProgressLine
from rhetor.engine.protocol.take_files import read_take
from rhetor.engine.provenance import engine_version

ROOT = Path(__file__).parents[2]


def rhetor(*arguments, code=0, timeout=120):
    run = subprocess.run(
        [sys.executable, "-m", "rhetor.engine", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert run.returncode == code, run.stderr
    return run


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice") / "Stimme ü.wav"
    seconds = np.arange(32000) / 16000
    tone = np.sin(2 * np.pi * 140 * seconds) * (np.sin(2 * np.pi * 3 * seconds) > 0) * 9000
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", "not compressed"))
        file.writeframes(tone.astype("<i2").tobytes())
    return path


def test_help_and_version_load_nothing_heavy():
    script = (
        "import sys\n"
        "from rhetor.engine.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'scipy', 'librosa', 'av'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    for arguments in (["--help"], ["animate", "--help"], ["--version"], ["styles"]):
        subprocess.run(
            [sys.executable, "-c", script, *arguments],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip


def test_version_is_the_manifests():
    text = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    assert engine_version() == re.search(r'^version = "(.+)"', text, re.MULTILINE).group(1)
    assert rhetor("--version").stdout.strip() == f"rhetor {engine_version()}"


def test_animate_writes_a_take(voice, tmp_path):
    run = rhetor(
        "animate", voice, "-o", tmp_path / "take.npz", "--seconds", 1, "--fps", 25,
        "--seed", 7, "--start-pose=-0.1,0.05,0,1,2,3", "--no-eyes", "--device", "cpu",
    )  # fmt: skip
    assert "25 frames at 25 fps" in run.stdout
    take = read_take(tmp_path / "take.npz")
    assert take.frame_count == 25 and take.fps == 25.0
    np.testing.assert_allclose(take.pose[0], [-0.1, 0.05, 0, 1, 2, 3], atol=1e-5)
    assert take.meta["settings"]["seed"] == 7
    assert take.expression_channel("eyeBlinkLeft").max() < 0.3


def test_animate_takes_a_part_or_listens(voice, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    common = ("--fps", "25", "--device", "cpu")
    part = ["animate", str(voice), "-o", "part.npz", "--start-s", "0.5", "--seconds", "1", *common]
    assert cli.main(part) == 0 and cli.main(["animate", "-o", "idle.npz", "--silence-s", "2"]) == 0
    assert "25 frames" in capsys.readouterr().out
    assert read_take(tmp_path / "part.npz").meta["settings"]["start_s"] == 0.5
    assert read_take(tmp_path / "idle.npz").frame_count == 60


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.wav", "-o", "x.npz"], "no file"),
        (["{voice}", "-o", "x.fbx"], "format"),
        (["{voice}", "-o", "nowhere/x.npz"], "does not exist"),
        (["{voice}", "-o", "x.npz", "--style", "grumpy"], "grumpy"),
        (["{voice}", "-o", "x.npz", "--fps", "0"], "frame rate"),
        (["{voice}", "-o", "x.npz", "--seed", "-1"], "seed"),
        (["{voice}", "-o", "x.npz", "--seconds", "0"], "length limit"),
        (["{voice}", "-o", "x.npz", "--start-s", "9"], "is over before"),
        (["{voice}", "-o", "x.npz", "--silence-s", "9"], "exclude"),
        (["-o", "x.npz"], "no recording"),
        (["{voice}", "-o", "x.npz", "--start-pose", "1,2"], "six|6"),
    ],
)
def test_failures_end_with_one_line_that_says_why(
    voice, tmp_path, monkeypatch, capsys, arguments, words
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["animate", *(a.format(voice=voice) for a in arguments)]) == 1
    assert re.search(words, capsys.readouterr().err.splitlines()[-1])
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_ends_with_130(voice, tmp_path, monkeypatch, capsys):
    from rhetor.engine import animate

    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(animate, "decode_audio", interrupted)
    assert cli.main(["animate", str(voice), "-o", str(tmp_path / "x.npz")]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "Interrupted."
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage_ends_with_2(capsys):
    for arguments in ([], ["fly"], ["animate"], ["animate", "x.wav"], ["train", "nothing"]):
        with pytest.raises(SystemExit) as end:
            cli.main(arguments)
        assert end.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_styles(capsys):
    assert cli.main(["styles", "--json"]) == 0
    styles = json.loads(capsys.readouterr().out)
    assert "neutral" in [style["name"] for style in styles]
    assert all(style["label"] for style in styles)
    assert cli.main(["styles"]) == 0
    assert "neutral" in capsys.readouterr().out


def test_doctor_finds_everything_in_order_and_names_what_is_not(capsys, monkeypatch, tmp_path):
    from rhetor.engine import doctor

    assert cli.main(["doctor", "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)
    assert all(check["is_good"] for check in checks)
    assert {"python", "torch", "audio", "head", "trial run"} <= {c["name"] for c in checks}

    monkeypatch.setattr(doctor, "WEIGHTS_DIR", tmp_path)
    assert cli.main(["doctor"]) == 1
    shown = capsys.readouterr()
    assert "BAD  speech" in shown.out and "->" in shown.out
    assert shown.err.splitlines()[-1].startswith("Not in order: speech")


@pytest.mark.parametrize("network", ["features", "pose", "face"])
def test_trainings_are_reached(network, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [])
    with pytest.raises(SystemExit) as end:
        cli.main(["train", network, "--help"])
    assert not end.value.code
    assert f"usage: rhetor train {network}" in capsys.readouterr().out


def test_the_head_build_is_reached(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [])
    wheel, output = tmp_path / "no.whl", tmp_path / "head.npz"
    assert cli.main(["head", "build", "--wheel", str(wheel), "--output", str(output)]) == 1
    assert "no.whl" in capsys.readouterr().err.splitlines()[-1]
    assert not output.exists()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_one_line_on_a_terminal_and_one_line_a_stage_in_a_log():
    terminal, log = Terminal(), io.StringIO()
    for stream in (terminal, log):
        with ProgressLine(stream) as line:
            for fraction, stage in ((0.0, "Listening"), (0.5, "Listening"), (1.0, "Blinking")):
                line.show(fraction, stage)
            line.note("It is quiet.")
    assert log.getvalue() == "Listening\nBlinking\nIt is quiet.\n"
    assert " 50% Listening" in terminal.getvalue() and "100% Blinking" in terminal.getvalue()
    assert [text.strip() for text in terminal.getvalue().split("\n")][1:] == [""]
    assert terminal.getvalue().split("\r")[-1] == "It is quiet.\n"
