# SPDX-License-Identifier: GPL-3.0-or-later
"""A character with shape keys of meaningless names: fit, edit, test, presets, animate."""

import json
from pathlib import Path

import bpy
import numpy as np
import scenario


def main(audio: str, landmarks: str, folder: str) -> dict:
    names = scenario.module("engine.head.channels").EXPRESSION_NAMES
    root, face = character()
    bpy.context.scene.rhetor.head = root
    told = {"suggest": said(bpy.ops.rhetor.suggest_mapping)}
    told["fit without landmarks"] = not bpy.ops.rhetor.fit_mapping.poll()
    mark(face, landmarks)
    add_teeth(face)
    told["fit in use"] = said(bpy.ops.rhetor.fit_mapping)
    for block in face.data.shape_keys.key_blocks[1:]:
        block.value = 0.0
    assert bpy.ops.rhetor.fit_mapping("INVOKE_DEFAULT") == {"FINISHED"}
    told["fit"] = compare(root, names)
    told["teeth"] = teeth_of(root)
    told["fit again"] = fit_again(root)
    told["explained"] = json.loads(root.rhetor_mapping.fitted)
    told["edit"] = edit(root, face)
    told["test"] = try_out(root, face)
    told["presets"] = presets(root, folder)
    told["take"] = animate(root, face, audio)
    told["facing"] = facing(root, face)
    told["landmarks"] = clear(face)
    return told


def character() -> tuple:
    """Our own head's face as one mesh of decimetres, its keys renamed, shuffled and scaled."""
    head = scenario.module("engine.head.model").load_head()
    part = head.face
    mesh = bpy.data.meshes.new("Gesicht")
    mesh.from_pydata((part.neutral * 0.01).tolist(), [], part.faces())
    face = bpy.data.objects.new("Gesicht", mesh)
    bpy.context.scene.collection.objects.link(face)
    face.location, face.rotation_euler = (3.0, 1.0, 2.0), (0.3, 0.0, 1.0)
    face.shape_key_add(name="Basis")
    dense = part.shapes.dense()
    for place, unit in enumerate(order()):
        size = 1.0 if place % 2 else 0.8
        row = part.keys.index(scenario.module("engine.head.channels").EXPRESSION_NAMES[unit])
        block = face.shape_key_add(name=f"Schlüssel {place}")
        moved = (part.neutral + size * dense[row]) * 0.01
        block.data.foreach_set("co", moved.astype(np.float32).ravel())
        block.value = 1.0
    bpy.context.view_layer.update()
    settings = face.rhetor_character
    settings.is_set_up = True
    settings.faces.add().mesh = face
    return face, face


def add_teeth(face) -> None:
    """A mesh of its own that has some of the same keys."""
    mesh = bpy.data.meshes.new("Zähne")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    teeth = bpy.data.objects.new("Zähne", mesh)
    bpy.context.scene.collection.objects.link(teeth)
    teeth.parent = face
    for name in ("Basis", "Schlüssel 3", "Schlüssel 7", "Anderes"):
        teeth.shape_key_add(name=name).value = 0.0


def teeth_of(root) -> list[str]:
    read = scenario.module("addon.core.key_mapping").KeyMapping.from_json
    faces = {face.mesh.name: read(face.mapping).names for face in root.rhetor_character.faces}
    return list(faces["Zähne"])


def fit_again(root) -> list[bool]:
    """Fitting anew takes along what has not been edited, and leaves what has."""
    face, teeth = root.rhetor_character.faces
    before = face.mapping
    face.mapping = before.replace("jawOpen", "jawForward")
    teeth.mapping = (
        scenario.module("addon.core.key_mapping")
        .KeyMapping.from_json(face.mapping)
        .only(teeth.mesh.data.shape_keys.key_blocks.keys())
        .to_json()
    )
    assert bpy.ops.rhetor.fit_mapping() == {"FINISHED"}
    follows = len(teeth_of(root)) == 2 and face.mapping == before
    edited = teeth.mapping.replace('"range": [0.0', '"range": [0.1')
    teeth.mapping = edited
    assert bpy.ops.rhetor.fit_mapping() == {"FINISHED"}
    return [follows, teeth.mapping == edited]


def order() -> list[int]:
    return np.random.default_rng(4).permutation(52).tolist()


def mark(face, landmarks: str) -> None:
    places = json.loads(Path(landmarks).read_text("utf-8"))
    scaled = {name: [0.01 * value for value in place] for name, place in places.items()}
    scenario.module("addon.characters.face_read").store_landmarks(face, scaled)


def compare(root, names) -> dict:
    """The fitted weights against those that undo the disguise."""
    mapping = scenario.module("addon.core.key_mapping").KeyMapping.from_json(
        root.rhetor_character.faces[0].mapping
    )
    true = np.zeros((52, 52))
    found = np.zeros((52, 52))
    for place, unit in enumerate(order()):
        true[unit, place] = 1.0 if place % 2 else 1.25
        key = f"Schlüssel {place}"
        if key in mapping.names:
            found[:, place] = mapping.weights[:, mapping.names.index(key)]
    return {"mae": float(np.abs(found - true).mean()), "keys": len(mapping.names)}


def edit(root, face) -> dict:
    settings = scenario.module("addon.characters.mapping_settings")
    view, told = root.rhetor_mapping, {}
    assert not bpy.ops.rhetor.add_mapping_unit.poll()
    view.active_key = 1
    key = face.data.shape_keys.key_blocks[1].name

    def units() -> dict:
        return settings.units_of(settings.mapping_of(root.rhetor_character.faces[0]), key)

    (unit,) = units()
    before = dict(units())
    setattr(view, settings.factor_property(unit), 0.5)
    told["changed"] = units()[unit]
    assert bpy.ops.rhetor.add_mapping_unit(unit="browInnerUp") == {"FINISHED"}
    told["added"] = units()["browInnerUp"]
    assert bpy.ops.rhetor.remove_mapping_unit(unit="browInnerUp") == {"FINISHED"}
    told["removed"] = sorted(units()) == [unit]
    assert bpy.ops.rhetor.clear_mapping_key() == {"FINISHED"}
    told["cleared"] = units() == {}
    assert bpy.ops.rhetor.add_mapping_unit(unit=unit) == {"FINISHED"}
    setattr(view, settings.factor_property(unit), before[unit])
    told["back"] = abs(units()[unit] - before[unit]) < 1e-5
    told["fit is forgotten"] = view.fitted == ""
    return told


def try_out(root, face) -> dict:
    """The test slider shows a unit, and leaves the face as it was."""
    blocks, view = face.data.shape_keys.key_blocks, root.rhetor_mapping
    blocks[3].value = 0.25
    before = [block.value for block in blocks]
    view.test_unit, view.test_amount = "jawOpen", 0.6
    jaw = scenario.module("engine.head.channels").EXPRESSION_NAMES.index("jawOpen")
    place = order().index(jaw)
    shown = blocks[f"Schlüssel {place}"].value
    others = sum(b.value > 0.02 for b in blocks[1:]) - 1
    view.test_unit = "eyeBlinkLeft"
    closed = blocks[f"Schlüssel {place}"].value
    view.test_amount = 0.0
    after = [block.value for block in blocks]
    blocks[3].value = 0.0
    size = 1.0 if place % 2 else 1.25
    return {
        "shown": shown / (0.6 * size),
        "others": others,
        "closed": closed,
        "restored": before == after,
    }


def presets(root, folder: str) -> dict:
    face = root.rhetor_character.faces[0]
    full, told = face.mapping, {}
    assert bpy.ops.rhetor.save_mapping_preset(name="Mein Gesicht ü") == {"FINISHED"}
    told["names"] = scenario.module("addon.characters.mapping_presets").preset_names()
    file = Path(folder) / "map ü.json"
    assert bpy.ops.rhetor.export_mapping(filepath=str(file)) == {"FINISHED"}
    face.mapping = ""
    assert bpy.ops.rhetor.load_mapping_preset(name=told["names"][0]) == {"FINISHED"}
    told["loaded"] = face.mapping == full
    face.mapping = ""
    assert bpy.ops.rhetor.import_mapping(filepath=str(file)) == {"FINISHED"}
    told["imported"] = face.mapping == full
    other = Path(folder) / "other.json"
    other.write_text(full.replace("Schlüssel", "Key"), "utf-8")
    told["other keys"] = said(bpy.ops.rhetor.import_mapping, filepath=str(other))
    other.write_text('{"format": "x"}', "utf-8")
    told["foreign"] = said(bpy.ops.rhetor.import_mapping, filepath=str(other))
    told["nowhere"] = said(bpy.ops.rhetor.import_mapping, filepath=str(Path(folder) / "no.json"))
    told["unchanged"] = face.mapping == full
    assert bpy.ops.rhetor.remove_mapping_preset(name=told["names"][0]) == {"FINISHED"}
    told["left"] = scenario.module("addon.characters.mapping_presets").preset_names()
    told["gone"] = said(bpy.ops.rhetor.load_mapping_preset, name=told["names"][0])
    return told


def animate(root, face, audio: str) -> dict:
    """The keys follow the take as the mapping says."""
    bpy.context.scene.rhetor.audio = audio
    assert bpy.ops.rhetor.animate() == {"FINISHED"}
    channels = scenario.module("addon.compat").assigned_channels(face.data.shape_keys)
    curves = list(channels.fcurves)
    spread = [np.ptp([p.co[1] for p in curve.keyframe_points]) for curve in curves]
    return {"curves": len(curves), "moving": int(sum(s > 0.01 for s in spread))}


def facing(root, face) -> list[bool]:
    """A head that lies on its back in its own axes is read upright."""
    read = scenario.module("addon.characters.face_read")
    names = face.data.shape_keys.key_blocks.keys()
    upright = read.read_face(face, root, names)
    root.rhetor_character.forward, root.rhetor_character.up = "Z", "Y"
    lying = read.read_face(face, root, names)
    turned = np.stack([lying.vertices[:, 0], lying.vertices[:, 2], -lying.vertices[:, 1]], axis=1)
    place = read.to_mesh_axes(lying.landmarks["nose_tip"], face, root)
    stored = read.read_landmarks(face)["nose_tip"]
    root.rhetor_character.forward, root.rhetor_character.up = "-Y", "Z"
    return [
        bool(np.allclose(turned, upright.vertices, atol=1e-5)),
        bool(np.allclose(place, stored, atol=1e-5)),
    ]


def clear(face) -> dict:
    read = scenario.module("addon.characters.face_read").read_landmarks
    before = len(read(face))
    assert bpy.ops.rhetor.clear_landmarks() == {"FINISHED"}
    return {
        "before": before,
        "after": len(read(face)),
        "poll": bpy.ops.rhetor.clear_landmarks.poll(),
    }


def said(operator, **values) -> str:
    try:
        operator(**values)
    except RuntimeError as error:
        return " ".join(str(error).split())
    raise AssertionError(f"{operator} went through")


scenario.run(main)
