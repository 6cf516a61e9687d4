# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to a take: install the engine from an offline kit, use it, uninstall it."""

import os
from pathlib import Path
from types import SimpleNamespace

import bpy
import performances
import scenario


def main(kit: str, audio: str, python: str) -> dict:
    performances.create_head(hair=False)
    bpy.context.scene.rhetor.audio = audio
    told = {
        "before": refused("animate"),
        "first run": drawn(),
        "preferences": drawn_preferences(),
        "offline": refused("install_engine"),
    }
    told["not a kit"] = refused("install_offline_kit", filepath=audio)
    told["nowhere"] = refused("use_environment", filepath=str(Path(kit).parent))
    told["existing"] = existing(python)
    assert bpy.ops.rhetor.install_offline_kit(filepath=kit) == {"FINISHED"}
    installer = scenario.module("addon.installation.installer").current
    told["installed"] = vars(installer.installed).copy()
    told["left over"] = sorted(path.name for path in installer.home.root.iterdir())
    told["animated"] = animated()
    told["ready"] = drawn()
    told["checks"] = checked()
    told["preferences then"] = drawn_preferences()
    assert bpy.ops.rhetor.uninstall_engine() == {"FINISHED"}
    assert installer.installed is None
    told["after"] = [str(path) for path in Path(os.environ["RHETOR_ENGINE_HOME"]).glob("**/*")]
    told["again"] = refused("uninstall_engine")
    return told


def existing(python: str) -> list[str]:
    """Point to an environment by its folder, as a person may; then forget it again."""
    settings = scenario.module("addon.prefs").preferences(bpy.context)
    assert bpy.ops.rhetor.use_environment(filepath=str(Path(python).parents[1])) == {"FINISHED"}
    kept = settings.engine_python
    shown = drawn_preferences()
    settings.engine_python = ""
    return [kept, *shown]


def refused(name: str, **arguments: str) -> str:
    try:
        getattr(bpy.ops.rhetor, name)(**arguments)
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"{name} should have been refused")


def animated() -> dict:
    assert bpy.ops.rhetor.animate() == {"FINISHED"}
    session = scenario.module("addon.session").current
    return {"title": session.written.title, "engine": session.engine_line}


def checked() -> str:
    """Check Engine, then the report; without a window there is no clipboard to read."""
    assert bpy.ops.rhetor.check_engine() == {"FINISHED"}
    assert bpy.ops.rhetor.copy_engine_report() == {"FINISHED"}
    session = scenario.module("addon.session").current
    text = scenario.module("addon.installation.report").report_text
    python = scenario.module("addon.prefs").engine_python_setting(bpy.context)
    return text(session.engine_checks, session.engine_line, python)


class Layout:
    """Takes what panels draw, and remembers texts and buttons."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __getattr__(self, name: str):
        return lambda *_arguments, **_options: self

    def label(self, text: str = "", **_options) -> None:
        self.said.append(text)

    def operator(self, name: str, **_options):
        self.said.append(name)
        return SimpleNamespace()

    def panel(self, *_arguments, **_options):
        return self, self


def drawn() -> list[str]:
    """What the panel shows of the installation."""
    layout = Layout()
    scenario.module("addon.installation.first_run").draw_first_run(layout, Sidebar())
    return layout.said


def drawn_preferences() -> list[str]:
    """What the preferences show, with Advanced open."""
    layout = Layout()
    settings = scenario.module("addon.prefs").preferences(bpy.context)
    scenario.module("addon.installation.view").draw_engine(layout, Sidebar(), settings)
    return layout.said


class Sidebar:
    """A context with a width: without a window there is none."""

    region = SimpleNamespace(width=300)
    preferences = SimpleNamespace(
        system=SimpleNamespace(ui_scale=1.0), addons=bpy.context.preferences.addons
    )


scenario.run(main)
