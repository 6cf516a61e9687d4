# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the looks of a head in every way the panel has; copies, undo and a reopened file."""

import time

import bpy
import numpy as np
import scenario

TRAIT, VALUE = "jaw_width", 0.8
RED = (0.5, 0.1, 0.1)


def shape(item: bpy.types.Object, key: str | None = None) -> np.ndarray:
    """(V, 3) vertices of a mesh, or of one of its keys, m."""
    found = np.zeros(3 * len(item.data.vertices), np.float32)
    source = item.data.vertices if key is None else item.data.shape_keys.key_blocks[key].points
    source.foreach_get("co", found)
    return found.reshape(-1, 3)


def colours(item: bpy.types.Object) -> np.ndarray:
    """(V, 4) vertex colours."""
    found = np.zeros(4 * len(item.data.vertices), np.float32)
    item.data.attributes["Col"].data.foreach_get("color", found)
    return found.reshape(-1, 4)


def cost_ms(looks) -> float:
    """Least time that one step of a dragged slider takes: the machine may be busy."""
    costs = []
    for step in range(21):
        started = time.perf_counter()
        setattr(looks, TRAIT, step / 20 - 0.5)
        costs.append(time.perf_counter() - started)
    return min(costs) * 1000


def undo(rig_module) -> dict:
    """What one step back restores."""
    armature = bpy.context.scene.rhetor.head
    before = shape(rig_module.find_rig(armature).face)
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.rhetor.random_face(seed=4)
    bpy.ops.ed.undo_push(message="Random Face")
    moved = np.abs(shape(rig_module.find_rig(bpy.context.scene.rhetor.head).face) - before).max()
    bpy.ops.ed.undo()
    rig = rig_module.find_rig(bpy.context.scene.rhetor.head)
    return {
        "moved_m": float(moved),
        "undone_m": float(np.abs(shape(rig.face) - before).max()),
        "trait": getattr(rig.armature.rhetor_looks, TRAIT),
    }


def duplicate(rig_module, rig, linked: bool):
    """Shift D or Alt D on the whole head."""
    for item in bpy.context.scene.objects:
        item.select_set(item == rig.armature or item in rig.meshes)
    bpy.context.view_layer.objects.active = rig.armature
    bpy.ops.object.duplicate(linked=linked)
    return rig_module.find_rig(bpy.context.view_layer.objects.active)


def twins(rig_module, rig) -> list[float]:
    """The trait of two heads that share their meshes, after one has changed."""
    twin = duplicate(rig_module, rig, linked=True)
    assert twin.armature != rig.armature and twin.face.data == rig.face.data
    setattr(rig.armature.rhetor_looks, TRAIT, VALUE / 2)
    return [getattr(each.armature.rhetor_looks, TRAIT) for each in (rig, twin)]


def sculpted(rig) -> float:
    """How much of a change by hand, 5 mm, is there after the face has changed, m."""
    points = rig.keys.key_blocks["Basis"].points
    points[7].co.x += 0.005
    before = shape(rig.face, "Basis")
    setattr(rig.armature.rhetor_looks, TRAIT, -0.2)
    moved = shape(rig.face, "Basis") - before
    points[7].co.x -= 0.005
    setattr(rig.armature.rhetor_looks, TRAIT, VALUE)
    return float(np.linalg.norm(moved[7]))


def copies(rig_module, rig) -> dict:
    """Duplicate the whole head, change the copy, look at both."""
    copy = duplicate(rig_module, rig, linked=False)
    before = shape(rig.face), colours(rig.face)
    copy.armature.rhetor_looks.skin = RED
    setattr(copy.armature.rhetor_looks, TRAIT, -VALUE)
    return {
        "apart": copy.armature != rig.armature and copy.face != rig.face,
        "original_moved_m": float(np.abs(shape(rig.face) - before[0]).max()),
        "original_painted": float(np.abs(colours(rig.face) - before[1]).max()),
        "copy_painted": float(np.abs(colours(copy.face) - before[1]).max()),
        "traits": [getattr(each.armature.rhetor_looks, TRAIT) for each in (rig, copy)],
    }


def reopened(path: str) -> dict:
    """Save, open, and read the looks of the file."""
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    looks = bpy.context.scene.rhetor.head.rhetor_looks
    return {"trait": getattr(looks, TRAIT), "iris": list(looks.iris), "palette": looks.iris_palette}


def main(path: str) -> dict:
    module, settings = (
        scenario.module("addon.head.rig"),
        scenario.module("addon.head.looks_settings"),
    )
    bpy.ops.rhetor.create_head(identity_seed=3, hair_colour="red", hair=False)
    rig = module.find_rig(bpy.context.scene.rhetor.head)
    looks, head = rig.armature.rhetor_looks, settings.head_model()
    bald = [item.hide_render for name, item in rig.parts.items() if name.startswith("hair")]
    looks.has_hair = True
    shown = rig.parts["hair"].hide_render, rig.parts["hair_preview"].hide_viewport
    rig.keys.key_blocks["jawOpen"].value = 0.5
    cost = cost_ms(looks)
    setattr(looks, TRAIT, VALUE)
    identity = np.array(rig.identity)
    expected = {
        key: (
            head.vertices("face", identity, {} if key is None else {key: 1.0}) - head.bones["root"]
        )
        / 1000.0
        for key in (None, "jawOpen")
    }
    errors = {
        str(key): float(np.abs(shape(rig.face, key) - expected[key]).max()) for key in expected
    }
    looks.iris_palette = "blue"
    irises = colours(rig.parts["eye.L"])
    face = looks.face
    looks.face = "nonsense"
    result = {
        "errors_m": errors,
        "jaw": rig.keys.key_blocks["jawOpen"].value,
        "trait": getattr(looks, TRAIT),
        "cost_ms": cost,
        "bald": bald,
        "hair_hidden": shown,
        "blue_eyes": float((irises[:, 2] - irises[:, 0]).max()),
        "face_kept": looks.face == face,
        "undo": undo(module),
    }
    rig = module.find_rig(bpy.context.scene.rhetor.head)
    result["sculpted_moved_m"] = sculpted(rig)
    result["copies"] = copies(module, rig)
    result["twins"] = twins(module, rig)
    setattr(rig.armature.rhetor_looks, TRAIT, VALUE)
    bpy.context.view_layer.objects.active = rig.face
    bpy.ops.object.mode_set(mode="EDIT")
    result["in_edit_mode"] = settings.obstacle(rig)
    result["refused"] = not bpy.ops.rhetor.random_face.poll()
    bpy.ops.object.mode_set(mode="OBJECT")
    result["reopened"] = reopened(path)
    return result


scenario.run(main)
