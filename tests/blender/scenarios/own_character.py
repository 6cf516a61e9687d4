# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters of other makes are set up in one click and show a take as it is.

The take is a recorded one. Each rig differs in axes, size, names, keys and bones.
"""

import math
from pathlib import Path

import bpy
import numpy as np
import people
import performances
import scenario
from mathutils import Euler, Matrix

SHOWN_EVERY = 7
VISEMES = {
    "sil": {},
    "PP": {"mouthPressLeft": 0.5, "mouthPressRight": 0.5, "mouthRollLower": 0.3},
    "FF": {"mouthRollLower": 0.8, "mouthUpperUpLeft": 0.2, "mouthUpperUpRight": 0.2},
    "TH": {"jawOpen": 0.15, "tongueOut": 0.4},
    "DD": {"jawOpen": 0.2, "mouthLowerDownLeft": 0.3, "mouthLowerDownRight": 0.3},
    "kk": {"jawOpen": 0.25},
    "CH": {"mouthFunnel": 0.7, "jawOpen": 0.1},
    "SS": {"mouthStretchLeft": 0.4, "mouthStretchRight": 0.4},
    "nn": {"jawOpen": 0.15},
    "RR": {"mouthPucker": 0.5, "jawOpen": 0.1},
    "aa": {"jawOpen": 0.7},
    "E": {"jawOpen": 0.4, "mouthSmileLeft": 0.3, "mouthSmileRight": 0.3},
    "I": {"jawOpen": 0.2, "mouthSmileLeft": 0.5, "mouthSmileRight": 0.5},
    "O": {"jawOpen": 0.5, "mouthFunnel": 0.6},
    "U": {"jawOpen": 0.15, "mouthPucker": 0.9},
}
VOWELS = {"A": "aa", "I": "I", "U": "U", "E": "E", "O": "O"}
SPINE = (0.0, 0.05, -0.5), (0.0, 0.05, -0.2)


def main(audio: str, take_path: str, pictures: str) -> dict:
    read_take = scenario.module("engine.protocol.take_files").read_take
    take = read_take(Path(take_path)).resampled(24.0)
    told = {}
    for make in (vroid, centimetres, visemes_only, bones_for_all):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        told[make.__name__] = make(take, audio)
        if pictures:
            people.picture(f"{pictures}/{make.__name__}.png")
    return told


def vroid(take, audio) -> dict:
    """VRoid's names, vowels for a mouth, eyes by bones, turned and placed somewhere."""
    keys = {f"Fcl_MTH_{vowel}": VISEMES[viseme] for vowel, viseme in VOWELS.items()}
    keys |= {"Fcl_EYE_Close": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, "Fcl_HA_Hide": {}}
    armature = people.new_armature(
        "VRoid",
        {
            "J_Bip_C_Spine": (None, *SPINE, 0.3, False),
            "J_Bip_C_Neck": ("J_Bip_C_Spine", SPINE[1], (0, 0.04, 0), 1.2, True),
            "J_Bip_C_Head": ("J_Bip_C_Neck", (0, 0, 0), (0, 0.02, 0.15), -0.7, False),
            "J_Adj_L_FaceEye": (
                "J_Bip_C_Head",
                (0.029, -0.07, 0.038),
                (0.04, -0.1, 0.05),
                0,
                False,
            ),
            "J_Adj_R_FaceEye": ("J_Bip_C_Head", (-0.029, -0.07, 0.038), (-0.03, 0, 0.1), 2, False),
        },
    )
    armature.location, armature.rotation_euler = (1, 2, 3), (0, 0, 0.6)
    face = people.new_face("Face", {f"Face.M_F00_000_00_{n}": u for n, u in keys.items()})
    people.follow_bone(face, armature, "J_Bip_C_Head")
    said = set_up(face)
    told = {"said": said}
    show(take, audio, armature)
    told |= compare(take, armature, "J_Bip_C_Head", face)
    told["eyes"] = eye_error(take, armature, ("J_Adj_L_FaceEye", "J_Adj_R_FaceEye"))
    told["keys"] = keyed(face)
    told["moves"] = [move_error(take, audio, armature, local) for local in (True, False)]
    armature.data.bones["J_Bip_C_Head"].use_inherit_rotation = False
    armature.rhetor_character.neck_share = 0.6
    show(take, audio, armature)
    told["alone"] = turn_error(take, armature, "J_Bip_C_Head")
    return told


def centimetres(take, audio) -> dict:
    """As FBX brings it: centimetres, Y up, looking along Z; ARKit keys on three meshes."""
    to_armature = Matrix.Scale(100, 4) @ Matrix.Rotation(-math.pi / 2, 4, "X")
    names = scenario.module("engine.head.channels").EXPRESSION_NAMES
    armature = people.new_armature(
        "Imported",
        {
            "mixamorig:Spine": (None, (0, -50, -5), (0, -20, -5), 0, False),
            "mixamorig:Neck": ("mixamorig:Spine", (0, -20, -5), (0, 0, 0), 0.5, False),
            "mixamorig:Head": ("mixamorig:Neck", (0, 0, 0), (0, 15, 3), 1.5, True),
            "mixamorig:LeftEye": ("mixamorig:Head", (3, 4, 7), (3, 4, 9), 0, False),
            "mixamorig:RightEye": ("mixamorig:Head", (-3, 4, 7), (-3, 4, 9), 0, False),
            "mixamorig:LeftArm": ("mixamorig:Spine", (10, -20, 0), (50, -20, 0), 0, False),
            "mixamorig:RightArm": ("mixamorig:Spine", (-10, -20, 0), (-50, -20, 0), 0, False),
        },
    )
    armature.rotation_euler, armature.scale = (math.pi / 2, 0, 0.4), (0.01,) * 3
    bpy.context.view_layer.update()
    named = {n.replace("Left", "_L").replace("Right", "_R"): {n: 1.0} for n in names}
    lids = {name: units for name, units in named.items() if name.startswith("eyeBlink")}
    face = people.new_face("Face", named, to_armature=to_armature)
    lashes = people.new_face("Lashes", lids, to_armature=to_armature)
    for item in (face, lashes):
        people.follow_bone(item, armature, "mixamorig:Head")
    told = {"said": set_up(armature), "modes": {}, "halved": {}, "stopped": {}}
    settings = armature.rhetor_character
    told["axes"] = [settings.forward, settings.up, round(settings.pose_scale, 1)]
    modes = scenario.module("addon.core.rotation_channels").EULER_MODES
    face.hide_viewport = lashes.hide_viewport = True  # the bones alone are looked at
    for mode in (*modes, "QUATERNION", "AXIS_ANGLE"):
        for bone in ("mixamorig:Neck", "mixamorig:Head"):
            armature.pose.bones[bone].rotation_mode = mode
        show(take, audio, armature)
        told["modes"][mode] = turn_error(take, armature, "mixamorig:Head")
        told["halved"][mode] = angle_with(armature, 0.5) / angle_with(armature, 1.0)
        told["stopped"][mode] = angle_with(armature, 0.0)
    face.hide_viewport = lashes.hide_viewport = False
    told |= compare(take, armature, "mixamorig:Head", face)
    told["mouth"][1] /= 100
    told["keys"] = [keyed(face), keyed(lashes)]
    told["eyes"] = eye_error(take, armature, ("mixamorig:LeftEye", "mixamorig:RightEye"))
    told["eyes by"] = settings.eyes
    told["takes"] = len(scenario.module("addon.takes.takes").takes_of(character_of(armature)))
    told["findings"] = findings()
    return told


def visemes_only(take, audio) -> dict:
    """No bones at all: the object turns. A quaternion, and looking along X."""
    keys = {f"viseme_{name}": units for name, units in VISEMES.items()}
    keys |= {"eyesClosed": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}}
    quarter = Matrix.Rotation(math.pi / 2, 4, "Z")
    face = people.new_face("Talker", keys, to_armature=quarter)
    face.rotation_mode = "QUATERNION"
    face.rotation_quaternion = Euler((0.2, 0.1, 0.5)).to_quaternion()
    face.location = (0.5, 0, 0)
    bpy.context.view_layer.update()
    base = np.array(face.matrix_world)
    told = {"said": set_up(face)}
    face.rhetor_character.forward = "X"
    show(take, audio, face)
    turns, opened = [], []
    facing = base[:3, :3] @ np.array(quarter.to_3x3())
    wanted, _ = performances.expected_motion(take)
    for frame in frames(take):
        bpy.context.scene.frame_set(frame + 1)
        now = np.array(face.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world)
        turns.append(now[:3, :3] @ base[:3, :3].T)
        opened.append(people.lip_opening(face))
    target = facing @ wanted[frames(take)] @ facing.T
    told["turn_error"] = performances.angle_between(np.array(turns), target)
    told["mouth"] = alike(opened, take)
    told["keys"] = keyed(face)
    told["findings"] = findings()
    bpy.app.handlers.frame_change_post.append(hold_still)
    told["held"] = findings()
    bpy.app.handlers.frame_change_post.remove(hold_still)
    return told


def bones_for_all(take, audio) -> dict:
    """Bones for jaw and eyes, a pose that was there before, few keys, one of them driven."""
    armature = people.new_armature(
        "Puppet",
        {
            "chest": (None, *SPINE, 0, False),
            "neck": ("chest", SPINE[1], (0, 0, 0), 0, True),
            "head": ("neck", (0, 0, 0), (0, 0, 0.15), 0.4, True),
            "jaw": ("head", (0, -0.02, 0), (0, -0.09, -0.06), 0.9, False),
            "eye.L": ("head", (0.029, -0.07, 0.038), (0.029, -0.1, 0.038), 0, False),
            "eye.R": ("head", (-0.029, -0.07, 0.038), (-0.029, -0.1, 0.038), 0, False),
        },
    )
    keys = {"smile": {"mouthSmileLeft": 1, "mouthSmileRight": 1}, "browInnerUp": {"browInnerUp": 1}}
    face = people.new_face("Mask", keys)
    people.follow_bone(face, armature, "head")
    people.move_to_bone(face, "jaw", "jawOpen")
    block = face.data.shape_keys.key_blocks["browInnerUp"]
    block.driver_add("value").driver.expression = "0.25"
    tilted = armature.pose.bones["head"]
    tilted.rotation_mode, tilted.rotation_euler = "YXZ", (0.1, 0.2, 0.05)
    bpy.context.view_layer.update()
    before = people.world_turn(armature, "head")
    told = {"said": set_up(armature)}
    show(take, audio, armature)
    told |= compare(take, armature, "head", face, before)
    told["eyes"] = eye_error(take, armature, ("eye.L", "eye.R"))
    told["stopped"] = angle_with(armature, 0.0, "head", before)
    told["keys"] = keyed(face)
    told["driven"] = block.value
    told["copy"] = copied(armature, face)
    return told


def copied(armature, face) -> dict:
    """A duplicate has meshes, settings and takes of its own."""
    for item in (armature, face):
        item.select_set(True)
    assert bpy.ops.object.duplicate() == {"FINISHED"}
    (other,) = [item for item in bpy.context.selected_objects if item.type == "ARMATURE"]
    (mask,) = [item.mesh for item in other.rhetor_character.faces]
    (take,) = scenario.module("addon.takes.takes").takes_of(character_of(other))
    own = {part.owner for part in take.parts} == {other, mask.data.shape_keys}
    return {"own mesh": mask != face and mask.data != face.data, "own parts": own}


def set_up(item) -> str:
    """Pick an object and press the button; the settings in short."""
    bpy.context.scene.rhetor.head = item
    assert bpy.ops.rhetor.set_up_character() == {"FINISHED"}
    setup = scenario.module("addon.characters.character_setup").set_up(item)
    assert not bpy.types.RHETOR_PT_takes.poll(bpy.context), "no take yet"
    return " | ".join((*setup.found, *setup.missing, *setup.notes))


def show(take, audio, item) -> None:
    """Write the take as a finished job would be."""
    bpy.context.scene.rhetor.head = item
    bpy.context.scene.rhetor.start_frame = 1
    written = scenario.module("addon.scene_write").write_performance(
        performances.performance(take, audio)
    )
    assert written.frame_count == take.frame_count


def character_of(item):
    return scenario.module("addon.characters.character").find_character(item)


def findings() -> list[str]:
    """What Check Scene says."""
    assert bpy.ops.rhetor.check_scene() == {"FINISHED"}
    report = scenario.module("addon.session").current.scene_report
    return [str(finding) for finding in report.findings]


def hold_still(scene, *_depsgraph) -> None:
    """A script that puts the object back after every change of frame."""
    scene.rhetor.head.delta_rotation_quaternion = (1, 0, 0, 0)
    scene.rhetor.head.delta_location = (0, 0, 0)


def frames(take) -> range:
    return range(0, take.frame_count, SHOWN_EVERY)


def compare(take, armature, bone, face, before=None) -> dict:
    """Error of the head's turn in the world, likeness of the mouth, motion of other bones."""
    moving = character_of(armature).bones
    others = [item for item in armature.pose.bones if item.name not in moving]
    opened, still = [], 0.0
    for frame in frames(take):
        bpy.context.scene.frame_set(frame + 1)
        opened.append(people.lip_opening(face))
        for item in others:
            still = max(still, float(np.abs(np.array(item.matrix_basis) - np.eye(4)).max()))
    turned = turn_error(take, armature, bone, before)
    return {"turn_error": turned, "mouth": alike(opened, take), "others": still}


def turn_error(take, armature, bone, before=None) -> float:
    """Largest angle between where a bone is turned in the world and where the take says."""
    facing = scenario.module("addon.characters.character_bones").facing_of_settings(armature)
    axes = scenario.module("addon.core.quaternions").to_matrix(facing)
    world = np.array(armature.matrix_world.to_3x3().normalized()) @ axes
    wanted, _ = performances.expected_motion(take)
    wanted = world @ wanted[frames(take)] @ world.T @ (np.eye(3) if before is None else before)
    turns = []
    for frame in frames(take):
        bpy.context.scene.frame_set(frame + 1)
        turns.append(people.world_turn(armature, bone))
    return performances.angle_between(np.array(turns), wanted)


def move_error(take, audio, armature, local: bool) -> float:
    """Largest error in mm of where the head is, without the neck's part in it."""
    armature.data.bones["J_Bip_C_Head"].use_local_location = local
    settings = armature.rhetor_character
    settings.neck_share, settings.pose_scale = 0.0, 2.0
    show(take, audio, armature)
    rest = armature.data.bones["J_Bip_C_Head"].head_local
    worst = 0.0
    for frame in frames(take):
        bpy.context.scene.frame_set(frame + 1)
        moved = armature.pose.bones["J_Bip_C_Head"].head - rest
        worst = max(worst, np.abs(np.array(moved) * 1000 - 2 * take.pose[frame, 3:]).max())
    return float(worst)


def angle_with(armature, amount: float, bone="mixamorig:Head", before=None) -> float:
    """How far a bone is turned from where it was before, on a frame, with an amount of rotation."""
    amounts = armature.animation_data.action.rhetor_amounts
    amounts.head_rotation = amount
    bpy.context.scene.frame_set(40)
    shown = people.world_turn(armature, bone)
    amounts.head_rotation = 1.0
    return performances.angle_between(shown[None], (np.eye(3) if before is None else before)[None])


def alike(opened, take) -> list[float]:
    """Correlation of two openings, and how far the widest is of ours."""
    ours = people.our_openings(take, frames(take))
    shown = np.array(opened)
    reach = np.ptp(shown) / np.ptp(ours)
    return [float(np.corrcoef(shown, ours)[0, 1]), float(reach)]


def eye_error(take, armature, bones) -> float:
    """Largest angle between where eyes look and where the take's units say."""
    gaze = scenario.module("addon.core.head_bones").GAZE_RAD
    matrix = scenario.module("addon.core.axes").rotation_matrix
    facing = scenario.module("addon.characters.character_bones").facing_of_settings(armature)
    axes = scenario.module("addon.core.quaternions").to_matrix(facing)
    worst = 0.0
    for frame in frames(take):
        bpy.context.scene.frame_set(frame + 1)
        for side, name in zip(("Left", "Right"), bones, strict=True):
            unit = {w: take.expression_channel(f"eyeLook{w}{side}")[frame] * gaze[w] for w in gaze}
            outward = unit["Out"] - unit["In"]
            turn = matrix(unit["Down"] - unit["Up"], outward * (1 if side == "Left" else -1), 0.0)
            rest = np.array(armature.data.bones[name].matrix_local.to_3x3())
            shown = rest @ np.array(armature.pose.bones[name].matrix_basis.to_3x3()) @ rest.T
            target = axes @ turn @ axes.T
            worst = max(worst, performances.angle_between(shown[None], target[None]))
    return worst


def keyed(item) -> int:
    """Shape keys with curves on a mesh."""
    channels = scenario.module("addon.compat").assigned_channels(item.data.shape_keys)
    return 0 if channels is None else len(channels.fcurves)


scenario.run(main)
