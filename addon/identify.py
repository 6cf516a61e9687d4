# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember a data-block across time without holding it.

Blender moves or frees data-blocks on undo, on deletion and when another file is opened; a kept
Python reference would then crash. A session id stays with its data-block and is never reused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BlockId:
    """Name and session id of a data-block."""

    name: str
    session_uid: int

    @classmethod
    def of(cls, block: Any) -> BlockId:
        """The id of a data-block that exists now."""
        return cls(block.name, block.session_uid)

    def find(self, collection: Any) -> Any | None:
        """The data-block in one of bpy.data's collections; None where it is gone."""
        named = collection.get(self.name)
        if named is not None and named.session_uid == self.session_uid:
            return named
        return next((block for block in collection if block.session_uid == self.session_uid), None)
