# SPDX-License-Identifier: GPL-3.0-or-later
"""What every scenario needs: the enabled extension, its modules, an end that cannot hang."""

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import bpy

EXTENSION = "bl_ext.user_default.rhetor"


def module(name: str) -> ModuleType:
    """A module of the installed extension, such as "addon.session"."""
    return importlib.import_module(f"{EXTENSION}.{name}")


def enable() -> None:
    """Enable the extension in an empty scene of a fresh file."""
    import addon_utils

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    addon_utils.extensions_refresh(ensure_wheels=False)
    assert addon_utils.enable(EXTENSION, default_set=True), "the extension cannot be enabled"


def run(scenario: Callable[..., dict[str, Any] | None], *, enabled: bool = True) -> None:
    """Run `scenario(*arguments)`, print its result as JSON, and leave at once."""
    code = 0
    try:
        if enabled:
            enable()
        result = scenario(*sys.argv[1:])
        print()
        print(json.dumps(result or {}))
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender's module can crash or hang while it unloads.
    os._exit(code)
