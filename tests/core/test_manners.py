# SPDX-License-Identifier: GPL-3.0-or-later
"""The manners of the Blender side, read from the syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ADDON = Path(__file__).resolve().parents[2] / "addon"
TREES = {
    path.relative_to(ADDON).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in sorted(ADDON.rglob("*.py"))
}


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == name:
            yield node


def operators() -> Iterator[tuple[str, ast.ClassDef]]:
    """Operators, and classes that they have in common."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name.startswith(("RHETOR_OT", "_")):
                yield f"{name}:{node.name}", node


def refusals(poll: ast.FunctionDef) -> Iterator[str]:
    """What leads to each return that may be a no, with its condition."""
    for node in ast.walk(poll):
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if not (isinstance(block, list) and block and isinstance(block[-1], ast.Return)):
                continue
            if ast.unparse(block[-1]) != "return True":
                condition = ast.unparse(node.test) if isinstance(node, ast.If) else ""
                yield "\n".join([condition, *map(ast.unparse, block)])


def is_silent(refusal: str) -> bool:
    """Whether nobody gives a reason: neither it nor another poll that it asks."""
    return not any(word in refusal for word in ("poll_message_set(", ".poll(", "(cls,"))


def polls() -> Iterator[tuple[str, ast.FunctionDef]]:
    for place, cls in operators():
        for node in cls.body:
            if isinstance(node, ast.FunctionDef) and node.name == "poll":
                yield place, node


def test_every_grey_button_says_why():
    found = list(polls())
    assert len(found) > 20
    silent = [place for place, poll in found if any(map(is_silent, refusals(poll)))]
    assert not silent


@pytest.mark.parametrize(("method", "argument"), [("report", 1), ("poll_message_set", 0)])
def test_what_is_said_can_be_translated(method, argument):
    said = [
        (f"{name}:{call.lineno}", call.args[argument])
        for name, tree in TREES.items()
        for call in calls(tree, method)
        if len(call.args) > argument
    ]
    assert len(said) > 20
    plain = [place for place, text in said if not ast.unparse(text).startswith("say(")]
    assert not plain


def test_tooltips_of_the_moment_can_be_translated():
    plain = []
    for place, cls in operators():
        for node in ast.walk(cls):
            if isinstance(node, ast.FunctionDef) and node.name == "description":
                returns = [n for n in ast.walk(node) if isinstance(n, ast.Return)]
                plain += [place for n in returns if not ast.unparse(n).startswith("return say(")]
    assert not plain


def test_no_hot_keys_are_taken():
    assert not [name for name, tree in TREES.items() if "keyconfigs" in ast.unparse(tree)]


def test_only_commands_print():
    printing = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "traceback.print_exc")
    }
    assert printing <= {"bench.py", "headless/command.py", "core/installation/kit_command.py"}


def test_panels_align_their_properties():
    crooked = []
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name.startswith("RHETOR_PT"):
                text = ast.unparse(node)
                if ".prop(" in text and "use_property_split" not in text:
                    crooked.append(f"{name}:{node.name}")
    assert not crooked


def test_what_changes_data_can_be_undone_by_name():
    nameless = []
    for place, cls in operators():
        fields = {
            target.id: statement.value
            for statement in cls.body
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None
            for target in getattr(statement, "targets", [getattr(statement, "target", None)])
            if isinstance(target, ast.Name)
        }
        options = ast.unparse(fields.get("bl_options", ast.Constant("")))
        if "UNDO" in options and "bl_label" not in fields:
            nameless.append(place)
        if "UNDO" in options and "REGISTER" not in options and "INTERNAL" not in options:
            nameless.append(f"{place}: UNDO without REGISTER")
    assert not nameless
