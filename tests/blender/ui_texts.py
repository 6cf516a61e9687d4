# SPDX-License-Identifier: GPL-3.0-or-later
"""All texts of Rhetor that a person can read in Blender, taken from the syntax trees.

What Blender itself knows of (labels, tooltips, menus) is asked from Blender: see the scenario of
the same name.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from rhetor.engine.protocol.face_landmarks import FACE_LANDMARKS

ROOT = Path(__file__).resolve().parents[2]

COMMAND_LINE = {
    "addon/bench.py",
    "addon/core/batch_manifest.py",
    "addon/core/headless_options.py",
    "addon/core/job_list.py",
    "addon/headless/batch.py",
    "addon/headless/command.py",
    "addon/headless/command_options.py",
    "addon/headless/headless.py",
    "addon/headless/headless_scene.py",
    "addon/headless/render_setup.py",
    "addon/headless/video.py",
}
"""Modules that speak on the command line, which is English."""

UNSEEN = {
    "engine/bench.py",
    "engine/cli.py",
    "engine/head/basis.py",
    "engine/head/build",
    "engine/dataset",
    "engine/evaluation",
    "engine/tracking/anchor_registration.py",
    "engine/training",
}
"""Parts of the engine that Blender does not call, but for SEEN."""

SEEN = {
    f"engine/training/{name}.py"
    for name in ("style", "style_parts", "face_style", "pose_style", "person_material")
}
"""What learns a style for Blender."""

NO_TEXTS = {
    *("Rhetor for Blender", "Rhetor for Blender, learning", "Rhetor amount", "Rhetor take"),
    *("Rhetor lines", "Rhetor idle", "Rhetor Head", "Rhetor Stage", "Rhetor backdrop"),
    *(
        "Error:",
        "No matching distribution found for",
        "Rhetor ring {0}",
        "Rhetor {0}",
        "{0} keys",
        "{0} face",
        "{0} copy",
        "Error: ",
    ),
    *("DLL load failed", "WinError 126", "No module named", "Application Support"),
    *("Blender's Python has no pip", "Python cannot make a virtual environment"),
    *("Retrying (", "Name or service not known"),
    *("No space left", "{0}=={1} --hash=sha256:{2}", "Python {0} on {1}"),
}
"""Names of data-blocks, words that other programs say, words for logs."""

FRAGMENTS = {
    *("the head", "the face", "opening the mouth", "closing the lips", "rounding the lips"),
    *("raising the brows", "lowering the brows", "looking around", "about {0} left"),
    *("closed its connection", "ended with exit code {0}", "was killed ({0})"),
    *("was killed (signal {0})", "is packed into the .blend", "is not at {0}"),
}
"""Parts of sentences, which fill gaps."""

_SENTENCE = re.compile(r'["“A-Z{].* ')
_SHOWING = {"label", "operator", "prop", "menu", "popover", "progress", "prop_search", "say"}
_TELLING = re.compile(
    r"(?!Value|Type|Key|OS)\w*Error|warn|(warnings|found)\.append|progress|stages\.stage"
)
_GAP = re.compile(r"\{\d+\}")


def sources() -> Iterator[Path]:
    """The modules whose texts are shown in Blender."""
    for path in sorted([*(ROOT / "addon").rglob("*.py"), *(ROOT / "engine").rglob("*.py")]):
        name = path.relative_to(ROOT).as_posix()
        unseen = any(name == part or name.startswith(f"{part}/") for part in UNSEEN)
        if name not in COMMAND_LINE and (name in SEEN or not unseen):
            yield path


def shown_texts() -> dict[str, str]:
    """Text, with {0}, {1} for what is filled in -> the module that has it."""
    found = dict.fromkeys(FACE_LANDMARKS.values(), "landmarks")
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        from_addon = path.is_relative_to(ROOT / "addon")
        texts = _addon_texts(tree) if from_addon else _engine_texts(tree)
        for text in texts:
            if text not in NO_TEXTS and re.search("[A-Za-z]{3}", _GAP.sub("", text)):
                found.setdefault(text, path.relative_to(ROOT).as_posix())
    return found


def template(node: ast.AST) -> str | None:
    """The text of a string or f-string with numbered gaps; None of anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    gaps = iter(range(len(node.values)))
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else f"{{{next(gaps)}}}"
        for part in node.values
    )


def _addon_texts(tree: ast.AST) -> Iterator[str]:
    """Sentences wherever they are, and single words where they are shown."""
    silent = {id(node) for node in _documentation(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in ast.walk(node) if part is not node}
        text = template(node)
        if text and id(node) not in silent and (_SENTENCE.match(text) or text in FRAGMENTS):
            yield text.strip()
        if isinstance(node, ast.Call) and _name(node.func) in _SHOWING:
            for argument in [*node.args[:1], *(k.value for k in node.keywords if k.arg == "text")]:
                word = template(argument)
                if word and word[:1].isupper():
                    yield word


def _engine_texts(tree: ast.AST) -> Iterator[str]:
    """Messages and hints of errors, warnings, stages of work."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _TELLING.fullmatch(ast.unparse(node.func)):
            for argument in node.args:
                text = template(argument)
                if text and re.match(r'["“A-Z{]', text):
                    yield text


def _documentation(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _name(function: ast.AST) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))
