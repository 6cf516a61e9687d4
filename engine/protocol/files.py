# SPDX-License-Identifier: GPL-3.0-or-later
"""Files written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile

from .errors import TakeError

_FULL = (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC, errno.EFBIG)

UNREADABLE_NPZ = (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile)
"""What numpy raises on an .npz file that is missing, cut off, foreign or without an array."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A binary file that appears at `path` only when the block ends well; else nothing is left.

    Raises TakeError where the disk is full or the place cannot be written.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise _write_error(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def _write_error(path: Path, error: OSError) -> TakeError:
    if error.errno in _FULL:
        return TakeError(f"There is no room to write {path.name}.", "Free some disk space.")
    return TakeError(
        f"{path.name} cannot be written ({error.strerror}).", f"Check the folder {path.parent}."
    )
