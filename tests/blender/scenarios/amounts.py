# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts scale what a take shows, without touching its keys, and without Rhetor too."""

import json

import bpy
import numpy as np
import performances
import scenario
from mathutils import Quaternion

FRAMES = range(1, 25, 4)


def main(audio: str) -> dict:
    assert not bpy.types.RHETOR_PT_amounts.poll(bpy.context)
    rig = performances.create_head(hair=False)
    performance = performances.performance(performances.random_take(1.0, seed=2), audio)
    scenario.module("addon.scene_write").write_performance(performance)
    assert bpy.types.RHETOR_PT_amounts.poll(bpy.context)
    head = rig.armature.animation_data.action.rhetor_amounts
    face = rig.keys.animation_data.action.rhetor_amounts
    made, keys = values(rig), keyed(rig)
    told = {"trace before": modifiers(rig)}
    told["half"] = changed(rig, made, head, "head_rotation", 0.5)
    told["doubled"] = changed(rig, made, head, "head_location", 2.0)
    told["closed"] = changed(rig, made, face, "mouth", 0.0)
    told["brows"] = changed(rig, made, face, "brows", 0.7)
    told["keys kept"] = all(np.array_equal(a, b) for a, b in zip(keys, keyed(rig), strict=True))
    head.head_rotation = face.mouth = 0.25
    assert bpy.ops.rhetor.check_scene() == {"FINISHED"}
    report = scenario.module("addon.session").current.scene_report
    told["findings"] = [str(finding) for finding in report.findings]
    name = rig.armature.name
    told["applied"] = apply(rig, made)
    told["line"] = scale_a_line()
    told["own character"] = scale_own_character(audio)
    rig = scenario.module("addon.head.rig").find_rig(bpy.data.objects[name])  # undo has moved it
    bpy.context.scene.rhetor.head = rig.armature
    told["without Rhetor"] = without_rhetor(rig, made)
    return told


def apply(rig, made) -> dict:
    """The keys take over what the amounts show; undo gives both back; reset shows the keys."""
    bpy.ops.ed.undo_push(message="before")
    name = rig.armature.name
    seen, keys = values(rig), keyed(rig)
    assert bpy.ops.rhetor.apply_amounts("EXEC_DEFAULT", True) == {"FINISHED"}
    told = {"same": far(values(rig), seen), "trace": modifiers(rig)}
    told["factor"] = float(np.abs(keyed(rig)[0][1::2] - 0.25 * keys[0][1::2]).max())
    assert not bpy.ops.rhetor.apply_amounts.poll(), "all are 1 now"
    bpy.ops.ed.undo()
    rig = scenario.module("addon.head.rig").find_rig(bpy.data.objects[name])
    told["undone"] = far(values(rig), seen)
    bpy.ops.rhetor.reset_amounts()
    told["reset"] = far(values(rig), made)
    amounts_of(rig.armature).head_rotation = amounts_of(rig.keys).mouth = 0.25
    return told


def far(one, other) -> float:
    return max(float(np.abs(one[key] - other[key]).max()) for key in one)


def amounts_of(owner):
    return scenario.module("addon.takes.playback").playing_action(owner).rhetor_amounts


def scale_a_line() -> dict:
    """A line of a dialogue plays through the NLA: the sliders are those of the line at hand."""
    placement, panel = (
        scenario.module("addon.sequencer.placement"),
        scenario.module("addon.takes.panel_amounts"),
    )
    other = performances.create_head(hair=False)
    frames = np.arange(100, 124, dtype=np.float32)
    take = performances.random_take(0.8, seed=4)
    character = scenario.module("addon.characters.character").find_character(other.armature)
    keys_write, nla = scenario.module("addon.keys_write"), scenario.module("addon.takes.nla")
    written = keys_write.fill_take("line", character.keyed_owners(take), frames, {"take": "x"})
    for part in written.parts:
        nla.add_strip(part.owner, placement.LINES_TRACK, part.action, part.slot, 100)
    told = {"shown": [len(panel.playing(character, frame)) for frame in (1, 110)]}
    bpy.context.scene.frame_set(110)
    made = np.array(other.head_bone.rotation_euler)
    for item in panel.playing(character, 110):
        item.action.rhetor_amounts.head_rotation = 0.5
    bpy.context.scene.frame_set(111)
    bpy.context.scene.frame_set(110)
    told["half"] = float(np.abs(np.array(other.head_bone.rotation_euler) - made / 2).max())
    told["moves"] = float(np.abs(made).max())
    return told


def scale_own_character(audio: str) -> dict:
    """Keys with other names, a head bone of quaternions that does not rest at zero."""
    tilted = Quaternion((0, 0, 1), 0.3)
    armature, face = other_character(tilted)
    bpy.context.scene.rhetor.head = armature
    take = performances.random_take(1.0, seed=6)
    write = scenario.module("addon.scene_write").write_performance
    written = write(performances.performance(take, audio))
    found = scenario.module("addon.takes.panel_amounts").playing(
        scenario.module("addon.characters.character").find_character(armature), 10
    )
    amounts = scenario.module("addon.takes.amounts").amounts_in
    told = {"amounts": [list(amounts(item.action, item.slot)) for item in found]}
    told["plays"] = list(written.actions)
    opened, turned = shown_on(armature, face)
    amounts_of(face.data.shape_keys).mouth = 0.5
    amounts_of(armature).head_rotation = 0.0
    half, still = shown_on(armature, face)
    told["opens"], told["half"] = opened, half / opened
    told["turns"] = turned.rotation_difference(tilted).angle
    told["still"] = still.rotation_difference(tilted).angle
    amounts_of(armature).head_rotation = 1.0
    told["compared"] = compare_own_character(armature, audio)
    return told


def compare_own_character(armature, audio: str) -> list[float]:
    """Largest angle between two takes in degrees: as it is told, and as the scene shows it."""
    find = scenario.module("addon.characters.character").find_character
    shown = [turns_of(armature)]
    take = performances.random_take(1.0, seed=7)
    scenario.module("addon.scene_write").write_performance(performances.performance(take, audio))
    shown.append(turns_of(armature))
    one, other = scenario.module("addon.takes.takes").takes_of(find(armature))
    told = scenario.module("addon.takes.comparison").compare(find(armature), one, other)
    angles = [a.rotation_difference(b).angle for a, b in zip(*shown, strict=True)]
    return [told.head_degrees, float(np.degrees(max(angles)))]


def turns_of(armature) -> list[Quaternion]:
    turns = []
    for frame in range(1, 25):
        bpy.context.scene.frame_set(frame)
        seen = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        turns.append(seen.pose.bones["Tête"].matrix.to_quaternion())
    return turns


def shown_on(armature, face):
    bpy.context.scene.frame_set(9)
    bpy.context.scene.frame_set(10)
    return face.data.shape_keys.key_blocks["Ouvre"].value, armature.pose.bones[
        "Tête"
    ].rotation_quaternion.copy()


def other_character(tilted):
    """Two keys and one bone, set up by hand."""
    armature = bpy.data.objects.new("Other", bpy.data.armatures.new("Other"))
    face = bpy.data.objects.new("Visage", bpy.data.meshes.new("Visage"))
    for item in (armature, face):
        bpy.context.scene.collection.objects.link(item)
    face.data.from_pydata([(0, 0, 0), (0, 0, 1), (0, 1, 0)], [], [(0, 1, 2)])
    face.shape_key_add(name="Basis")
    for name in ("Ouvre", "Sourcils"):
        face.shape_key_add(name=name).data[1].co.z = 2
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.data.edit_bones.new("Tête")
    bone.head, bone.tail = (0, 0, 0), (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    names = scenario.module("engine.head.channels").EXPRESSION_NAMES
    weights = np.zeros((len(names), 2))
    weights[names.index("jawOpen"), 0] = weights[names.index("browInnerUp"), 1] = 1.0
    mapping = scenario.module("addon.core.key_mapping").KeyMapping(("Ouvre", "Sourcils"), weights)
    settings = armature.rhetor_character
    settings.is_set_up, settings.head_bone = True, "Tête"
    settings.offsets = json.dumps({"Tête": [*tilted, 0.0, 0.0, 0.0]})
    added = settings.faces.add()
    added.mesh, added.mapping = face, mapping.to_json()
    return armature, face


def values(rig) -> dict[str, np.ndarray]:
    """What the scene shows at each frame, by amount: (T, channels)."""
    groups = scenario.module("addon.core.amount_groups")
    scene, shown = bpy.context.scene, {name: [] for name in groups.AMOUNTS}
    for frame in FRAMES:
        scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        bone = rig.armature.evaluated_get(depsgraph).pose.bones["head"]
        blocks = rig.keys.evaluated_get(depsgraph).key_blocks
        row = {name: [] for name in groups.AMOUNTS}
        row["head_rotation"].extend(bone.rotation_euler)
        row["head_location"].extend(bone.location)
        for block in blocks:
            amount = groups.amount_of(f'key_blocks["{block.name}"].value')
            if amount is not None:
                row[amount].append(block.value)
        for name, numbers in row.items():
            shown[name].append(numbers)
    return {name: np.array(rows) for name, rows in shown.items()}


def changed(rig, made, amounts, name: str, factor: float) -> dict[str, float]:
    """Set one amount and put it back; errors of what it scales and of what it must not touch."""
    setattr(amounts, name, factor)
    shown = values(rig)
    setattr(amounts, name, 1.0)
    again = values(rig)
    others = [np.abs(shown[key] - made[key]).max() for key in made if key != name]
    return {
        "scaled": float(np.abs(shown[name] - factor * made[name]).max()),
        "moves": float(np.abs(made[name]).max()),
        "others": float(max(others)),
        "back": float(max(np.abs(again[key] - made[key]).max() for key in made)),
        "trace": modifiers(rig),
    }


def curves(rig) -> list:
    channels = scenario.module("addon.compat").assigned_channels
    return [curve for owner in (rig.armature, rig.keys) for curve in channels(owner).fcurves]


def modifiers(rig) -> int:
    return sum(len(curve.modifiers) for curve in curves(rig))


def keyed(rig) -> list[np.ndarray]:
    found = []
    for curve in curves(rig):
        co = np.empty(len(curve.keyframe_points) * 2, np.float32)
        curve.keyframe_points.foreach_get("co", co)
        found.append(co)
    return found


def without_rhetor(rig, made) -> list[float]:
    """The extension is switched off; the amounts stay."""
    import addon_utils  # bpy makes it importable

    before = values(rig)
    addon_utils.disable(scenario.EXTENSION)
    after = values(rig)
    kept = max(float(np.abs(after[key] - before[key]).max()) for key in made)
    return [kept, float(np.abs(after["mouth"] - 0.25 * made["mouth"]).max())]


scenario.run(main)
