# SPDX-License-Identifier: GPL-3.0-or-later
"""Translations of texts with gaps: "The style {0} is ready" serves for "The style calm is ready".

Sentences are written in English where they arise, also in the engine, which knows no languages;
they are translated where they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_GAP = re.compile(r"\{(\d+)\}")


class Phrases:
    """Finds the text with gaps that a finished sentence was made from."""

    def __init__(self, templates: Iterable[str]) -> None:
        with_gaps = [text for text in templates if _GAP.search(text)]
        # The more of a sentence is fixed, the surer is the match.
        with_gaps.sort(key=lambda text: -len(_GAP.sub("", text)))
        self._patterns = [(_pattern(text), text) for text in with_gaps]

    def translated(self, sentence: str, translate: Callable[[str], str]) -> str:
        """A sentence in another language, as far as `translate` knows it; what fills gaps too."""
        known = translate(sentence)
        if known != sentence:
            return known
        for pattern, template in self._patterns:
            if found := pattern.fullmatch(sentence):
                fillings = [self._filling(text, translate) for text in found.groups()]
                return _filled(translate(template), fillings)
        return sentence

    def _filling(self, text: str, translate: Callable[[str], str]) -> str:
        """A single word may be the name that an artist has given to something: it stays."""
        if " " not in text:
            return text
        if text[:1].isupper() and self.translated(text, translate) == text:
            return _capital(self.translated(text[0].lower() + text[1:], translate))
        return self.translated(text, translate)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _filled(template: str, fillings: list[str]) -> str:
    return _GAP.sub(lambda gap: fillings[int(gap[1])], template)


def _pattern(template: str) -> re.Pattern[str]:
    """Gaps are numbered from 0 in the order of the English text."""
    parts = _GAP.split(template)[::2]
    return re.compile("(.+?)".join(map(re.escape, parts)), re.DOTALL)


def read_po(text: str) -> dict[str, str]:
    """The texts of a gettext file and their translations; untranslated ones are left out."""
    found: dict[str, str] = {}
    fields = {"msgid": "", "msgstr": ""}
    field = ""
    for line in [*text.splitlines(), 'msgid ""']:
        keyword, _, rest = line.partition(" ")
        if keyword == "msgid":
            if fields["msgid"] and fields["msgstr"]:
                found[fields["msgid"]] = fields["msgstr"]
            fields = {"msgid": "", "msgstr": ""}
        if keyword in fields:
            field = keyword
            fields[field] = _unquoted(rest)
        elif line.startswith('"'):
            fields[field] += _unquoted(line)
    return found


def _unquoted(quoted: str) -> str:
    inner = quoted.strip()[1:-1]
    return inner.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
