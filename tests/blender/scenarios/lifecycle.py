# SPDX-License-Identifier: GPL-3.0-or-later
"""Enable and disable leave nothing behind; opening files harms nothing."""

import bpy
import scenario
import style_files


def main() -> dict:
    import addon_utils  # bpy makes it importable

    present = registered()
    panels = {"RHETOR_PT_main", "RHETOR_PT_styles", "RHETOR_PT_advanced"}
    assert panels | {"RHETOR_MT_styles", "RHETOR_AP_preferences"} <= present, present
    styles = style_files.offered()
    assert styles[0] == "neutral" and bpy.context.scene.rhetor.style == "neutral"
    assert bpy.context.preferences.addons[scenario.EXTENSION].preferences.engine_python == ""
    bpy.ops.rhetor.randomise_seed()
    bpy.context.scene.rhetor.style = styles[-1]
    for _ in range(2):
        addon_utils.disable(scenario.EXTENSION)
        assert not registered() and not hasattr(bpy.types.Scene, "rhetor")
        assert not operator_exists() and not in_the_status_bar()
        assert addon_utils.enable(scenario.EXTENSION)
        assert registered() == present and in_the_status_bar()
    assert bpy.context.scene.rhetor.style == styles[-1], "settings are kept in the file"
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert bpy.context.scene.rhetor.style == "neutral"
    return {
        "classes": sorted(present),
        "styles": styles,
        "documented": undocumented(),
        "unexplained": unexplained(),
    }


def registered() -> set[str]:
    """Names of our classes that Blender knows."""
    types = bpy.types
    kinds = (
        types.Operator,
        types.Panel,
        types.Menu,
        types.FileHandler,
        types.PropertyGroup,
        types.AddonPreferences,
    )
    ours = [cls for kind in kinds for cls in kind.__subclasses__()]
    return {cls.__name__ for cls in ours if cls.__name__[:7] == "RHETOR_" and cls.is_registered}


def operator_exists() -> bool:
    try:
        bpy.ops.rhetor.animate.get_rna_type()
    except KeyError:
        return False
    return True


def in_the_status_bar() -> list[str]:
    """Functions of ours that draw there."""
    functions = bpy.types.STATUSBAR_HT_header.draw._draw_funcs
    return [function for function in functions if scenario.EXTENSION in function.__module__]


def unexplained() -> list[str]:
    """Operators that are grey in an empty scene and do not say why."""
    silent, grey = [], 0
    for name in dir(bpy.ops.rhetor):
        operator = getattr(bpy.ops.rhetor, name)
        if name.startswith("_") or operator.poll():
            continue
        grey += 1
        try:
            operator()
        except RuntimeError as error:
            silent += [name] if "context is incorrect" in str(error) else []
    assert grey >= 8, grey
    return silent


def undocumented() -> list[str]:
    """Settings and operators without a tooltip."""
    missing = []
    names = [name for name in dir(bpy.ops.rhetor) if not name.startswith("_")]
    assert len(names) > 10, names
    for name in names:
        kind = getattr(bpy.ops.rhetor, name).get_rna_type()
        missing += [] if kind.description else [name]
        missing += [
            f"{name}.{prop.identifier}"
            for prop in kind.properties
            if prop.identifier != "rna_type" and not (prop.description or prop.is_hidden)
        ]
    settings = bpy.context.scene.rhetor.bl_rna.properties
    missing += [
        prop.identifier
        for prop in settings
        if prop.identifier not in ("rna_type", "name") and not prop.description
    ]
    return missing


scenario.run(main)
