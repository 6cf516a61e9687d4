# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of shape keys and bones as they are compared: without case, separators and prefixes."""

from __future__ import annotations

import re
import unicodedata

_COPY_NUMBER = re.compile(r"\.\d{3}$")
_SEPARATORS = re.compile(r"[\W_]+")


def spellings(name: str) -> list[str]:
    """The name in lower case without separators; then with one leading part less at a time.

    The number that Blender gives to copies is left out: "head.JawOpen.001" gives "headjawopen" and
    "jawopen".
    """
    plain = _COPY_NUMBER.sub("", unicodedata.normalize("NFKC", name)).lower()
    parts = [part for part in _SEPARATORS.split(plain) if part]
    return ["".join(parts[start:]) for start in range(len(parts))]
