# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else's character: animated by the names of its keys, then by their shapes alone."""

import bpy
import numpy as np
import scenario
import third_party

BUILDERS = {"ict": third_party.ict_head, "mpfb": third_party.mpfb_human}
IDENTITY_PREFIX = "$"
"""MPFB's keys of who somebody is."""


def main(kind: str, folder: str, audio: str) -> dict:
    root = BUILDERS[kind](folder)
    scene = bpy.context.scene
    scene.rhetor.head, scene.rhetor.audio, scene.rhetor.style = root, audio, "lively"
    assert bpy.ops.rhetor.set_up_character() == {"FINISHED"}
    settings = root.rhetor_character
    face = settings.faces[0].mesh
    named = mapping_of(root)
    assert bpy.ops.rhetor.animate() == {"FINISHED"}
    by_name = values(face)
    turned = head_turn(root)
    forget(face, named)
    assert bpy.ops.rhetor.guess_landmarks() == {"FINISHED"}
    assert bpy.ops.rhetor.fit_mapping() == {"FINISHED"}
    fitted = mapping_of(root)
    assert bpy.ops.rhetor.animate() == {"FINISHED"}
    return {
        "bones": [settings.head_bone, settings.eye_left_bone, settings.jaw_bone],
        "named": len(named.names),
        "reached by name": list(named.reached),
        "reached by fit": list(fitted.reached),
        "turned": turned,
        **compared(face, by_name, values(face)),
    }


def mapping_of(root):
    text = root.rhetor_character.faces[0].mapping
    return scenario.module("addon.core.key_mapping").KeyMapping.from_json(text)


def values(face) -> np.ndarray:
    """(T, M) what the keys play, every third frame."""
    scene, rows = bpy.context.scene, []
    for frame in range(scene.frame_start, scene.frame_end, 3):
        scene.frame_set(frame)
        rows.append([block.value for block in face.data.shape_keys.key_blocks])
    return np.array(rows)


def head_turn(root) -> float:
    """The largest angle, in radians, by which the head is turned from its first frame."""
    scene, angles, first = bpy.context.scene, [], None
    name = root.rhetor_character.head_bone
    for frame in range(scene.frame_start, scene.frame_end, 6):
        scene.frame_set(frame)
        shown = root.evaluated_get(bpy.context.evaluated_depsgraph_get())
        matrix = shown.pose.bones[name].matrix if name else shown.matrix_world
        turn = matrix.to_quaternion()
        first = first or turn
        angles.append(first.rotation_difference(turn).angle)
    return max(angles)


def forget(face, named) -> None:
    """Take away the animation, the names of the keys, and the mapping."""
    keys = face.data.shape_keys
    keys.animation_data_clear()
    for name in named.names:
        keys.key_blocks[name].value = 0.0
    third_party.rename_keys(face)
    root = bpy.context.scene.rhetor.head
    root.rhetor_character.faces[0].mapping = ""
    try:
        bpy.ops.rhetor.suggest_mapping()
    except RuntimeError as error:
        assert "Use Fit by Shape" in str(error)
    else:
        raise AssertionError("names without meaning were recognised")


def compared(face, by_name: np.ndarray, by_fit: np.ndarray) -> dict:
    """Millimetres by which the two differ, and by which vertices move at all."""
    blocks = face.data.shape_keys.key_blocks
    rest = places(blocks[0])
    used = [k for k, b in enumerate(blocks) if k and not b.name.startswith(IDENTITY_PREFIX)]
    changes = np.array([places(blocks[k]) - rest for k in used])
    moved = np.linalg.norm(shown(by_name, used, changes), axis=2)
    miss = np.linalg.norm(shown(by_fit - by_name, used, changes), axis=2)
    moving = moved.max(axis=0) > 0.5
    return {
        "motion_mm": float(np.sqrt(np.square(moved[:, moving]).mean())),
        "error_mm": float(np.sqrt(np.square(miss[:, moving]).mean())),
        "largest_mm": float(miss.max()),
    }


def places(block) -> np.ndarray:
    flat = np.empty(3 * len(block.points), np.float32)
    block.points.foreach_get("co", flat)
    return flat


def shown(values: np.ndarray, used: list[int], changes: np.ndarray) -> np.ndarray:
    return (1000.0 * values[:, used] @ changes).reshape(len(values), -1, 3)


scenario.run(main)
