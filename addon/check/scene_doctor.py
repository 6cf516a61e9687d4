# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out why a character does not move although it has keys, or moves otherwise than keyed."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from ...engine.protocol.errors import RigError
from ...engine.provenance import engine_version
from .. import compat
from ..characters.character import Character, find_character, validate_character
from ..core.timing import rate_label
from ..keys_write import PROVENANCE_PREFIX
from ..scene_read import scene_clock
from .animation_checks import Finding, check_animation, is_take, short_name, take_curves

_TOLERANCE = 1e-3
"""Difference between key and shown value from which something else must be at work."""


@dataclass(frozen=True)
class Report:
    """What was looked at and what was found."""

    subject: str
    findings: tuple[Finding, ...]
    facts: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """One line for people."""
        if not self.findings:
            return f"{self.subject} moves as it is keyed"
        stops = sum(finding.stops for finding in self.findings)
        return f"{len(self.findings)} found, {stops} of them serious"

    @property
    def text(self) -> str:
        """The whole report, to be pasted somewhere."""
        lines = [*self.facts, self.verdict, *(f"- {finding}" for finding in self.findings)]
        return "\n".join(lines) + "\n"


def examine(context: Any, engine: str = "") -> Report:
    """Look at the character that the scene's settings name. engine: what is known of it."""
    scene = context.scene
    character = find_character(scene.rhetor.head)
    if character is None:
        picked = scene.rhetor.head.name if scene.rhetor.head else "Nothing"
        found = Finding(
            f"{picked} is not a character that Rhetor can animate yet.",
            "Press Set Up Character, or pick another one, or create a head.",
        )
        return Report(picked, (found,), _facts(scene, None, engine))
    findings = tuple(_findings(context, character))
    return Report(character.name, findings, _facts(scene, character, engine))


def obstacles(character: Character) -> Iterator[Finding]:
    """What keeps any keys of this character from being seen, whatever plays."""
    armature = character.armature
    if armature is not None:
        if armature.data.pose_position == "REST":
            yield Finding(f"{armature.name} shows its rest position.", "Set it to Pose Position.")
        yield from _constraints(armature, character.bones)
    for face in character.faces:
        yield from _face_obstacles(face, armature)


def _constraints(armature: Any, bones: tuple[str, ...]) -> Iterator[Finding]:
    for bone in filter(None, map(armature.pose.bones.get, bones)):
        for constraint in bone.constraints:
            if not constraint.mute and constraint.influence > 0.0:
                yield Finding(
                    f"The constraint {constraint.name} acts on the bone {bone.name}.",
                    "Mute it if the head does not move as it should.",
                    stops=False,
                )


def _face_obstacles(face: Any, armature: Any) -> Iterator[Finding]:
    keys = face.data.shape_keys
    if face.show_only_shape_key:
        yield Finding(f"{face.name} shows only one shape key.", "Unpin it.")
    muted = [block.name for block in keys.key_blocks if block.mute]
    if muted:
        yield Finding(
            f"{len(muted)} shape keys of {face.name} are muted, such as {muted[0]}.",
            "Tick them in the list of shape keys.",
            stops=len(muted) >= len(keys.key_blocks) - 1,
        )
    if not keys.use_relative:
        yield Finding(f"The shape keys of {face.name} are not relative.", "Tick Relative.")
    modifiers = [m for m in face.modifiers if m.type == "ARMATURE" and m.show_viewport]
    if armature is not None and not modifiers and face.parent_type != "BONE":
        yield Finding(
            f"{face.name} does not follow the bones: its Armature modifier is off or gone.",
            "Show it in the viewport again.",
        )


def _findings(context: Any, character: Character) -> Iterator[Finding]:
    try:
        validate_character(character)
    except RigError as error:
        yield Finding(error.message, error.hint)
        return
    yield from _check_view(context, character)
    yield from obstacles(character)
    parts = [
        (owner, character.what_moves_on(owner), character.animated_paths(owner))
        for owner in character.owners
    ]
    found = [finding for part in parts for finding in check_animation(*part)]
    yield from found
    yield from _check_frames(context.scene, parts)
    if not found:
        yield from _check_shown_values(context, parts)


def _check_view(context: Any, character: Character) -> Iterator[Finding]:
    items = tuple(dict.fromkeys((character.root, *character.faces)))
    for item in items:
        if item.name not in context.view_layer.objects:
            yield Finding(
                f"{item.name} is not in this view layer.", "Tick its collection in the Outliner."
            )
    if any(item.mode == "EDIT" for item in items):
        yield Finding("The head is in Edit Mode, where it does not move.", "Leave Edit Mode (Tab).")
    for face in character.faces:
        if face.name in context.view_layer.objects and not face.visible_get():
            yield Finding(f"{face.name} is hidden.", "Show it in the Outliner.")


def _check_frames(scene: Any, parts: list[tuple[Any, str, Any]]) -> Iterator[Finding]:
    found = ((owner, take_curves(owner, paths)) for owner, _, paths in parts)
    owner, curves = next(filter(lambda item: item[1], found), (None, []))
    if not curves:
        return
    first, last = (int(frame) for frame in curves[0].range())
    starts, ends = (
        (scene.frame_preview_start, scene.frame_preview_end)
        if scene.use_preview_range
        else (scene.frame_start, scene.frame_end)
    )
    if last < starts or first > ends:
        yield Finding(
            f"The take lies on frames {first} to {last}, the scene plays {starts} to {ends}.",
            "Change the frame range.",
        )
    action = owner.animation_data.action
    made_for = action.get(f"{PROVENANCE_PREFIX}fps", "") if is_take(action) else ""
    plays = rate_label(scene_clock(scene, 1).rate_hz)
    if made_for and made_for != plays:
        yield Finding(
            f"The take was made for {made_for} frames per second, the scene plays {plays}.",
            "Set the frame rate back, or animate again.",
            stops=False,
        )


def _check_shown_values(context: Any, parts: list[tuple[Any, str, Any]]) -> Iterator[Finding]:
    """Go where the keys differ most, and compare what is keyed with what is shown."""
    scene = context.scene
    frame, fraction = scene.frame_current, scene.frame_subframe
    try:
        for owner, what, paths in parts:
            yield from _compare(context, owner, what, paths)
    finally:
        scene.frame_set(frame, subframe=fraction)


def _compare(context: Any, owner: Any, what: str, paths: tuple[str, ...]) -> Iterator[Finding]:
    driven = {driver.data_path for driver in owner.animation_data.drivers}
    curves = [c for c in take_curves(owner, paths) if not c.mute and c.data_path not in driven]
    spans = {curve: _extremes(curve) for curve in curves}
    liveliest = max(curves, key=lambda curve: spans[curve][2], default=None)
    if liveliest is None:
        return
    low, high, span = spans[liveliest]
    if span < _TOLERANCE:
        yield Finding(f"All keys of {what} are alike.", "Animate again with another recording.")
        return
    for frame in (low, high):
        context.scene.frame_set(frame)
        shown = owner.evaluated_get(context.evaluated_depsgraph_get())
        value = shown.path_resolve(liveliest.data_path)
        value = value[liveliest.array_index] if hasattr(value, "__len__") else value
        keyed = liveliest.evaluate(frame)
        if abs(value - keyed) > max(_TOLERANCE, 0.01 * span):
            name = short_name(liveliest.data_path)
            yield Finding(
                f"On frame {frame} {name} is keyed {keyed:.3f} and shown {value:.3f}.",
                f"Something else moves {what}: another add-on, a script or an animation layer.",
            )
            return


def _extremes(curve: Any) -> tuple[int, int, float]:
    """Frames of the lowest and highest key, and the difference of their values."""
    keys = [point.co for point in curve.keyframe_points]
    if not keys:
        return 0, 0, 0.0
    low, high = min(keys, key=lambda co: co[1]), max(keys, key=lambda co: co[1])
    return round(low[0]), round(high[0]), high[1] - low[1]


def _facts(scene: Any, character: Character | None, engine: str) -> tuple[str, ...]:
    owners = () if character is None else character.owners
    animations = (owner.animation_data for owner in owners)
    action = next((animation.action for animation in animations if animation), None)
    return (
        f"Rhetor {engine_version()}, Blender {bpy.app.version_string}, {platform.platform()}",
        engine or "The engine does not run",
        f"{rate_label(scene_clock(scene, 1).rate_hz)} frames per second, "
        f"frames {scene.frame_start} to {scene.frame_end}, "
        f"slots: {'yes' if compat.SLOTTED_ACTIONS else 'no'}",
        f"Action: {'none' if action is None else action.name}",
    )
