# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a part of a dialogue play: lines as NLA strips that are blended in over one of listening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import compat, nla
from .animation_checks import is_take
from .follow import STRIP_MARK
from .keys_write import PROVENANCE_PREFIX, WrittenPart, require_animatable
from .placement import IDLE_TRACK, LINES_TRACK, Placement
from .playback import PUSH_DOWN, Displaced, contested_by, is_foreign
from .scene_read import Order

PLACEMENT_MARK = f"{PROVENANCE_PREFIX}placement"
DIGEST_MARK = f"{PROVENANCE_PREFIX}digest"


def play_in_dialogue(
    parts: Sequence[WrittenPart], order: Order, existing: str, span: tuple[int, int]
) -> Displaced:
    """Put a line, or listening, on its track; what it replaces there stays in the file.

    existing, span: as in `playback.play`, for what is active on the character. Raises RigError
    where a data-block cannot be animated; nothing has been changed then.
    """
    for part in parts:
        require_animatable(part.owner)
    made = [_make_room(part, existing, span) for part in parts]
    for part in parts:
        _remove_earlier(part.owner, order)
        _add(part, order)
    return Displaced(
        *(
            tuple(dict.fromkeys(name for one in made for name in getattr(one, field)))
            for field in ("set_aside", "pushed_down", "left", "contested")
        )
    )


def placed_strips(owner: Any, placement: Placement) -> list[Any]:
    """The NLA strips of a data-block that are part of a dialogue in that way."""
    return [
        strip
        for _, strip in nla.all_strips(owner)
        if strip.action is not None and strip.action.get(PLACEMENT_MARK) == placement.value
    ]


def blend_frames(order: Order) -> int:
    """Frames before and after a line in which it comes and goes: those of its margins."""
    return round(order.request.margin_s * order.request.fps)


def _make_room(part: WrittenPart, existing: str, span: tuple[int, int]) -> Displaced:
    """Nothing active may lie over the dialogue, unless it is somebody's and is to be left."""
    owner = part.owner
    set_aside: list[str] = []
    whole_take = nla.take_strip(owner)
    if whole_take is not None:
        whole_take.action.use_fake_user = True
        set_aside.append(whole_take.action.name)
        nla.remove_strip(owner, whole_take)
    animation = owner.animation_data
    active = None if animation is None else animation.action
    if active is None:
        return Displaced(tuple(set_aside))
    if not is_foreign(owner):
        active.use_fake_user = True
        compat.assign_action(owner, None, None)
        kept = [active.name] if is_take(active) else []
        return Displaced((*set_aside, *kept))
    contested = contested_by(part)
    if existing != PUSH_DOWN:
        return Displaced(tuple(set_aside), left=(active.name,), contested=contested)
    nla.push_down(owner, span=span)
    return Displaced(tuple(set_aside), (active.name,), contested=contested)


def _remove_earlier(owner: Any, order: Order) -> None:
    """Take away what was made of the same strip before, or the listening before this one.

    The empty track stays, so that listening stays below the lines.
    """
    earlier = placed_strips(owner, order.placement)
    if order.placement is Placement.LINE:
        found = order.strip.find() if order.strip is not None else None
        mark = None if found is None else found[1].get(STRIP_MARK)
        earlier = [strip for strip in earlier if strip.action.get(STRIP_MARK) == mark]
    for track, strip in list(nla.all_strips(owner)):
        if strip in earlier:
            strip.action.use_fake_user = True
            track.strips.remove(strip)


def _add(part: WrittenPart, order: Order) -> None:
    owner = part.owner
    tracks = () if owner.animation_data is None else owner.animation_data.nla_tracks
    if IDLE_TRACK not in [track.name for track in tracks]:
        nla.ensure_track(owner, IDLE_TRACK)
    is_line = order.placement is Placement.LINE
    blend = blend_frames(order) if is_line else 0
    strip = nla.add_strip(
        owner,
        LINES_TRACK if is_line else IDLE_TRACK,
        part.action,
        part.slot,
        order.start_frame,
        name=order.label,
        blend_in=blend,
        blend_out=blend,
    )
    if not is_line:
        strip.extrapolation = "HOLD"
