# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock on a file that the system drops when the process ends, however it ends."""

from __future__ import annotations

from typing import IO


def try_lock(file: IO[bytes]) -> bool:
    """Lock an open file without waiting; closing it unlocks it. False where another holds it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
