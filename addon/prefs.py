# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences: where the engine lives."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..engine.protocol.errors import WorkerError
from .core.installation.hardware import Variant
from .core.installation.install import InstallOrder
from .installation.installer import current as installer
from .installation.installer import named_python
from .installation.view import draw_engine

EXTENSION = __package__.rpartition(".")[0]
"""Module name of the extension, under which Blender files its preferences."""


class RHETOR_AP_preferences(bpy.types.AddonPreferences):
    """Shown under Preferences ▸ Add-ons ▸ Rhetor."""

    bl_idname = EXTENSION

    engine_python: StringProperty(
        name="Engine Python",
        description=(
            "Python of an existing environment that has the engine's packages. "
            "Empty: the engine that Rhetor has installed"
        ),
        subtype="FILE_PATH",
    )
    engine_variant: EnumProperty(
        name="Build",
        description="For which processor PyTorch is installed",
        items=[
            (Variant.AUTOMATIC.value, "Automatic", "What suits this machine"),
            (Variant.CPU.value, Variant.CPU.label, "Any machine; the smallest download"),
            (Variant.CUDA.value, Variant.CUDA.label, "A graphics card of NVIDIA"),
            (Variant.ROCM.value, Variant.ROCM.label, "A graphics card of AMD; Linux only"),
            (Variant.APPLE.value, Variant.APPLE.label, "A Mac with an Apple processor"),
        ],
        default=Variant.AUTOMATIC.value,
    )
    engine_learning: BoolProperty(
        name="With New Style",
        description="Also install what learning a style from videos needs",
        default=True,
    )
    wheel_source: StringProperty(
        name="Wheel Source",
        description=(
            "Address of a package index, or a folder with wheels, to look in as well. "
            "Empty: what pip is set to use"
        ),
    )
    device: EnumProperty(
        name="Device",
        description="Where the networks run",
        items=[
            ("auto", "Automatic", "The graphics processor where there is one, else the CPU"),
            ("cpu", "CPU", "The processor"),
            ("cuda", "CUDA", "A graphics processor of NVIDIA, or of AMD with ROCm"),
            ("mps", "Metal", "An Apple graphics processor"),
        ],
        default="auto",
    )

    def draw(self, context: Any) -> None:
        """Draw the settings and what is known of the engine."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_engine(layout, context, self)


def preferences(context: Any) -> RHETOR_AP_preferences | None:
    """The stored preferences; None where Rhetor runs without being an enabled extension."""
    entry = context.preferences.addons.get(EXTENSION)
    return entry.preferences if entry is not None else None


def engine_python(context: Any) -> Path:
    """Interpreter of the engine. Raises WorkerError where none is named or it is not there."""
    text = engine_python_setting(context)
    if not text:
        raise WorkerError(
            "The engine is not installed.",
            "Press Install Engine in the panel or in Preferences, Add-ons, Rhetor.",
        )
    path = Path(bpy.path.abspath(text)).expanduser()
    if not path.is_file():
        raise WorkerError(
            f"The engine's Python is not there: {path}.",
            "Correct it in Preferences, Add-ons, Rhetor, Advanced.",
        )
    return path


def engine_python_setting(context: Any) -> str:
    """Which Python there is, unchecked: one that was named, else the installed one, else ""."""
    stored = preferences(context)
    named = named_python(stored.engine_python if stored else "")
    installed = installer.installed
    if named or installed is None:
        return named
    return str(installer.home.python(installed))


def can_learn(context: Any) -> bool:
    """Whether the engine has, as far as is known, what learning a style needs."""
    installed = installer.installed
    if installed is None or str(installer.home.python(installed)) != engine_python_setting(context):
        return True  # an environment of the person's: the engine will tell
    return installed.learning


def install_order(context: Any, bundled_prefix: str) -> InstallOrder:
    """What to install, as it is set."""
    stored = preferences(context)
    if stored is None:
        return InstallOrder(bundled_prefix)
    return InstallOrder(
        bundled_prefix,
        variant=stored.engine_variant,
        learning=stored.engine_learning,
        source=stored.wheel_source.strip(),
    )


def device(context: Any) -> str:
    """The device to ask the engine for."""
    stored = preferences(context)
    return stored.device if stored else "auto"


CLASSES = (RHETOR_AP_preferences,)
