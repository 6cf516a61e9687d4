# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that a person can read in Blender is plain, and has its German."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from ui_texts import ROOT, shown_texts

from rhetor.addon.core.phrases import read_po

GERMAN = ROOT / "addon" / "translations" / "de.po"
SHOWN = 12
NO_LANGUAGE = re.compile(
    "|".join(
        (
            "[^A-Za-z]?[A-Za-z]?",  # -X
            "[a-z]+([A-Z][a-z]+)*",  # jawOpen: names of expression units are everybody's
            "RHETOR_[A-Za-z_]+",  # names of menus in Python
            "How far the key goes when [a-z]+([A-Z][a-z]+)* is at 1",  # in the file with a gap
        )
    )
)
SMALL_WORDS = {"a", "an", "and", "as", "from", "in", "of", "or", "the", "to", "with", "by"}


@pytest.fixture(scope="module")
def german():
    return read_po(GERMAN.read_text("utf-8"))


@pytest.fixture(scope="module")
def known(default_blender):
    """What Blender knows by itself: text -> place, of "labels", "tooltips" and other "texts"."""
    return default_blender.run("ui_texts")


@pytest.fixture(scope="module")
def texts(known):
    found = shown_texts() | known["labels"] | known["tooltips"] | known["texts"]
    return {text: place for text, place in found.items() if not NO_LANGUAGE.fullmatch(text)}


def some(found):
    return f"{len(found)}:\n" + "\n".join(map(repr, sorted(found)[:SHOWN]))


def test_no_german_is_missing(german, texts):
    missing = {f"{text}  [{place}]" for text, place in texts.items() if text not in german}
    assert not missing, some(missing)


def test_no_german_is_left_over(german, texts):
    stale = set(german) - set(texts)
    assert not stale, some(stale)


def test_gaps_are_the_same(german):
    def gaps(text):
        return sorted(set(re.findall(r"\{\d+\}", text)))

    assert not [english for english, other in german.items() if gaps(english) != gaps(other)]


def test_ends_are_the_same(german):
    def end(text):
        return re.search(r"[.:?!]*$", text).group()

    unlike = [english for english, other in german.items() if end(english) != end(other)]
    assert not unlike, some(unlike)


def test_labels_are_written_as_in_blender(known):
    def is_titled(label):
        first, *rest = re.findall(r"[A-Za-z']+", label) or ["-"]
        words = [first, *(word for word in rest if word not in SMALL_WORDS)]
        return all(not word[:1].islower() or word == word.upper() for word in words)

    lower = [
        f"{label}  [{place}]"
        for label, place in known["labels"].items()
        if not (is_titled(label) or NO_LANGUAGE.fullmatch(label))
    ]
    assert not lower, some(lower)


def test_tooltips_and_labels_end_without_a_stop(known):
    texts = known["labels"] | known["tooltips"]
    stopped = {text for text in texts if text.endswith(".") and not text.endswith("...")}
    assert not stopped, some(stopped)
    broken = {text for text in texts if "\n" in text or "  " in text}
    assert not broken, some(broken)
