# SPDX-License-Identifier: GPL-3.0-or-later
"""The materials of a head, one per slot name of the head model.

Colour comes from the vertex colours, so that all engines and the viewport agree; the shaders add
detail in rest coordinates, which sticks to the face when it moves. Lengths are metres.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import bpy

from .node_graph import NodeGraph

_MM = 1000.0
"""Features per metre of a pattern with one feature per millimetre."""


def make_materials(slots: Iterable[str]) -> dict[str, bpy.types.Material]:
    """New materials by slot name; a slot without a recipe gets plain matte vertex colours."""
    made = {}
    for slot in sorted(slots):
        material = bpy.data.materials.new(f"Rhetor {slot}")
        _RECIPES.get(slot, _plain)(NodeGraph(material))
        made[slot] = material
    return made


def _skin(graph: NodeGraph) -> None:
    place = graph.attribute("rest")
    lip = graph.remap(graph.mask("lip"), 0.34, 0.60, smooth=True)
    stubble = graph.mask("scalp")
    wet = graph.remap(graph.mask("gloss"), 0.15, 0.19)
    blotches = graph.noise(place, 0.045 * _MM, 3.0)
    # One pattern serves pores and the upright folds of the lips: on lips it is stretched.
    stretch = graph.mix(lip, (1.0, 1.0, 1.0), (0.9, 0.25, 0.18))
    grain = graph.noise(graph.times(place, stretch), 0.8 * _MM, 1.0)
    # Skin is no even paint: patches of more and less blood, and a fine grain of pigment.
    base = graph.colour()
    colour = graph.mix(
        graph.remap(blotches, 0.35, 0.65), base, graph.times(base, (1.03, 0.93, 0.92))
    )
    colour = graph.scale(colour, graph.remap(grain, 0.3, 0.7, 0.95, 1.04))
    colour = graph.mix(
        graph.math("MULTIPLY", lip, 0.5), colour, graph.times(base, (0.94, 0.72, 0.76))
    )
    # Dark skin reflects as much as light skin and looks wet over its dark base: soften it.
    light = graph.remap(graph.luminance(base), 0.03, 0.30)
    rough = graph.scalar_mix(light, 0.58, 0.50)
    rough = graph.math("ADD", rough, graph.remap(blotches, 0.3, 0.7, -0.05, 0.05))
    rough = graph.scalar_mix(lip, rough, 0.33)
    rough = graph.scalar_mix(stubble, rough, 0.9)
    rough = graph.scalar_mix(wet, rough, 0.25)
    specular = graph.scalar_mix(stubble, graph.scalar_mix(light, 0.24, 0.36), 0.04)
    graph.surface(
        Base_Color=colour,
        Roughness=rough,
        Specular_IOR_Level=specular,
        Subsurface_Weight=0.4,
        Subsurface_Radius=(1.0, 0.36, 0.20),
        Subsurface_Scale=0.002,
        Normal=graph.bump(grain, 0.15, graph.scalar_mix(lip, 0.35, 0.7)),
    ).subsurface_method = "BURLEY"


def _eye(graph: NodeGraph) -> None:
    """Sclera, iris and pupil under a clear cornea; "ang" is 1 at the rim of the iris."""
    angle = graph.mask("ang")
    streaks = graph.noise(graph.attribute("streak"), 3.2, 5.0)
    inside = graph.remap(angle, 0.86, 1.0, 1.0, 0.0, smooth=True)
    fibres = graph.remap(streaks, 0.34, 0.68, 0.45, 2.0)
    colour = graph.scale(graph.colour(), graph.scalar_mix(inside, 1.0, fibres))
    # Veins and a rosy rim away from the iris.
    veins = graph.noise(graph.attribute("streak"), 6.0, 4.0)
    rosy = graph.math(
        "MULTIPLY",
        graph.remap(angle, 1.3, 3.2),
        graph.remap(veins, 0.42, 0.62, 0.15, 0.75),
    )
    colour = graph.mix(rosy, colour, graph.times(colour, (0.95, 0.62, 0.56)))
    # The iris is a bowl behind the cornea: it brightens on the side away from the light.
    bowl = graph.math("MULTIPLY", graph.math("POWER", graph.math("MINIMUM", angle, 1.0), 2.0), 1.0)
    graph.surface(
        Base_Color=colour,
        Roughness=0.45,
        Specular_IOR_Level=0.25,
        Coat_Weight=1.0,
        Coat_Roughness=0.015,
        Coat_IOR=1.5,
        Normal=graph.bump(bowl, 2.5, 0.6),
    )


def _tooth(graph: NodeGraph) -> None:
    # Behind the lips teeth see little light; a camera's viewer expects them bright all the same.
    graph.surface(
        Base_Color=graph.times(graph.colour(), (1.18, 1.14, 1.08)),
        Roughness=0.28,
        Specular_IOR_Level=0.5,
        Subsurface_Weight=0.3,
        Subsurface_Radius=(1.0, 0.85, 0.65),
        Subsurface_Scale=0.0015,
        Coat_Weight=0.4,
        Coat_Roughness=0.08,
    ).subsurface_method = "BURLEY"


def _gum(graph: NodeGraph) -> None:
    _moist(graph, bumps_per_mm=0.5, depth_mm=0.15)


def _tongue(graph: NodeGraph) -> None:
    _moist(graph, bumps_per_mm=1.1, depth_mm=0.35)


def _moist(graph: NodeGraph, bumps_per_mm: float, depth_mm: float) -> None:
    place = graph.attribute("rest")
    shade = graph.remap(graph.noise(place, 0.15 * _MM, 3.0), 0.3, 0.7, 0.85, 1.12)
    graph.surface(
        Base_Color=graph.scale(graph.colour(), shade),
        Roughness=0.36,
        Specular_IOR_Level=0.5,
        Subsurface_Weight=0.3,
        Subsurface_Radius=(1.0, 0.3, 0.2),
        Subsurface_Scale=0.002,
        Normal=graph.bump(graph.cells(place, bumps_per_mm * _MM), depth_mm, 0.6),
    ).subsurface_method = "BURLEY"


def _hair(graph: NodeGraph) -> None:
    graph.surface(
        # Ribbons shade each other more than strands, which let light through.
        Base_Color=graph.scale(graph.colour(), 1.5),
        Roughness=0.5,
        Specular_IOR_Level=0.14,
    )


def _lash(graph: NodeGraph) -> None:
    graph.surface(Base_Color=graph.colour(), Roughness=0.7, Specular_IOR_Level=0.1)


def _shirt(graph: NodeGraph) -> None:
    place = graph.node("ShaderNodeTexCoord").outputs["Object"]
    shade = graph.remap(graph.noise(place, 0.25 * _MM, 4.0), 0.3, 0.7, 0.85, 1.15)
    graph.surface(
        Base_Color=graph.scale(graph.colour(), shade),
        Roughness=0.95,
        Specular_IOR_Level=0.1,
        Sheen_Weight=0.15,
        Sheen_Roughness=0.5,
    )


def _plain(graph: NodeGraph) -> None:
    graph.surface(Base_Color=graph.colour(), Roughness=0.7, Specular_IOR_Level=0.2)


_RECIPES: dict[str, Callable[[NodeGraph], None]] = {
    "skin": _skin,
    "eye": _eye,
    "tooth": _tooth,
    "gum": _gum,
    "tongue": _tongue,
    "hair": _hair,
    "brow": _lash,
    "lash": _lash,
    "shirt": _shirt,
}
