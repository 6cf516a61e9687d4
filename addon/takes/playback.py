# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a take play on a character, beside the animation that is there already.

A take is the active action of its data-blocks, or a strip on their NLA track `nla.TAKE_TRACK`.
An earlier take makes room and stays in the file. An action that is no take is a person's work: it
is pushed down and plays on under the take, or left where it is, with the take under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import compat
from ..check.animation_checks import is_take
from ..keys_write import WrittenPart, require_animatable
from . import nla

PUSH_DOWN, LEAVE = "PUSH_DOWN", "LEAVE"

Span = tuple[float, float]
_NAMES_SHOWN = 4


@dataclass(frozen=True)
class Displaced:
    """What became of the actions that played before, by name.

    set_aside: takes, and actions without keys; they stay in the file. pushed_down: on NLA tracks
    under the take. left: still active, above the take. contested: properties which one of these
    animates as well as the take.
    """

    set_aside: tuple[str, ...] = ()
    pushed_down: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    contested: tuple[str, ...] = ()

    @property
    def news(self) -> tuple[str, ...]:
        """The same without takes that made room for a take, which is nothing new."""
        return replace(self, set_aside=()).messages

    @property
    def messages(self) -> tuple[str, ...]:
        """What the person should know."""
        said = []
        if self.set_aside:
            said.append(f"The earlier animation was kept as {_listed(self.set_aside)}.")
        if self.pushed_down:
            plays_on = f"{_listed(self.pushed_down)} plays on in the NLA, under the take"
            but = f", except for {_listed(self.contested)}" if self.contested else ""
            said.append(f"{plays_on}{but}.")
        elif self.left and self.contested:
            said.append(
                f"{_listed(self.left)} hides the take's {_listed(self.contested)}. "
                "Choose Push Down in the panel Advanced, or delete these keys."
            )
        return tuple(said)


def play(parts: Iterable[WrittenPart], existing: str, span: Span | None = None) -> Displaced:
    """Let the parts of a take play. existing: PUSH_DOWN or LEAVE.

    span: frames over which pushed down cycles go on. Raises RigError where a data-block cannot be
    animated; everything then plays as before.
    """
    parts = tuple(parts)
    for part in parts:
        require_animatable(part.owner)
    displaced: list[Displaced] = []
    undo: list[Callable[[], None]] = []
    try:
        for part in parts:
            undo.append(_memory(part.owner))
            displaced.append(_play_part(part, existing, span))
    except Exception:
        for restore in reversed(undo):
            restore()
        raise
    return Displaced(
        *(
            tuple(dict.fromkeys(name for one in displaced for name in getattr(one, field)))
            for field in ("set_aside", "pushed_down", "left", "contested")
        )
    )


def play_as_strips(parts: Sequence[WrittenPart]) -> None:
    """Move a take from the active action to NLA strips, whose influence can be keyed.

    Raises RigError where one of the data-blocks cannot be animated.
    """
    for part in parts:
        require_animatable(part.owner)
    for part in parts:
        if is_take(part.owner.animation_data.action):
            compat.assign_action(part.owner, None, None)
        nla.key_influence(nla.place_take(part.owner, part.action, part.slot))


def play_active(parts: Sequence[WrittenPart], span: Span) -> None:
    """Move a take from its NLA strips to the active action, over which no strip lies.

    What a person has made active is pushed down; span: as in `play`. Raises RigError where one of
    the data-blocks cannot be animated.
    """
    for part in parts:
        require_animatable(part.owner)
    for part in parts:
        strip = nla.take_strip(part.owner)
        if strip is not None:
            nla.remove_strip(part.owner, strip)
    play(parts, PUSH_DOWN, span)


def plays_as_strip(owner: Any) -> bool:
    """Whether a whole take plays on a data-block as a strip of the NLA."""
    return nla.take_strip(owner) is not None and not is_take(owner.animation_data.action)


def playing_action(owner: Any) -> Any | None:
    """The take that plays on a data-block, as the active action or as a strip; None without one."""
    animation = owner.animation_data
    if animation is None:
        return None
    if is_take(animation.action):
        return animation.action
    strip = nla.take_strip(owner)
    return None if strip is None or strip.mute else strip.action


def is_foreign(owner: Any) -> bool:
    """Whether the active action of a data-block is no take and does something."""
    animation = owner.animation_data
    if animation is None or animation.action is None or is_take(animation.action):
        return False
    return bool(compat.slot_fcurves(animation.action, compat.assigned_slot(owner)))


def _play_part(part: WrittenPart, existing: str, span: Span | None) -> Displaced:
    owner = part.owner
    if is_foreign(owner):
        return _play_beside(part, existing, span)
    animation = owner.animation_data
    before = None if animation is None else animation.action
    if nla.take_strip(owner) is not None:
        before = before or nla.take_strip(owner).action
        compat.assign_action(owner, None, None)
        nla.place_take(owner, part.action, part.slot)
    else:
        compat.assign_action(owner, part.action, part.slot)
    if before is None or before == part.action:
        return Displaced()
    before.use_fake_user = True
    return Displaced(set_aside=(before.name,))


def _play_beside(part: WrittenPart, existing: str, span: Span | None) -> Displaced:
    owner = part.owner
    foreign = owner.animation_data.action
    contested = contested_by(part)
    if existing == LEAVE:
        nla.place_take(owner, part.action, part.slot)
        return Displaced(left=(foreign.name,), contested=contested)
    earlier = nla.take_strip(owner)
    set_aside: tuple[str, ...] = ()
    if earlier is not None:
        set_aside = (earlier.action.name,)
        earlier.action.use_fake_user = True
        nla.remove_strip(owner, earlier)
    nla.push_down(owner, span=span)
    compat.assign_action(owner, part.action, part.slot)
    return Displaced(set_aside, (foreign.name,), contested=contested)


def contested_by(part: WrittenPart) -> tuple[str, ...]:
    """Bones, keys and properties that a part and the owner's active action both animate."""
    foreign = part.owner.animation_data.action
    theirs = compat.slot_fcurves(foreign, compat.assigned_slot(part.owner))
    ours = {(c.data_path, c.array_index) for c in compat.slot_fcurves(part.action, part.slot)}
    shared = [c.data_path for c in theirs if (c.data_path, c.array_index) in ours]
    return tuple(dict.fromkeys(p.split('"')[1] if '"' in p else p for p in shared))


def _memory(owner: Any) -> Callable[[], None]:
    """What lets a data-block play again what it plays now."""
    had_animation = owner.animation_data is not None
    animation = owner.animation_data or owner.animation_data_create()
    names = ("action_extrapolation", "action_blend_type", "action_influence", "use_nla")
    settings = {name: getattr(animation, name) for name in names}
    action, slot = animation.action, compat.assigned_slot(owner)
    mutes = [(track, track.mute) for track in animation.nla_tracks]
    strip = nla.take_strip(owner)
    taken = None if strip is None else (strip.action, compat.strip_slot(strip))

    def restore() -> None:
        for track in [t for t in animation.nla_tracks if t not in [known for known, _ in mutes]]:
            animation.nla_tracks.remove(track)
        for track, mute in mutes:
            track.mute = mute
        if taken is not None:
            nla.place_take(owner, *taken)
        compat.assign_action(owner, action, slot)
        for name, value in settings.items():
            setattr(animation, name, value)
        if not had_animation:
            owner.animation_data_clear()

    return restore


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
