# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences with gaps in another language."""

import pytest

from rhetor.addon.core.phrases import Phrases, read_po

GERMAN = {
    "The style {0} is ready": "Der Stil {0} ist fertig",
    "{0} of {1} shape keys are mapped": "Von {1} Formschlüsseln sind {0} zugeordnet",
    "The style {0} cannot be used: {1}": "Der Stil {0} ist nicht brauchbar: {1}",
    "{0} is gone": "{0} ist weg",
    "The file is damaged.": "Die Datei ist beschädigt.",
    "Head": "Kopf",
    "the head": "der Kopf",
    "{0} plays {1}": "{0} spielt {1}",
}


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("Head", "Kopf"),
        ("The style calm is ready", "Der Stil calm ist fertig"),
        ("3 of 52 shape keys are mapped", "Von 52 Formschlüsseln sind 3 zugeordnet"),
        (
            "The style calm cannot be used: The file is damaged.",
            "Der Stil calm ist nicht brauchbar: Die Datei ist beschädigt.",
        ),
        ("Head is gone", "Head ist weg"),  # the name of an object
        ("The head plays Walk", "Der Kopf spielt Walk"),
        ("A (.*) of two\nlines is gone", "A (.*) of two\nlines ist weg"),
        ("Nobody knows this", "Nobody knows this"),
    ],
)
def test_finished_sentences_are_translated(english, german):
    assert Phrases(GERMAN).translated(english, lambda text: GERMAN.get(text, text)) == german


def test_an_unknown_language_leaves_all_as_it_is():
    sentence = "The style calm is ready"
    assert Phrases(GERMAN).translated(sentence, lambda text: text) == sentence


def test_gettext_files_are_read():
    text = """# comment
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

#: somewhere
msgid "Press \\"Animate\\"."
msgstr "„Animieren“ drücken."

msgid "Two "
"parts"
msgstr ""
"Zwei "
"Teile\\n"

msgid "Not yet"
msgstr ""
"""
    assert read_po(text) == {
        'Press "Animate".': "„Animieren“ drücken.",
        "Two parts": "Zwei Teile\n",
    }
