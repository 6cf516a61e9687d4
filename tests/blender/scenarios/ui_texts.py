# SPDX-License-Identifier: GPL-3.0-or-later
"""All texts that Blender shows of Rhetor's classes by itself, each with where it is."""

from collections.abc import Iterator

import bpy
import scenario

INHERITED = {"rna_type", "name", "bl_rna"}


def classes() -> Iterator[type]:
    """What Rhetor has registered."""
    for kind in (
        *(bpy.types.Operator, bpy.types.Panel, bpy.types.Menu, bpy.types.UIList),
        *(bpy.types.PropertyGroup, bpy.types.AddonPreferences, bpy.types.FileHandler),
    ):
        for cls in kind.__subclasses__():
            if cls.__module__.startswith(scenario.EXTENSION) and hasattr(cls, "bl_rna"):
                yield cls


def texts() -> Iterator[tuple[str, str]]:
    """(text, where)."""
    for cls in classes():
        rna, name = cls.bl_rna, cls.__name__
        if isinstance(getattr(cls, "bl_label", None), str):
            yield cls.bl_label, name
        if issubclass(cls, bpy.types.Operator):
            # The class itself does not know the description that Blender makes of its docstring.
            space, call = cls.bl_idname.split(".")
            yield getattr(getattr(bpy.ops, space), call).get_rna_type().description, name
        for prop in rna.properties:
            if prop.identifier.startswith("bl_") or prop.identifier not in own(cls):
                continue
            place = f"{name}.{prop.identifier}"
            yield prop.name if prop.name != prop.identifier else "", place
            yield prop.description, place
            if prop.type == "ENUM":
                for item in prop.enum_items_static:
                    yield item.name, f"{place}.{item.identifier}"
                    yield item.description, f"{place}.{item.identifier}"


def own(cls: type) -> set[str]:
    """Properties that Rhetor's classes define, not Blender's."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith(scenario.EXTENSION)]
    return {name for base in ours for name in getattr(base, "__annotations__", {})}


def main() -> dict:
    found: dict[str, str] = {}
    for text, place in texts():
        if text:
            found.setdefault(text, place)
    return found


scenario.run(main)
