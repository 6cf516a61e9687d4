# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module of this very copy of Rhetor: `PYTHON -I launch.py MODULE ARGUMENTS...`.

The package's root may be a folder of any name, anywhere; modules find it as `rhetor`. So an
environment for the engine holds other people's packages only, and the engine's code is always
that of the extension which starts it, in its version.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

PACKAGE = "rhetor"
_HERE = Path(__file__).resolve()


def launch_arguments(module: str, *arguments: str) -> tuple[str, ...]:
    """What follows an interpreter's name to run a module, such as "rhetor.engine".

    -I: neither PYTHON* variables nor the working directory can change what runs.
    """
    return ("-I", str(_HERE), module, *arguments)


def own_name(module: str) -> str:
    """A module's name below `rhetor`, whatever Blender has called the package's root."""
    root = __name__.removesuffix("engine.launch")
    return f"{PACKAGE}.{module.removeprefix(root)}" if module.startswith(root) else module


def _find_package() -> None:
    root = _HERE.parent.parent
    spec = importlib.util.spec_from_file_location(
        PACKAGE, root / "__init__.py", submodule_search_locations=[str(root)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    _find_package()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
