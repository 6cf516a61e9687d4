# SPDX-License-Identifier: GPL-3.0-or-later
"""A head that is linked from another file cannot take keys, with or without an override."""

import bpy
import performances
import scenario


def main(audio: str, library: str) -> dict:
    rig = performances.create_head(hair=False)
    collection = rig.armature.users_collection[0].name
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = [collection]
    linked = bpy.data.collections[collection]
    bpy.context.scene.collection.children.link(linked)
    said = {"linked": refusal(linked, audio)}
    # An override leaves the meshes, and so their shape keys, in the other file.
    scene, layer = bpy.context.scene, bpy.context.view_layer
    said["override"] = refusal(linked.override_hierarchy_create(scene, layer), audio)
    return said


def refusal(collection, audio: str) -> str:
    (armature,) = [item for item in collection.all_objects if item.type == "ARMATURE"]
    bpy.context.scene.rhetor.head = armature
    before = performances.footprint()
    performance = performances.performance(performances.random_take(1.0), audio)
    try:
        scenario.module("addon.scene_write").write_performance(performance)
    except scenario.module("engine.protocol.errors").RigError as error:
        assert performances.footprint() == before
        return str(error)
    raise AssertionError("a linked head was keyed")


scenario.run(main)
