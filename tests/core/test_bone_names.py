# SPDX-License-Identifier: GPL-3.0-or-later
"""Head, neck, jaw and eyes are found among the bones of common rigs."""

import pytest

from rhetor.addon.core.bone_names import BoneRoles, find_roles, sided_pairs

RIGS = {
    "Rigify": (
        "root > MCH-ROT-neck > neck > MCH-ROT-head > head > ORG-face > master_eye.L > MCH-eye.L"
        " | ORG-face > jaw_master > jaw > DEF-jaw | ORG-face > eyes > eye.L | eyes > eye.R"
        " | ORG-spine.004 > ORG-spine.006 > DEF-spine.006",
        BoneRoles("head", "neck", "jaw_master"),
    ),
    "metarig": ("spine > spine.003 > spine.004 > spine.005 > spine.006", None),
    "MPFB": (
        "root > spine05 > neck01 > neck02 > neck03 > head > jaw | head > eye.L | head > eye.R",
        BoneRoles("head", "neck01", "jaw", "eye.L", "eye.R"),
    ),
    "Mixamo": (
        "mixamorig:Spine2 > mixamorig:Neck > mixamorig:Head > mixamorig:HeadTop_End"
        " | mixamorig:Head > mixamorig:LeftEye | mixamorig:Head > mixamorig:RightEye",
        BoneRoles(
            "mixamorig:Head", "mixamorig:Neck", "", "mixamorig:LeftEye", "mixamorig:RightEye"
        ),
    ),
    "VRoid": (
        "J_Bip_C_Neck > J_Bip_C_Head > J_Adj_L_FaceEye | J_Bip_C_Head > J_Adj_R_FaceEye",
        BoneRoles("J_Bip_C_Head", "J_Bip_C_Neck", "", "J_Adj_L_FaceEye", "J_Adj_R_FaceEye"),
    ),
    "Unreal": ("spine_05 > neck_01 > neck_02 > head", BoneRoles("head", "neck_01")),
    "Character Creator": (
        "CC_Base_NeckTwist01 > CC_Base_NeckTwist02 > CC_Base_Head > CC_Base_FacialBone >"
        " CC_Base_JawRoot | CC_Base_FacialBone > CC_Base_L_Eye"
        " | CC_Base_FacialBone > CC_Base_R_Eye",
        BoneRoles(
            "CC_Base_Head",
            "CC_Base_NeckTwist01",
            "CC_Base_JawRoot",
            "CC_Base_L_Eye",
            "CC_Base_R_Eye",
        ),
    ),
    "3ds Max": ("Bip01 Neck > Bip01 Head > Bip01 HeadNub", BoneRoles("Bip01 Head", "Bip01 Neck")),
    "MMD": ("首 > 頭 > 左目 | 頭 > 右目", BoneRoles("頭", "首", "", "左目", "右目")),
    "deform only": ("DEF-neck > DEF-head", BoneRoles("DEF-head", "DEF-neck")),
    "no head": ("root > tail > tail.001", BoneRoles()),
}


def bones(text: str) -> dict[str, str | None]:
    parents: dict[str, str | None] = {}
    for chain in text.split("|"):
        above = None
        for name in (part.strip() for part in chain.split(">")):
            parents.setdefault(name, above)
            above = name
    return parents


@pytest.mark.parametrize("rig", RIGS)
def test_roles(rig):
    text, wanted = RIGS[rig]
    assert find_roles(bones(text)) == (wanted or BoneRoles("spine.006", "spine.004"))


def test_a_neck_that_does_not_carry_the_head_is_not_taken():
    assert find_roles({"neck": None, "head": None}) == BoneRoles("head")


def test_pairs_of_sides():
    names = "arm.L arm.R hand_l hand_r mixamorig:LeftLeg mixamorig:RightLeg J_Bip_L_Foot"
    names = dict.fromkeys([*names.split(), "J_Bip_R_Foot", "Lid", "skull", "toe.L"])
    assert set(sided_pairs(names)) == {
        ("arm.L", "arm.R"),
        ("hand_l", "hand_r"),
        ("mixamorig:LeftLeg", "mixamorig:RightLeg"),
        ("J_Bip_L_Foot", "J_Bip_R_Foot"),
    }
