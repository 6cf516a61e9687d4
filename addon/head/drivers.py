# SPDX-License-Identifier: GPL-3.0-or-later
"""Drivers of the rig: corrective keys, keys that follow the face, eye bones.

Every expression stays within the subset that Blender evaluates itself, without Python, so that
files play and render where scripts may not run and where the extension is not installed.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ...engine.head.parts import Corrective, Eye

_VARIABLES = "abcdefgh"


def drive_corrective(keys: bpy.types.Key, corrective: Corrective, face_keys: bpy.types.Key) -> None:
    """Let a corrective key follow the expression keys of the face."""
    if corrective.kind == "bump":
        expression = "4*a*(1-a)"
    else:
        factors = [
            variable
            for variable, (_, power) in zip(_VARIABLES, corrective.terms, strict=False)
            for _ in range(power)
        ]
        expression = "*".join(factors)
    curve = keys.driver_add(f'key_blocks["{corrective.name}"].value')
    _set_expression(curve, face_keys, [name for name, _ in corrective.terms], expression)


def follow_key(keys: bpy.types.Key, name: str, leader: bpy.types.Key) -> None:
    """Let a key copy the value of the key with the same name on the face."""
    curve = keys.driver_add(f'key_blocks["{name}"].value')
    _set_expression(curve, leader, [name], "a")


def drive_eye(bone: bpy.types.PoseBone, eye: Eye, face_keys: bpy.types.Key) -> None:
    """Turn an eye bone by the gaze keys of the face: rotation_euler is (pitch, yaw, 0)."""
    for axis in range(2):
        terms = [(unit[0], unit[1 + axis]) for unit in eye.gaze if unit[1 + axis] != 0.0]
        expression = "".join(
            f"{angle:+.5f}*{variable}"
            for variable, (_, angle) in zip(_VARIABLES, terms, strict=False)
        )
        if terms:
            curve = bone.driver_add("rotation_euler", axis)
            _set_expression(curve, face_keys, [name for name, _ in terms], expression)


def _set_expression(
    curve: bpy.types.FCurve, source: bpy.types.Key, names: Iterable[str], expression: str
) -> None:
    for variable, name in zip(_VARIABLES, names, strict=False):
        item = curve.driver.variables.new()
        item.name = variable
        item.targets[0].id_type = "KEY"
        item.targets[0].id = source
        item.targets[0].data_path = f'key_blocks["{name}"].value'
    curve.driver.type = "SCRIPTED"
    curve.driver.expression = expression
