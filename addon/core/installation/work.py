# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that installs, beside Blender: it may take minutes and must never hold it up.

Run through engine/launch.py by Blender's Python; parameters and progress as in
engine/background.py. When its parent goes, it stops; finished downloads are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from ....engine.background import serve_work
from ....engine.config import config_from
from ....engine.stages import ProgressCallback
from .commands import Commands
from .home import EngineHome
from .install import Installation, InstallOrder, examine

MODULE = __name__

Warn = Callable[[str], None]


def main() -> NoReturn:
    """Do what the parent asks for."""
    home = EngineHome()
    commands = Commands(home.log)

    def work(
        params: Mapping[str, Any], progress: ProgressCallback, warn: Warn
    ) -> Mapping[str, Any]:
        task = {"install": _install, "examine": _examine, "uninstall": _uninstall}[params["task"]]
        return task(home, commands, params["order"], progress, warn)

    serve_work(work, commands.kill)


def _install(
    home: EngineHome,
    commands: Commands,
    params: Mapping[str, Any],
    progress: ProgressCallback,
    warn: Warn,
) -> Mapping[str, Any]:
    order = config_from(InstallOrder, params)
    return asdict(Installation(order, home, commands, progress, warn).run())


def _examine(
    _home: EngineHome,
    commands: Commands,
    params: Mapping[str, Any],
    progress: ProgressCallback,
    _warn: Warn,
) -> Mapping[str, Any]:
    """Whether an existing environment can run the engine."""
    progress(0.0, "Trying the environment")
    return {"report": examine(Path(params["python"]), commands)}


def _uninstall(
    home: EngineHome,
    _commands: Commands,
    _params: Mapping[str, Any],
    progress: ProgressCallback,
    _warn: Warn,
) -> Mapping[str, Any]:
    progress(0.0, "Uninstalling")
    home.remove()
    return {}


if __name__ == "__main__":
    main()
