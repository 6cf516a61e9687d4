# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences between Blender 4.2 and 5.2, each behind one named function.

The only module that looks at Blender's version or probes for what a build lacks.
"""

from __future__ import annotations

import ctypes.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

SLOTTED_ACTIONS = bpy.app.version >= (4, 4, 0)
"""One action can hold the curves of several data-blocks, each in its own slot."""

RELATIVE_PATH = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Options of a path property that may begin with "//", the folder of the .blend."""


@dataclass(frozen=True)
class ActionChannels:
    """The F-curves that one data-block has, or will have, in an action."""

    fcurves: Any
    groups: Any
    slot: Any | None


def new_action_channels(action: Any, owner: Any) -> ActionChannels:
    """An empty set of F-curves for the data-block `owner` in a new action.

    Before 4.4 an action serves one data-block only: give each its own.
    """
    if not SLOTTED_ACTIONS:
        return ActionChannels(action.fcurves, action.groups, None)
    slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
    strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
    bag = strip.channelbag(slot, ensure=True)
    return ActionChannels(bag.fcurves, bag.groups, slot)


def assigned_channels(owner: Any) -> ActionChannels | None:
    """The F-curves that play on the data-block `owner`, or None where nothing does."""
    animation = owner.animation_data
    if animation is None or animation.action is None:
        return None
    action = animation.action
    if not SLOTTED_ACTIONS:
        return ActionChannels(action.fcurves, action.groups, None)
    return _slot_channels(action, animation.action_slot)


def slot_fcurves(action: Any, slot: Any | None) -> list[Any]:
    """The F-curves that an action has in one slot; before 4.4, where slot is None, all of them."""
    if not SLOTTED_ACTIONS:
        return list(action.fcurves)
    channels = _slot_channels(action, slot)
    return [] if channels is None else list(channels.fcurves)


def _slot_channels(action: Any, slot: Any | None) -> ActionChannels | None:
    bags = (
        strip.channelbag(slot)
        for layer in action.layers
        for strip in layer.strips
        if slot is not None
    )
    bag = next(filter(None, bags), None)
    return None if bag is None else ActionChannels(bag.fcurves, bag.groups, slot)


def assign_action(owner: Any, action: Any | None, slot: Any | None) -> None:
    """Let `action` play on the data-block `owner`, through `slot` where Blender has slots."""
    animation = owner.animation_data or owner.animation_data_create()
    animation.action = action
    if SLOTTED_ACTIONS and action is not None:
        animation.action_slot = slot


def assigned_slot(owner: Any) -> Any | None:
    """The slot through which the data-block's action plays; None before 4.4."""
    animation = owner.animation_data
    return animation.action_slot if SLOTTED_ACTIONS and animation is not None else None


def set_strip_slot(strip: Any, slot: Any | None) -> None:
    """Let an NLA strip play its action through `slot` where Blender has slots."""
    if SLOTTED_ACTIONS:
        strip.action_slot = slot


def strip_slot(strip: Any) -> Any | None:
    """The slot through which an NLA strip plays its action; None before 4.4."""
    return strip.action_slot if SLOTTED_ACTIONS else None


def slots_for(action: Any, owner: Any) -> list[Any]:
    """The slots of an action that are meant for data-blocks like `owner`, in order.

    Before 4.4 [None] where the whole action is.
    """
    if not SLOTTED_ACTIONS:
        return [None] if action.id_root == owner.id_type else []
    return [slot for slot in action.slots if slot.target_id_type == owner.id_type]


def fcurves_by_slot(action: Any, name: Callable[[Any | None], str]) -> dict[str, list[Any]]:
    """The F-curves of each slot under name(slot); before 4.4 all of them under name(None)."""
    if not SLOTTED_ACTIONS:
        return {name(None): list(action.fcurves)}
    return {name(slot): slot_fcurves(action, slot) for slot in action.slots}


def all_fcurves(action: Any) -> list[Any]:
    """The F-curves of an action, whatever data-block they are for."""
    if not SLOTTED_ACTIONS:
        return list(action.fcurves)
    bags = (bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags)
    return [curve for bag in bags for curve in bag.fcurves]


def new_fcurve(channels: ActionChannels, data_path: str, index: int, group: str) -> Any:
    """A new, empty F-curve in a named group."""
    if bpy.app.version >= (5, 0, 0):
        return channels.fcurves.new(data_path, index=index, group_name=group)
    if not SLOTTED_ACTIONS:
        return channels.fcurves.new(data_path, index=index, action_group=group)
    curve = channels.fcurves.new(data_path, index=index)
    curve.group = channels.groups.get(group) or channels.groups.new(group)
    return curve


def keeps_override_settings(original: Any, name: str) -> bool:
    """Whether a file keeps a group of settings on the override of a linked object.

    From 5.0 on only where the linked object has such a group itself.
    """
    if bpy.app.version < (5, 0, 0):
        return True
    stored = original.bl_system_properties_get()
    return stored is not None and name in stored


def sequencer_strips(editor: Any) -> Any:
    """The strips of a sequence editor (`strips`, until 4.4 `sequences`)."""
    strips = getattr(editor, "strips", None)
    return editor.sequences if strips is None else strips


def strip_span(strip: Any) -> tuple[int, int]:
    """First frame of a strip and the frame after its last."""
    if bpy.app.version >= (5, 1, 0):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def strip_content(strip: Any) -> tuple[float, float]:
    """The frames where a strip's own content begins and ends, however it is trimmed."""
    if bpy.app.version >= (5, 1, 0):
        return float(strip.content_start), float(strip.content_end)
    return float(strip.frame_start), float(strip.frame_start + strip.frame_duration)


def move_strip_content(strip: Any, content_start: float) -> None:
    """Move a strip of the sequencer so that its content begins on a frame."""
    if bpy.app.version >= (5, 1, 0):
        strip.content_start = content_start
    else:
        strip.frame_start = content_start


def trimmed_frames(strip: Any) -> int:
    """Frames of a sound strip's file that are cut off for good before its content begins."""
    if bpy.app.version >= (5, 1, 0):
        return int(strip.content_trim_start)
    return int(strip.animation_offset_start)


def sound_offset_s(strip: Any) -> float:
    """Seconds by which the sound of a strip is shifted within it; strips have it since 4.5."""
    return float(getattr(strip, "sound_offset", 0.0))


def is_retimed(strip: Any) -> bool:
    """Whether a strip of the sequencer has speeds of its own."""
    return bool(len(getattr(strip, "retiming_keys", ())))


def sequencer_scene(context: Any) -> Any:
    """The scene whose strips the sequencer shows; from 5.0 on not always that of the window."""
    return getattr(context.workspace, "sequencer_scene", None) or context.scene


def all_sequencer_strips(editor: Any) -> Any:
    """The strips of a sequence editor, those inside of meta strips too."""
    strips = getattr(editor, "strips_all", None)
    return editor.sequences_all if strips is None else strips


def active_sequencer_strip(context: Any) -> Any | None:
    """The strip of the sequencer that is active, or None."""
    editor = sequencer_scene(context).sequence_editor
    return None if editor is None else editor.active_strip


def has_sound() -> bool:
    """Whether this build plays and encodes sound (Audaspace)."""
    return bool(bpy.app.build_options.audaspace)  # the module aud may be missing all the same


def has_offscreen_gpu() -> bool:
    """Whether Workbench and EEVEE can render without a display; without EGL they abort."""
    return sys.platform != "linux" or ctypes.util.find_library("EGL") is not None


def eevee_engine() -> str:
    """Identifier of EEVEE."""
    return "BLENDER_EEVEE" if bpy.app.version >= (5, 0, 0) else "BLENDER_EEVEE_NEXT"


def use_video_output(image_settings: Any) -> None:
    """Let a render write a video file."""
    if bpy.app.version >= (5, 0, 0):
        image_settings.media_type = "VIDEO"
    image_settings.file_format = "FFMPEG"
