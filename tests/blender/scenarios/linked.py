# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that are linked from another file: refused with advice, or keyed as overrides."""

import bpy
import people
import performances
import scenario


def main(audio: str, library: str, own_library: str, shot: str) -> dict:
    rig = performances.create_head(hair=False)
    collection = rig.armature.users_collection[0].name
    bpy.ops.wm.save_as_mainfile(filepath=library)
    told = {"own": {"linked": refusal(link(library, collection), audio)}}
    told["own"] |= overridden(collection, audio, shot)
    for set_up_there in (True, False):
        stranger = new_stranger(set_up_there)
        bpy.ops.wm.save_as_mainfile(filepath=own_library)
        link(own_library, stranger)
        told[f"other {set_up_there}"] = overridden(stranger, audio, shot)
    return told


def new_stranger(set_up_there: bool) -> str:
    """A character of another make, in a file of its own."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    up = (0, 0, 0), (0, 0, 0.15)
    armature = people.new_armature("Guest", {"head": (None, *up, 0.5, False)})
    names = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp")
    face = people.new_face("Guest face", {name: {name: 1.0} for name in names})
    people.follow_bone(face, armature, "head")
    if set_up_there:
        bpy.context.scene.rhetor.head = armature
        assert bpy.ops.rhetor.set_up_character() == {"FINISHED"}
    else:
        forget_rhetor(armature)
    collection = bpy.data.collections.new("Guests")
    for item in (armature, face):
        collection.objects.link(item)
    bpy.context.scene.collection.children.link(collection)
    return collection.name


def forget_rhetor(item) -> None:
    """As from a Blender without the extension, where nothing has ever asked for the settings."""
    modern = hasattr(item, "bl_system_properties_get")
    stored = (item.bl_system_properties_get() or {}) if modern else item
    if "rhetor_character" in stored:
        del stored["rhetor_character"]


def link(library: str, name: str):
    """The collection in a new file, linked."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = [name]
    linked = bpy.data.collections[name]
    bpy.context.scene.collection.children.link(linked)
    return linked


def overridden(name: str, audio: str, shot: str) -> dict:
    """Make an override as Blender does; set it up, animate it, save, open again."""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    copy = bpy.data.collections[name].override_hierarchy_create(scene, layer)
    told = {"before set-up": refusal(copy, audio)}
    setup = scenario.module("addon.characters.character_setup")
    summary = setup.set_up(bpy.context.scene.rhetor.head)
    told["notes"] = list(summary.notes)
    take = performances.random_take(1.0)
    written = scenario.module("addon.scene_write").write_performance(
        performances.performance(take, audio)
    )
    told["written"] = written.frame_count
    bpy.ops.wm.save_as_mainfile(filepath=shot)
    bpy.ops.wm.open_mainfile(filepath=shot)
    character = scenario.module("addon.characters.character").find_character(
        bpy.context.scene.rhetor.head
    )
    told["kept"] = character is not None
    if character is not None:
        told["takes"] = len(scenario.module("addon.takes.takes").takes_of(character))
    told["shown"] = shown_jaw(bpy.context.scene.rhetor.head, take)
    told["turned"] = turned(bpy.context.scene.rhetor.head)
    return told


def shown_jaw(armature, take) -> float:
    """Largest error of the jaw key as it is evaluated."""
    resampled, worst = take.resampled(24.0), 0.0
    meshes = [child for child in armature.children if child.type == "MESH"]
    (face,) = [m for m in meshes if m.data.shape_keys and "jawOpen" in m.data.shape_keys.key_blocks]
    for frame in range(1, resampled.frame_count + 1, 5):
        bpy.context.scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        keys = face.evaluated_get(depsgraph).data.shape_keys or face.data.shape_keys
        shown = keys.key_blocks["jawOpen"].value
        worst = max(worst, abs(shown - resampled.expression_channel("jawOpen")[frame - 1]))
    return float(worst)


def turned(armature) -> dict[str, float]:
    """How far each bone turns between two frames: the head by keys, our eyes by drivers."""
    poses = []
    for frame in (2, 20):
        bpy.context.scene.frame_set(frame)
        shown = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        poses.append({b.name: b.matrix_basis.to_quaternion() for b in shown.pose.bones})
    return {name: turn.rotation_difference(poses[1][name]).angle for name, turn in poses[0].items()}


def refusal(collection, audio: str) -> str:
    """What is said instead of keying; nothing may change."""
    (armature,) = [item for item in collection.all_objects if item.type == "ARMATURE"]
    bpy.context.scene.rhetor.head = armature
    before = performances.footprint()
    errors = scenario.module("engine.protocol.errors")
    try:
        performance = performances.performance(performances.random_take(1.0), audio)
        scenario.module("addon.scene_write").write_performance(performance)
    except errors.RigError as error:
        assert performances.footprint() == before
        return str(error)
    raise AssertionError("a linked head was keyed")


scenario.run(main)
