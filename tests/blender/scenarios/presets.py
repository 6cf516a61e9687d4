# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep settings and looks as presets, change them, and take them back."""

from pathlib import Path

import bpy
import scenario

LOOKS, SETTINGS = "RHETOR_PT_looks_presets", "RHETOR_PT_settings_presets"


def load(name: str, menu: str) -> None:
    """What a click on a preset does."""
    folder = getattr(bpy.types, menu).preset_subdir
    path = bpy.utils.preset_find(name, folder)
    bpy.ops.script.execute_preset(filepath=path, menu_idname=menu)


def seen() -> dict:
    """The looks of the head in the scene."""
    looks = bpy.context.scene.rhetor.head.rhetor_looks
    return {
        "face": looks.face,
        "palettes": [looks.skin_palette, looks.iris_palette, looks.hair_palette],
        "iris": list(looks.iris),
        "hair": looks.has_hair,
    }


def main() -> dict:
    bpy.ops.rhetor.create_head(identity_seed=2)
    settings, looks = bpy.context.scene.rhetor, bpy.context.scene.rhetor.head.rhetor_looks
    looks.hair_palette, looks.iris, looks.has_hair = "gray", (0.3, 0.1, 0.2), False
    before = seen()
    bpy.ops.rhetor.add_looks_preset(name="My Face")
    shipped = sorted(Path(bpy.utils.preset_find("Ada", "rhetor/looks")).parent.glob("*.py"))
    faces = set()
    for path in shipped:
        load(path.stem, LOOKS)
        faces.add(looks.face)
    load("Ada", LOOKS)
    ada = seen()
    load("My_Face", LOOKS)
    after = seen()
    settings.style_name, settings.preset, settings.eyes = "gone", "paper", False
    bpy.ops.rhetor.add_settings_preset(name="Old")
    settings.style_name, settings.preset, settings.eyes = "neutral", "plus", True
    load("Old", SETTINGS)
    kept = settings.style_name, settings.preset, settings.eyes
    made = Path(bpy.utils.preset_find("My_Face", "rhetor/looks"))
    bpy.ops.rhetor.add_looks_preset(name="My Face", remove_name=True)
    bpy.ops.rhetor.add_looks_preset(name="Ada", remove_name=True)
    return {
        "before": before,
        "after": after,
        "ada": ada,
        "shipped": [path.stem for path in shipped],
        "faces": len(faces),
        "settings": kept,
        "place": made.parts[-4:-1],
        "in_user_folder": made.is_relative_to(bpy.utils.user_resource("SCRIPTS")),
        "removed": not made.exists(),
        "ada_stays": shipped[0].exists(),
    }


scenario.run(main)
