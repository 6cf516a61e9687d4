# SPDX-License-Identifier: GPL-3.0-or-later
"""Unfinished styles are found again, by the next process and by nobody too early."""

import subprocess
import sys
from dataclasses import replace

import pytest

from rhetor.addon.core.unfinished import Notebook, StyleOrder

ANNA = StyleOrder("anna", "Anna É 試", ("/videos/ä.mp4", "/videos/b.mp4"), "Calm, in a studio")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "styles" / "unfinished"


def test_an_order_is_offered_again_after_a_pause(folder):
    book = Notebook(folder)
    assert book.unfinished() == ()
    assert book.begin(ANNA)
    assert book.unfinished() == (), "somebody is at it"
    book.pause()
    assert Notebook(folder).unfinished() == (ANNA,)


def test_a_finished_order_leaves_nothing(folder):
    book = Notebook(folder)
    assert book.begin(ANNA)
    book.finish("anna")
    assert book.unfinished() == () and list(folder.iterdir()) == []
    book.finish("anna")


def test_the_newest_comes_first(folder):
    book = Notebook(folder)
    for name in ("b", "a", "c"):
        assert book.begin(replace(ANNA, name=name))
    book.pause()
    assert [order.name for order in book.unfinished()] == ["c", "a", "b"]


def test_what_is_not_a_note_is_passed_over(folder):
    folder.mkdir(parents=True)
    for name, text in {"x": "{", "y": "[]", "z": '{"name": "other"}', "w": "{}"}.items():
        (folder / f"{name}.json").write_text(text)
    (folder / "...json").write_text('{"name": "..", "label": "", "videos": [], "description": ""}')
    (folder / "anna").mkdir()
    assert Notebook(folder).unfinished() == ()


KEEPER = """
import sys
from pathlib import Path
from rhetor.addon.core.unfinished import Notebook, StyleOrder
book = Notebook(Path(sys.argv[1]))
print(book.begin(StyleOrder("anna", "Anna", ("/v.mp4",))), flush=True)
sys.stdin.read()
"""


def test_what_another_process_is_at_is_not_offered_until_it_dies(folder):
    other = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert other.stdout.readline().strip() == "True"
        book = Notebook(folder)
        assert book.unfinished() == ()
        assert not book.begin(ANNA)
        other.kill()
        other.wait(20)
        assert [order.label for order in book.unfinished()] == ["Anna"]
        assert book.begin(ANNA)
    finally:
        other.kill()
        other.communicate()
