# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of a style and a seed, for every group of settings that has one."""

from typing import Any

from bpy.props import EnumProperty, IntProperty, StringProperty

from .style_menu import NEUTRAL, menu, style_number

LARGEST_SEED = 2**31 - 1


def _style_items(settings: Any, _context: Any) -> list[Any]:
    return menu.items(settings.style_name if settings is not None else NEUTRAL)


def _get_style(settings: Any) -> int:
    return style_number(settings.style_name)


def _set_style(settings: Any, number: int) -> None:
    settings.style_name = menu.name(number)


class StyleChoice:
    """Properties to be inherited by a property group."""

    style: EnumProperty(
        name="Style",
        description="How the head moves while it speaks",
        items=_style_items,
        default=style_number(NEUTRAL),
        get=_get_style,
        set=_set_style,
    )
    style_name: StringProperty(
        name="Style Name",
        description="Name of the style, kept where the style is not installed",
        default=NEUTRAL,
        options={"HIDDEN"},
    )
    seed: IntProperty(
        name="Seed",
        description="Another number gives another performance; the same number the same one",
        min=0,
        max=LARGEST_SEED,
    )
