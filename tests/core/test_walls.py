# SPDX-License-Identifier: GPL-3.0-or-later
"""The walls between the parts: who may import what, read from the syntax trees."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("addon", "engine")
BLENDER = {"bpy", "bmesh", "mathutils", "gpu", "aud", "bl_math", "bpy_extras", "addon_utils"}
TORCH = {"torch", "torchaudio", "safetensors"}
HEAVY = TORCH | {"scipy", "librosa", "av", "tensorboard"}
LIGHT = {"numpy"}
"""The only package besides the standard library that Blender offers everywhere."""

WITHOUT_BLENDER = tuple(
    f"addon.{name}"
    for name in (
        "call",
        "client",
        "headless.command_options",
        "jobs.jobs",
        "process",
        "warm_engine",
    )
)
"""Modules of the add-on that do not know Blender either."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def in_type_checking(tree: ast.Module) -> set[ast.AST]:
    """Nodes that only type checkers see."""
    hidden: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            hidden.update(inner for statement in node.body for inner in ast.walk(statement))
    return hidden


def imports(name: str, at_import_only: bool = False) -> tuple[str, ...]:
    """Absolute names that a module imports; of our own package without "rhetor."."""
    return _imports(name, MODULES[name], at_import_only)


@cache
def _imports(name: str, path: Path, at_import_only: bool) -> tuple[str, ...]:
    return tuple(_walk_imports(name, path, at_import_only))


def _walk_imports(name: str, path: Path, at_import_only: bool) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    hidden = in_type_checking(tree)
    if at_import_only:
        functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        for node in ast.walk(tree):
            if isinstance(node, functions):
                hidden.update(inner for inner in ast.walk(node) if inner is not node)
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in MODULES else base


def reachable(start: str, at_import_only: bool = True) -> dict[str, str]:
    """All that importing `start` imports, each with the module that asked for it."""
    found: dict[str, str] = {}
    todo = [start]
    while todo:
        name = todo.pop()
        for target in imports(name, at_import_only):
            parts = target.split(".")
            for end in range(1, len(parts) + 1):
                step = ".".join(parts[:end])
                if step not in found:
                    found[step] = name
                    if step in MODULES:
                        todo.append(step)
    return found


def within(*prefixes: str) -> list[str]:
    names = [n for n in MODULES if any(n == p or n.startswith(f"{p}.") for p in prefixes)]
    assert names, prefixes
    return names


@pytest.mark.parametrize("name", within("engine", "addon.core", *WITHOUT_BLENDER))
def test_no_blender_outside_the_add_on(name):
    assert not {target.split(".")[0] for target in imports(name)} & BLENDER


@pytest.mark.parametrize("name", within("engine"))
def test_the_engine_does_not_know_the_add_on(name):
    assert not [t for t in imports(name) if t.split(".")[0] == "addon" or "rhetor.addon" in t]


@pytest.mark.parametrize("name", within("addon", "engine.protocol"))
def test_blenders_side_reaches_no_torch(name):
    found = reachable(name)
    assert not {n: by for n, by in found.items() if n.split(".")[0] in HEAVY}


def test_the_head_model_and_the_protocol_need_numpy_only():
    for name in [*within("engine.protocol", "addon.core", "addon.client"), "engine.head.model"]:
        outside = {n.split(".")[0] for n in reachable(name)} - set(PACKAGES)
        foreign = {n for n in outside if n not in LIGHT and not is_standard(n)}
        assert not foreign, (name, foreign)


def is_standard(name: str) -> bool:
    return name in sys.stdlib_module_names or name == "__future__"


def test_no_module_imports_itself_in_a_circle():
    graph = {
        name: {target for target in imports(name, True) if target in MODULES and target != name}
        for name in MODULES
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_inside_the_package_imports_are_relative():
    absolute = {
        name: target for name in MODULES for target in imports(name) if target.startswith("rhetor")
    }
    assert not absolute


def test_the_walls_can_be_seen(tmp_path, monkeypatch):
    """A module that breaks the rules is caught, also through another one."""
    bad = tmp_path / "bad.py"
    bad.write_text("import bpy\nfrom .more import x\n")
    more = tmp_path / "more.py"
    more.write_text("import torch.nn as nn\nx = 1\n")
    monkeypatch.setitem(MODULES, "addon.bad", bad)
    monkeypatch.setitem(MODULES, "addon.more", more)
    assert "bpy" in set(imports("addon.bad"))
    assert reachable("addon.bad")["torch"] == "addon.more"
