# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a part of a dialogue play: lines as NLA strips that are blended in over one of listening."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .. import compat
from ..check.animation_checks import is_take
from ..keys_write import PROVENANCE_PREFIX, WrittenPart, require_animatable
from ..scene_read import Order
from ..takes import nla
from ..takes.playback import PUSH_DOWN, Displaced, contested_by, is_foreign
from .follow import STRIP_MARK, tied_strip
from .placement import IDLE_TRACK, LINES_TRACK, Placement

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


def is_placed(owner: Any, order: Order) -> bool:
    """Whether what an order would make lies on a data-block already."""
    return any(strip.action.get(DIGEST_MARK) == order.digest for strip in _earlier(owner, order))


def fit_blend(owner: Any, order: Order) -> None:
    """Let a line that is in place come and go in the frames that an order allows."""
    for strip in _earlier(owner, order):
        if strip.action.get(DIGEST_MARK) == order.digest and _is_face(owner):
            nla.set_blend(strip, *order.face_blend)


def mute_unspoken(owner: Any, spoken: Iterable[Any]) -> None:
    """Mute the lines of a data-block whose strips of the sequencer are not among `spoken`.

    The others are unmuted. A line whose strip is gone stays as it is.
    """
    marks = {strip[STRIP_MARK] for strip in spoken if STRIP_MARK in strip}
    for line in placed_strips(owner, Placement.LINE):
        mark = line.action.get(STRIP_MARK)
        if mark in marks:
            line.mute = False
        elif tied_strip(line.action) is not None:
            line.mute = True


def _is_face(owner: Any) -> bool:
    """A face must not hide what is said just before and after a line; a head has time."""
    return bool(owner.id_type == "KEY")


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


def _earlier(owner: Any, order: Order) -> list[Any]:
    """NLA strips whose place an order takes: those of the same strip, or all listening."""
    placed = placed_strips(owner, order.placement)
    if order.placement is Placement.IDLE:
        return placed
    found = order.strip.find() if order.strip is not None else None
    mark = None if found is None else found[1].get(STRIP_MARK)
    return [strip for strip in placed if mark and strip.action.get(STRIP_MARK) == mark]


def _remove_earlier(owner: Any, order: Order) -> None:
    """Take away what an order replaces. The empty track stays: listening stays below the lines."""
    earlier = _earlier(owner, order)
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
    blend_in, blend_out = order.silent_frames
    strip = nla.add_strip(
        owner,
        LINES_TRACK if is_line else IDLE_TRACK,
        part.action,
        part.slot,
        order.start_frame,
        name=order.label,
        blend_in=blend_in,
        blend_out=blend_out,
    )
    if not is_line:
        strip.extrapolation = "HOLD"
    elif _is_face(owner):
        nla.set_blend(strip, *order.face_blend)
