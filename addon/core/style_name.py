# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a person calls a style to a name that a file can have on every system."""

import re
import unicodedata
from collections.abc import Collection

from ...engine.styles import is_valid_name

_LONGEST = 36
_FALLBACK = "style"


def style_name(label: str, taken: Collection[str]) -> str:
    """A valid style name that resembles the label and is not taken.

    Accents are dropped; a label without a Latin letter or digit gives "style". A taken name gets
    the next free number.
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_LONGEST].rstrip("_") or _FALLBACK
    if not is_valid_name(stem):  # a device name of Windows
        stem = f"{stem}_{_FALLBACK}"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name
