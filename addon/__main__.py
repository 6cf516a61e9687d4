# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m rhetor.addon animate ...`, where Blender is installed as the Python module bpy."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Register, run one command, and leave at once: bpy can hang or crash while it unloads."""
    from .. import register, unregister
    from .headless import command
    from .installation.installer import ENGINE_PYTHON_VARIABLE

    # Here Blender runs in an environment of ours, and the engine is usually in the same.
    os.environ.setdefault(ENGINE_PYTHON_VARIABLE, sys.executable)
    register()
    try:
        code = command.main(sys.argv[1:])
    finally:
        unregister()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
