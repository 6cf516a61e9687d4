# SPDX-License-Identifier: GPL-3.0-or-later
"""All texts that Blender shows of Rhetor's classes by itself, each with where it is."""

from collections.abc import Iterator

import bpy
import scenario

KINDS = (
    *(bpy.types.Operator, bpy.types.Panel, bpy.types.Menu, bpy.types.UIList),
    *(bpy.types.PropertyGroup, bpy.types.AddonPreferences, bpy.types.FileHandler),
)

Text = tuple[str, str, str]
"""Text, where it is, and "labels", "tooltips" or other "texts"."""


def classes() -> Iterator[type]:
    """What Rhetor has registered."""
    for kind in KINDS:
        for cls in kind.__subclasses__():
            if cls.__module__.startswith(scenario.EXTENSION) and hasattr(cls, "bl_rna"):
                yield cls


def texts() -> Iterator[Text]:
    """Of classes, their properties and the menus of these."""
    for cls in classes():
        name = cls.__name__
        if isinstance(getattr(cls, "bl_label", None), str):
            yield cls.bl_label, name, "labels"
        if issubclass(cls, bpy.types.Operator):
            # The class itself does not know the description that Blender makes of its docstring.
            space, call = cls.bl_idname.split(".")
            yield (
                getattr(getattr(bpy.ops, space), call).get_rna_type().description,
                name,
                "tooltips",
            )
        for prop in cls.bl_rna.properties:
            if prop.identifier in own(cls) and not prop.identifier.startswith("bl_"):
                yield from of_property(prop, f"{name}.{prop.identifier}")
    swatches = scenario.module("addon.head.swatches")
    for pigment in swatches.PALETTES:
        for _, label, tooltip, *_ in swatches.swatches.items_and_custom(pigment):
            yield label, f"swatches.{pigment}", "labels"
            yield tooltip, f"swatches.{pigment}", "tooltips"
    for style in scenario.module("addon.styles.style_menu").menu.entries:
        yield style.label, "styles", "labels"
        yield style.description, "styles", "texts"


def of_property(prop: bpy.types.Property, place: str) -> Iterator[Text]:
    """Of a property and, where it is a menu, of its items."""
    if prop.name != prop.identifier:
        yield prop.name, place, "labels"
    yield prop.description, place, "tooltips"
    if prop.type == "ENUM":
        for item in prop.enum_items_static:
            yield item.name, f"{place}.{item.identifier}", "labels"
            yield item.description, f"{place}.{item.identifier}", "tooltips"


def own(cls: type) -> set[str]:
    """Properties that Rhetor's classes define, not Blender's."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith(scenario.EXTENSION)]
    return {name for base in ours for name in getattr(base, "__annotations__", {})}


def main() -> dict:
    found: dict[str, dict[str, str]] = {"labels": {}, "tooltips": {}, "texts": {}}
    for text, place, kind in texts():
        if text:
            found[kind].setdefault(text, place)
    return found


scenario.run(main)
