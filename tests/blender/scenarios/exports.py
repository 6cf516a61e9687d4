# SPDX-License-Identifier: GPL-3.0-or-later
"""Export a character, read the file into an empty scene, and compare every vertex it shows."""

import bpy
import numpy as np
import performances
import scenario
from mathutils.kdtree import KDTree

START = 11
FRAMES = (11, 14, 20, 27, 34)


def main(audio: str, folder: str, *cases: str) -> dict:
    rig = make_scene(audio)
    before, shown, paths = state(), {"action": look(rig.parts)}, {}
    by_place = {place: [c for c in cases if c.endswith(place)] for place in ("action", "strips")}
    for case in by_place["action"]:
        paths[case] = export(case.split()[0], f"{folder}/{case}.x")
    fade_in_nla(rig)
    shown["strips"] = look(rig.parts)
    for case in by_place["strips"]:
        paths[case] = export(case.split()[0], f"{folder}/{case}")
    told = {"untouched": state() == before, "moves_mm": moves(shown["action"]), "cases": {}}
    rest = {name: local(item) for name, item in rig.parts.items()}
    for case, path in paths.items():
        file_format, place = case.split()
        told["cases"][case] = read_back(file_format, path, rest, shown[place])
    return told


def make_scene(audio: str):
    """A head off the origin, at 29.97 frames a second, with a subdivided face, two takes of which
    the second plays, amounts, a body animation; something else is selected."""
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    rig = performances.create_head(hair=False)
    rig.armature.location, rig.armature.rotation_euler = (0.3, 0.1, 0.2), (0.1, 0.2, 0.7)
    assert any(m.type == "SUBSURF" for m in rig.face.modifiers)
    for frame, angle in ((1, 0.0), (40, 0.2)):
        rig.armature.pose.bones["root"].rotation_euler[1] = angle
        rig.armature.pose.bones["root"].keyframe_insert("rotation_euler", frame=frame)
    scene.rhetor.start_frame = START
    for seed in (3, 5):
        take = performances.random_take(0.8, seed)
        performance = performances.performance(take, audio)
        scenario.module("addon.scene_write").write_performance(performance)
    rig.armature.animation_data.action.rhetor_amounts.head_rotation = 0.5
    rig.keys.animation_data.action.rhetor_amounts.mouth = 0.6
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    scene.collection.objects.link(other)
    for item in bpy.context.selected_objects:
        item.select_set(False)
    other.select_set(True)
    bpy.context.view_layer.objects.active = other
    bpy.ops.object.mode_set(mode="EDIT")
    scene.frame_set(17)
    return rig


def state() -> list:
    """What an export must leave alone."""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    return [
        [item.name for item in bpy.context.selected_objects],
        layer.objects.active.name,
        [scene.frame_start, scene.frame_end, scene.frame_current],
        {item.name: item.hide_select for item in bpy.data.objects},
        len(bpy.data.objects),
        len(bpy.data.actions),
        bpy.context.mode,
    ]


def fade_in_nla(rig) -> None:
    """The take as strips, with the head's influence keyed."""
    assert bpy.context.mode == "EDIT_MESH"
    assert bpy.ops.rhetor.take_to_nla() == {"FINISHED"}
    strip = scenario.module("addon.takes.nla").take_strip(rig.armature)
    for frame, value in ((12, 1.0), (30, 0.2)):
        strip.influence = value
        assert strip.keyframe_insert("influence", frame=frame)


def export(file_format: str, path: str) -> str:
    suffix = scenario.module("addon.takes.take_export").SUFFIXES[file_format]
    assert bpy.ops.rhetor.export_take(filepath=path, file_format=file_format) == {"FINISHED"}
    return path + suffix


def look(parts) -> dict[str, np.ndarray]:
    """(T, V, 3) points of each visible part in the world, before subdivision."""
    shown = {name: [] for name, item in parts.items() if item.visible_get()}
    subdivisions = [m for item in parts.values() for m in item.modifiers if m.type == "SUBSURF"]
    for modifier in subdivisions:
        modifier.show_viewport = False
    frame = bpy.context.scene.frame_current
    for at in FRAMES:
        bpy.context.scene.frame_set(at)
        for name, points in shown.items():
            points.append(world(parts[name]))
    bpy.context.scene.frame_set(frame)
    for modifier in subdivisions:
        modifier.show_viewport = True
    return {name: np.array(points) for name, points in shown.items()}


def world(item) -> np.ndarray:
    seen = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
    matrix = np.array(seen.matrix_world)
    return local(seen) @ matrix[:3, :3].T + matrix[:3, 3]


def local(item) -> np.ndarray:
    points = np.empty(len(item.data.vertices) * 3, np.float32)
    item.data.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def moves(shown) -> dict[str, float]:
    return {name: float(np.abs(p - p[0]).max() * 1000) for name, p in shown.items()}


def read_back(file_format: str, path: str, rest, shown) -> dict:
    """Largest distance in mm of each part from where it was, over all frames."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = 30, 1.001
    if file_format == "FBX":
        bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0)
    elif file_format == "GLTF":
        bpy.ops.import_scene.gltf(filepath=path)
    else:
        bpy.ops.wm.usd_import(filepath=path, set_frame_range=False)
    found = {name: find(name, rest[name]) for name in shown}
    same = {name: nearest(local(item), rest[name]) for name, item in found.items()}
    worst = dict.fromkeys(shown, 0.0)
    for number, frame in enumerate(FRAMES):
        # Blender's own reader of FBX puts seconds on frames as if 29.97 a second were 30.
        at = frame * bpy.context.scene.render.fps_base if file_format == "FBX" else frame
        bpy.context.scene.frame_set(int(at), subframe=at % 1)
        for name, item in found.items():
            apart = np.linalg.norm(world(item) - shown[name][number][same[name]], axis=1).max()
            worst[name] = max(worst[name], float(apart * 1000))
    extra = [item.name for item in bpy.data.objects if item.name.startswith("Other")]
    return {"mm": worst, "extra": extra}


def find(name: str, points: np.ndarray):
    """The mesh with as many points, called like the part: formats change names a little."""
    plain = name.replace(".", "_").lower()
    meshes = [item for item in bpy.data.objects if item.type == "MESH"]
    (found,) = [
        item
        for item in meshes
        if item.name.replace(".", "_").lower().startswith(plain)
        and len(item.data.vertices) >= len(points)
    ]
    return found


def nearest(points: np.ndarray, rest: np.ndarray) -> list[int]:
    """Which of the original points each imported one is, where the face is at rest."""
    tree = KDTree(len(rest))
    for index, point in enumerate(rest):
        tree.insert(point, index)
    tree.balance()
    hits = [tree.find(point) for point in points]
    assert max(distance for _, _, distance in hits) < 1e-5
    return [index for _, index, _ in hits]


scenario.run(main)
