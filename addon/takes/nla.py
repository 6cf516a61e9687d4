# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips of the NLA: put an action there without changing what it shows, find it again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from .. import compat
from ..keys_write import TAKE_MARK

TAKE_TRACK = "Rhetor take"
"""Where a take plays that is not the active action."""

_LEAST_FRAMES = 1.0

_KEPT_SETTINGS = (
    "use_sync_length",
    "action_frame_start",
    "action_frame_end",
    "scale",
    "repeat",
    "use_reverse",
    "blend_type",
    "extrapolation",
    "use_auto_blend",
    "blend_in",
    "blend_out",
    "influence",
    "mute",
)
"""What a strip keeps when it goes to another track."""
_MARGIN_FRAMES = 1000.0
"""A cycle goes on so far before and after the frames that are known to be wanted."""


def push_down(owner: Any, track_name: str = "", span: tuple[float, float] | None = None) -> Any:
    """Move the active action of a data-block to a new track on top of the others; its strip.

    It shows what it showed: same slot, blending and influence, held before and after. What goes on
    by itself (cycles, straight lines) does so over `span`, first and last frame, and well beyond.
    The data-block is then without an active action. track_name: "" is the action's own name.
    """
    animation = owner.animation_data
    action, slot = animation.action, compat.assigned_slot(owner)
    frames = _span(action, slot, span)
    _switch_on(animation)
    track = animation.nla_tracks.new()
    track.name = track_name or action.name
    strip = _new_strip(track, action, slot, frames, frames[0])
    strip.extrapolation = animation.action_extrapolation
    strip.blend_type = animation.action_blend_type
    if animation.action_influence < 1.0:
        key_influence(strip, animation.action_influence)
    compat.assign_action(owner, None, None)
    animation.action_extrapolation, animation.action_blend_type = "HOLD", "REPLACE"
    animation.action_influence = 1.0
    return strip


def add_strip(
    owner: Any,
    track_name: str,
    action: Any,
    slot: Any | None,
    start_frame: float,
    *,
    name: str = "",
    blend_in: float = 0.0,
    blend_out: float = 0.0,
) -> Any:
    """Let an action play on a data-block as an NLA strip whose first key is at `start_frame`.

    It goes on the first track of that name which has room, else on a new one on top. Before and
    after the strip nothing of it shows. blend_in, blend_out: frames in which it comes and
    goes. name: "" is the action's own.
    """
    first, last = _span(action, slot, None)
    track = ensure_track(owner, track_name, start_frame, start_frame + last - first)
    strip = _new_strip(track, action, slot, (first, last), start_frame)
    strip.name = name or action.name
    strip.extrapolation = "NOTHING"
    strip.use_auto_blend = False
    strip.blend_in, strip.blend_out = blend_in, blend_out
    return strip


def ensure_track(owner: Any, name: str, first: float = 0.0, last: float = 0.0) -> Any:
    """The lowest track of that name with room from `first` to `last`, else a new one on top.

    What is on a higher track wins: ask for tracks in the order in which they are to lie.
    """
    animation = owner.animation_data or owner.animation_data_create()
    _switch_on(animation)
    for track in animation.nla_tracks:
        if track.name == name and all(
            strip.frame_end <= first or strip.frame_start >= last for strip in track.strips
        ):
            return track
    track = animation.nla_tracks.new()
    track.name = name
    return track


def find_strips(owner: Any, take_id: str) -> tuple[tuple[Any, Any], ...]:
    """(track, strip) of every strip on a data-block that plays a take."""
    return tuple(
        (track, strip)
        for track, strip in all_strips(owner)
        if strip.action is not None and strip.action.get(TAKE_MARK) == take_id
    )


def all_strips(owner: Any) -> Iterator[tuple[Any, Any]]:
    """(track, strip) of everything in a data-block's NLA, from the bottom track up."""
    animation = owner.animation_data
    for track in () if animation is None else animation.nla_tracks:
        for strip in track.strips:
            yield track, strip


def take_strip(owner: Any) -> Any | None:
    """The strip through which a whole take plays on a data-block, or None."""
    return next((s for track, s in all_strips(owner) if track.name == TAKE_TRACK), None)


def place_take(owner: Any, action: Any, slot: Any | None) -> Any:
    """Let a take play as a strip on its keys' own frames, held before and after.

    A take that played so before makes room; keys on the strip's influence stay.
    """
    first, last = _span(action, slot, None)
    strip = take_strip(owner)
    if strip is None:
        strip = add_strip(owner, TAKE_TRACK, action, slot, first)
        strip.extrapolation = "HOLD"
        return strip
    before, strip.action = strip.action, action
    if before != action:
        before.use_fake_user = True
    compat.set_strip_slot(strip, slot)
    strip.name = action.name
    strip.action_frame_start, strip.action_frame_end = first, last
    _move_to(strip, first, last)
    return strip


def remove_strip(owner: Any, strip: Any) -> None:
    """Take a strip away, and its track where nothing else is on it."""
    tracks = owner.animation_data.nla_tracks
    track = next(track for track, found in all_strips(owner) if found == strip)
    track.strips.remove(strip)
    if not len(track.strips):
        tracks.remove(track)


def set_blend(strip: Any, blend_in: float, blend_out: float) -> None:
    """Let a strip come and go in so many frames; it begins and ends so much earlier or later."""
    earlier, later = blend_in - strip.blend_in, blend_out - strip.blend_out
    if not earlier and not later:
        return
    frames = strip.frame_start - earlier, strip.frame_end + later
    strip.action_frame_start -= earlier
    strip.action_frame_end += later
    _move_to(strip, *frames)
    strip.blend_in, strip.blend_out = blend_in, blend_out


def shift_strips(owners: Iterable[Any], action: Any, frames: int) -> bool:
    """Move every strip that plays an action on these data-blocks; whether there was one."""
    found = [
        (owner, track, strip)
        for owner in owners
        for track, strip in all_strips(owner)
        if strip.action == action
    ]
    for owner, track, strip in found:
        _shift(owner, track, strip, frames)
    return bool(found)


def _shift(owner: Any, track: Any, strip: Any, frames: int) -> None:
    """Move a strip in time; to another track of that name where its own has no room."""
    first, last = strip.frame_start + frames, strip.frame_end + frames
    others = [other for other in track.strips if other != strip]
    if all(
        other.frame_end <= min(first, strip.frame_start)
        or other.frame_start >= max(last, strip.frame_end)
        for other in others
    ):
        # A strip that is shorter than nothing, if only for a moment, loses its blending.
        if frames > 0:
            strip.frame_end_raw, strip.frame_start_raw = last, first
        else:
            strip.frame_start_raw, strip.frame_end_raw = first, last
        return
    # A new strip has the whole length of its action at first.
    whole = strip.action.frame_range[1] - strip.action.frame_range[0]
    beside = ensure_track(owner, track.name, first, max(last, first + whole))
    moved = beside.strips.new(strip.name, math.floor(first), strip.action)
    compat.set_strip_slot(moved, compat.strip_slot(strip))
    for name in _KEPT_SETTINGS:
        setattr(moved, name, getattr(strip, name))
    moved.frame_start_raw, moved.frame_end_raw = first, last
    track.strips.remove(strip)


def key_influence(strip: Any, influence: float = 1.0) -> None:
    """Give a strip an influence that can be keyed, with one key. One that is keyed stays."""
    if strip.use_animated_influence:
        return
    strip.use_animated_influence = True
    for point in strip.fcurves.find("influence").keyframe_points:
        point.co.y = point.handle_left.y = point.handle_right.y = influence
    strip.influence = influence


def _span(action: Any, slot: Any | None, wider: tuple[float, float] | None) -> tuple[float, float]:
    """First and last frame of what an action does to one data-block, some way apart."""
    curves = compat.slot_fcurves(action, slot)
    ranges = [curve.range() for curve in curves if len(curve.keyframe_points)] or [(0.0, 0.0)]
    first, last = min(r[0] for r in ranges), max(r[1] for r in ranges)
    if wider is not None and any(_goes_on(curve) for curve in curves):
        first = min(first, wider[0] - _MARGIN_FRAMES)
        last = max(last, wider[1] + _MARGIN_FRAMES)
    return first, max(last, first + _LEAST_FRAMES)


def _goes_on(curve: Any) -> bool:
    """Whether an F-curve changes outside its keys."""
    return curve.extrapolation == "LINEAR" or len(curve.modifiers) > 0


def _new_strip(
    track: Any, action: Any, slot: Any | None, frames: tuple[float, float], start_frame: float
) -> Any:
    """A strip of the first to the last of these frames of an action."""
    strip = track.strips.new(action.name, math.floor(start_frame), action)
    compat.set_strip_slot(strip, slot)
    strip.use_sync_length = False
    strip.action_frame_start, strip.action_frame_end = frames
    _move_to(strip, start_frame, start_frame + frames[1] - frames[0])
    return strip


def _move_to(strip: Any, first: float, last: float) -> None:
    # Not `frame_start`: it would scale the strip or be held back by its own old end.
    strip.frame_start_raw, strip.frame_end_raw = first, last
    strip.scale = 1.0


def _switch_on(animation: Any) -> None:
    """Let the NLA play; tracks that did not play because it was off are muted."""
    if not animation.use_nla:
        for track in animation.nla_tracks:
            track.mute = True
        animation.use_nla = True
