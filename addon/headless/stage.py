# SPDX-License-Identifier: GPL-3.0-or-later
"""A portrait studio around a head: camera, three lights, a backdrop with a soft glow."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from ..head.node_graph import NodeGraph
from ..head.rig import Rig

STAGE_NAME = "Rhetor Stage"
_LENS_MM = 85.0
_SENSOR_HEIGHT_MM = 24.0
_FIELD_HEIGHT_M = 0.32
_AIM_BELOW_EYES_M = 0.022
_BACKDROP_DISTANCE_M = 1.1
_BACKDROP_STEPS = 48
_GLOW = ((0.27, 0.33, 0.39), (0.040, 0.052, 0.068))
_WORLD = ((0.62, 0.70, 0.82), 0.16)


@dataclass(frozen=True)
class _Light:
    """An area light: place relative to the eyes (m), size (m), watts, colour."""

    name: str
    place: tuple[float, float, float]
    size_m: float
    power_w: float
    colour: tuple[float, float, float]


# Key from the camera's left and above, weak fill, two rims that stay behind the hairline.
_LIGHTS = (
    _Light("Key", (-0.50, -0.85, 0.50), 0.40, 15.0, (1.0, 0.92, 0.83)),
    _Light("Fill", (0.80, -0.80, 0.00), 0.80, 5.0, (0.93, 0.96, 1.0)),
    _Light("Rim", (0.50, 0.80, 0.30), 0.30, 2.8, (0.92, 0.96, 1.0)),
    _Light("Kicker", (-0.58, 0.62, 0.10), 0.30, 2.4, (1.0, 0.92, 0.82)),
)


def setup_stage(scene: bpy.types.Scene, rig: Rig) -> bpy.types.Object:
    """Add the studio around a rig, in its own collection; returns the scene's new camera.

    A studio that an earlier call made is replaced.
    """
    collection = _fresh_collection(scene)
    eyes = _eye_centre(rig)
    for light in _LIGHTS:
        data = bpy.data.lights.new(light.name, "AREA")
        data.energy, data.size, data.color = light.power_w, light.size_m, light.colour
        _place(bpy.data.objects.new(light.name, data), collection, eyes + Vector(light.place), eyes)
    _add_backdrop(collection, eyes)
    scene.world = _world()
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = _LENS_MM
    # The height of the picture frames the head, whatever its width.
    camera.data.sensor_fit, camera.data.sensor_height = "VERTICAL", _SENSOR_HEIGHT_MM
    distance = _FIELD_HEIGHT_M * _LENS_MM / _SENSOR_HEIGHT_MM
    aim = eyes - Vector((0.0, 0.0, _AIM_BELOW_EYES_M))
    _place(camera, collection, aim + Vector((0.0, -distance, 0.012)), aim)
    scene.camera = camera
    return camera


def _eye_centre(rig: Rig) -> Vector:
    """World position between the eyes, at rest."""
    bones = [rig.armature.data.bones[name] for name in ("eye.L", "eye.R")]
    middle = (bones[0].head_local + bones[1].head_local) / 2.0
    # The object may have been placed without an update of the scene since.
    return rig.armature.matrix_basis @ middle


def _fresh_collection(scene: bpy.types.Scene) -> bpy.types.Collection:
    known = scene.collection.children.get(STAGE_NAME)
    if known is not None:
        for item in list(known.objects):
            bpy.data.objects.remove(item)
        return known
    collection = bpy.data.collections.new(STAGE_NAME)
    scene.collection.children.link(collection)
    return collection


def _place(
    item: bpy.types.Object, collection: bpy.types.Collection, place: Vector, target: Vector
) -> None:
    collection.objects.link(item)
    item.location = place
    item.rotation_euler = (target - place).to_track_quat("-Z", "Y").to_euler()


def _world() -> bpy.types.World:
    world = bpy.data.worlds.new(STAGE_NAME)
    if world.node_tree is None:
        world.use_nodes = True
    background = next(n for n in world.node_tree.nodes if n.type == "BACKGROUND")
    colour, strength = _WORLD
    background.inputs[0].default_value = (*colour, 1.0)
    background.inputs[1].default_value = strength
    world.color = tuple(channel * strength for channel in colour)
    return world


def _add_backdrop(collection: bpy.types.Collection, eyes: Vector) -> None:
    """A wall of light painted with vertex colours: the same in all engines, and cheap."""
    side = np.linspace(-1.6, 1.6, _BACKDROP_STEPS)
    x, z = (grid.ravel() for grid in np.meshgrid(side, side))
    mesh = bpy.data.meshes.new("Backdrop")
    corners = [
        (i, i + 1, i + 1 + _BACKDROP_STEPS, i + _BACKDROP_STEPS)
        for row in range(_BACKDROP_STEPS - 1)
        for i in range(row * _BACKDROP_STEPS, (row + 1) * _BACKDROP_STEPS - 1)
    ]
    mesh.from_pydata(np.stack([x, np.zeros_like(x), z], 1).tolist(), [], corners)
    glow = np.exp(-((x / 0.40) ** 2) - ((z + 0.02) / 0.36) ** 2)[:, None]
    colour = glow * _GLOW[0] + (1.0 - glow) * _GLOW[1]
    paint = mesh.attributes.new("Col", "FLOAT_COLOR", "POINT")
    paint.data.foreach_set("color", np.c_[colour, np.ones(len(x))].astype(np.float32).ravel())
    mesh.color_attributes.active_color = mesh.color_attributes["Col"]
    material = bpy.data.materials.new("Rhetor backdrop")
    graph = NodeGraph(material)
    emission = graph.node("ShaderNodeEmission")
    graph.feed(emission.inputs["Color"], graph.colour())
    graph.tree.links.new(emission.outputs[0], graph.output.inputs["Surface"])
    mesh.materials.append(material)
    wall = bpy.data.objects.new("Backdrop", mesh)
    wall.location = eyes + Vector((0.0, _BACKDROP_DISTANCE_M, 0.0))
    # It is a picture of light, not a source of it.
    wall.visible_diffuse = wall.visible_glossy = wall.visible_shadow = False
    wall.hide_select = True
    collection.objects.link(wall)
